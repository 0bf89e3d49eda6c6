"""gnt-debug submit-job."""

from __future__ import annotations

import time
from typing import Any

from ganeti import errors, opcodes, serializer
from ganeti.cli import jobs
from ganeti.cli.command import FILE, Command, many
from ganeti.cli.option import STORE_TRUE, Option, Values
from ganeti.cli.report import to_stdout
from ganeti.cli.standard import DRY_RUN, PRIORITY, VERBOSE


def _read(path: str) -> list[Any]:
    with open(path, "rb") as source:
        data = serializer.load(source.read(), path)
    if isinstance(data, dict):
        data = [data]
    return opcodes.load_many(data)


def submit_job(values: Values, args: list[str]) -> int:
    """Submit jobs from files."""
    if values.rep_job < 1 or values.rep_op < 1:
        raise errors.OpPrereqError("Repetitions are counted from 1", errors.ECODE_INVAL)
    started = time.monotonic()
    batch = jobs.Batch(values)
    count = ops_count = 0
    for path in args:
        for _turn in range(values.rep_job):
            ops = [op for op in _read(path) for _repeat in range(values.rep_op)]
            count, ops_count = count + 1, ops_count + len(ops)
            if values.verbose:
                to_stdout(f"Job {count} is of {len(ops)} opcode(s) from {path}")
            if values.each:
                single = jobs.Batch(values)
                single.add(f"file {path}/{count - 1}", *ops)
                single.run()
            else:
                batch.add(f"file {path}/{count - 1}", *ops)
    loaded = time.monotonic()
    results = [] if values.each else batch.run()
    ended = time.monotonic()
    if values.timing_stats:
        total = max(ended - started, 1e-6)
        to_stdout(f"C:op     {ops_count:4d}")
        to_stdout(f"C:job    {count:4d}")
        to_stdout(f"T:submit {loaded - started:4.4f}")
        to_stdout(f"T:exec   {ended - loaded:4.4f}")
        to_stdout(f"T:total  {total:4.4f}")
        to_stdout(f"R:jobs   {count / total:4.4f}")
    return 0 if all(ok for ok, _result in results) else 1


SUBMIT_JOB = Command(
    submit_job, args=[many(FILE, 1)], options=[
        VERBOSE,
        Option("--op-repeat", dest="rep_op", type="int", default=1, metavar="N",
               help="Put every opcode into its job this often"),
        Option("--job-repeat", dest="rep_job", type="int", default=1, metavar="N",
               help="Submit every job this often"),
        Option("--timing-stats", dest="timing_stats", action=STORE_TRUE, default=False,
               help="Tell how long it took"),
        Option("--each", dest="each", action=STORE_TRUE, default=False,
               help="Submit one after the other instead of all at once"),
        DRY_RUN, PRIORITY],
    help="Submit jobs from JSON files, each a list of opcodes",
    example="gnt-debug submit-job /tmp/job.json")
