"""LXC's programs: starting, asking and ending containers through them, and what they log."""

from __future__ import annotations

import functools
import os
import re
import shutil
import tempfile
from collections.abc import Sequence

from ganeti import errors, pathutils
from ganeti.hypervisor import rootfs
from ganeti.hypervisor.lxc.limits import Setting
from ganeti.hypervisor.lxc.paths import Files
from ganeti.utils import io, process

PROGRAMS = ("lxc-start", "lxc-stop", "lxc-wait", "lxc-freeze", "lxc-unfreeze", "lxc-console",
            "lxc-info")
#: Older ones can not be told the names of control groups
OLDEST = (4, 0)
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TIMEOUT = 30
#: Name of a container that is only described, to see whether LXC understands it
_TRIAL = "trial"
_LOG_TAIL = 20000
_SHOWN_ERRORS = 4
_LOG_LINE = re.compile(r"^lxc-start \S+ \S+ ERROR +(\S+) - \S+ - (.*)$", re.MULTILINE)
#: What these say is only that something else has failed
_CALLERS = ("lxc_start", "lxccontainer", "sync")


def call(tool: str, files: Files, *args: str, timeout: float | None = _TIMEOUT) -> process.Result:
    """Run one of LXC's programs on a container."""
    return _run([tool, "-n", files.name, "-P", pathutils.LXC_DIR, *args], timeout)


def _run(argv: Sequence[str], timeout: float | None = _TIMEOUT) -> process.Result:
    return process.run(argv, env={"PATH": _PATH}, reset_env=True, timeout=timeout)


def refused(settings: Sequence[Setting]) -> list[Setting]:
    """Those that LXC's own parser does not take; which ones there are depends on its version."""
    with tempfile.TemporaryDirectory(prefix="ganeti-lxc-check-") as directory:
        def accepts(some: Sequence[Setting]) -> bool:
            io.write_file(os.path.join(directory, _TRIAL, "config"), "".join(
                f"{key} = {value}\n" for key, value in [("lxc.uts.name", _TRIAL), *some]).encode(),
                sync=False)
            return not _run(
                ["lxc-info", "-P", directory, "-n", _TRIAL, "-c", "lxc.uts.name"]).failed

        os.mkdir(os.path.join(directory, _TRIAL))
        return [] if accepts(settings) else [
            setting for setting in settings if not accepts([setting])]


def require(tool: str, files: Files, *args: str, timeout: float | None = _TIMEOUT) -> None:
    """Like call, but a failure is a HypervisorError."""
    check(tool, files, call(tool, files, *args, timeout=timeout))


def check(tool: str, files: Files, result: process.Result) -> None:
    """Raise HypervisorError if one of LXC's programs, which has run on a container, failed."""
    if result.failed:
        raise errors.HypervisorError(
            f"{tool} of instance {files.name} failed: {result.fail_reason};"
            f" {result.output.strip()} (see {files.log})")


def start(files: Files, timeout: float | None) -> None:
    """Start a container; lxc-start comes back when its first process runs, or has failed."""
    logged = os.path.getsize(files.log) if os.path.exists(files.log) else 0
    result = call("lxc-start", files, "-f", files.config, "-d", "-p", files.monitor,
                  "-o", files.log, "-l", "NOTICE", timeout=timeout)
    if result.timed_out is not None:
        raise errors.HypervisorError(
            f"Container {files.name} did not run within {timeout:g} s (startup_timeout);"
            f" see {files.log}")
    if result.failed:
        raise errors.HypervisorError(
            f"Container {files.name} can not start: {_why(files, logged) or result.output.strip()}"
            f" (see {files.log})")


def _why(files: Files, offset: int) -> str:
    """What the hooks said, or else the first errors that LXC logged."""
    try:
        if said := io.read_file(files.messages).strip():
            return said
    except FileNotFoundError:
        pass  # no hook had anything to say
    try:
        with open(files.log, encoding="utf-8", errors="replace") as stream:
            stream.seek(offset)
            return "; ".join(log_errors(stream.read(_LOG_TAIL)))
    except FileNotFoundError:
        return ""


def log_errors(log: str) -> list[str]:
    """Messages of the lines of a log that tell errors."""
    found = [text for module, text in _LOG_LINE.findall(log) if module not in _CALLERS]
    return found[:_SHOWN_ERRORS]


def wait(files: Files, state: str, seconds: int) -> bool:
    """Wait for a state as LXC tells it; whether it came."""
    return not call("lxc-wait", files, "-s", state, "-t", str(seconds),
                    timeout=seconds + _TIMEOUT).failed


def monitor(files: Files) -> int | None:
    """The process that looks after a container; None when there is none."""
    number = io.read_pid_file(files.monitor)
    if not number:
        return None
    try:
        with open(f"/proc/{number}/cmdline", "rb") as stream:
            title = stream.read().rstrip(b"\0 ").decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return number if title == f"[lxc monitor] {pathutils.LXC_DIR} {files.name}" else None


@functools.cache
def version() -> tuple[int, ...]:
    """Version of LXC on this node."""
    if shutil.which("lxc-start", path=_PATH) is None:
        raise errors.HypervisorError(
            "LXC is not installed (there is no lxc-start);"
            " 'apt-get install lxc' or the like makes it ready")
    result = _run(["lxc-start", "--version"]).require_success("lxc-start --version")
    return parse_version(result.stdout)


def parse_version(text: str) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", text.strip())
    if found is None:
        raise errors.HypervisorError(f"lxc-start tells no version that is understood: {text!r}")
    return int(found[1]), int(found[2])


def missing_programs() -> list[str]:
    """Programs of LXC and of the system that the driver needs and does not find."""
    return [name for name in (*PROGRAMS, *rootfs.PROGRAMS, "losetup", "ip")
            if shutil.which(name, path=_PATH) is None]
