"""gnt-job: look at jobs, follow, cancel and archive them."""

from collections.abc import Sequence

from ganeti.cli.command import Tool

TOOL = Tool("gnt-job", {
    "list": "listing:LIST",
    "list-fields": "listing:LIST_FIELDS",
    "info": "info:INFO",
    "watch": "follow:WATCH",
    "wait": "follow:WAIT",
    "cancel": "change:CANCEL",
    "change-priority": "change:CHANGE_PRIORITY",
    "archive": "archive:ARCHIVE",
    "autoarchive": "archive:AUTOARCHIVE",
}, aliases={"show": "info"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool."""
    return TOOL.main(argv)
