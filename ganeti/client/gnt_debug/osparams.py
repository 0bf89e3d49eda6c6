"""gnt-debug test-osparams."""

from __future__ import annotations

from ganeti.cli import jobs, opcode_options
from ganeti.cli.command import Command
from ganeti.cli.option import Values
from ganeti.opcodes.test import OpTestOsParams


def test_osparams(values: Values, args: list[str]) -> int:
    """Send secret OS parameters through the queue."""
    jobs.submit_or_send(opcode_options.build(OpTestOsParams, values), values)
    return 0


TEST_OSPARAMS = Command(
    test_osparams,
    options=opcode_options.options_of(OpTestOsParams, dry_run=False, priority=False),
    help="Send secret OS parameters through the queue",
    example="gnt-debug test-osparams --os-parameters-secret=key=value")
