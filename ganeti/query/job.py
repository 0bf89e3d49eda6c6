"""Fields of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti import constants, errors, ht, opcodes
from ganeti.objects import job as job_facts
from ganeti.query.fields import (
    BOOL,
    COMPARE_SECONDS,
    NUMBER,
    OTHER,
    TEXT,
    Context,
    FieldRow,
    Getter,
    Resource,
    attribute,
    or_unavailable,
)
from ganeti.query.source import JobView, OpView

#: The need of the field that makes archived jobs be read.
ARCHIVED = "archived jobs"


def _status(job: JobView, _context: Context) -> str:
    return job_facts.job_status(op.status for op in job.ops)


def _priority(job: JobView, _context: Context) -> int:
    return job_facts.job_priority((op.status, op.priority) for op in job.ops)


def _input(op: OpView) -> dict[str, Any]:
    data: dict[str, Any] = op.input.to_dict() if hasattr(op.input, "to_dict") else op.input
    return data


def _timestamp(name: str) -> Getter:
    def get(job: JobView, _context: Context) -> Any:
        return or_unavailable(getattr(job, name))
    return get


def _of_ops(name: str) -> Getter:
    def get(job: JobView, _context: Context) -> list[Any]:
        return [getattr(op, name) for op in job.ops]
    return get


def _summary(job: JobView, _context: Context) -> list[str]:
    return [opcodes.summary_of(_input(op)) for op in job.ops]


def _items(context: Context, names: Sequence[Any] | None) -> list[Any]:
    """The jobs in the order of their ids, or those asked for."""
    archived = ARCHIVED in context.live
    if names is None:
        return sorted(context.source.jobs(None, archived), key=lambda job: job.id)
    ids = [_job_id(name) for name in names]
    found = {job.id: job for job in context.source.jobs(ids, archived)}
    for job_id in ids:
        if job_id not in found:
            raise errors.OpPrereqError(f"There is no job {job_id}", errors.ECODE_NOENT)
    return [found[job_id] for job_id in ids]


def _job_id(value: Any) -> int:
    try:
        job_id: int = ht.JobId.check(value)
    except ht.Mismatch as err:
        raise errors.OpPrereqError(str(err), errors.ECODE_INVAL) from None
    return job_id


def _gather(context: Context, _items: Sequence[Any], needs: frozenset[str]) -> None:
    if ARCHIVED in needs:
        context.live[ARCHIVED] = True


ROWS = [
    FieldRow("id", "ID", NUMBER, "Number of the job", attribute("id")),
    FieldRow("status", "Status", TEXT, "State of the job", _status),
    FieldRow("summary", "Summary", OTHER, "A word for each opcode", _summary),
    FieldRow("priority", "Priority", NUMBER, "Priority: -20 is first, 19 is last", _priority),
    FieldRow("archived", "Archived", BOOL, "Has it been archived?", attribute("archived"),
             needs=[ARCHIVED]),
    FieldRow("received_ts", "Received", OTHER, "When it was submitted",
             _timestamp("received_timestamp"), compare=COMPARE_SECONDS),
    FieldRow("start_ts", "Start", OTHER, "When it began", _timestamp("start_timestamp"),
             compare=COMPARE_SECONDS),
    FieldRow("end_ts", "End", OTHER, "When it ended", _timestamp("end_timestamp"),
             compare=COMPARE_SECONDS),
    FieldRow("ops", "OpCodes", OTHER, "Its opcodes",
             lambda job, context: [_input(op) for op in job.ops]),
    FieldRow("opstatus", "OpCode_status", OTHER, "State of each opcode", _of_ops("status")),
    FieldRow("opresult", "OpCode_result", OTHER, "Result of each opcode", _of_ops("result")),
    FieldRow("oplog", "OpCode_log", OTHER, "Log of each opcode",
             lambda job, context: [list(op.log) for op in job.ops]),
    FieldRow("oppriority", "OpCode_prio", OTHER, "Priority of each opcode", _of_ops("priority")),
    FieldRow("opstart", "OpCode_start", OTHER, "When each opcode began, locks included",
             _of_ops("start_timestamp")),
    FieldRow("opexec", "OpCode_exec", OTHER, "When each opcode had its locks",
             _of_ops("exec_timestamp")),
    FieldRow("opend", "OpCode_end", OTHER, "When each opcode ended", _of_ops("end_timestamp")),
]

RESOURCE = Resource(constants.QR_JOB, "id", ROWS, _items, _gather, lists_before_fields=True)
