"""gnt-debug locks."""

from __future__ import annotations

import time
from typing import Any

from ganeti.cli import jobs, listing
from ganeti.cli.command import Command
from ganeti.cli.option import Option, Values
from ganeti.cli.report import to_stdout
from ganeti.cli.standard import FIELDS, LIST_VERBOSE, TABLE_OPTIONS

_USUAL = ["name", "mode", "owner", "pending"]


def _mode(value: Any) -> str:
    return "none" if value is None else str(value)


def _owner(value: Any) -> str:
    return ",".join(str(item) for item in value) if value else "none"


def _pending(value: Any) -> str:
    if not value:
        return "none"
    return " ".join(f"{mode}:{','.join(str(item) for item in owners)}" for mode, owners in value)


_OWN = {"mode": _mode, "owner": _owner, "pending": _pending}


def locks(values: Values, args: list[str]) -> int:
    """Print the locks, perhaps again and again."""
    luxi = jobs.client()
    wanted = listing.chosen_fields(values.output, _USUAL)
    while True:
        status = listing.print_answer(luxi.query("lock", wanted, None), values, _OWN)
        if not values.interval:
            return status
        to_stdout("")
        time.sleep(values.interval)


LOCKS = Command(locks, options=[
    *TABLE_OPTIONS, FIELDS,
    Option("--interval", dest="interval", type="int", metavar="SECONDS",
           help="Show them again and again, with this pause"),
    LIST_VERBOSE], help="Show who holds and who waits for locks",
    example="gnt-debug locks -o name,mode,owner,pending")
