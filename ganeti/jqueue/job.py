"""Jobs and their opcodes as the queue keeps them, in the form of the job file."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable
from typing import Any

from ganeti import constants, errors, opcodes, serializer
from ganeti.utils import text

Timestamp = list[int]
"""``[seconds, microseconds]``."""


def now() -> Timestamp:
    """The present as a timestamp."""
    return text.split_time(time.time_ns())


class QueuedOp:
    """One opcode of a job with its state.

    ``input`` is what may be stored and shown: the opcode's wire form with its secrets censored.
    ``opcode`` is the opcode itself; None in finished jobs that were read from disk.
    """

    __slots__ = ("end_timestamp", "exec_timestamp", "input", "log", "opcode", "priority", "result",
                 "start_timestamp", "status")

    def __init__(self, opcode: opcodes.OpCode | None, data: dict[str, Any],
                 priority: int = constants.OP_PRIO_DEFAULT) -> None:
        self.opcode = opcode
        self.input = data
        self.status = constants.OP_STATUS_QUEUED
        self.result: Any = None
        self.log: list[list[Any]] = []
        self.priority = priority
        self.start_timestamp: Timestamp | None = None
        self.exec_timestamp: Timestamp | None = None
        self.end_timestamp: Timestamp | None = None

    @property
    def is_final(self) -> bool:
        return self.status in constants.OPS_FINALIZED

    def finish(self, status: str, result: Any, end: Timestamp | None = None) -> None:
        """Bring the opcode to its end."""
        self.status = status
        self.result = result
        self.end_timestamp = end or now()

    def to_dict(self) -> dict[str, Any]:
        """The form of the job file."""
        return {"input": self.input, "status": self.status, "result": self.result,
                "log": self.log, "priority": self.priority, "start_timestamp": self.start_timestamp,
                "exec_timestamp": self.exec_timestamp, "end_timestamp": self.end_timestamp}

    @classmethod
    def from_dict(cls, data: Any) -> QueuedOp:
        """Read the form of the job file."""
        if not isinstance(data, dict) or not isinstance(data.get("input"), dict):
            raise errors.JobFileCorrupted("an opcode has no input")
        if data.get("status") not in constants.OP_STATUS_ALL:
            raise errors.JobFileCorrupted(f"an opcode has the status {data.get('status')!r}")
        priority = data.get("priority", constants.OP_PRIO_DEFAULT)
        if not isinstance(priority, int):
            raise errors.JobFileCorrupted(f"an opcode has the priority {priority!r}")
        op = cls(None, data["input"], priority)
        op.status = data["status"]
        op.result = data.get("result")
        op.log = _checked_log(data.get("log", []))
        op.start_timestamp = _checked_time(data.get("start_timestamp"))
        op.exec_timestamp = _checked_time(data.get("exec_timestamp"))
        op.end_timestamp = _checked_time(data.get("end_timestamp"))
        return op

    def summary(self) -> str:
        """The opcode in one word, such as INSTANCE_STARTUP(web1)."""
        return opcodes.summary_of(self.input)


def _checked_time(value: Any) -> Timestamp | None:
    if value is None or (isinstance(value, list) and len(value) == 2
                         and all(isinstance(part, int) for part in value)):
        return value
    raise errors.JobFileCorrupted(f"{value!r} is not a timestamp")


def _checked_log(value: Any) -> list[list[Any]]:
    if not isinstance(value, list) or not all(
            isinstance(entry, list) and len(entry) == 4 and isinstance(entry[0], int)
            for entry in value):
        raise errors.JobFileCorrupted("the log of an opcode is damaged")
    return value


class Job:
    """A list of opcodes that are run one after the other."""

    __slots__ = ("archived", "end_timestamp", "id", "log_serial", "ops", "received_timestamp",
                 "start_timestamp", "version")

    def __init__(self, job_id: int, ops: Iterable[QueuedOp]) -> None:
        self.id = job_id
        self.ops = list(ops)
        self.received_timestamp: Timestamp | None = None
        self.start_timestamp: Timestamp | None = None
        self.end_timestamp: Timestamp | None = None
        self.archived = False
        self.log_serial = max((entry[0] for op in self.ops for entry in op.log), default=0)
        self.version = 0

    @property
    def status(self) -> str:
        """The first error or cancellation decides, then whether all have succeeded."""
        status = constants.JOB_STATUS_QUEUED
        successes = 0
        for op in self.ops:
            if op.status in _DECIDING:
                return op.status
            if op.status == constants.OP_STATUS_SUCCESS:
                successes += 1
            elif op.status != constants.OP_STATUS_QUEUED:
                status = op.status
        if successes == len(self.ops):
            return constants.JOB_STATUS_SUCCESS
        return status

    @property
    def is_final(self) -> bool:
        return self.status in constants.JOBS_FINALIZED

    @property
    def priority(self) -> int:
        """The most urgent of the unfinished opcodes."""
        return min((op.priority for op in self.ops if not op.is_final),
                   default=constants.OP_PRIO_DEFAULT)

    def unfinished(self) -> list[QueuedOp]:
        """The opcodes that have not come to an end."""
        return [op for op in self.ops if not op.is_final]

    def dependencies(self) -> list[tuple[int, list[str]]]:
        """(job id, final states that will do) of every job that this one waits for."""
        found = []
        for op in self.ops:
            for job_id, statuses in op.input.get("depends") or []:
                found.append((int(job_id), list(statuses)))
        return found

    def reasons(self) -> list[list[Any]]:
        """All entries of the reason trails."""
        return [entry for op in self.ops for entry in op.input.get("reason") or []]

    def log_after(self, serial: int) -> list[list[Any]]:
        """Log entries that are newer than a serial."""
        return [entry for op in self.ops for entry in op.log if entry[0] > serial]

    def copy(self) -> Job:
        """A copy whose states can be changed; inputs and log entries are shared."""
        new = copy.copy(self)
        new.ops = [copy.copy(op) for op in self.ops]
        return new

    def to_dict(self) -> dict[str, Any]:
        """The form of the job file."""
        return {"id": self.id, "ops": [op.to_dict() for op in self.ops],
                "received_timestamp": self.received_timestamp,
                "start_timestamp": self.start_timestamp, "end_timestamp": self.end_timestamp}

    def encode(self) -> str:
        """The text of the job file."""
        return serializer.dumps(self.to_dict())

    @classmethod
    def decode(cls, data: bytes | str, job_id: int) -> Job:
        """Read a job file; ``JobFileCorrupted`` says what is wrong with it."""
        try:
            tree = serializer.load(data)
        except errors.ParseError as err:
            raise errors.JobFileCorrupted(f"Job {job_id}: the job file is no JSON: {err}") from err
        if not isinstance(tree, dict) or not isinstance(tree.get("ops"), list) or not tree["ops"]:
            raise errors.JobFileCorrupted(f"Job {job_id}: the job file holds no opcodes")
        if str(tree.get("id")) != str(job_id):
            raise errors.JobFileCorrupted(
                f"Job {job_id}: the job file is that of job {str(tree.get('id'))[:20]}")
        try:
            job = cls(job_id, [QueuedOp.from_dict(op) for op in tree["ops"]])
            job.received_timestamp = _checked_time(tree.get("received_timestamp"))
            job.start_timestamp = _checked_time(tree.get("start_timestamp"))
            job.end_timestamp = _checked_time(tree.get("end_timestamp"))
        except errors.JobFileCorrupted as err:
            raise errors.JobFileCorrupted(f"Job {job_id}: {err}") from err
        return job


_DECIDING = frozenset([constants.OP_STATUS_ERROR, constants.OP_STATUS_CANCELING,
                       constants.OP_STATUS_CANCELED])


def make(job_id: int, ops: Iterable[opcodes.OpCode], received_ns: int) -> Job:
    """A new job; each opcode's reason trail gets the entry of this job."""
    queued = []
    for index, op in enumerate(ops):
        source = f"{constants.OPCODE_REASON_SRC_OPCODE}:{op.OP_ID.removeprefix('OP_').lower()}"
        op.reason = [*(op.reason or []), [source, f"job={job_id};index={index}", received_ns]]
        queued.append(QueuedOp(op, stored_form(op), op.priority))
    job = Job(job_id, queued)
    job.received_timestamp = text.split_time(received_ns)
    return job


def stored_form(op: opcodes.OpCode) -> dict[str, Any]:
    """The wire form of an opcode without its secrets, as plain JSON."""
    data: dict[str, Any] = serializer.load(serializer.dump(op.to_dict(secrets=False)))
    return data


def lost_secrets(data: Any) -> bool:
    """Whether a stored opcode lacks values that were never written to disk."""
    if isinstance(data, dict):
        return any(map(lost_secrets, data.values()))
    if isinstance(data, list):
        return any(map(lost_secrets, data))
    return isinstance(data, str) and data == serializer.REDACTED


def parse_id(value: Any) -> int:
    """A job id as clients send it: a number, or its digits."""
    if isinstance(value, str) and value.isdecimal() and len(value) <= constants.JOB_ID_DIGITS:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise errors.OpPrereqError(f"'{str(value)[:40]}' is not a job id", errors.ECODE_INVAL)
