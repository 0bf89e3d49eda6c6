"""gnt-debug test-jobqueue."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

from ganeti import errors
from ganeti.cli import jobs
from ganeti.cli.command import Command
from ganeti.cli.option import Values
from ganeti.cli.report import to_stdout
from ganeti.cli.standard import PRIORITY
from ganeti.constants import jobs as constants
from ganeti.opcodes.test import OpTestDelay, OpTestJqueue

_ERROR, _SUCCESS = constants.JOB_STATUS_ERROR, constants.JOB_STATUS_SUCCESS

#: Chains of jobs: what each waits for (how many jobs before it, in which states), and its end.
_CHAINS: list[list[tuple[list[list[Any]], str]]] = [
    [([], _SUCCESS), ([[-1, []]], _SUCCESS), ([[-1, [_SUCCESS]], [-2, [_SUCCESS]]], _SUCCESS)],
    [([], _SUCCESS), ([[-1, [_ERROR]]], _ERROR), ([[-1, [_ERROR]]], _SUCCESS)],
]

#: Stops while it takes locks, stops when it runs, messages, failure.
_STAGES: list[tuple[bool, bool, list[str], bool]] = [
    (True, False, [], False), (False, True, [], False), (True, True, ["one"], False),
    (True, True, ["one", "two", "three"], True), (False, False, ["one", "two"], True),
    (False, False, [], True),
]


def _check(found: Any, expected: Any, what: str) -> None:
    if found != expected:
        raise errors.OpExecError(f"The job queue fails its test: {what} should be {expected}, but"
                                 f" is {found}")


def _chain(chain: Sequence[tuple[list[list[Any]], str]], values: Values, luxi: Any) -> None:
    """Submit jobs that depend on each other, all at once."""
    batch = []
    for depends, _end in chain:
        op = OpTestDelay(duration=0.1 if not depends else 0.0)
        op.depends = depends or None
        op.priority = values.priority if values.priority is not None else op.priority
        batch.append([op])
    ids = []
    for ok, answer in luxi.submit_many_jobs(batch):
        if not ok:
            raise errors.OpExecError(f"The job queue fails its test: a job is refused: {answer}")
        ids.append(answer)
    for number, (job_id, (_depends, end)) in enumerate(zip(ids, chain, strict=True), 1):
        try:
            jobs.wait(job_id, luxi, notices=False)
        except errors.GenericError:
            _check(_ERROR, end, f"the end of job {job_id}, number {number} of its chain")
        _check(_status(luxi, job_id), end, f"the end of job {job_id}, number {number} of its chain")


def _status(luxi: Any, job_id: int) -> Any:
    return luxi.query_jobs([job_id], ["status"])[0][0]


class _Follower:
    """Confirms the stages at which a job stops, and notes what it says."""

    def __init__(self, luxi: Any, job_id: int) -> None:
        self._luxi = luxi
        self._job_id = job_id
        self.seen: list[Any] = []

    def __call__(self, entry: Sequence[Any]) -> None:
        _serial, _stamp, kind, message = entry
        if kind != constants.ELOG_JQUEUE_TEST:
            self.seen.append(message)
            return
        path, stage, argument = message
        state = (constants.JOB_STATUS_WAITING if stage == "expandnames"
                 else constants.JOB_STATUS_RUNNING)
        _check(_status(self._luxi, self._job_id), state,
               f"the state of job {self._job_id} at the stage {stage}")
        self.seen.append([stage, argument])
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as confirmation:
            confirmation.connect(path)
            confirmation.sendall(b"go on\n")


def _expected(waitlock: bool, running: bool, messages: list[str]) -> list[Any]:
    seen: list[Any] = []
    if waitlock:
        seen.append(["expandnames", None])
    if running:
        seen.append(["exec", None])
    if messages:
        seen.append(["startmsg", len(messages)])
    for number, message in enumerate(messages, 1):
        seen += [f"prefix:{message}", ["logmsg", number]]
    return seen


def test_jobqueue(values: Values, _args: list[str]) -> int:
    """Let the queue show that it can do what it must."""
    luxi = jobs.client()
    for number, chain in enumerate(_CHAINS, 1):
        to_stdout(f"Chain {number} of {len(_CHAINS)}: {len(chain)} jobs that depend on each other")
        _chain(chain, values, luxi)
    for number, (waitlock, running, messages, fail) in enumerate(_STAGES, 1):
        to_stdout(f"Stages {number} of {len(_STAGES)}: {len(messages)} messages,"
                  f" {'a failure' if fail else 'success'} at the end")
        op = OpTestJqueue(notify_waitlock=waitlock, notify_exec=running, log_messages=messages,
                          fail=fail)
        job_id = jobs.submit([op], values, luxi)
        follower = _Follower(luxi, job_id)
        try:
            jobs.wait(job_id, luxi, feedback=follower, notices=False)
            failed = False
        except errors.OpExecError as err:
            failed = "was requested" in errors.text(err)
            if not failed:
                raise
        _check(failed, fail, f"whether job {job_id} fails")
        _check(follower.seen, _expected(waitlock, running, messages), f"the log of job {job_id}")
    to_stdout("The job queue passes its test")
    return 0


TEST_JOBQUEUE = Command(
    test_jobqueue, options=[PRIORITY],
    help="Let the job queue run jobs that depend on each other, stop, speak and fail",
    example="gnt-debug test-jobqueue")
