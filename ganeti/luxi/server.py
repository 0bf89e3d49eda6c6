"""The master daemon's end of LUXI: connections, requests in order, errors on the wire.

What the methods do is in the handler table that the daemon hands in.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from ganeti import constants, errors
from ganeti.luxi import protocol

READ_SIZE = 256 * 1024
# Requests of one connection that are read ahead of their turn.
MAX_AHEAD = 64
# Messages from this size on are read and written outside of the event loop.
LARGE = 1024 * 1024

_CREDENTIALS = struct.Struct("3i")


class Peer(NamedTuple):
    """The process at the other end of a connection, as the kernel says."""

    pid: int
    uid: int
    gid: int


Handler = Callable[[list[Any], Peer], Awaitable[Any]]


class LuxiServer:
    """Serves LUXI on a unix socket.

    :param handlers: a coroutine function for each method
    :param allowed: decides about a peer; by default everyone that the socket's mode lets in
    """

    #: Waiting of this kind ends when the client goes away; all else is completed.
    ABANDON = frozenset([protocol.REQ_WAIT_FOR_JOB_CHANGE])

    def __init__(self, handlers: Mapping[str, Handler],
                 allowed: Callable[[Peer], bool] | None = None):
        self._handlers = dict(handlers)
        self._allowed = allowed
        self._server: asyncio.AbstractServer | None = None
        self._path = ""
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, path: str, mode: int = constants.LUXI_SOCKET_PERMS, uid: int = -1,
                    gid: int = -1) -> None:
        """Listen at a path; a socket file that nobody serves any more is replaced."""
        _remove_stale(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o777)
        try:
            listener.bind(path)
        except OSError as err:
            listener.close()
            raise errors.LuxiError(f"Cannot listen at {path}: {err.strerror or err}") from err
        finally:
            os.umask(mask)
        os.chown(path, uid, gid)
        os.chmod(path, mode)
        self._path = path
        self._server = await asyncio.start_unix_server(
            self._accept, sock=listener, limit=READ_SIZE, backlog=512)

    async def stop(self) -> None:
        """Stop listening and drop all connections."""
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._path and os.path.exists(self._path):
            os.unlink(self._path)
            self._path = ""

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except asyncio.CancelledError:
            logging.debug("A LUXI connection ends with the daemon")
        except OSError as err:
            logging.debug("A LUXI connection broke: %s", err)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = _credentials(writer)
        if self._allowed is not None and not self._allowed(peer):
            logging.warning("Refused a LUXI connection of user %d (process %d)",
                            peer.uid, peer.pid)
            await _send(writer, protocol.encode_reply(False, errors.encode(errors.LuxiError(
                f"User {peer.uid} may not talk to the master daemon"))))
            return
        requests: asyncio.Queue[bytes | Exception | None] = asyncio.Queue(MAX_AHEAD)
        receiver = asyncio.create_task(_receive(reader, requests))
        try:
            while True:
                item = await requests.get()
                if item is None:
                    return
                reply, usable = await self._reply(item, peer, receiver)
                await _send(writer, reply)
                if not usable:
                    return
        finally:
            receiver.cancel()

    async def _reply(self, item: bytes | Exception, peer: Peer, receiver: asyncio.Task[None]
                     ) -> tuple[bytes, bool]:
        """The answer to one message, and whether the connection can go on."""
        try:
            if isinstance(item, Exception):
                raise item
            request = await _off_loop(protocol.decode_request, item, len(item))
        except protocol.ProtocolError as err:
            logging.info("Garbage from process %d of user %d: %s", peer.pid, peer.uid, err)
            return protocol.encode_reply(False, errors.encode(errors.LuxiError(str(err)))), False
        except errors.GenericError as err:
            return protocol.encode_reply(False, errors.encode(err)), True
        success, result = await self._handle(request, peer, receiver)
        try:
            return await asyncio.to_thread(protocol.encode_reply, success, result) if _is_large(
                result) else protocol.encode_reply(success, result), True
        except (TypeError, ValueError) as err:
            logging.exception("The result of %s can not be written as JSON", request.method)
            return protocol.encode_reply(False, errors.encode(errors.ProgrammerError(
                f"The result of {request.method} can not be sent: {err}"))), True

    async def _handle(self, request: protocol.Request, peer: Peer, receiver: asyncio.Task[None]
                      ) -> tuple[bool, Any]:
        handler = self._handlers.get(request.method)
        if handler is None:
            return False, errors.encode(errors.LuxiError(
                f"There is no method {request.method[:60]!r}"))
        try:
            if request.method in self.ABANDON:
                return True, await _unless_gone(handler(request.args, peer), receiver)
            return True, await handler(request.args, peer)
        except errors.GenericError as err:
            return False, errors.encode(err)
        except ConnectionResetError:
            raise
        except Exception as err:
            logging.exception("%s failed unexpectedly", request.method)
            return False, errors.encode(errors.GenericError(
                f"Internal error in {request.method}: {type(err).__name__}: {err}; "
                "see the log of the master daemon"))


async def _receive(reader: asyncio.StreamReader,
                   requests: asyncio.Queue[bytes | Exception | None]) -> None:
    """Read a connection to its end; the queue gets messages, then maybe an error, then None."""
    framer = protocol.Framer()
    try:
        while data := await reader.read(READ_SIZE):
            for message in framer.feed(data):
                await requests.put(message)
        if framer.pending:
            raise protocol.ProtocolError(
                f"The connection ended inside a message, after {framer.pending} bytes")
    except protocol.ProtocolError as err:
        await requests.put(err)
    except OSError as err:
        logging.debug("A LUXI client vanished: %s", err)
    await requests.put(None)


async def _unless_gone(work: Awaitable[Any], receiver: asyncio.Task[None]) -> Any:
    """Wait for work, but give it up when the connection has ended meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task, receiver], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ConnectionResetError("the client went away while it waited")
    finally:
        task.cancel()


async def _off_loop(function: Callable[[bytes], Any], data: bytes, size: int) -> Any:
    if size >= LARGE:
        return await asyncio.to_thread(function, data)
    return function(data)


def _is_large(result: Any) -> bool:
    """Whether encoding may take long enough to be felt by other clients."""
    if isinstance(result, dict) and isinstance(result.get("data"), list):
        result = result["data"]
    if isinstance(result, str):
        return len(result) >= LARGE
    return isinstance(result, list) and len(result) >= 5000


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


def _credentials(writer: asyncio.StreamWriter) -> Peer:
    raw = writer.get_extra_info("socket").getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return Peer(*_CREDENTIALS.unpack(raw))


def _remove_stale(path: str) -> None:
    if not os.path.exists(path):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            os.unlink(path)
        except OSError as err:
            raise errors.LuxiError(f"Cannot listen at {path}: {err.strerror or err}") from err
        else:
            raise errors.LuxiError(f"Another master daemon already listens at {path}")
