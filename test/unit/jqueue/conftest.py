"""A queue on a real directory, whose opcodes do what the test tells."""

import threading

import pytest

from ganeti import errors, opcodes
from ganeti.cmdlib import base
from ganeti.jqueue import intake, queue, seat, store
from ganeti.locking import levels, manager
from test.waiting import wait_until


class Bench:
    """A queue with its surroundings; ``behave`` is what the opcodes do."""

    def __init__(self, directory):
        self.directory = directory
        self.locks = manager.LockManager()
        self.behave = {}
        self.ran = []
        self.gates = {}
        self.queue = None

    def start(self):
        """A (new) master daemon's queue on the directory."""
        self.queue = queue.Queue(store.Store(str(self.directory)), self.locks, self._execute,
                                 self._seat)
        self.queue.start()
        return self.queue

    def _seat(self, host, job):
        holdings = manager.Holdings(self.locks, job.id, lambda level: [])
        return seat.JobSeat(host, job, holdings, base.Feedback)

    def _execute(self, op, job_seat):
        """The comment of an opcode names what it does; ``lock:X`` takes a lock first."""
        words = dict(word.partition(":")[::2] for word in (op.comment or "").split())
        if "lock" in words:
            job_seat.acquire(levels.Level.NODE, [words["lock"]], shared=False,
                             opportunistic=False)
        job_seat.started()
        self.ran.append(job_seat.job_id)
        if "say" in words:
            job_seat.feedback(words["say"])
        if "gate" in words:
            gate = self.gates.setdefault(words["gate"], threading.Event())
            while not gate.wait(0.01):
                job_seat.check_cancel()
        if "fail" in words:
            raise errors.OpExecError(words["fail"])
        if "bad" in words:
            return {1, 2}
        if "crash" in words:
            raise ZeroDivisionError("unexpected")
        return op.result

    def op(self, comment="", **params):
        return opcodes.OpTestDummy(comment=comment, **params)

    def submit(self, *comments, **params):
        """Submit a job with an opcode for each comment; its id."""
        return self.submit_jobs([[self.op(comment, **params) for comment in comments]])[0][1]

    def submit_jobs(self, jobs):
        answers, ticket = self.queue.enqueue(
            [intake.prepare(ops, lambda op: None) for ops in jobs])
        if ticket is not None:
            self.queue.store.wait(ticket)
            self.queue.activate(answers)
        return answers

    def open_gate(self, name):
        self.gates.setdefault(name, threading.Event()).set()

    def status(self, job_id):
        return self.queue.get(job_id).status

    def wait(self, job_id, *statuses):
        """Wait until a job has one of the states (a final one by default); the job."""
        statuses = statuses or ("success", "error", "canceled")
        wait_until(lambda: self.status(job_id) in statuses,
                   lambda: f"job {job_id} is {self.status(job_id)}", pause=0.002)
        return self.queue.get(job_id)

    def wait_for_locks(self, *job_ids):
        """Wait until jobs stand in the queue of a lock."""
        wait_until(lambda: set(job_ids) <= set(self.locks._waiting),
                   lambda: f"only {list(self.locks._waiting)} wait", pause=0.002)

    def file(self, job_id):
        from ganeti.jqueue import job
        return job.Job.decode((self.directory / f"job-{job_id}").read_bytes(), job_id)


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    made.start()
    yield made
    for gate in made.gates.values():
        gate.set()
    made.queue.stop(5)
