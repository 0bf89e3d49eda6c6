"""gnt-job watch and wait."""

from __future__ import annotations

from ganeti import errors
from ganeti.cli import jobs, report
from ganeti.cli.command import JOB, Command, one
from ganeti.cli.option import Values
from ganeti.client.gnt_job import ids


def watch(values: Values, args: list[str]) -> int:
    """Print the log of a job until it ends."""
    job_id = ids.number(args[0])
    title = f"Output from job {job_id} follows"
    report.to_stdout(title)
    report.to_stdout("-" * len(title))
    try:
        jobs.wait(job_id, jobs.client())
    except errors.GenericError as err:
        report.to_stderr(f"Job {job_id} failed: {errors.text(err)}")
        return 1
    return 0


def wait(values: Values, args: list[str]) -> int:
    """Wait until a job has ended, in silence."""
    try:
        jobs.wait(ids.number(args[0]), jobs.client(), feedback=lambda entry: None,
                  notices=False)
    except (errors.LuxiError, errors.OpPrereqError):
        raise
    except errors.GenericError as err:
        if isinstance(err, errors.JobLost):
            raise
        return 1
    return 0


WATCH = Command(watch, args=[one(JOB)], help="Follow the log of a job",
                example="gnt-job watch 17")
WAIT = Command(wait, args=[one(JOB)], help="Wait until a job has ended, without output",
               example="gnt-job wait 17 && echo done")
