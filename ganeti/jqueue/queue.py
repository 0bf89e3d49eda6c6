"""The queue: takes jobs in, lets the scheduler choose, has them run, tells who watches.

All state of jobs changes under one mutex; nothing slow happens while it is held.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from ganeti import constants, errors, opcodes
from ganeti.jqueue import archive, filters, intake, pool, recovery, runner, scheduler, watch
from ganeti.jqueue import job as jobs
from ganeti.jqueue import store as stores
from ganeti.jqueue.seat import JobSeat
from ganeti.locking import manager
from ganeti.utils import journal

CheckOp = Callable[[opcodes.OpCode], None]
Execute = Callable[[opcodes.OpCode, JobSeat], Any]


class Queue:
    """All jobs that are not archived."""

    def __init__(self, store: stores.Store, locks: manager.LockManager, execute: Execute,
                 make_seat: Callable[[Any, jobs.Job], JobSeat],
                 check_op: CheckOp = lambda op: None) -> None:
        self.mutex = threading.RLock()
        self.store = store
        self.locks = locks
        self.check_op = check_op
        self.jobs: dict[int, jobs.Job] = {}
        self.leaving: dict[int, jobs.Job] = {}
        """Jobs on their way to the archive."""
        self.coming: dict[int, str] = {}
        """States of jobs that are being stored, and will be theirs as soon as they are."""
        self.corrupt: dict[int, str] = {}
        self.seats: dict[int, JobSeat] = {}
        self.watchers = watch.Watchers()
        self.drained = False
        self._last_id = 0
        self._loaded = False
        self._settled: list[jobs.Job] = []
        self._unfinished = 0
        self._stopping = False
        self._idle = threading.Condition(self.mutex)
        self._pool = pool.ThreadPool("job")
        self._scheduler = scheduler.Scheduler(self.jobs.get, self._archived_status)
        self._runner = runner.Runner(self, execute, make_seat)

    # Start and stop.

    def load(self) -> None:
        """Read the queue from disk and settle what a crash left behind.

        Nobody may ask for ``everything`` before: a candidate would take it for an empty queue.
        """
        self.store.recover()
        recovered = recovery.load(self.store)
        with self.mutex:
            self.jobs.update(recovered.jobs)
            self.corrupt.update(recovered.corrupt)
            self._last_id = recovered.last_id
            self._settled = recovered.changed
            self._loaded = True

    def start(self) -> None:
        """Begin to run jobs."""
        if not self._loaded:
            self.load()
        self.store.start()
        settled, self._settled = self._settled, []
        for job in settled:
            self.store.put_job(job.id, job.encode())
        with self.mutex:
            for job in sorted(self.jobs.values(), key=lambda job: job.id):
                if not job.is_final:
                    self._unfinished += 1
                    self._scheduler.add(job)
            self.schedule()

    def stop(self, timeout: float) -> bool:
        """Start nothing more and wait for running jobs; whether all have come to an end.

        Jobs that only wait for locks go back to the queue.
        """
        deadline = time.monotonic() + timeout
        with self.mutex:
            self._stopping = True
            for seat in self.seats.values():
                seat.requeue_requested = True
        while True:
            with self.mutex:
                waiting = [seat for seat in self.seats.values() if not seat.executing]
            for seat in waiting:
                self.locks.interrupt(seat.job_id)
            with self._idle:
                left = deadline - time.monotonic()
                if not self.seats or left <= 0:
                    clean = not self.seats
                    break
                self._idle.wait(min(left, 0.2))
        self.store.stop()
        return clean

    def set_limits(self, running: int, tracked: int) -> None:
        """How many jobs may run."""
        with self.mutex:
            self._scheduler.limits = scheduler.Limits(running, tracked)
            self.schedule()

    def set_filters(self, rules: filters.RuleSet) -> None:
        """The job filters have changed."""
        with self.mutex:
            self._scheduler.set_rules(rules)
            self.schedule()

    @property
    def last_id(self) -> int:
        """The newest id that was given out."""
        return self._last_id

    @property
    def running_ids(self) -> list[int]:
        """Jobs that are under way."""
        with self.mutex:
            return sorted(self.seats)

    # Submission (the checks are in ``intake``).

    def enqueue(self, prepared: Sequence[intake.Prepared], ignore_drain: bool = False,
                earlier: Sequence[list[Any]] = ()) -> tuple[list[list[Any]], int | None]:
        """Give ids to checked jobs and queue their files; (answers, ticket to wait with).

        The jobs come to life with ``activate``, once the ticket is durable. ``earlier`` are
        answers of the same submission, to which relative job ids may refer.
        """
        if self.drained and not ignore_drain:
            raise errors.JobQueueDrainError(
                "The job queue is drained; 'gnt-cluster queue undrain' opens it again")
        received = time.time_ns()
        changes: list[list[str]] = []
        known = list(earlier)
        with self.mutex:
            if self._stopping:
                raise errors.JobQueueError("The master daemon is stopping")
            for item in prepared:
                known.append(self._enqueue_one(item, known, received, changes))
            answers = known[len(earlier):]
            if not changes:
                return answers, None
            changes.append([journal.WRITE, stores.SERIAL, f"{self._last_id}\n"])
            return answers, self.store.put(changes)

    def _enqueue_one(self, item: intake.Prepared, earlier: list[list[Any]], received: int,
                     changes: list[list[str]]) -> list[Any]:
        if isinstance(item, str):
            return [False, item]
        if self._unfinished >= constants.JOB_QUEUE_SIZE_HARD_LIMIT:
            return [False, errors.text(errors.JobQueueFull())]
        try:
            intake.resolve_dependencies(item, earlier)
        except errors.OpPrereqError as err:
            return [False, errors.text(err)]
        self._last_id += 1
        job = jobs.make(self._last_id, item, received)
        self.jobs[job.id] = job
        job.version = -1  # not alive yet
        self._unfinished += 1
        changes.append([journal.WRITE, stores.job_name(job.id), job.encode()])
        return [True, job.id]

    def activate(self, answers: Iterable[Sequence[Any]]) -> None:
        """The files are safe: the jobs exist from now on."""
        with self.mutex:
            for good, job_id in answers:
                if good:
                    job = self.jobs[job_id]
                    job.version = 0
                    self._scheduler.add(job)
            self.schedule()

    def withdraw(self, answers: Iterable[Sequence[Any]]) -> None:
        """The files could not be written: the jobs never existed (their ids stay used)."""
        with self.mutex:
            gone = [job_id for good, job_id in answers if good]
            for job_id in gone:
                del self.jobs[job_id]
                self._unfinished -= 1
            self.store.put([[journal.REMOVE, stores.job_name(job_id)] for job_id in gone])

    def is_alive(self, job: jobs.Job) -> bool:
        """Whether the job's submission is complete."""
        return job.version >= 0

    def submit_from_job(self, job_lists: Sequence[Sequence[opcodes.OpCode]]) -> list[list[Any]]:
        """Submit jobs from a job's thread; ``[[True, id] | [False, text], ...]``."""
        answers, ticket = self.enqueue(
            [intake.prepare(ops, self.check_op) for ops in job_lists], ignore_drain=True)
        if ticket is not None:
            self.store.insist(ticket)
            self.activate(answers)
        return answers

    # Running.

    def schedule(self) -> None:
        """Start what may start now (mutex held)."""
        if self._stopping:
            return
        for decision in self._scheduler.pick():
            if isinstance(decision, scheduler.Refusal):
                self._refuse(decision)
                continue
            self.seats[decision.id] = self._runner.make_seat(decision)
            self._pool.run(self._runner.run, decision)

    def _refuse(self, refusal: scheduler.Refusal) -> None:
        logging.info("Job %d ends in %s: %s", refusal.job.id, refusal.status, refusal.reason)
        if refusal.status == constants.JOB_STATUS_CANCELED:
            result: Any = refusal.reason
        else:
            result = errors.encode(errors.JobQueueError(refusal.reason))
        job = refusal.job
        for op in job.unfinished():
            op.finish(refusal.status, result)
        job.end_timestamp = jobs.now()
        self.save(job)
        self.note_end(job)

    def save(self, job: jobs.Job) -> int:
        """Queue the job's present state for the disk; returns the ticket."""
        with self.mutex:
            job.version += 1
            return self.store.put_job(job.id, job.encode())

    def changed(self, job: jobs.Job) -> None:
        """Tell those who watch a job."""
        self.watchers.notify(job.id)

    def note_end(self, job: jobs.Job) -> None:
        """A job has come to its end, and its file says so."""
        with self.mutex:
            self.seats.pop(job.id, None)
            for op in job.ops:
                op.opcode = None
            self._unfinished -= 1
            self._scheduler.finished(job.id)
            self._idle.notify_all()
            self.schedule()
        self.changed(job)

    def note_requeued(self, job: jobs.Job) -> None:
        """A job went back to the queue, since the daemon stops."""
        with self.mutex:
            self.seats.pop(job.id, None)
            self._idle.notify_all()
        self.changed(job)

    # Asking and changing.

    def get(self, job_id: int) -> jobs.Job:
        """A live or archived job; JobLost when there is none."""
        with self.mutex:
            job = self.jobs.get(job_id)
            if job is not None and self.is_alive(job):
                return job
            if job_id in self.corrupt:
                raise errors.JobFileCorrupted(self.corrupt[job_id])
        archived = self.read_archived(job_id)
        if archived is None:
            raise errors.JobLost(f"Job {job_id} does not exist")
        return archived

    def read_archived(self, job_id: int) -> jobs.Job | None:
        """A job of the archive."""
        leaving = self.leaving.get(job_id)
        if leaving is not None:
            job = leaving.copy()
            job.archived = True
            return job
        data = self.store.read_archived(job_id)
        if data is None:
            return None
        job = jobs.Job.decode(data, job_id)
        job.archived = True
        return job

    def _archived_status(self, job_id: int) -> str | None:
        try:
            job = self.read_archived(job_id)
        except errors.JobFileCorrupted:
            return None
        return job.status if job is not None else None

    def views(self, job_ids: Collection[int] | None, archived: bool) -> list[jobs.Job]:
        """Copies of jobs that nobody changes any more, by id; unknown ids are left out."""
        with self.mutex:
            if job_ids is None:
                live = [job for job in self.jobs.values() if self.is_alive(job)]
            else:
                live = [self.jobs[job_id] for job_id in job_ids
                        if job_id in self.jobs and self.is_alive(self.jobs[job_id])]
            found = {job.id: job if job.is_final else job.copy() for job in live}
        if archived:
            wanted = ([*self.leaving, *self.store.archived_ids()] if job_ids is None
                      else job_ids)
            for job_id in wanted:
                if job_id not in found:
                    job = self._read_archived_view(job_id)
                    if job is not None:
                        found[job_id] = job
        return [found[job_id] for job_id in sorted(found)]

    def _read_archived_view(self, job_id: int) -> jobs.Job | None:
        try:
            return self.read_archived(job_id)
        except errors.JobFileCorrupted as err:
            logging.warning("%s", err)
            return None

    def cancel(self, job_id: int, kill: bool = False) -> tuple[bool, str, int | None]:
        """Cancel a job in whatever state: (whether, text, ticket to wait with)."""
        with self.mutex:
            job = self.jobs.get(job_id)
            if job is None or not self.is_alive(job):
                return False, f"Job {job_id} not found", None
            if job.is_final:
                return False, f"Job {job_id} has already finished ({job.status})", None
            seat = self.seats.get(job_id)
            if seat is None:
                return True, f"Dequeued job {job_id}", self._cancel_queued(job)
            return True, self._runner.cancel_running(job, seat, kill), None

    def _cancel_queued(self, job: jobs.Job) -> int:
        for op in job.unfinished():
            op.finish(constants.OP_STATUS_CANCELED, "Job canceled by request")
        job.end_timestamp = jobs.now()
        ticket = self.save(job)
        self.note_end(job)
        return ticket

    def change_priority(self, job_id: int, priority: int) -> tuple[bool, str, int | None]:
        """Change the priority of a job's unfinished opcodes."""
        with self.mutex:
            job = self.jobs.get(job_id)
            if job is None or not self.is_alive(job):
                return False, f"Job {job_id} not found", None
            if job.is_final:
                return False, f"Job {job_id} is finished", None
            for op in job.unfinished():
                op.priority = priority
            ticket = self.save(job)
            if job_id in self.seats:
                self.locks.set_priority(job_id, priority)
            else:
                self._scheduler.add(job)
                self.schedule()
        self.changed(job)
        return True, (f"Priorities of pending opcodes for job {job_id} have been changed to"
                      f" {priority}"), ticket

    def archive(self, job_id: int) -> tuple[bool, int | None]:
        """Archive one finished job."""
        return archive.one(self, job_id)

    def autoarchive(self, age: float, timeout: float) -> tuple[int, int, int | None]:
        """Archive jobs that ended more than ``age`` seconds ago (all finished ones for -1)."""
        return archive.by_age(self, age, timeout)

    def everything(self) -> list[list[str]]:
        """The whole queue as changes, for a candidate that has no copy."""
        with self.mutex:
            if not self._loaded:
                raise errors.ProgrammerError("The queue was not read yet")
            ids = " ".join(map(str, [*self.jobs, *self.corrupt]))  # theirs may be whole
            return [["keep", ids],
                    *[[journal.WRITE, stores.job_name(job.id),
                       self.coming.get(job.id) or job.encode()] for job in self.jobs.values()],
                    [journal.WRITE, stores.SERIAL, f"{self._last_id}\n"],
                    [journal.WRITE, stores.VERSION, f"{constants.JOB_QUEUE_VERSION}\n"]]
