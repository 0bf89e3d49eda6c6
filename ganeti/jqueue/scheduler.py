"""Which queued job starts next: priorities, dependencies, filters, limits.

The scheduler only decides; the queue owns the jobs and calls it under its mutex.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ganeti import constants
from ganeti.jqueue import filters
from ganeti.jqueue import job as jobs


class Refusal(NamedTuple):
    """A queued job that will never run, and how it ends."""

    job: jobs.Job
    status: str
    reason: str


class Limits(NamedTuple):
    """How many jobs may be under way: normally, and with urgent ones on top."""

    running: int
    tracked: int


class Scheduler:
    """Ready jobs by priority and id; jobs that wait for others, filters or rates apart."""

    def __init__(self, find: Callable[[int], jobs.Job | None],
                 final_status: Callable[[int], str | None]) -> None:
        """
        :param find: the live job with an id
        :param final_status: status of a job that may be archived; None when there is none
        """
        self._find = find
        self._final_status = final_status
        self._ready: list[tuple[int, int]] = []
        self._dependents: dict[int, set[int]] = {}
        self._held: set[int] = set()
        self._buckets: dict[str, set[int]] = {}
        self._running: dict[int, int] = {}
        self.rules = filters.RuleSet([])
        self.limits = Limits(constants.DEFAULT_MAX_RUNNING_JOBS,
                             constants.DEFAULT_MAX_TRACKED_JOBS)

    def add(self, job: jobs.Job) -> None:
        """A queued job has come, or its priority has changed."""
        heapq.heappush(self._ready, (job.priority, job.id))

    def finished(self, job_id: int) -> None:
        """A job has come to its end: others may have waited for it."""
        self._running.pop(job_id, None)
        for members in self._buckets.values():
            members.discard(job_id)
        self._buckets = {name: members for name, members in self._buckets.items() if members}
        for waiting in self._dependents.pop(job_id, ()):
            self._requeue(waiting)
        if self._held:
            self.release_held()

    def set_rules(self, rules: filters.RuleSet) -> None:
        """The filters have changed."""
        self.rules = rules
        self.release_held()

    def release_held(self) -> None:
        """Look at the jobs that filters or rates held back again."""
        held, self._held = self._held, set()
        for job_id in held:
            self._requeue(job_id)

    def _requeue(self, job_id: int) -> None:
        job = self._find(job_id)
        if job is not None and job.status == constants.JOB_STATUS_QUEUED:
            self.add(job)

    def pick(self) -> Iterator[jobs.Job | Refusal]:
        """Jobs to start now (they count as running from here on), and jobs that never will."""
        while self._ready:
            priority, job_id = self._ready[0]
            if not self._has_room(priority):
                return
            heapq.heappop(self._ready)
            job = self._find(job_id)
            if (job is None or job.status != constants.JOB_STATUS_QUEUED
                    or job.priority != priority or job_id in self._running
                    or job_id in self._held):
                continue
            decision = self._decide(job)
            if decision is not None:
                yield decision

    def _has_room(self, priority: int) -> bool:
        """Urgent jobs may use the room between the soft and the hard limit."""
        count = len(self._running)
        if count < self.limits.running:
            return True
        hard = max(self.limits.running, self.limits.tracked)
        return count < hard and all(priority < other for other in self._running.values())

    def _decide(self, job: jobs.Job) -> jobs.Job | Refusal | None:
        refusal, waits = self._check_dependencies(job)
        if refusal is not None or waits:
            return refusal
        verdict = self.rules.judge(job, lambda name: len(self._buckets.get(name, ())))
        if verdict.action == filters.REJECT:
            return Refusal(job, constants.JOB_STATUS_CANCELED,
                           f"Rejected by job filter {verdict.rule}")
        if verdict.action == filters.WAIT:
            self._held.add(job.id)
            return None
        for name, _limit in verdict.buckets:
            self._buckets.setdefault(name, set()).add(job.id)
        self._running[job.id] = job.priority
        return job

    def _check_dependencies(self, job: jobs.Job) -> tuple[Refusal | None, bool]:
        """A reason not to run at all, or whether the job waits for another."""
        for other_id, wanted in job.dependencies():
            if other_id == job.id:
                return Refusal(job, constants.JOB_STATUS_ERROR,
                               f"Job {job.id} depends on itself"), False
            other = self._find(other_id)
            status = other.status if other is not None else self._final_status(other_id)
            if status is None:
                return Refusal(job, constants.JOB_STATUS_ERROR,
                               f"Job {other_id}, on which this one depends, does not exist"), False
            if status not in constants.JOBS_FINALIZED:
                self._dependents.setdefault(other_id, set()).add(job.id)
                return None, True
            if wanted and status not in wanted:
                end = (constants.JOB_STATUS_CANCELED if status == constants.JOB_STATUS_CANCELED
                       else constants.JOB_STATUS_ERROR)
                return Refusal(job, end, f"Job {other_id}, on which this one depends, ended in"
                               f" '{status}' instead of {' or '.join(wanted)}"), False
        return None, False
