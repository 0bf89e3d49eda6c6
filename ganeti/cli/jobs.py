"""Submitting jobs, following them, and telling how they ended."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from ganeti import errors
from ganeti.cli.option import Values
from ganeti.cli.report import JobSubmitted, describe, to_stderr, to_stdout
from ganeti.constants import jobs as constants

#: How long a job may stay in its state before we say what it is waiting for.
_QUIET = 2.0


_clients: list[Any] = []


def client() -> Any:
    """A connection to the master daemon; it is closed when the command ends."""
    from ganeti.luxi import client as luxi
    _clients.append(luxi.Client())
    return _clients[-1]


def close_clients() -> None:
    """Close all connections to the master daemon."""
    while _clients:
        _clients.pop().close()


def _prepare(op: Any, values: Values) -> Any:
    """Give an opcode what all commands have in common: priority, dry run and reason."""
    priority = getattr(values, "priority", None)
    if priority is not None:
        op.priority = priority
    if getattr(values, "dry_run", False):
        op.dry_run = True
    if getattr(values, "debug", 0):
        op.debug_level = values.debug
    now = time.time_ns()
    trail = [list(entry) for entry in op.reason or []]
    if getattr(values, "reason", None):
        trail.append([constants.OPCODE_REASON_SRC_USER, values.reason, now])
    source = f"{constants.OPCODE_REASON_SRC_CLIENT}:{getattr(values, 'tool', 'ganeti')}"
    op.reason = [*trail, [source, getattr(values, "command", ""), now]]
    return op


def submit(ops: Sequence[Any], values: Values, luxi: Any) -> int:
    """Submit a job; its number."""
    job_id: int = luxi.submit_job([_prepare(op, values) for op in ops])
    if getattr(values, "print_jobid", False):
        to_stdout(str(job_id))
        sys.stdout.flush()
    return job_id


def submit_or_send(op: Any, values: Values, luxi: Any = None, *,
                   feedback: Callable[[Any], None] | None = None) -> Any:
    """Run an opcode as a job and give back its result; with --submit do not wait."""
    luxi = luxi or client()
    job_id = submit([op], values, luxi)
    if getattr(values, "submit_only", False):
        raise JobSubmitted(job_id)
    return wait(job_id, luxi, feedback=feedback)[0]


def wait(job_id: int, luxi: Any, *, feedback: Callable[[Any], None] | None = None,
         notices: bool = True) -> list[Any]:
    """Follow a job to its end and give back the results of its opcodes.

    :param feedback: takes the log entries; by default they are printed
    :raises: the error that ended the job
    """
    show = feedback or print_entry
    row: Any = None
    serial: int | None = None
    said: set[str] = set()
    timeout = _QUIET
    while True:
        new, entries = luxi.wait_for_job_change_once(job_id, ["status"], row, serial, timeout)
        for entry in entries:
            serial = max(serial or 0, entry[0])
            show(entry)
        if new[0] in constants.JOBS_FINALIZED:
            return outcome(job_id, luxi)
        if new == row and not entries:
            if notices:
                _say_what_it_waits_for(job_id, new[0], said)
            timeout = 60.0
        row = new


def _say_what_it_waits_for(job_id: int, status: str, said: set[str]) -> None:
    texts = {
        constants.JOB_STATUS_QUEUED: f"Job {job_id} is waiting in queue",
        constants.JOB_STATUS_WAITING: f"Job {job_id} is trying to acquire all necessary locks",
    }
    if status in texts and status not in said:
        said.add(status)
        to_stderr(texts[status])


def print_entry(entry: Sequence[Any]) -> None:
    """Print an entry of a job's log with its time."""
    _serial, stamp, kind, message = entry
    when = time.ctime(stamp[0] + stamp[1] / 1_000_000)
    for line in log_lines(kind, message):
        to_stdout(f"{when} {line}")
    sys.stdout.flush()


def log_lines(kind: str, message: Any) -> list[str]:
    """The text of an entry of a job's log."""
    from ganeti.utils import text
    if kind == constants.ELOG_MESSAGE_LIST and isinstance(message, list):
        return [text.safe(str(line)) for line in message]
    return [text.safe(line) for line in str(message).splitlines()] or [""]


def outcome(job_id: int, luxi: Any) -> list[Any]:
    """The results of a job that has ended; an error is raised."""
    found = luxi.query_jobs([job_id], ["status", "opstatus", "opresult"])
    if not found or found[0] is None:
        raise errors.JobLost(f"Job with id {job_id} lost")
    status, statuses, results = found[0]
    if status == constants.JOB_STATUS_SUCCESS:
        return list(results)
    if status in (constants.JOB_STATUS_CANCELING, constants.JOB_STATUS_CANCELED):
        raise errors.JobCanceled("Job was canceled")
    done = 0
    for index, (op_status, result) in enumerate(zip(statuses, results, strict=True)):
        if op_status == constants.OP_STATUS_SUCCESS:
            done += 1
        elif op_status == constants.OP_STATUS_ERROR:
            if done and not errors.is_encoded(result):
                raise errors.OpExecError(f"partial failure (opcode {index}): {result}")
            errors.maybe_raise(result)
            raise errors.OpExecError(str(result))
    raise errors.OpExecError(str(results))


class Batch:
    """Several jobs that belong together, each with a name for people."""

    def __init__(self, values: Values, luxi: Any = None, *,
                 feedback: Callable[[Any], None] | None = None) -> None:
        self._values = values
        self._luxi = luxi or client()
        self._feedback = feedback
        self._queued: list[tuple[str, list[Any]]] = []
        #: name and number, or name and the text of the refusal
        self._jobs: list[tuple[str, bool, Any]] = []

    def add(self, name: str, *ops: Any) -> None:
        """Remember a job to submit."""
        self._queued.append((name, [_prepare(op, self._values) for op in ops]))

    def add_submitted(self, name: str, ok: bool, job: Any) -> None:
        """Remember a job that another job has submitted (or failed to)."""
        self._jobs.append((name, ok, job))

    def run(self) -> list[tuple[bool, Any]]:
        """Submit and follow all of them: for each whether it went well, and its result."""
        if self._queued:
            answers = self._luxi.submit_many_jobs([ops for _name, ops in self._queued])
            self._jobs += [(name, ok, job) for (name, _ops), (ok, job)
                           in zip(self._queued, answers, strict=True)]
            if getattr(self._values, "print_jobid", False):
                for _name, ok, job in self._jobs:
                    if ok:
                        to_stdout(str(job))
        if getattr(self._values, "submit_only", False):
            return self._show_ids()
        return self._follow()

    def _show_ids(self) -> list[tuple[bool, Any]]:
        for name, ok, job in self._jobs:
            if ok:
                to_stdout(f"{job}: {name}")
            else:
                to_stderr(f"Failure when submitting job for {name}: {job}")
        return [(ok, job) for _name, ok, job in self._jobs]

    def _follow(self) -> list[tuple[bool, Any]]:
        ids = [job for _name, ok, job in self._jobs if ok]
        if len(ids) > 1:
            to_stdout(f"Submitted jobs {', '.join(str(job) for job in ids)}")
        results: list[tuple[bool, Any]] = []
        for name, ok, job in self._jobs:
            if not ok:
                to_stderr(f"Failure when submitting job for {name or 'this'}: {job}")
                results.append((False, job))
                continue
            to_stdout(f"Waiting for job {job}{f' for {name}' if name else ''} ...")
            sys.stdout.flush()
            try:
                results.append((True, wait(job, self._luxi, feedback=self._feedback)))
            except errors.GenericError as err:
                to_stderr(f"Job {job}{f' for {name}' if name else ''} has failed: "
                          f"{describe(err)[0]}")
                results.append((False, errors.text(err)))
        return results


def follow_submitted(result: Any, values: Values, luxi: Any, name: str,
                     feedback: Callable[[Any], None] | None = None) -> list[tuple[bool, Any]]:
    """Follow the jobs that an opcode has submitted."""
    batch = Batch(values, luxi, feedback=feedback)
    for ok, job in result["jobs"]:
        batch.add_submitted(name, ok, job)
    return batch.run()
