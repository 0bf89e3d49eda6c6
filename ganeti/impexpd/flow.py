"""The way of the bytes: command, compression, TLS. Each station is a thread with a pipe on
either side; the first failure closes the rest.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from ganeti import constants, errors
from ganeti.impexpd import tls
from ganeti.impexpd.options import Options
from ganeti.impexpd.status import StatusFile
from ganeti.utils import io, process

#: Bytes moved at a time
BLOCK = 1024 * 1024
#: What the stream begins with, before the magic text
_MAGIC_MARK = b"M="
#: Stations beside the main thread: a command, a compressor and the pump that feeds it
_STATIONS = 3

_LEVELS = {constants.IEC_GZIP: ("gzip", "-1"), constants.IEC_GZIP_FAST: ("gzip", "-1"),
           constants.IEC_GZIP_SLOW: ("gzip", "-9")}


def compressor(tool: str) -> list[str] | None:
    """Arguments of the program that compresses; None for no compression."""
    return None if tool == constants.IEC_NONE else list(_LEVELS.get(tool, (tool,)))


def decompressor(tool: str) -> list[str] | None:
    """Arguments of the program that expands again; None for no compression."""
    argv = compressor(tool)
    return None if argv is None else [argv[0], "-d"]


class Stations:
    """The threads and pipes of one transfer."""

    def __init__(self, status: StatusFile) -> None:
        self._status = status
        self._pool = ThreadPoolExecutor(_STATIONS, thread_name_prefix="station")

    def run(self, argv: list[str], source: int | None, sink: int | None) -> Future[None]:
        """Run a program between two descriptors, which are closed with its end."""
        return self._pool.submit(self._program, argv, source, sink)

    def _program(self, argv: list[str], source: int | None, sink: int | None) -> None:
        try:
            result = process.run(argv, stdin=source, stdout=sink)
        finally:
            for fd in (source, sink):
                if fd is not None:
                    os.close(fd)
        for line in result.stderr.splitlines():
            self._status.output(line)
        if result.failed:
            said = result.stderr.strip().splitlines()
            raise errors.OpExecError(f"{argv[0]} failed ({result.fail_reason})"
                                     + (f": {said[-1]}" if said else ""))

    def pump(self, read: Callable[[], bytes], sink: int) -> Future[None]:
        """Move everything from a function into a descriptor, which is closed at the end."""
        return self._pool.submit(self._pump, read, sink)

    def _pump(self, read: Callable[[], bytes], sink: int) -> None:
        try:
            while block := read():
                io.write_all(sink, block)
        finally:
            os.close(sink)


def _shell(text: str) -> list[str]:
    return ["bash", "-o", "errexit", "-o", "pipefail", "-c", text]


def _reader(fd: int) -> Callable[[], bytes]:
    return functools.partial(os.read, fd, BLOCK)


@contextlib.contextmanager
def _closing(fd: int) -> Iterator[int]:
    try:
        yield fd
    finally:
        os.close(fd)


def send(options: Options, sock: ssl.SSLSocket, status: StatusFile) -> None:
    """Run the command that writes the data, and send what it writes."""
    stations = Stations(status)
    text = " | ".join(part for part in (options.prefix, options.suffix) if part) or "cat"
    data, data_in = os.pipe()
    command = stations.run(_shell(text), None, data_in)
    read = _counted(_reader(data), status)
    if options.magic:
        read = _preceded(_MAGIC_MARK + options.magic.encode(), read)
    with _closing(data):
        tool = compressor(options.compress)
        if tool is None:
            _copy(read, sock)
            command.result()
        else:
            _send_compressed(stations, tool, _until_success(read, command), sock)
    tls.await_confirmation(sock)


def _send_compressed(stations: Stations, tool: list[str], read: Callable[[], bytes],
                     sock: ssl.SSLSocket) -> None:
    plain, plain_in = os.pipe()
    packed, packed_in = os.pipe()
    packing = stations.run(tool, plain, packed_in)
    feeding = stations.pump(read, plain_in)
    with _closing(packed):
        _copy(_reader(packed), sock)
    feeding.result()
    packing.result()


def receive(options: Options, sock: ssl.SSLSocket, status: StatusFile) -> None:
    """Give what comes to the command that reads the data, and confirm when it has ended well."""
    stations = Stations(status)
    source, source_in = os.pipe()
    text = " | ".join(part for part in (options.prefix, options.suffix) if part) or "cat"
    tool = decompressor(options.compress)
    waiting: list[Future[None]] = []
    read: Callable[[], bytes] = functools.partial(sock.recv, BLOCK)
    with contextlib.ExitStack() as stack:
        # Closed on every way out, so that the command sees the end of its input.
        sink = stack.enter_context(_closing(source_in))
        if tool is not None:
            packed, packed_in = os.pipe()
            plain, plain_in = os.pipe()
            waiting.append(stations.pump(read, packed_in))
            waiting.append(stations.run(tool, packed, plain_in))
            read = _reader(stack.enter_context(_closing(plain)))
        if options.magic:
            read = _after_magic(options.magic, read)
        command = stations.run(_shell(text), source, None)
        _pass_on(_counted(read, status), sink, command)
        for station in waiting:
            station.result()
    command.result()
    tls.confirm(sock)


def _pass_on(read: Callable[[], bytes], sink: int, command: Future[None]) -> None:
    try:
        while block := read():
            io.write_all(sink, block)
    except BrokenPipeError:
        command.result()
        raise errors.OpExecError("The receiving command ended before the data did") from None


def _copy(read: Callable[[], bytes], sock: socket.socket) -> None:
    while block := read():
        sock.sendall(block)


def _counted(read: Callable[[], bytes], status: StatusFile) -> Callable[[], bytes]:
    def counting() -> bytes:
        block = read()
        status.count(len(block))
        return block
    return counting


def _until_success(read: Callable[[], bytes], command: Future[None]) -> Callable[[], bytes]:
    """Reads on, but the end counts only when the command has succeeded."""
    def reading() -> bytes:
        block = read()
        if not block:
            command.result()
        return block
    return reading


def _preceded(begin: bytes, read: Callable[[], bytes]) -> Callable[[], bytes]:
    pending = [begin]
    return lambda: pending.pop() if pending else read()


def _after_magic(magic: str, read: Callable[[], bytes]) -> Callable[[], bytes]:
    """Check and take off the magic text."""
    expected = _MAGIC_MARK + magic.encode()
    begin = b""
    while len(begin) < len(expected) and (block := read()):
        begin += block
    if not begin.startswith(expected):
        raise errors.OpExecError("Magic value mismatch: this is not the expected stream")
    rest = begin[len(expected):]
    return _preceded(rest, read) if rest else read
