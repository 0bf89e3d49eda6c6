"""gnt-os: look at OS definitions, and set their parameters."""

from collections.abc import Sequence

from ganeti.cli.command import Tool

TOOL = Tool("gnt-os", {
    "list": "show:LIST",
    "info": "show:INFO",
    "diagnose": "diagnose:DIAGNOSE",
    "modify": "modify:MODIFY",
}, aliases={"show": "info"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool."""
    return TOOL.main(argv)
