"""Moving finished jobs to the archive."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ganeti.jqueue import job as jobs
from ganeti.jqueue import store as stores
from ganeti.utils import journal, text

if TYPE_CHECKING:
    from ganeti.jqueue import queue as queues

BATCH = 200


def _move(queue: queues.Queue, job_ids: list[int]) -> int:
    """Take jobs out of the live ones; they can be found throughout (mutex held)."""
    for job_id in job_ids:
        queue.leaving[job_id] = queue.jobs.pop(job_id)
    ticket = queue.store.put([_rename(job_id) for job_id in job_ids])

    def done(failure: OSError | None) -> None:
        if failure is None:
            for job_id in job_ids:
                queue.leaving.pop(job_id, None)
        else:
            queue.store.when_durable(ticket, done)

    queue.store.when_durable(ticket, done)
    return ticket


def _rename(job_id: int) -> list[str]:
    return [journal.RENAME, stores.job_name(job_id), stores.archive_name(job_id)]


def one(queue: queues.Queue, job_id: int) -> tuple[bool, int | None]:
    """Archive one job: (whether it is archived now, ticket to wait with)."""
    with queue.mutex:
        if job_id in queue.corrupt:
            del queue.corrupt[job_id]
            return True, queue.store.put([_rename(job_id)])
        job = queue.jobs.get(job_id)
        if job is None:
            return queue.store.read_archived(job_id) is not None, None
        if not job.is_final:
            return False, None
        return True, _move(queue, [job_id])


def by_age(queue: queues.Queue, age: float, timeout: float) -> tuple[int, int, int | None]:
    """Archive jobs by age: (archived, left unchecked, ticket to wait with)."""
    now = time.time()
    deadline = time.monotonic() + timeout
    with queue.mutex:
        candidates = sorted(job_id for job_id, job in queue.jobs.items() if job.is_final)
    archived = checked = 0
    ticket = None
    for start in range(0, len(candidates), BATCH):
        if time.monotonic() > deadline:
            break
        batch = candidates[start:start + BATCH]
        checked += len(batch)
        with queue.mutex:
            old = [job_id for job_id in batch
                   if job_id in queue.jobs and (age < 0 or now - _ended(queue.jobs[job_id]) > age)]
            if old:
                ticket = _move(queue, old)
        archived += len(old)
    return archived, len(candidates) - checked, ticket


def _ended(job: jobs.Job) -> float:
    stamp = job.end_timestamp or job.start_timestamp or job.received_timestamp or [0, 0]
    return text.merge_time(stamp)
