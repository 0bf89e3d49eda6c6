"""Where a running job sits: what its logical units reach of the queue and the locks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ganeti import constants, errors
from ganeti.locking import manager

if TYPE_CHECKING:
    from ganeti import opcodes
    from ganeti.jqueue import job as jobs


class Requeued(errors.JobQueueError):
    """The daemon stops: the job, which has not begun its work, goes back to the queue."""


class Host(Protocol):
    """What a seat needs of the queue."""

    def op_waits(self, job: jobs.Job) -> None:
        """The opcode has to wait for locks."""

    def op_started(self, job: jobs.Job, index: int) -> None:
        """The locks are held: the opcode is running from now on."""

    def op_priority_raised(self, job: jobs.Job, index: int, priority: int) -> None:
        """The opcode waited long and moves ahead."""

    def log(self, job: jobs.Job, index: int, log_type: str, message: Any) -> None:
        """Add an entry to the opcode's log."""

    def submit_from_job(self, job_lists: Sequence[Sequence[opcodes.OpCode]]) -> list[list[Any]]:
        """Submit jobs; ``[[True, id] | [False, text], ...]``."""


class JobSeat:
    """One job in its thread."""

    def __init__(self, host: Host, job: jobs.Job, locks: manager.Holdings,
                 make_feedback: Callable[[Callable[[str, Any], None]], Any]) -> None:
        self._host = host
        self._job = job
        self.job_id = job.id
        self.locks = locks
        self.index = 0
        self.cancel_requested = threading.Event()
        self.requeue_requested = False
        self.executing = False
        self.thread_id: int | None = None
        self.feedback = make_feedback(self._log)

    @property
    def priority(self) -> int:
        """The priority at which the current opcode waits for locks."""
        return self._job.ops[self.index].priority

    def _log(self, log_type: str, message: Any) -> None:
        self._host.log(self._job, self.index, log_type, message)

    def check_cancel(self) -> None:
        """End the opcode here when that was asked for."""
        if self.requeue_requested and not self.executing:
            raise Requeued("The master daemon is stopping")
        if self.cancel_requested.is_set():
            raise errors.JobCanceled("Job canceled by request")

    def acquire(self, level: Any, names: Any, *, shared: bool, opportunistic: bool) -> None:
        """Take locks, waiting as long as needed; a step ahead in the queue each round."""
        self.check_cancel()
        try:
            if self.locks.acquire(level, names, shared=shared, priority=lambda: self.priority,
                                  timeout=0, opportunistic=opportunistic):
                return
            self._host.op_waits(self._job)
            while not self.locks.acquire(level, names, shared=shared, opportunistic=opportunistic,
                                         priority=lambda: self.priority,
                                         timeout=float(constants.LOCK_ATTEMPTS_TIMEOUT)):
                raised = max(self.priority - 1, constants.OP_PRIO_HIGHEST)
                self._host.op_priority_raised(self._job, self.index, raised)
        except manager.Interrupted:
            self.check_cancel()
            raise

    def started(self) -> None:
        """The locks are held: work begins."""
        self.check_cancel()
        self.executing = True
        self._host.op_started(self._job, self.index)

    def submit_jobs(self, job_lists: Sequence[Sequence[opcodes.OpCode]]) -> list[list[Any]]:
        """Submit further jobs from within this one."""
        return self._host.submit_from_job(job_lists)

    @property
    def opcode_summary(self) -> str:
        """The current opcode in one word."""
        return self._job.ops[self.index].summary()
