"""gnt-debug: try the queue, and look at locks."""

from collections.abc import Sequence

from ganeti.cli.command import Tool

TOOL = Tool("gnt-debug", {
    "delay": "delay:DELAY",
    "submit-job": "submit:SUBMIT_JOB",
    "locks": "locks:LOCKS",
    "iallocator": "iallocator:IALLOCATOR",
    "test-jobqueue": "jobqueue:TEST_JOBQUEUE",
    "test-osparams": "osparams:TEST_OSPARAMS",
}, aliases={"allocator": "iallocator"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool."""
    return TOOL.main(argv)
