"""What all daemons share: options, detaching, PID file, signals, readiness, a clear bad start.

    def main() -> int:
        return daemon.main(constants.NODED, check, run, options=options, port=1811)

`check(options)` refuses a bad start early; `run(options, life)`, a function or coroutine
function, serves until `life.stop` is set, and calls `life.ready()` when it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import inspect
import logging
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from ganeti import errors, pathutils, runtime
from ganeti.constants import exits, versions
from ganeti.utils import io, log, net

_LOG = logging.getLogger(__name__)
_READY = b"ready"


class Refusal(errors.GenericError):
    """A daemon will not start: its text, and the exit status."""

    def __init__(self, text: str, status: int = exits.EXIT_FAILURE) -> None:
        super().__init__(text)
        self.status = status


class Life:
    """A running daemon's course: it becomes ready, is told to reopen its logs, and to stop."""

    def __init__(self, report: Callable[[], None]) -> None:
        self._report = report
        self.stop: Any = threading.Event()
        self.on_reload: list[Callable[[], object]] = [log.reopen]

    def ready(self) -> None:
        """Tell whoever waits for our start that we serve now."""
        self._report()

    def use_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let `stop` be an asyncio event of this loop, and take signals there."""
        self.stop = asyncio.Event()
        for number, action in self._actions().items():
            loop.add_signal_handler(number, action)

    def use_signals(self) -> None:
        """Take signals in the main thread of a daemon without event loop."""
        for number, action in self._actions().items():
            signal.signal(number, _handler(action))

    def _actions(self) -> dict[int, Callable[[], None]]:
        return {signal.SIGTERM: self._stopping, signal.SIGINT: self._stopping,
                signal.SIGHUP: self._reload}

    def _stopping(self) -> None:
        _LOG.info("asked to stop")
        sd_notify("STOPPING=1")
        self.stop.set()

    def _reload(self) -> None:
        for action in self.on_reload:
            try:
                action()
            except (errors.GenericError, OSError) as err:
                _LOG.error("on SIGHUP: %s", errors.text(err))
        _LOG.info("logs opened anew")


def _handler(action: Callable[[], None]) -> Callable[[int, object], None]:
    return lambda _number, _frame: action()


def sd_notify(state: str) -> None:
    """Tell systemd something, when it has asked to be told."""
    target = os.environ.get("NOTIFY_SOCKET")
    if not target:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        try:
            sock.sendto(state.encode(), "\0" + target[1:] if target[0] == "@" else target)
        except OSError as err:
            _LOG.warning("systemd can not be told '%s': %s", state, err)


def make_parser(name: str, *, port: int | None = None,
                ssl_files: tuple[str, str] | None = None) -> argparse.ArgumentParser:
    """The options that all daemons have; those of network daemons with `port` and `ssl_files`."""
    parser = argparse.ArgumentParser(prog=name, allow_abbrev=False)
    parser.add_argument("--version", "-V", action="version",
                        version=f"{name} (ganeti) {versions.RELEASE_VERSION}")
    parser.add_argument("-f", "--foreground", action="store_false", dest="fork",
                        help="stay in the foreground")
    parser.add_argument("-d", "--debug", action="store_true", help="log everything")
    parser.add_argument("--syslog", choices=log.SYSLOG_USAGES, default=log.SYSLOG_NO,
                        help="log to the system log too, or only there")
    parser.add_argument("--no-user-checks", action="store_true", help=argparse.SUPPRESS)
    if port is not None:
        parser.add_argument("-p", "--port", type=_port, default=net.daemon_port(name),
                            help="port to listen on (default: %(default)s)")
        parser.add_argument("-b", "--bind", dest="bind_address", metavar="ADDRESS", default=None,
                            help="address to listen on (default: all)")
        parser.add_argument("-i", "--interface", dest="bind_interface", default=None,
                            help="interface to listen on, instead of -b")
    if ssl_files is not None:
        parser.add_argument("--no-ssl", action="store_false", dest="ssl",
                            help="speak without encryption")
        parser.add_argument("-K", "--ssl-key", default=ssl_files[0], metavar="FILE",
                            help="private key (default: %(default)s)")
        parser.add_argument("-C", "--ssl-cert", default=ssl_files[1], metavar="FILE",
                            help="certificate (default: %(default)s)")
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"'{text}' is no port number")
    return int(text)


def bind_address(options: argparse.Namespace) -> str:
    """The address to listen on: of -b, of the interface of -i, else all of the right family."""
    if options.bind_interface:
        if options.bind_address:
            raise Refusal("Give -b or -i, not both", exits.EXIT_USAGE)
        found = net.interface_addresses(options.bind_interface)
        if not found:
            raise Refusal(f"Interface {options.bind_interface} has no address")
        return found[0]
    return str(options.bind_address or net.default_bind())


def main(name: str, check: Callable[[argparse.Namespace], object] | None,
         run: Callable[[argparse.Namespace, Life], Any], *,
         options: Callable[[argparse.ArgumentParser], object] | None = None,
         port: int | None = None, ssl_files: tuple[str, str] | None = None,
         argv: Sequence[str] | None = None) -> int:
    """Start a daemon as its command line says; gives back the exit status."""
    parser = make_parser(name, port=port, ssl_files=ssl_files)
    if options is not None:
        options(parser)
    opts = parser.parse_args(argv)
    os.umask(runtime.DAEMON_UMASK)
    try:
        if port is not None:
            opts.bind_address = bind_address(opts)
        if check is not None:
            check(opts)
        if opts.fork:
            return _start_detached(name, run, opts)
        return _serve(name, run, opts, None)
    except Refusal as err:
        print(f"{name}: {errors.text(err)}", file=sys.stderr)
        return err.status
    except (errors.GenericError, OSError) as err:
        print(f"{name}: {errors.text(err)}", file=sys.stderr)
        return exits.EXIT_FAILURE


def _start_detached(name: str, run: Callable[..., Any], opts: argparse.Namespace) -> int:
    """Fork twice; the first process waits for word from the daemon and tells it by its status."""
    report_r, report_w = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork():
        os.close(report_w)
        with os.fdopen(report_r, "rb") as pipe:
            word = pipe.read()
        if word.startswith(_READY):
            return exits.EXIT_SUCCESS
        status, _, text = word.decode("utf-8", "replace").partition(" ")
        print(f"{name}: {text or 'ended during its start; see its log'}", file=sys.stderr)
        return int(status) if status.isdigit() else exits.EXIT_FAILURE
    os.close(report_r)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    _redirect_streams()
    ended = _serve(name, run, opts, report_w)
    logging.shutdown()
    os._exit(ended)


def _redirect_streams() -> None:
    """Let nothing of a detached daemon reach or hold the terminal."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    if null > 2:
        os.close(null)


class _Report:
    """Tells the waiting parent, and systemd, how the start went; only the first word counts."""

    def __init__(self, fd: int | None) -> None:
        self._fd = fd

    def ready(self) -> None:
        sd_notify("READY=1")
        self._send(_READY)

    def failed(self, status: int, text: str) -> None:
        if self._fd is not None:
            self._send(f"{status} {text}".encode())
        sd_notify(f"STATUS={text}")

    def _send(self, word: bytes) -> None:
        if self._fd is not None:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._fd, word)
            os.close(self._fd)
            self._fd = None


def _serve(name: str, run: Callable[..., Any], opts: argparse.Namespace,
           report_fd: int | None) -> int:
    """Hold the PID file, run to the end, and say why when it ends badly."""
    report = _Report(report_fd)
    foreground = report_fd is None
    try:
        os.makedirs(pathutils.RUN_DIR, exist_ok=True)
        os.makedirs(pathutils.LOG_DIR, exist_ok=True)
        log.setup(name, logfile=pathutils.daemon_log_file(name), debug=opts.debug,
                  stderr=foreground, syslog=opts.syslog)
        pid_file = pathutils.daemon_pid_file(name)
        lock = io.write_pid_file(pid_file)
    except (errors.GenericError, OSError) as err:
        return _fail(name, report, foreground, errors.text(err), exits.EXIT_FAILURE)
    try:
        _LOG.info("%s %s starts", name, versions.RELEASE_VERSION)
        _run(run, opts, Life(report.ready))
    except Refusal as err:
        return _fail(name, report, foreground, errors.text(err), err.status)
    except (errors.GenericError, OSError) as err:
        return _fail(name, report, foreground, errors.text(err), exits.EXIT_FAILURE)
    except Exception as err:  # noqa: BLE001 - the daemon's boundary: logged, told, ended
        _LOG.critical("unexpected end: %s", traceback.format_exc())
        where = pathutils.daemon_log_file(name)
        return _fail(name, report, foreground,
                     f"internal error: {err.__class__.__name__}: {err} (see {where})",
                     exits.EXIT_FAILURE)
    finally:
        io.remove_file(pid_file)
        lock.release()
    _LOG.info("%s has stopped", name)
    return exits.EXIT_SUCCESS


def _fail(name: str, report: _Report, foreground: bool, text: str, status: int) -> int:
    _LOG.critical("%s", text)
    report.failed(status, text.replace("\n", "; "))
    if foreground:
        print(f"{name}: {text}", file=sys.stderr)
    return status


def _run(run: Callable[..., Any], opts: argparse.Namespace, life: Life) -> None:
    if not inspect.iscoroutinefunction(run):
        life.use_signals()
        run(opts, life)
        return

    async def main_task() -> None:
        life.use_loop(asyncio.get_running_loop())
        await run(opts, life)

    asyncio.run(main_task())
