"""The tags of instances."""

from ganeti.cli import tagging
from ganeti.cli.command import INSTANCE

LIST_TAGS, ADD_TAGS, REMOVE_TAGS = tagging.commands("instance", INSTANCE, "gnt-instance")
