"""gnt-job list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ganeti.cli import listing
from ganeti.cli.command import JOB, Command, many
from ganeti.cli.option import STORE_TRUE, Option, Values
from ganeti.cli.standard import LIST_OPTIONS, job_status_option

_USUAL = ["id", "status", "summary"]

PENDING = job_status_option("--pending", ["canceling", "queued", "waiting"],
                            "Only jobs that have not begun")
_OPTIONS = [
    *LIST_OPTIONS, PENDING,
    job_status_option("--running", ["running"], "Only jobs that run"),
    job_status_option("--error", ["error"], "Only jobs that ended with an error"),
    job_status_option("--finished", ["canceled", "error", "success"], "Only jobs that have ended"),
    Option("--archived", dest="archived", action=STORE_TRUE, default=False,
           help="Archived jobs as well"),
]


def status_filter(states: Sequence[str]) -> list[Any]:
    """A filter for jobs in one of these states."""
    return ["|", *[["=", "status", state] for state in states]]


def _moment(value: Any) -> str:
    """A pair of seconds and microseconds in local time."""
    from ganeti.cli import table
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return f"{table.timestamp(value[0])}.{value[1]:06d}"
    return "N/A"


def _moments(value: Any) -> str:
    return ",".join(_moment(item) for item in value)


_OWN: dict[str, Callable[[Any], str]] = {
    "summary": lambda value: ",".join(str(item) for item in value), "status": str,
    "received_ts": _moment, "start_ts": _moment, "end_ts": _moment,
    "opstart": _moments, "opexec": _moments, "opend": _moments}


def list_jobs(values: Values, args: list[str]) -> int:
    """Print jobs as a table."""
    if values.archived:
        values.output = ",".join([*listing.chosen_fields(values.output, _USUAL), "archived"])
    qfilter = status_filter(values.status_filter) if values.status_filter else None
    return listing.show("job", values, args, _USUAL, qfilter=qfilter, own=_OWN, name_field="id",
                        numeric=True)


LIST = Command(list_jobs, args=[many(JOB)], options=_OPTIONS, help="List jobs",
               example="gnt-job list --running")
LIST_FIELDS = listing.list_fields_command("job", "gnt-job")
