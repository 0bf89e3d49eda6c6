"""gnt-job archive and autoarchive."""

from __future__ import annotations

from ganeti.cli import jobs
from ganeti.cli.command import JOB, SUGGEST, Arg, Command, many
from ganeti.cli.option import Values
from ganeti.cli.report import to_stderr, to_stdout
from ganeti.client.gnt_job import ids


def archive(values: Values, args: list[str]) -> int:
    """Archive jobs that have ended."""
    luxi = jobs.client()
    failed = 0
    for job_id in ids.numbers(args):
        if not luxi.archive_job(job_id):
            to_stderr(f"Failed to archive job with ID '{job_id}'")
            failed += 1
    return 1 if failed else 0


def autoarchive(values: Values, args: list[str]) -> int:
    """Archive jobs that have ended some time ago."""
    from ganeti.utils import text
    age = -1 if args[0] == "all" else int(text.parse_duration(args[0]))
    archived, unchecked = jobs.client().auto_archive_jobs(age)
    to_stdout(f"Archived {archived} jobs, {unchecked} unchecked left")
    return 0


ARCHIVE = Command(archive, args=[many(JOB, 1)], help="Archive jobs that have ended",
                  example="gnt-job archive 17 18")
AUTOARCHIVE = Command(
    autoarchive, args=[Arg(SUGGEST, choices=("1d", "1w", "4w", "all"), label="age")],
    help="Archive jobs that ended longer ago than this; all for every one",
    example="gnt-job autoarchive 1w")
