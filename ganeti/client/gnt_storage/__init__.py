"""gnt-storage: look at external storage providers."""

from collections.abc import Sequence

from ganeti.cli.command import Tool

TOOL = Tool("gnt-storage", {
    "diagnose": "show:DIAGNOSE",
    "info": "show:INFO",
})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool."""
    return TOOL.main(argv)
