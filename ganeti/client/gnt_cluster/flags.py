"""gnt-cluster queue and watcher."""

from __future__ import annotations

import time

from ganeti import errors
from ganeti.cli import jobs
from ganeti.cli.command import CHOICE, SUGGEST, Arg, Command
from ganeti.cli.option import Values
from ganeti.cli.report import to_stdout


def queue(values: Values, args: list[str]) -> int:
    """Close or open the job queue, or tell which it is."""
    luxi = jobs.client()
    if args[0] == "info":
        (drained,) = luxi.query_config_values(["drain_flag"])
        to_stdout(f"The drain flag is {'set' if drained else 'unset'}")
    else:
        luxi.set_drain_flag(args[0] == "drain")
    return 0


def watcher(values: Values, args: list[str]) -> int:
    """Pause the watcher, let it go on, or tell which it does."""
    from ganeti.utils import text
    luxi = jobs.client()
    if args[0] == "pause":
        if len(args) < 2:
            raise errors.OpPrereqError("Give how long to pause, as in '1h'", errors.ECODE_INVAL)
        until = luxi.set_watcher_pause(time.time() + text.parse_duration(args[1]))
        to_stdout(f"The watcher is paused until {text.format_time(until)}.")
        return 0
    if len(args) > 1:
        raise errors.OpPrereqError(f"'{args[0]}' takes no duration", errors.ECODE_INVAL)
    if args[0] == "continue":
        luxi.set_watcher_pause(None)
        to_stdout("The watcher is no longer paused.")
        return 0
    (until,) = luxi.query_config_values(["watcher_pause"])
    to_stdout("The watcher is not paused." if until is None or until < time.time()
              else f"The watcher is paused until {text.format_time(until)}.")
    return 0


QUEUE = Command(queue, args=[Arg(CHOICE, choices=("drain", "undrain", "info"))],
                help="Close the job queue for new jobs, open it, or show which it is",
                example="gnt-cluster queue drain")
WATCHER = Command(
    watcher, args=[Arg(CHOICE, choices=("pause", "continue", "info")),
                   Arg(SUGGEST, 0, 1, choices=("30m", "1h", "4h"), label="duration")],
    help="Pause the watcher, let it go on, or show which it does",
    example="gnt-cluster watcher pause 1h")
