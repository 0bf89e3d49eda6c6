"""The copy of the job queue on a master candidate.

The master sends it every change; the node never reads it, unless it becomes the master.
"""

from __future__ import annotations

import os
import re
from typing import Any

from ganeti import constants, errors, pathutils, runtime
from ganeti.utils import io, journal

_JOB_FILE = re.compile(constants.JOB_FILE_REGEX)

KEEP = "keep"
"""A change of its own: ``[KEEP, "1 2 17"]`` removes every other live job."""

_journals: dict[str, journal.Journal] = {}


def _queue() -> journal.Journal:
    """The journal of the queue directory, which is made when it is missing."""
    directory = pathutils.QUEUE_DIR
    found = _journals.get(directory)
    if found is None:
        owner = runtime.owner("gnt-masterd", "gnt-daemons")
        io.make_dirs(pathutils.JOB_QUEUE_ARCHIVE_DIR, 0o750, owner.uid, owner.gid)
        found = _journals[directory] = journal.Journal(
            directory, mode=constants.JOB_QUEUE_FILES_PERMS, uid=owner.uid, gid=owner.gid)
        found.replay()
    return found


def jobqueue_apply(changes: Any) -> None:
    """Carry out a batch of changes of the queue's files, durably."""
    if changes and isinstance(changes, list) and changes[0] and changes[0][0] == KEEP:
        batch = [*_removals(changes[0]), *journal.check_changes(changes[1:])]
    else:
        batch = journal.check_changes(changes)
    if batch:
        _queue().apply(batch)


def _removals(change: Any) -> list[list[str]]:
    if len(change) != 2 or not isinstance(change[1], str):
        raise errors.ParameterError(f"Not a list of jobs to keep: {str(change)[:80]}")
    keep = set(change[1].split())
    _queue()
    return [[journal.REMOVE, name] for name in os.listdir(pathutils.QUEUE_DIR)
            if (match := _JOB_FILE.match(name)) and match.group(1) not in keep]


def jobqueue_update(file_name: str, content: str) -> None:
    """Replace one file of the queue."""
    jobqueue_apply([[journal.WRITE, _relative(file_name), content]])


def jobqueue_rename(rename: list[list[str]]) -> list[None]:
    """Rename files of the queue (archive jobs)."""
    jobqueue_apply([[journal.RENAME, _relative(old), _relative(new)] for old, new in rename])
    return [None] * len(rename)


def _relative(path: str) -> str:
    """A path below the queue directory as the journal names it."""
    base = pathutils.QUEUE_DIR + "/"
    real = pathutils.local(path)
    if not real.startswith(base):
        raise errors.ParameterError(f"{path} is not a file of the job queue")
    return real.removeprefix(base)


def jobqueue_purge() -> None:
    """Remove the whole copy: the node is no candidate any more."""
    former = _journals.pop(pathutils.QUEUE_DIR, None)
    if former is not None:
        former.discard()
    for base, _, names in os.walk(pathutils.QUEUE_DIR):
        for name in names:
            if name not in ("lock", "version"):
                io.remove_file(os.path.join(base, name))


def jobqueue_set_drain_flag(flag: bool) -> None:
    """Set or take away the mark that the queue is drained."""
    if flag:
        owner = runtime.owner("gnt-masterd", "gnt-daemons")
        _queue()
        io.write_file(pathutils.JOB_QUEUE_DRAIN_FILE, "", mode=0o644,
                      uid=owner.uid, gid=owner.gid)
    else:
        io.remove_file(pathutils.JOB_QUEUE_DRAIN_FILE)
