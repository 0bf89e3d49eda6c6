"""Files: written whole or not at all, read, and locked."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import tempfile
import time
from collections.abc import Callable
from types import TracebackType

from ganeti import errors


def read_bytes(path: str, limit: int | None = None) -> bytes:
    """The content of a file, with `limit` its first bytes only."""
    with open(path, "rb") as stream:
        return stream.read() if limit is None else stream.read(limit)


def read_file(path: str, limit: int | None = None) -> str:
    """The content of a text file; ParseError when it is no UTF-8."""
    data = read_bytes(path, limit)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as err:
        raise errors.ParseError(f"{path} is no UTF-8 text: byte {err.start}") from None


def read_first_line(path: str, *, strict: bool = False) -> str:
    """The first line of a file without its end; `strict` refuses a second or an empty one."""
    lines = read_file(path).splitlines()
    first = lines[0].strip() if lines else ""
    if strict and (len(lines) != 1 or not first):
        raise errors.ParseError(f"{path} must hold exactly one line, it has {len(lines)}")
    return first


def write_file(path: str, data: str | bytes, *, mode: int = 0o600, uid: int = -1, gid: int = -1,
               prewrite: Callable[[int], object] | None = None, backup: bool = False,
               dry_run: bool = False, sync: bool = True, mtime: float | None = None) -> None:
    """Replace a file so that at any moment the old or the new content is there, whole.

    `prewrite` gets the open descriptor before the data goes in; `backup` keeps the old file
    under PATH.backup-TIME; `dry_run` writes and throws away; `sync=False` is for files that
    need not survive a crash of the machine.
    """
    content = data.encode("utf-8") if isinstance(data, str) else data
    directory, base = os.path.split(os.path.abspath(path))
    fd, temporary = tempfile.mkstemp(prefix=f".{base}.", suffix=".new", dir=directory)
    try:
        try:
            _fill(fd, content, mode, uid, gid, prewrite)
            if mtime is not None:
                os.utime(fd, (mtime, mtime))
            if sync:
                os.fsync(fd)
        finally:
            os.close(fd)
        if dry_run:
            return
        if backup:
            create_backup(path)
        os.rename(temporary, path)
        temporary = ""
        if sync:
            sync_path(directory)
    finally:
        if temporary:
            os.unlink(temporary)


def _fill(fd: int, content: bytes, mode: int, uid: int, gid: int,
          prewrite: Callable[[int], object] | None) -> None:
    if (uid, gid) != (-1, -1):
        os.fchown(fd, uid, gid)
    os.fchmod(fd, mode)
    if prewrite is not None:
        prewrite(fd)
    write_all(fd, content)


def write_all(fd: int, content: bytes) -> None:
    """Write to a descriptor, however many calls it takes."""
    left = memoryview(content)
    while left:
        left = left[os.write(fd, left):]


def sync_path(path: str) -> None:
    """Make a file durable; of a directory, the names that came, changed or went."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def create_backup(path: str) -> str | None:
    """Copy a file beside itself as PATH.backup-TIME; None when there is nothing to copy."""
    if not os.path.isfile(path):
        return None
    stamp = f"{time.time():.6f}"
    copy = f"{path}.backup-{stamp}"
    status = os.stat(path)
    write_file(copy, read_bytes(path), mode=status.st_mode & 0o777, mtime=status.st_mtime)
    return copy


def remove_file(path: str) -> bool:
    """Remove a file that may not be there; whether it was."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


def make_dirs(path: str, mode: int = 0o750, uid: int = -1, gid: int = -1) -> None:
    """Make a directory with its parents; an existing one gets mode and owner too."""
    os.makedirs(path, mode=0o755, exist_ok=True)
    os.chmod(path, mode)
    if (uid, gid) != (-1, -1):
        os.chown(path, uid, gid)


def list_visible(path: str) -> list[str]:
    """Names in a directory without the hidden ones, sorted; empty when there is none."""
    try:
        return sorted(name for name in os.listdir(path) if not name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


class FileLock:
    """An advisory lock on a file, held until `release` or the end of the `with` block."""

    def __init__(self, path: str, fd: int) -> None:
        self.path = path
        self._fd = fd

    def fileno(self) -> int:
        return self._fd

    def release(self) -> None:
        """Let go; a second call does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> FileLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.release()


def lock_file(path: str, *, shared: bool = False, timeout: float | None = 0.0,
              mode: int = 0o600) -> FileLock:
    """Lock a file (made when missing); LockError when another holds it for too long.

    `timeout` 0 does not wait, None waits without end. The lock ends with the process, and is
    not inherited by programs that it starts.
    """
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)
    try:
        _take(fd, path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, timeout)
    except BaseException:
        os.close(fd)
        raise
    return FileLock(path, fd)


def _take(fd: int, path: str, kind: int, timeout: float | None) -> None:
    if timeout is None:
        fcntl.flock(fd, kind)
        return
    limit = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(fd, kind | fcntl.LOCK_NB)
            return
        except OSError as err:
            if err.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        if time.monotonic() >= limit:
            raise errors.LockError(f"{path} is locked by another process")
        time.sleep(min(0.05, max(timeout / 20, 0.005)))


def write_pid_file(path: str) -> FileLock:
    """Write our process id and hold the file's lock; PidFileLockError when another holds it."""
    while True:
        try:
            lock = lock_file(path, mode=0o644)
        except errors.LockError:
            raise errors.PidFileLockError(
                f"It runs already (process {read_pid_file(path) or 'unknown'}, {path})") from None
        # a process that is just ending may have removed the file that we locked
        with contextlib.suppress(FileNotFoundError):
            if os.stat(path).st_ino == os.fstat(lock.fileno()).st_ino:
                break
        lock.release()
    os.ftruncate(lock.fileno(), 0)
    os.pwrite(lock.fileno(), b"%d\n" % os.getpid(), 0)
    return lock


def read_pid_file(path: str) -> int:
    """The process id in a PID file; 0 without file or id."""
    try:
        text = read_bytes(path, 64).decode("ascii", "replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return 0
    return int(text) if text.isdigit() else 0


def locked_pid(path: str) -> int:
    """The process that holds a PID file's lock; 0 when none does."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return read_pid_file(path)
    finally:
        os.close(fd)
    return 0


def tail(path: str, lines: int = 20, limit: int = 64 * 1024) -> list[str]:
    """The last lines of a text file; empty when it is not there."""
    try:
        with open(path, "rb") as stream:
            stream.seek(0, os.SEEK_END)
            size = stream.tell()
            stream.seek(max(0, size - limit))
            return stream.read().decode("utf-8", "replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []
