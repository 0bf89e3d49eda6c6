"""Running programs: the one place that starts a process. No shell unless asked for by a string."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from ganeti import errors

_LOG = logging.getLogger(__name__)
_GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL when a program takes too long."""
_MAX_KEPT = 16 * 1024 * 1024
"""Bytes kept of each output stream; what comes after is dropped and said."""
_SHOWN = 500


@dataclass(frozen=True)
class Result:
    """How a program ended, and what it printed."""

    command: str
    exit_code: int | None
    signal: int | None
    stdout: str
    stderr: str
    timed_out: float | None = None

    @property
    def failed(self) -> bool:
        return self.exit_code != 0 or self.timed_out is not None

    @property
    def output(self) -> str:
        """Standard output followed by standard error."""
        return self.stdout + self.stderr

    @property
    def fail_reason(self) -> str:
        """Why it counts as failed; empty when it does not."""
        if self.timed_out is not None:
            return f"took longer than {self.timed_out:g} s and was ended"
        if self.signal is not None:
            return f"ended by signal {self.signal}"
        if self.exit_code:
            return f"exit status {self.exit_code}"
        return ""

    def require_success(self, what: str = "") -> Result:
        """Give back self, or raise CommandError with the end of what the program said."""
        if self.failed:
            said = (self.stderr.strip() or self.stdout.strip())[-_SHOWN:]
            raise errors.CommandError(
                f"{what or self.command}: {self.fail_reason}{': ' + said if said else ''}")
        return self


def run(argv: Sequence[str] | str, *, env: Mapping[str, str] | None = None,
        reset_env: bool = False, timeout: float | None = None,
        input: str | bytes | None = None, cwd: str | None = None, output: str | None = None,
        stdin: int | IO[Any] | None = None, stdout: int | IO[Any] | None = None,
        pass_fds: Sequence[int] = (), user: str | int | None = None,
        group: str | int | None = None, secret: bool = False) -> Result:
    """Run a program to its end.

    A list is run as it is, a string by the shell. `env` is added to the environment, or with
    `reset_env` is all of it; `output` is a file that both streams are appended to; `stdin` and
    `stdout` connect open files instead. After `timeout` seconds the whole process group is
    ended. `secret` keeps the arguments out of log and messages. A program that can not be
    started raises ProcessError; a failing one does not (see Result.require_success).
    """
    shown = _shown(argv, secret)
    _LOG.debug("run: %s", shown)
    sink: IO[Any] | None = None
    try:
        if output is not None:
            sink = open(output, "ab")  # noqa: SIM115 - closed below
        proc = _spawn(argv, shown, env=_environment(env, reset_env), cwd=cwd or "/",
                      stdin=subprocess.PIPE if input is not None else
                      (stdin if stdin is not None else subprocess.DEVNULL),
                      stdout=sink or (stdout if stdout is not None else subprocess.PIPE),
                      stderr=subprocess.STDOUT if sink else subprocess.PIPE,
                      pass_fds=pass_fds, user=user, group=group)
    finally:
        if sink is not None:
            sink.close()
    data = input.encode() if isinstance(input, str) else input
    try:
        out, err, late = _communicate(proc, data, timeout)
    except BaseException:
        _end_group(proc)
        raise
    code = proc.returncode
    return Result(shown, code if code >= 0 else None, -code if code < 0 else None,
                  out, err, timeout if late else None)


def _shown(argv: Sequence[str] | str, secret: bool) -> str:
    if isinstance(argv, str):
        return argv.split()[0] if secret else argv
    if secret:
        return argv[0]
    import shlex
    return shlex.join(argv)


def _environment(env: Mapping[str, str] | None, reset: bool) -> dict[str, str]:
    if reset:
        return dict(env or {})
    return {**os.environ, "LC_ALL": "C", **(env or {})}


def _spawn(argv: Sequence[str] | str, shown: str, **kwargs: Any) -> subprocess.Popen[bytes]:
    if kwargs["user"] is None:
        del kwargs["user"]
    if kwargs["group"] is None:
        del kwargs["group"]
    try:
        return subprocess.Popen(argv, shell=isinstance(argv, str), start_new_session=True,
                                **kwargs)
    except (OSError, ValueError, subprocess.SubprocessError) as err:
        raise errors.ProcessError(f"Can't run {shown}: {err}") from err


class _Streams:
    """Feeds a child and gathers what it prints, without more threads."""

    def __init__(self, proc: subprocess.Popen[bytes], data: bytes | None) -> None:
        self.selector = selectors.DefaultSelector()
        self.open = 0
        self._pidfd = os.pidfd_open(proc.pid)
        self.selector.register(self._pidfd, selectors.EVENT_READ)
        self._kept: dict[Any, bytearray] = {}
        self._left = memoryview(data or b"")
        for stream in (proc.stdout, proc.stderr):
            if stream is not None:
                self._kept[stream] = bytearray()
                self.selector.register(stream, selectors.EVENT_READ)
                self.open += 1
        if proc.stdin is not None:
            os.set_blocking(proc.stdin.fileno(), False)
            self.selector.register(proc.stdin, selectors.EVENT_WRITE)

    def step(self, timeout: float | None) -> bool:
        """Handle what is ready; whether anything was."""
        ready = self.selector.select(timeout)
        for key, _ in ready:
            if key.fileobj == self._pidfd:
                self.selector.unregister(self._pidfd)
            elif key.events & selectors.EVENT_WRITE:
                self._feed(key.fileobj)
            else:
                self._take(key.fileobj)
        return bool(ready)

    def _feed(self, stream: Any) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._left = self._left[os.write(stream.fileno(), self._left[:65536]):]
            if self._left:
                return
        self._close(stream)

    def _take(self, stream: Any) -> None:
        chunk = os.read(stream.fileno(), 65536)
        if not chunk:
            self._close(stream)
            self.open -= 1
        elif len(self._kept[stream]) < _MAX_KEPT:
            self._kept[stream] += chunk
            if len(self._kept[stream]) >= _MAX_KEPT:
                self._kept[stream] += b"\n[more output dropped]\n"

    def _close(self, stream: Any) -> None:
        self.selector.unregister(stream)
        stream.close()

    def text(self, stream: Any) -> str:
        return self._kept.get(stream, bytearray()).decode("utf-8", "replace")

    def end(self) -> None:
        for key in list(self.selector.get_map().values()):
            if key.fileobj != self._pidfd:
                self._close(key.fileobj)
        self.selector.close()
        os.close(self._pidfd)


def _communicate(proc: subprocess.Popen[bytes], data: bytes | None,
                 timeout: float | None) -> tuple[str, str, bool]:
    """Standard output, standard error, and whether the time was over."""
    limit = None if timeout is None else time.monotonic() + timeout
    late = False
    streams = _Streams(proc, data)
    try:
        while proc.poll() is None:
            left = None if limit is None else limit - time.monotonic()
            if left is not None and left <= 0:
                late = True
                _end_group(proc)
                break
            streams.step(left)
        # something it started may keep the pipes open: what is there now is all we wait for
        while streams.open and streams.step(0.05):
            pass
        return streams.text(proc.stdout), streams.text(proc.stderr), late
    finally:
        streams.end()


def _end_group(proc: subprocess.Popen[bytes]) -> None:
    """End a program and whatever it started: ask first, then kill."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(proc.pid, number)
        try:
            proc.wait(_GRACE)
        except subprocess.TimeoutExpired:
            continue
        if number == signal.SIGTERM:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(proc.pid, signal.SIGKILL)
        return


def start_daemon(argv: Sequence[str], *, env: Mapping[str, str] | None = None,
                 reset_env: bool = False, cwd: str = "/", output: str | None = None,
                 pidfile: str | None = None, pass_fds: Sequence[int] = ()) -> int:
    """Start a program that outlives us, and give back its process id.

    It gets its own session and no parent of ours, so that its end leaves no zombie; `output`
    is the file for its two streams, `pidfile` gets its id. A program that can not be executed
    raises ProcessError.
    """
    request = {"argv": list(argv), "cwd": cwd, "output": output, "pidfile": pidfile}
    report_r, report_w = os.pipe()
    try:
        code = _STARTER % (request, report_w, sorted(pass_fds))
        starter = run([sys.executable, "-S", "-E", "-c", code], pass_fds=[report_w, *pass_fds],
                      env=_environment(env, reset_env), reset_env=True)
        os.close(report_w)
        report_w = -1
        with os.fdopen(os.dup(report_r), "rb") as pipe:
            answer = pipe.read().decode("utf-8", "replace").strip()
    finally:
        os.close(report_r)
        if report_w >= 0:
            os.close(report_w)
    if not answer.startswith("pid "):
        raise errors.ProcessError(f"Can't start {argv[0]}: {answer or starter.output.strip()}")
    pid_line, _, failure = answer.partition("\n")
    if failure:
        raise errors.ProcessError(f"Can't start {argv[0]}: {failure}")
    return int(pid_line.split()[1])


# Run by a bare interpreter (a fork of a threaded daemon could hang): forks, tells the id, and
# executes; the report pipe closes at the exec, or carries the error.
_STARTER = """
import os, sys
request, report, keep = %r, %d, %r
child = os.fork()
if child:
    os._exit(0)
try:
    os.setsid()
    os.write(report, b"pid %%d\\n" %% os.getpid())
    if request["pidfile"]:
        fd = os.open(request["pidfile"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(fd, b"%%d\\n" %% os.getpid())
        os.close(fd)
    os.chdir(request["cwd"])
    target = os.open(request["output"] or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0); os.dup2(target, 1); os.dup2(target, 2)
    os.set_inheritable(report, False)
    for fd in keep:
        os.set_inheritable(fd, True)
    for fd in (null, target):
        if fd > 2:
            os.close(fd)
    os.execvp(request["argv"][0], request["argv"])
except OSError as err:
    os.write(report, str(err).encode())
    os._exit(127)
"""


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    if pid <= 0:
        return False
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def end(pid: int, timeout: float = 30.0, *, group: bool = False,
        on_kill: Callable[[], object] | None = None) -> None:
    """Ask a process to end, kill it after `timeout` seconds, and wait until it is gone."""
    send = os.killpg if group else os.kill
    for number, patience in ((signal.SIGTERM, timeout), (signal.SIGKILL, 10.0)):
        if number == signal.SIGKILL and on_kill is not None:
            on_kill()
        try:
            send(pid, number)
        except ProcessLookupError:
            return
        limit = time.monotonic() + patience
        while time.monotonic() < limit:
            _reap(pid)
            if not alive(pid):
                return
            time.sleep(0.02)
    raise errors.ProcessError(f"Process {pid} does not end, not even by SIGKILL")


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
