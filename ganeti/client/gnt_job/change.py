"""gnt-job cancel and change-priority."""

from __future__ import annotations

from ganeti import errors
from ganeti.cli import jobs
from ganeti.cli.command import JOB, Command, many
from ganeti.cli.option import STORE_TRUE, Option, Values
from ganeti.cli.report import to_stderr, to_stdout
from ganeti.cli.standard import FORCE, PRIORITY, YES_DO_IT, job_status_option
from ganeti.client.gnt_job import ids
from ganeti.client.gnt_job.listing import PENDING

_CHOICES = [PENDING, job_status_option("--queued", ["queued"], "All jobs in the queue"),
            job_status_option("--waiting", ["waiting"], "All jobs that wait for locks")]


def cancel(values: Values, args: list[str]) -> int:
    """Cancel jobs."""
    if values.kill and not values.yes_do_it:
        raise errors.OpPrereqError(
            "Killing a job may leave its work half done; confirm with --yes-do-it",
            errors.ECODE_INVAL)
    luxi = jobs.client()
    failed = 0
    for job_id in ids.chosen(values, args, luxi, "cancel"):
        ok, message = luxi.cancel_job(job_id, True if values.kill else None)
        (to_stdout if ok else to_stderr)(message)
        failed += not ok
    return 1 if failed else 0


def change_priority(values: Values, args: list[str]) -> int:
    """Change the priority of jobs that have not ended."""
    if values.priority is None:
        raise errors.OpPrereqError("Give the new priority with --priority", errors.ECODE_INVAL)
    luxi = jobs.client()
    failed = 0
    for job_id in ids.chosen(values, args, luxi, "change of priority"):
        ok, message = luxi.change_job_priority(job_id, values.priority)
        (to_stdout if ok else to_stderr)(message)
        failed += not ok
    return 1 if failed else 0


CANCEL = Command(
    cancel, args=[many(JOB)],
    options=[FORCE, Option("--kill", dest="kill", action=STORE_TRUE, default=False,
                           help="Stop a running job at once, wherever it is"),
             *_CHOICES, YES_DO_IT],
    help="Cancel jobs", example="gnt-job cancel 17 18")
CHANGE_PRIORITY = Command(
    change_priority, args=[many(JOB)], options=[PRIORITY, FORCE, *_CHOICES],
    help="Change the priority of jobs", example="gnt-job change-priority --priority=high 17")
