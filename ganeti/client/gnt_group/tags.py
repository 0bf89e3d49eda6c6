"""The tags of node groups."""

from ganeti.cli import tagging
from ganeti.cli.command import GROUP

LIST_TAGS, ADD_TAGS, REMOVE_TAGS = tagging.commands("nodegroup", GROUP, "gnt-group")
