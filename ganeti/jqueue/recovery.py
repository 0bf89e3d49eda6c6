"""Reading the queue at start: what a stopped or killed master daemon left behind."""

from __future__ import annotations

import logging
import time
from typing import NamedTuple

from ganeti import constants, errors
from ganeti.jqueue import job as jobs
from ganeti.jqueue import store as stores

KILLED = ("The master daemon was stopped or failed over while this was running; look at the"
          " object it was about before trying again")


class Recovered(NamedTuple):
    """The queue as it was found."""

    jobs: dict[int, jobs.Job]
    corrupt: dict[int, str]
    changed: list[jobs.Job]
    last_id: int


def load(store: stores.Store) -> Recovered:
    """Read all live jobs; running ones end in error, waiting ones go back to the queue."""
    found = Recovered({}, {}, [], 0)
    ids = store.live_ids()
    for job_id in ids:
        try:
            job = jobs.Job.decode(store.read_live(job_id), job_id)
        except (errors.JobFileCorrupted, OSError) as err:
            text = f"{err}; 'gnt-job archive {job_id}' moves the file out of the way"
            logging.error("%s", text)
            found.corrupt[job_id] = text
            continue
        found.jobs[job_id] = job
        if settle(job):
            found.changed.append(job)
    last = max([store.read_serial(), store.highest_archived(), *ids])
    return found._replace(last_id=last)


def settle(job: jobs.Job) -> bool:
    """Bring a job that was under way into a state from which it can go on or be ended."""
    if job.is_final:
        return False
    changed = False
    for op in job.ops:
        if op.status == constants.OP_STATUS_RUNNING:
            _end(job, constants.OP_STATUS_ERROR, errors.encode(errors.OpExecError(KILLED)))
            return True
        if op.status == constants.OP_STATUS_CANCELING:
            _end(job, constants.OP_STATUS_CANCELED, "Job canceled by request")
            return True
        if op.status == constants.OP_STATUS_WAITING:
            op.status = constants.OP_STATUS_QUEUED
            op.start_timestamp = None
            changed = True
        if op.status == constants.OP_STATUS_QUEUED and jobs.lost_secrets(op.input):
            _end(job, constants.OP_STATUS_ERROR, errors.encode(errors.OpExecError(
                "Its secret parameters were not stored, so it can not be run after a restart of"
                " the master daemon; submit it again")))
            return True
    if changed:
        stamp = time.time_ns()
        for op in job.unfinished():
            op.input = {**op.input, "reason": [
                *(op.input.get("reason") or []),
                [constants.OPCODE_REASON_SRC_PICKUP, "picked up by a new master daemon", stamp]]}
    return changed


def _end(job: jobs.Job, status: str, result: object) -> None:
    logging.warning("Job %d was under way when the last master daemon ended; it ends in %s",
                    job.id, status)
    for op in job.unfinished():
        op.finish(status, result)
    job.end_timestamp = jobs.now()
