"""Numbers of jobs on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti import errors
from ganeti.cli.option import Values
from ganeti.cli.prompt import confirm_many
from ganeti.client.gnt_job import listing


def number(word: str) -> int:
    """A word as the number of a job."""
    if not word.isascii() or not word.isdigit():
        raise errors.OpPrereqError(f"'{word}' is no number of a job", errors.ECODE_INVAL)
    return int(word)


def numbers(words: Sequence[str]) -> list[int]:
    """Words as numbers of jobs."""
    return [number(word) for word in words]


def chosen(values: Values, args: Sequence[str], luxi: Any, operation: str) -> list[int]:
    """The jobs that were named, or those in the states of an option, when that is confirmed."""
    if args and values.status_filter:
        raise errors.OpPrereqError(
            "Give either numbers of jobs or an option that chooses by state", errors.ECODE_INVAL)
    if args:
        return numbers(args)
    if not values.status_filter:
        raise errors.OpPrereqError(
            "Give numbers of jobs, or choose by state (see --help)", errors.ECODE_INVAL)
    answer = luxi.query("job", ["id", "summary"], listing.status_filter(values.status_filter))
    found = [(row[0][1], ",".join(row[1][1])) for row in answer["data"]]
    if found and not values.force and not confirm_many(
            [f"{job} {summary}" for job, summary in found], "jobs", operation):
        return []
    return [job for job, _summary in found]
