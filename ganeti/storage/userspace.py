"""Contents of disks that this node's kernel does not know: storage that guests reach by address.

A guest with `access=userspace` opens the address (URI) itself. What the node does with the
contents (wiping, installing, copying) goes through a file that ``qemu-storage-daemon`` offers by
FUSE for just as long as it is needed, so that no kernel driver has to be there.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from ganeti import errors, pathutils, serializer
from ganeti.storage import uri as addresses
from ganeti.utils import io, process

PROGRAM = "qemu-storage-daemon"
START_TIMEOUT = 120
STOP_TIMEOUT = 60
LOCK_TIMEOUT = 60.0


def path_of(disk_uuid: str) -> str:
    """Where the contents of a disk can be seen while they are at hand."""
    return os.path.join(pathutils.DISK_EXPORTS_DIR, disk_uuid)


def block_node(uri: str) -> dict[str, Any]:
    try:
        return addresses.uri_node(uri)
    except errors.HypervisorError as err:
        raise errors.BlockDeviceError(str(err)) from err


class _Shared:
    """The use of one disk's contents by this process: the first user starts, the last one ends."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.guard = threading.Lock()
        self.users = 0
        self._lock: io.FileLock | None = None

    def begin(self, uri: str) -> None:
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        try:
            self._lock = io.lock_file(f"{self.path}.lock", timeout=LOCK_TIMEOUT)
        except errors.LockError as err:
            raise errors.BlockDeviceError(
                f"The contents at {self.path} are in use by another operation: {err}") from err
        try:
            _end(self.path)
            _start(uri, self.path)
        except BaseException:
            self._lock.release()
            raise

    def finish(self) -> None:
        assert self._lock is not None
        try:
            _end(self.path)
        finally:
            self._lock.release()


_GUARD = threading.Lock()
_SHARED: dict[str, _Shared] = {}


@contextlib.contextmanager
def contents(uri: str, disk_uuid: str) -> Iterator[str]:
    """The path of a file that is the disk behind an address, while the block lasts.

    Blocks of one process may lie in each other; other processes wait for their end.
    """
    path = path_of(disk_uuid)
    with _GUARD:
        shared = _SHARED.setdefault(path, _Shared(path))
    with shared.guard:
        if not shared.users:
            shared.begin(uri)
        shared.users += 1
    try:
        yield path
    finally:
        with shared.guard:
            shared.users -= 1
            if not shared.users:
                shared.finish()


def forget(disk_uuid: str) -> None:
    """End what a killed daemon may have left, and its files."""
    path = path_of(disk_uuid)
    shared = _SHARED.get(path)
    if shared is not None and shared.users:
        return
    _end(path)
    io.remove_file(f"{path}.lock")


def virtual_size(uri: str) -> int:
    """Size in bytes of the disk behind an address."""
    told = qemu_img(["info", "--output=json", "--image-opts", _options(uri)],
                    f"tell the size of {uri}")
    return int(serializer.load(told)["virtual-size"])


def qemu_img(words: Sequence[str], what: str) -> str:
    """What qemu-img says; `what` it is to do stands in the error if it can not."""
    program = shutil.which("qemu-img")
    if program is None:
        raise errors.BlockDeviceError(
            f"Can not {what}: program qemu-img is missing (Debian: package qemu-utils)")
    try:
        result = process.run([program, *words], timeout=START_TIMEOUT)
    except errors.ProcessError as err:
        raise errors.BlockDeviceError(f"Can not {what}: {err}") from err
    if result.failed:
        raise errors.BlockDeviceError(
            f"Can not {what} ({result.fail_reason}): {result.stderr.strip()}")
    return result.stdout


def _options(uri: str) -> str:
    """An address as qemu-img takes it: key=value words of a raw node."""
    words = ["driver=raw"]

    def add(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                add(f"{prefix}.{key}", inner)
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                add(f"{prefix}.{index}", inner)
        else:
            words.append(f"{prefix}={str(value).replace(',', ',,')}")

    add("file", block_node(uri))
    return ",".join(words)


def _start(uri: str, path: str) -> None:
    program = shutil.which(PROGRAM)
    if program is None:
        raise errors.BlockDeviceError(
            f"Program {PROGRAM}, by which the node reads and writes disks with access=userspace,"
            " is missing (Debian: package qemu-system-common)")
    node = block_node(uri)
    frozen = "snapshot" in node
    io.write_file(path, b"", mode=0o600, sync=False)
    try:
        result = process.run([
            program, "--blockdev", serializer.dumps({"node-name": "address", "read-only": frozen,
                                                     **node}),
            "--blockdev", serializer.dumps({"driver": "raw", "node-name": "disk",
                                            "file": "address", "read-only": frozen}),
            "--export", serializer.dumps({"type": "fuse", "id": "disk", "node-name": "disk",
                                          "mountpoint": path, "writable": not frozen,
                                          "allow-other": "off"}),
            "--daemonize", "--pidfile", f"{path}.pid"], timeout=START_TIMEOUT)
    except errors.ProcessError as err:
        _end(path)
        raise errors.BlockDeviceError(str(err)) from err
    if result.failed:
        _end(path)
        raise errors.BlockDeviceError(
            f"Can not reach the contents of {uri} ({result.fail_reason}):"
            f" {result.stderr.strip()}")
    logging.info("Contents of %s are at %s", uri, path)


def _end(path: str) -> None:
    """End the server of a file, if there is one, and remove the file."""
    pid = io.read_pid_file(f"{path}.pid")
    if pid > 0 and _is_ours(pid, path):
        process.end(pid, STOP_TIMEOUT)
    if os.path.ismount(path) or _is_stale(path):
        process.run(["umount", "-l", path]).require_success(f"Unmounting {path}")
    for name in (f"{path}.pid", path):
        io.remove_file(name)


def _is_stale(path: str) -> bool:
    """Has the server of a mounted file died."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _is_ours(pid: int, path: str) -> bool:
    """Is the process still the server of the file, and not another one with its old number."""
    try:
        words = io.read_bytes(f"/proc/{pid}/cmdline").split(b"\0")
    except OSError:
        return False
    return any(path.encode() in word for word in words)
