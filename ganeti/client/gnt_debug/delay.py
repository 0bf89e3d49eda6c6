"""gnt-debug delay."""

from __future__ import annotations

from typing import Any

from ganeti.cli import jobs, opcode_options, types
from ganeti.cli.command import UNKNOWN, Command, one
from ganeti.cli.option import Values
from ganeti.cli.report import to_stdout
from ganeti.opcodes.test import OpTestDelay


def delay(values: Values, args: list[str]) -> int:
    """Run a job that waits."""
    from ganeti import errors
    try:
        duration = types.number(args[0])
    except ValueError as err:
        raise errors.OpPrereqError(str(err), errors.ECODE_INVAL) from None
    op = opcode_options.build(OpTestDelay, values, duration=duration)
    if values.interruptible:
        jobs.submit_or_send(op, values, feedback=_show)
    else:
        jobs.submit_or_send(op, values)
    return 0


def _show(entry: Any) -> None:
    """An interruptible delay tells its socket in its log."""
    if entry[2] == "delay-test":
        to_stdout(f"The delay can be ended through {entry[3]}")
    else:
        jobs.print_entry(entry)


DELAY = Command(delay, args=[one(UNKNOWN, "seconds")],
                options=opcode_options.options_of(OpTestDelay),
                help="Run a job that waits", example="gnt-debug delay 2.5")
