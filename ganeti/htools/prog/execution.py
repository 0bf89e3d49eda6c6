"""Submitting sets of jobs to the master daemon and following them."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from ganeti import constants
from ganeti.htools import model

_PRIORITIES = {"low": constants.OP_PRIO_LOW, "normal": constants.OP_PRIO_NORMAL,
               "high": constants.OP_PRIO_HIGH}
Job = list[dict[str, Any]]


class StoppedError(Exception):
    """The administrator said SIGTERM: end at once, running jobs go on by themselves."""


def mark(job: Job, program: str, reason: str | None, priority: str | None) -> Job:
    """Give all opcodes of a job a reason trail and a priority."""
    text = reason or f"{program} {constants.RELEASE_VERSION} called"
    for opcode in job:
        opcode["reason"] = [[program, text, time.time_ns()]]
        if priority is not None:
            opcode["priority"] = _PRIORITIES[priority]
    return job


class Runner:
    """Runs sets one after the other; SIGINT ends it after the present set."""

    def __init__(self, client: Any, tell: Callable[[str], None] = print):
        self._client, self._tell = client, tell
        self._last = False

    def run(self, sets: Sequence[Sequence[Job]]) -> bool:
        """Submit and wait; False when a job failed (the sets after it are not begun)."""
        before = {number: signal.signal(number, self._signalled)
                  for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            for number, jobs in enumerate(sets, 1):
                self._tell(f"Executing jobset {number}/{len(sets)}, {len(jobs)} jobs")
                if not self._run_set(jobs):
                    return False
                if self._last and number < len(sets):
                    self._tell("Asked to stop; the remaining jobsets are left out")
                    return True
        except StoppedError:
            self._tell("Asked to stop at once; jobs that were submitted go on")
            return False
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return True

    def _signalled(self, number: int, _frame: object) -> None:
        if number == signal.SIGTERM:
            raise StoppedError
        self._last = True
        print("Ending after this jobset", file=sys.stderr)

    def _run_set(self, jobs: Sequence[Job]) -> bool:
        answers = self._client.submit_many_jobs(list(jobs))
        good = True
        ids = []
        for ok, answer in answers:
            if ok:
                ids.append(int(answer))
            else:
                good = False
                self._tell(f"A job was not accepted: {answer}")
        if ids:
            self._tell("Got job IDs " + ",".join(map(str, ids)))
        for job_id in ids:
            status = wait(self._client, job_id)
            self._tell(f"Job {job_id}: {status}")
            good = good and status == constants.JOB_STATUS_SUCCESS
        return good


def wait(client: Any, job_id: int) -> str:
    """Wait for the end of a job; its status."""
    previous = None
    while True:
        answer = client.wait_for_job_change(job_id, ["status"], previous, None)
        if answer is None:
            raise model.RequestError(f"Job {job_id} is lost")
        if isinstance(answer, (list, tuple)):
            previous = answer[0]
            status = str(previous[0])
            if status in constants.JOBS_FINALIZED:
                return status
