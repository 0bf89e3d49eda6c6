"""Jobs: seen, waited for, cancelled."""

from __future__ import annotations

from typing import Any

from ganeti.rapi import fields
from ganeti.rapi.base import (
    ACCESS_WRITE,
    BULK,
    OWN_BODY,
    Ask,
    Call,
    Resource,
    links,
    map_rows,
    only_row,
)

_BASE = "/2/jobs"
_ONE = _BASE + "/{job_id}"
_WAIT = 10.0
"""Seconds that a waiting request is held."""


def _list(call: Call) -> list[Any]:
    """All jobs that are not archived."""
    if call.flag("bulk"):
        rows = call.luxi.query_jobs(None, fields.JOB_BULK)
        return map_rows(fields.JOB_BULK, [row for row in rows if row is not None])
    return links(_BASE, [row[0] for row in call.luxi.query_jobs(None, ["id"])], "id")


def _show(call: Call) -> dict[str, Any]:
    """One job with its log and results."""
    job = int(call.path["job_id"])
    row = only_row(call.luxi.query_jobs([job], fields.JOB), f"Job {job}")
    return map_rows(fields.JOB, [row])[0]


def _cancel(call: Call) -> Any:
    """Cancel a job: whether that was possible, and a text."""
    return call.luxi.cancel_job(int(call.path["job_id"]))


def _wait(call: Call) -> dict[str, Any] | None:
    """Wait up to 10 seconds for a change of some fields or a new log entry; null without one."""
    wanted = call.body_item("fields", list)
    previous = call.body_item("previous_job_info", (list, type(None)), None)
    serial = call.body_item("previous_log_serial", (int, type(None)), None)
    row, entries = call.luxi.wait_for_job_change_once(
        int(call.path["job_id"]), wanted, previous, serial, _WAIT)
    if row == previous and not entries:
        return None
    return {"job_info": row, "log_entries": entries}


RESOURCES = [
    Resource(_BASE, "jobs", GET=Ask(_list, args=[BULK])),
    Resource(_ONE, "jobs_id", GET=Ask(_show), DELETE=Ask(_cancel, access=ACCESS_WRITE)),
    Resource(_ONE + "/wait", "jobs_id_wait", GET=Ask(
        _wait, access=ACCESS_WRITE, body=OWN_BODY, slow=True,
        parameters={"fields": "list", "previous_job_info": "list or null",
                    "previous_log_serial": "integer or null"})),
]
