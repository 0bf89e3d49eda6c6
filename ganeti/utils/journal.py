"""Makes changes of many small files in one directory durable with a single flush.

A batch is appended to a journal segment and flushed once; the files themselves are written
without a flush of their own and reach the disk in the background. After a crash ``replay``
brings the files to the state that the journal tells. Used by the job queue on the master and
on its candidates; what the files mean is not known here.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import threading
from collections.abc import Iterable, Sequence
from typing import Final

from ganeti import errors
from ganeti.utils import io, records

WRITE: Final = "write"
RENAME: Final = "rename"
REMOVE: Final = "remove"

Change = Sequence[str]
"""``[WRITE, name, text]``, ``[RENAME, old, new]`` or ``[REMOVE, name]``."""

SEGMENT_BYTES: Final = 8 * 1024 * 1024
"""Size at which a new segment is begun and the old one is put to rest."""

_SEGMENT = re.compile(r"^journal-(\d+)$")
_NAME = re.compile(r"^(?:[A-Za-z0-9_][A-Za-z0-9._-]*/)*[A-Za-z0-9_][A-Za-z0-9._-]*$")


def check_changes(changes: object) -> list[list[str]]:
    """Check a batch that came from outside; names must stay below the directory."""
    if not isinstance(changes, list):
        raise errors.ParameterError("The changes of a journal must be a list")
    lengths = {WRITE: 3, RENAME: 3, REMOVE: 2}
    for change in changes:
        if (not isinstance(change, (list, tuple)) or not change
                or len(change) != lengths.get(change[0])
                or not all(isinstance(part, str) for part in change)):
            raise errors.ParameterError(f"Not a change of a file: {str(change)[:80]!r}")
        for name in change[1:2] if change[0] != RENAME else change[1:]:
            if not _NAME.match(name) or _SEGMENT.match(name):
                raise errors.ParameterError(f"Not the name of a journalled file: {name[:80]!r}")
    return [list(change) for change in changes]


class Journal:
    """Journalled files of one directory. Safe to use from several threads."""

    def __init__(self, directory: str, *, mode: int = 0o640, uid: int = -1, gid: int = -1,
                 segment_bytes: int = SEGMENT_BYTES) -> None:
        self._directory = directory
        self._mode = mode
        self._owner = (uid, gid)
        self._segment_bytes = segment_bytes
        self._mutex = threading.Lock()
        self._fd = -1
        self._size = 0
        self._path = ""
        self._touched: set[str] = set()
        self._resting: threading.Thread | None = None

    def apply(self, changes: Iterable[Change]) -> None:
        """Carry out a batch, in order; when this returns, it is durable."""
        batch = list(changes)
        records = b"".join(map(_encode, batch))
        with self._mutex:
            self._open_segment()
            self._require_room(len(records), batch)
            self._append(records)
            for change in batch:
                self._carry_out(change)
            if self._size >= self._segment_bytes:
                self._rest_segment()

    def _require_room(self, size: int, batch: Sequence[Change]) -> None:
        """Refuse a batch before anything of it is done when its files would not fit as well."""
        writes = sum(change[0] == WRITE for change in batch)
        room = os.fstatvfs(self._fd)
        free = room.f_bavail if os.geteuid() else room.f_bfree
        if free * room.f_frsize < 2 * size + writes * room.f_bsize:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._directory)

    def _append(self, records: bytes) -> None:
        """Add to the segment; what is there only in part is taken back.

        A torn record in the middle would hide all later ones from ``replay``.
        """
        try:
            io.write_all(self._fd, records)
            os.fdatasync(self._fd)
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += len(records)

    def _open_segment(self) -> None:
        if self._fd >= 0:
            if os.fstat(self._fd).st_nlink:
                return
            os.close(self._fd)  # replayed and removed by another process
        number = max([n for n, _ in self._segments()], default=0) + 1
        self._path = os.path.join(self._directory, f"journal-{number}")
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(self._path, flags, self._mode)
        if self._owner != (-1, -1):
            os.fchown(self._fd, *self._owner)
        self._size = 0
        io.sync_path(self._directory)

    def _segments(self) -> list[tuple[int, str]]:
        found = []
        for entry in os.listdir(self._directory):
            match = _SEGMENT.match(entry)
            if match:
                found.append((int(match.group(1)), os.path.join(self._directory, entry)))
        return sorted(found)

    def _carry_out(self, change: Change) -> None:
        path = os.path.join(self._directory, change[1])
        if change[0] == WRITE:
            self._write_file(path, change[2].encode("utf-8"))
            self._touched.add(change[1])
        elif change[0] == RENAME:
            target = os.path.join(self._directory, change[2])
            _make_parent(target)
            try:
                os.rename(path, target)
            except FileNotFoundError:
                logging.debug("Journal: %s is gone already", path)
            self._touched.discard(change[1])
            self._touched.add(change[2])
        else:
            try:
                os.unlink(path)
            except FileNotFoundError:
                logging.debug("Journal: %s is gone already", path)
            self._touched.discard(change[1])

    def _write_file(self, path: str, data: bytes) -> None:
        """Overwrite in place: what a crash leaves half written, the journal mends.

        Replacing by rename makes ext4 write the data out at once (auto_da_alloc): on Linux 6.18
        that doubled the kernel's processor time a job and left a third of the jobs a second.
        """
        flags = os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC
        try:
            fd = os.open(path, flags, self._mode)
        except FileNotFoundError:
            _make_parent(path)
            fd = os.open(path, flags, self._mode)
        try:
            former = os.fstat(fd)
            io.write_all(fd, data)
            if former.st_size > len(data):
                os.ftruncate(fd, len(data))
            uid, gid = self._owner
            if uid not in (-1, former.st_uid) or gid not in (-1, former.st_gid):
                os.fchown(fd, uid, gid)
        finally:
            os.close(fd)

    def _rest_segment(self) -> None:
        """Begin a new segment, and remove this one once its files are on the disk."""
        if self._resting is not None:
            self._resting.join()
        path, touched = self._path, self._touched
        os.close(self._fd)
        self._fd = -1
        self._touched = set()
        self._resting = threading.Thread(target=self._rest, args=(path, touched),
                                         name="journal-rest", daemon=True)
        self._resting.start()

    def _rest(self, path: str, touched: set[str]) -> None:
        self._flush_files(touched)
        os.unlink(path)

    def _flush_files(self, names: Iterable[str]) -> None:
        directories = {self._directory}
        for name in names:
            path = os.path.join(self._directory, name)
            try:
                io.sync_path(path)
            except FileNotFoundError:
                continue  # changed again meanwhile: a later segment tells what became of it
            directories.add(os.path.dirname(path))
        for directory in directories:
            io.sync_path(directory)

    def replay(self) -> int:
        """After a crash: do again what the segments tell, flush, remove them.

        Returns the number of changes found. To be called before the first ``apply``.
        """
        count = 0
        with self._mutex:
            segments = self._segments()
            for _, path in segments:
                count += self._replay_segment(path)
            self._flush_files(self._touched)
            self._touched = set()
            for _, path in segments:
                os.unlink(path)
        return count

    def _replay_segment(self, path: str) -> int:
        with open(path, "rb") as segment:
            data = segment.read()
        count = 0
        for change in _decode(data, path):
            if change[0] == WRITE:
                target = os.path.join(self._directory, change[1])
                text = change[2].encode("utf-8")
                if _read(target) != text:
                    self._write_file(target, text)
                self._touched.add(change[1])
            else:
                self._carry_out(change)
            count += 1
        return count

    def discard(self) -> None:
        """Forget everything: the files are about to be removed."""
        with self._mutex:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
            self._touched = set()

    def close(self) -> None:
        """Flush everything and leave no segment behind."""
        with self._mutex:
            if self._resting is not None:
                self._resting.join()
                self._resting = None
            if self._fd < 0:
                return
            os.close(self._fd)
            self._fd = -1
            self._rest(self._path, self._touched)
            self._touched = set()


def _encode(change: Change) -> bytes:
    return records.frame(b"\0".join(part.encode("utf-8") for part in change))


def _decode(data: bytes, path: str) -> Iterable[list[str]]:
    """The complete records of a segment; a torn last one was never reported as durable."""
    bodies, end = records.scan(data)
    if end < len(data):
        logging.warning("Journal %s: ignoring %d bytes of an unfinished record at its end",
                        path, len(data) - end)
    return [body.decode("utf-8").split("\0", 2) for body in bodies]


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def _make_parent(path: str) -> None:
    os.makedirs(os.path.dirname(path), mode=0o750, exist_ok=True)
