"""The QEMU process: starting it, finding it again, ending it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence

from ganeti import errors
from ganeti.hypervisor.kvm.paths import Files
from ganeti.hypervisor.kvm.qmp import QmpError, Session
from ganeti.utils import io, process

#: Preallocation of much memory takes its time; a QEMU that dies is noticed at once
_START_TIMEOUT = 120.0
_QUIT_TIMEOUT = 5.0
_TERM_TIMEOUT = 5.0
_POLL = 0.02
_LOG_TAIL = 2000


def pid(files: Files) -> int | None:
    """The process of a guest; None when it does not run."""
    number = io.read_pid_file(files.pid)
    return number if number and _is_guest(number, files.name) else None


def _is_guest(number: int, name: str) -> bool:
    """Whether a process is the QEMU of this guest, not one that got its number later."""
    try:
        with open(f"/proc/{number}/cmdline", "rb") as stream:
            words = stream.read().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    wanted = name.encode().replace(b",", b",,")
    return any(flag == b"-name" and value.split(b",debug-threads")[0] == wanted
               for flag, value in zip(words, words[1:], strict=False))


def start(argv: Sequence[str], files: Files, fds: Sequence[int]) -> int:
    """Start QEMU, which inherits `fds`, and wait until it can be talked to."""
    logged = _log_size(files)
    number = process.start_daemon(argv, output=files.log, pass_fds=fds)
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline:
        if not process.alive(number):
            raise _died(files, logged)
        if pid(files) is not None and os.path.exists(files.qmp):
            break
        time.sleep(_POLL)
    try:
        with Session(files.qmp, files.name, connect_timeout=_START_TIMEOUT):
            return number
    except QmpError:
        time.sleep(_POLL)
        if process.alive(number):
            end(files)
            raise
        raise _died(files, logged) from None


def _log_size(files: Files) -> int:
    try:
        return os.path.getsize(files.log)
    except FileNotFoundError:
        return 0


def _died(files: Files, offset: int) -> errors.HypervisorError:
    with open(files.log, encoding="utf-8", errors="replace") as stream:
        stream.seek(offset)
        said = " / ".join(line for line in stream.read()[-_LOG_TAIL:].splitlines() if line.strip())
    return errors.HypervisorError(
        f"QEMU of instance {files.name} ended at once: {said or 'it said nothing'}"
        f" (see {files.log})")


def end(files: Files) -> None:
    """End a guest at once; what it has written reaches its disks."""
    number = pid(files)
    if number is None:
        return
    try:
        with Session(files.qmp, files.name, connect_timeout=_QUIT_TIMEOUT,
                     timeout=_QUIT_TIMEOUT) as session:
            session.execute("quit")
    except errors.HypervisorError as err:
        logging.info("Instance %s can not be told to quit: %s", files.name, err)
    if wait_gone(number, _QUIT_TIMEOUT):
        return
    logging.warning("Sending signals to QEMU of instance %s", files.name)
    try:
        process.end(number, _TERM_TIMEOUT)
    except errors.ProcessError as err:
        raise errors.HypervisorError(
            f"QEMU of instance {files.name} (process {number}) survives SIGKILL; it hangs in the"
            " kernel, probably on storage that does not answer") from err


def wait_gone(number: int, timeout: float) -> bool:
    """Whether a process ends within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while process.alive(number):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True
