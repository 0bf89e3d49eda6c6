"""A long file of which small changes are made durable by a record in a journal beside it.

The file is written as a whole when its changes have come to rest (``settle``), and from then on
the journal is gone. What the file is at a moment is the file with the journal's changes
(``read``); a crash at any point leaves a pair that tells that exactly. What the text means is
not known here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ganeti import errors, serializer
from ganeti.utils import io, patch, records

SUFFIX: Final = ".journal"
NEXT: Final = ".next"
SETTLED: Final = ".settled"
"""Where the two ways to write the file whole prepare it; they may be under way together."""

LONG: Final = 1024 * 1024
"""Bytes of a journal from which on the file should be written whole instead."""

_HEADER = re.compile(rb"changes of a file, form 1: ([0-9a-f]{40}) ([0-9a-f]{40})\n")
_TRIES: Final = 5

Pieces = list[patch.Piece]


class _Log(NamedTuple):
    """What a journal holds."""

    base: str
    """Digest of the file that it belongs to."""
    start: str
    """Name of the state before the first change."""
    changes: list[tuple[str, Pieces]]
    """States, and what leads to each from the one before."""
    marks: dict[str, str]
    """Digest of a file that was written whole -> the state that it is in."""
    size: int

    def since(self, digest: str) -> list[tuple[str, Pieces]] | None:
        """The changes that a file lacks; None when the journal is not its journal."""
        if digest == self.base or not self.changes:
            return self.changes
        state = self.marks.get(digest)
        if state == self.start:
            return self.changes
        names = [name for name, _ in self.changes]
        return self.changes[names.index(state) + 1:] if state in names else None

    @property
    def head(self) -> str:
        """Name of the newest state."""
        return self.changes[-1][0] if self.changes else self.start


def read(path: str) -> bytes:
    """The content with all changes; ParseError says what is wrong with the journal."""
    for _ in range(_TRIES):
        before = _inodes(path)
        journal, content = _bytes(path + SUFFIX), io.read_bytes(path)
        if _inodes(path) == before:
            break
    if journal is None:
        return content
    return _patched(path, content, _parse(path + SUFFIX, journal))


def _patched(path: str, content: bytes, log: _Log) -> bytes:
    changes = log.since(_digest(content))
    if changes is None:
        raise errors.ParseError(
            f"{path}{SUFFIX} holds {len(log.changes)} changes of another {os.path.basename(path)}"
            " than the one that is here: the file was replaced or damaged. Bring the right one"
            f" back, or remove {path}{SUFFIX} if those changes may be lost")
    try:
        for _, pieces in changes:
            content = patch.apply(content, pieces)
    except (ValueError, TypeError) as err:
        raise errors.ParseError(f"{path}{SUFFIX} does not fit its file: {err}") from err
    return content


def _parse(path: str, data: bytes) -> _Log:
    header = _HEADER.match(data)
    if header is None:
        raise errors.ParseError(f"{path} is not the journal of a file")
    bodies, end = records.scan(data, header.end())
    if end < len(data) and records.follow(data, end):
        raise errors.ParseError(f"{path} is damaged at byte {end}, and changes follow")
    base, start = (part.decode() for part in header.groups())
    changes: list[tuple[str, Pieces]] = []
    marks: dict[str, str] = {}
    head = start
    for body in bodies:
        entry = json.loads(body)
        if "mark" in entry:
            marks[entry["mark"]] = entry["at"]
            continue
        if entry["before"] != head:
            raise errors.ParseError(f"{path} is damaged: a change is missing before state {head}")
        head = _digest(body)
        changes.append((head, entry["pieces"]))
    return _Log(base, start, changes, marks, end)


def _digest(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def _bytes(path: str) -> bytes | None:
    try:
        return io.read_bytes(path)
    except FileNotFoundError:
        return None


def _inodes(path: str) -> tuple[Any, ...]:
    """What tells whether one of the two files was replaced; appending does not change it."""
    main, journal = _stat(path), _stat(path + SUFFIX)
    return (main and (main.st_ino, main.st_mtime_ns, main.st_size), journal and journal.st_ino)


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


class PatchedFile:
    """The one writer of such a file in a process. Safe to use from several threads."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._journal = path + SUFFIX
        self._mutex = threading.Lock()
        self._settling = threading.Lock()
        self._round = 0
        self._fd = -1
        self._size = 0
        self._seen: tuple[Any, ...] | None = None
        self._head = self._base = ""
        self._newest: bytes | None = None

    def _forget(self) -> None:
        """What is on the disk is to be looked at again."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._size = -1, 0
        self._seen = self._newest = None
        self._head = self._base = ""
        self._round += 1

    @property
    def head(self) -> str:
        """Name of the newest state."""
        with self._mutex:
            self._look()
            return self._head

    @property
    def length(self) -> int:
        """Bytes of the journal, 0 without one."""
        with self._mutex:
            return self._size

    @contextlib.contextmanager
    def _looking_again(self) -> Iterator[None]:
        """An error inside leaves open what is on the disk."""
        try:
            yield
        except BaseException:
            self._forget()
            raise

    def _look(self) -> None:
        """See what is there, unless that is known."""
        if self._seen is not None and self._seen == _inodes(self._path):
            return
        self._forget()
        with self._looking_again():
            seen = _inodes(self._path)
            content, journal = io.read_bytes(self._path), _bytes(self._journal)
            self._head = self._base = _digest(content)
            if journal is not None:
                log = _parse(self._journal, journal)
                _patched(self._path, content, log)
                self._head, self._base = log.head, log.base
                self._fd = os.open(self._journal, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
                self._size = log.size
                os.ftruncate(self._fd, log.size)
            self._seen = seen

    def append(self, before: str, pieces: Pieces, newest: bytes | None = None) -> str:
        """Make a change durable; gives the name of the state that it leads to.

        :param before: name of the state that is changed, refused if it is not the newest
        :param newest: the whole content after the change, for those who have it at hand
        """
        with self._mutex:
            self._look()
            if before != self._head:
                raise errors.ParseError(f"{self._path} is not in state {before[:8]}, but in"
                                        f" {self._head[:8]}")
            body = serializer.dump({"before": before, "pieces": pieces})
            self._add(body)
            self._head = _digest(body)
            self._newest = newest
            return self._head

    def _add(self, body: bytes) -> None:
        """Add a record; what is there only in part is taken back."""
        record = records.frame(body)
        if self._fd < 0:
            self._begin(self._base, self._head, record)
            return
        try:
            io.write_all(self._fd, record)
            os.fdatasync(self._fd)
        except OSError:
            with self._looking_again():
                os.ftruncate(self._fd, self._size)
            raise
        self._size += len(record)

    def _begin(self, base: str, start: str, content: bytes) -> None:
        """A new journal, in place of the one that may be there."""
        owner = os.stat(self._path)
        data = b"changes of a file, form 1: %s %s\n%s" % (base.encode(), start.encode(), content)
        io.write_file(self._journal, data, mode=owner.st_mode & 0o777, uid=owner.st_uid,
                      gid=owner.st_gid)
        former, self._fd = self._fd, os.open(
            self._journal, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        if former >= 0:
            os.close(former)
        self._base, self._size = base, len(data)
        self._seen = _inodes(self._path)

    def replace(self, data: bytes, *, mode: int, uid: int = -1, gid: int = -1,
                mtime: float | None = None) -> None:
        """Write the file whole; no journal is left."""
        with self._mutex, self._looking_again():
            digest = _digest(data)
            aside = os.path.exists(self._journal)
            io.write_file(self._path + NEXT if aside else self._path, data, mode=mode, uid=uid,
                          gid=gid, mtime=mtime)
            if aside:
                # otherwise a crash before the journal is gone would leave a pair that does not fit
                with contextlib.suppress(errors.ParseError, FileNotFoundError):
                    self._look()
                    self._add(serializer.dump({"mark": digest, "at": self._head}))
                self._adopt(NEXT)
                io.remove_file(self._journal)
                io.sync_path(os.path.dirname(self._path))
            self._forget()
            self._head = self._base = digest
            self._seen = _inodes(self._path)

    def _adopt(self, suffix: str) -> None:
        os.rename(self._path + suffix, self._path)
        io.sync_path(os.path.dirname(self._path))

    def settle(self) -> None:
        """Write the file whole with the changes so far; further ones may come meanwhile."""
        with self._settling:
            with self._mutex:
                self._look()
                if self._fd < 0:
                    return
                turn, size, head = self._round, self._size, self._head
                content = self._newest
                base, journal = self._copy() if content is None else (b"", b"")
            if content is None:
                content = _patched(self._path, base, _parse(self._journal, journal))
            owner = os.stat(self._path)
            io.write_file(self._path + SETTLED, content, mode=owner.st_mode & 0o777,
                          uid=owner.st_uid, gid=owner.st_gid)
            digest = _digest(content)
            with self._mutex:
                self._look()
                if self._round != turn:
                    io.remove_file(self._path + SETTLED)  # it was written whole meanwhile
                    return
                with self._looking_again():
                    self._come_to_rest(digest, head, size)

    def _copy(self) -> tuple[bytes, bytes]:
        return io.read_bytes(self._path), io.read_bytes(self._journal)

    def _come_to_rest(self, digest: str, state: str, size: int) -> None:
        """Take the whole file over, and keep of the journal what came later."""
        later = io.read_bytes(self._journal)[size:self._size]
        self._add(serializer.dump({"mark": digest, "at": state}))
        self._adopt(SETTLED)
        if later:
            self._begin(digest, state, later)
            return
        os.unlink(self._journal)
        io.sync_path(os.path.dirname(self._path))
        os.close(self._fd)
        self._fd, self._size, self._base, self._newest = -1, 0, digest, None
        self._seen = _inodes(self._path)

    def remove(self) -> None:
        """Remove the file and its journal."""
        with self._mutex:
            for suffix in ("", SUFFIX, NEXT, SETTLED):
                io.remove_file(self._path + suffix)
            self._forget()
