"""A conversation with one running QEMU over its QMP socket.

`qemu.qmp` does the protocol; this is the one place where its asyncio meets the threads of the
node daemon and where its exceptions become ours.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any, Self

from qemu.qmp import EventListener, ExecuteError, QMPClient, QMPError

from ganeti import errors

#: QEMU talks to one client at a time; another's short conversation is waited for
CONNECT_TIMEOUT = 10.0
COMMAND_TIMEOUT = 30.0
#: How long a socket that is there may refuse connections: its QEMU is about to listen
_LISTEN_TIMEOUT = 0.5
_RETRY_PAUSE = 0.02
#: How often in a row an event may come in between
_INTERRUPTIONS = 5

#: The library logs as errors what it raises as well, and what is expected when a guest ends while
#: it is asked; our exceptions tell it to whoever is concerned
_WIRE = "ganeti.kvm.qmp"


def wire_logger() -> logging.Logger:
    logger = logging.getLogger(_WIRE)
    logger.setLevel(logging.CRITICAL)
    return logger


class QmpError(errors.HypervisorError):
    """The conversation failed; whether the command was carried out is unknown."""


class CommandRefused(errors.HypervisorError):
    """QEMU answered with an error; `kind` is its class."""

    def __init__(self, text: str, kind: str = "GenericError") -> None:
        super().__init__(text)
        self.kind = kind


class Session:
    """An open conversation; use it as a context manager."""

    def __init__(self, path: str, name: str, *, connect_timeout: float = CONNECT_TIMEOUT,
                 timeout: float = COMMAND_TIMEOUT) -> None:
        self._path = path
        self._name = name
        self._connect_timeout = connect_timeout
        self._timeout = timeout

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._events = EventListener()
        try:
            self._loop.run_until_complete(self._connect())
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._close()

    async def _connect(self) -> None:
        try:
            await asyncio.wait_for(self._greet(), self._connect_timeout)
        except TimeoutError:
            raise QmpError(
                f"QEMU of instance {self._name} did not greet on {self._path} within"
                f" {self._connect_timeout:g} s") from None
        except (QMPError, OSError) as err:
            raise QmpError(
                f"Can not talk to QEMU of instance {self._name} on {self._path}:"
                f" {_reason(err)}") from err

    async def _greet(self) -> None:
        """Connect and negotiate; two races with QEMU are tried again.

        A fresh QEMU has made the socket a moment before it listens. And an event that comes
        between the greeting and the answer (RESUME, when a migrated guest arrives) is taken for
        the answer by qemu.qmp 0.0.6, which then fails an assertion; no command was sent then.
        """
        refused_until = self._loop.time() + _LISTEN_TIMEOUT
        interrupted = 0
        while True:
            self._client = QMPClient(self._name)
            self._client.logger = wire_logger()
            self._client.register_listener(self._events)
            try:
                await connect(self._client, self._path)
                return
            except (QMPError, OSError) as err:
                root = _root(err)
                interrupted += isinstance(root, AssertionError)
                again = (interrupted <= _INTERRUPTIONS if isinstance(root, AssertionError) else
                         is_refusal(err) and self._loop.time() < refused_until)
                if not again:
                    raise
            self._client.remove_listener(self._events)
            await asyncio.sleep(_RETRY_PAUSE)

    def _close(self) -> None:
        try:
            client = getattr(self, "_client", None)
            if client is not None:
                self._loop.run_until_complete(disconnect(client))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()

    def execute(self, command: str, arguments: Mapping[str, Any] | None = None,
                **more: Any) -> Any:
        """Send a command and return QEMU's answer."""
        logging.debug("QMP %s: %s %s", self._name, command,
                      "<redacted>" if command == "set_password" else {**(arguments or {}), **more})
        call = self._client.execute(command, {**(arguments or {}), **more})
        try:
            return self._loop.run_until_complete(asyncio.wait_for(call, self._timeout))
        except TimeoutError:
            raise QmpError(f"QEMU of instance {self._name} did not answer '{command}' within"
                           f" {self._timeout:g} s") from None
        except ExecuteError as err:
            kind = err.received["error"]["class"]  # type: ignore[index]
            raise CommandRefused(f"QEMU of instance {self._name} refused '{command}': {err}",
                                 kind) from err
        except (QMPError, OSError) as err:
            raise QmpError(f"The connection to QEMU of instance {self._name} broke during"
                           f" '{command}': {_reason(err)}") from err

    def wait_event(self, names: Collection[str], timeout: float) -> dict[str, Any] | None:
        """The next event of one of these names; None when none comes in `timeout` seconds."""
        try:
            return self._loop.run_until_complete(
                asyncio.wait_for(self._next_event(names), timeout))
        except TimeoutError:
            return None

    async def _next_event(self, names: Collection[str]) -> dict[str, Any]:
        while True:
            message = await self._events.get()
            if message["event"] in names:
                return dict(message)

    def send_fd(self, fd: int) -> None:
        """Hand over an open file; the next command must be the one that takes it."""
        try:
            self._client.send_fd_scm(fd)
        except (QMPError, OSError, ValueError) as err:
            raise QmpError(f"Can not hand a file to QEMU of instance {self._name}:"
                           f" {_reason(err)}") from err


async def connect(client: QMPClient, path: str) -> None:
    """Begin a conversation.

    When QEMU ends just as it has answered, qemu.qmp 0.0.6 fails an assertion of its own.

    :raises QMPError: what came was no QMP, or a wrapped OSError or AssertionError
    :raises OSError: QEMU hung up
    """
    try:
        await client.connect(path)
    except AssertionError:
        await disconnect(client)
        raise ConnectionResetError(errno.ECONNRESET, "QEMU ended meanwhile") from None


async def disconnect(client: QMPClient) -> None:
    """End a conversation, which the other end may have done already."""
    try:
        await client.disconnect()
    except (QMPError, OSError, EOFError) as err:
        # the other end is gone already (after 'quit'), or sent what is no QMP; both were told
        # to whoever waited for an answer
        logging.debug("Closing QMP connection: %s", _reason(err))


def is_refusal(error: BaseException) -> bool:
    """Whether nobody listened on the socket."""
    return isinstance(_root(error), ConnectionRefusedError)


def _root(error: BaseException) -> BaseException:
    """What lies below the library's wrapping exceptions."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _reason(error: BaseException) -> str:
    """The same in one line."""
    root = _root(error)
    lines = str(root).splitlines()
    return lines[0] if lines else type(root).__name__
