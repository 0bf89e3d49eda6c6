"""gnt-backup: instances written to a node and restored from it."""

from collections.abc import Sequence

from ganeti.cli.command import Tool

TOOL = Tool("gnt-backup", {
    "export": "change:EXPORT",
    "import": "change:IMPORT",
    "list": "show:LIST",
    "list-fields": "show:LIST_FIELDS",
    "remove": "change:REMOVE",
})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool."""
    return TOOL.main(argv)
