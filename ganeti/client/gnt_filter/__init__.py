"""gnt-filter: rules that decide which jobs may start."""

from collections.abc import Sequence

from ganeti.cli.command import Tool

TOOL = Tool("gnt-filter", {
    "add": "change:ADD",
    "replace": "change:REPLACE",
    "delete": "change:DELETE",
    "list": "show:LIST",
    "list-fields": "show:LIST_FIELDS",
    "info": "show:INFO",
})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool."""
    return TOOL.main(argv)
