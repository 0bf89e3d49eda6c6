"""The tags of nodes."""

from ganeti.cli import tagging
from ganeti.cli.command import NODE

LIST_TAGS, ADD_TAGS, REMOVE_TAGS = tagging.commands("node", NODE, "gnt-node")
