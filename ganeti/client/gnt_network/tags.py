"""The tags of networks."""

from ganeti.cli import tagging
from ganeti.cli.command import NETWORK

LIST_TAGS, ADD_TAGS, REMOVE_TAGS = tagging.commands("network", NETWORK, "gnt-network")
