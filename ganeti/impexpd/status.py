"""The status file of a transfer, format of `protocols.json` (`import_export.status`)."""

from __future__ import annotations

import collections
import dataclasses
import threading
import time
from typing import Any

from ganeti import errors, serializer
from ganeti.utils import io

#: Lines of the commands' output that are kept
OUTPUT_LINES = 20
#: Seconds between two writings that only tell the progress
INTERVAL = 1.0
#: Seconds over which the throughput is averaged
WINDOW = 10.0
MIB = 1024 * 1024


@dataclasses.dataclass
class Status:
    """What is known of a transfer; amounts in MiB, times in seconds."""

    recent_output: list[str] = dataclasses.field(default_factory=list)
    listen_port: int | None = None
    connected: bool = False
    progress_mbytes: float | None = None
    progress_throughput: float | None = None
    progress_eta: float | None = None
    progress_percent: float | None = None
    exit_status: int | None = None
    error_message: str | None = None
    ctime: float = 0.0
    mtime: float = 0.0


FIELDS = frozenset(field.name for field in dataclasses.fields(Status))


def read(path: str) -> Status | None:
    """The status in a file; None while there is none, ParseError for a damaged one."""
    try:
        data = serializer.load(io.read_bytes(path))
    except FileNotFoundError:
        return None
    if not isinstance(data, dict) or not FIELDS.issuperset(data):
        raise errors.ParseError(f"Status file {path} does not hold the status of a transfer")
    return Status(**data)


class StatusFile:
    """Keeps the file up to date; may be used from several threads."""

    def __init__(self, path: str, expected_mib: float | None = None) -> None:
        """:param expected_mib: size of the whole transfer, where it is known"""
        self._path = path
        self._expected = expected_mib
        self._lock = threading.RLock()
        self._bytes = 0
        self._written = 0.0
        self._samples: collections.deque[tuple[float, int]] = collections.deque()
        self.status = Status(ctime=time.time())

    def set(self, **changes: Any) -> None:
        """Change fields, and write the file."""
        with self._lock:
            for name, value in changes.items():
                setattr(self.status, name, value)
            self._write()

    def output(self, line: str) -> None:
        """Keep a line that a command has said."""
        with self._lock:
            self.status.recent_output = [*self.status.recent_output, line][-OUTPUT_LINES:]
            self._write()

    def count(self, amount: int) -> None:
        """Note that more bytes went through."""
        with self._lock:
            self._bytes += amount
            if time.monotonic() - self._written >= INTERVAL:
                self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        self._progress(self._written)
        self.status.mtime = time.time()
        try:
            io.write_file(self._path, serializer.dump(dataclasses.asdict(self.status)),
                          mode=0o600, sync=False)
        except OSError as err:
            if self.status.error_message is None:
                self.status.error_message = f"Can not write {self._path}: {err.strerror}"

    def _progress(self, now: float) -> None:
        self._samples.append((now, self._bytes))
        while len(self._samples) > 2 and now - self._samples[0][0] > WINDOW:
            self._samples.popleft()
        status = self.status
        if not status.connected:
            return
        status.progress_mbytes = self._bytes / MIB
        begin, before = self._samples[0]
        status.progress_throughput = ((self._bytes - before) / MIB / (now - begin)
                                      if now > begin else None)
        if self._expected:
            status.progress_percent = min(100.0, 100.0 * status.progress_mbytes / self._expected)
            left = max(0.0, self._expected - status.progress_mbytes)
            status.progress_eta = (left / status.progress_throughput
                                   if status.progress_throughput else None)


def read_pid(path: str) -> int | None:
    """The process id in a file; None when there is none."""
    try:
        return int(io.read_file(path))
    except (OSError, ValueError):
        return None

