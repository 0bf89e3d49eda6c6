"""gnt-network: IP networks and their address pools."""

from collections.abc import Sequence

from ganeti.cli.command import Tool

TOOL = Tool("gnt-network", {
    "add": "change:ADD",
    "list": "show:LIST",
    "list-fields": "show:LIST_FIELDS",
    "info": "show:INFO",
    "modify": "change:MODIFY",
    "remove": "change:REMOVE",
    "connect": "connect:CONNECT",
    "disconnect": "connect:DISCONNECT",
    "list-tags": "tags:LIST_TAGS",
    "add-tags": "tags:ADD_TAGS",
    "remove-tags": "tags:REMOVE_TAGS",
})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool."""
    return TOOL.main(argv)
