"""The caller's end of the RPC: persistent HTTPS connections to many nodes in one event loop.

Which node has which address, and how arguments are encoded, is the runner's business.
"""

from __future__ import annotations

import asyncio
import contextvars
import errno
import logging
import socket
import ssl
from dataclasses import dataclass
from typing import Any

import aiohttp

from ganeti import constants, errors, serializer
from ganeti.rpc import calls, tls
from ganeti.utils import net

CONNECT_TIMEOUT = constants.RPC_CONNECT_TIMEOUT
# Shorter than the server keeps them, so that no call is sent into a connection being closed.
KEEPALIVE = 600
# A peer that has vanished without a word while it works on a call is noticed within IDLE +
# INTERVAL * PROBES seconds; long calls (installing an OS) live through an outage of that length.
PROBE_IDLE = 15
PROBE_INTERVAL = 5
PROBES = 4
# Quick calls (those that are answered within QUICK seconds or never) are sent anew rather: a
# connection that takes none of their bytes for UNHEARD seconds is dead.
QUICK = float(calls.FAST)
UNHEARD = 6
_unheard: contextvars.ContextVar[int] = contextvars.ContextVar("unheard", default=UNHEARD)
#: The connection that carries the call of this context
_carrier: contextvars.ContextVar[Any] = contextvars.ContextVar("carrier", default=None)
# Seconds for which the session of former certificates stays for the calls that it carries.
RETIRED_FOR = 900.0
# What the kernel reports when the other machine, or the way to it, is gone.
_VANISHED = frozenset([errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN])


@dataclass(frozen=True, slots=True)
class Reply:
    """Outcome of one call: a payload, or the text of the failure."""

    payload: Any = None
    fail_msg: str = ""


class _Request(aiohttp.ClientRequest):
    """Sets the keep-alive probes of TCP, so that dead peers do not cost a whole time-out."""

    async def send(self, conn: Any) -> Any:
        transport = conn.transport
        raw = transport.get_extra_info("socket") if transport is not None else None
        if raw is not None:
            if not raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, PROBE_IDLE)
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_INTERVAL)
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _unheard.get() * 1000)
        _carrier.set(transport)
        return await super().send(conn)


#: Rounds of the loop that closed transports need to let go of their sockets
_LAST_ROUNDS = 5


class RpcClient:
    """Sends calls to node daemons; all methods belong to one event loop."""

    def __init__(self, port: int | None = None, context: ssl.SSLContext | None = None):
        self.port = port or net.daemon_port(constants.NODED)
        self._fixed_context = context
        self._session: aiohttp.ClientSession | None = None
        self._files: Any = None
        self._retired: set[aiohttp.ClientSession] = set()

    def _current_session(self) -> aiohttp.ClientSession:
        """The session; a new one when the certificates on disk were replaced."""
        files = None if self._fixed_context else tls.client_signature()
        session = self._session
        if session is not None and files == self._files:
            return session
        context = self._fixed_context or tls.client_context()
        if session is not None:
            logging.info("Certificates have changed, connecting to the nodes anew")
            self._retire(session)
        connector = aiohttp.TCPConnector(ssl=context, limit=0, keepalive_timeout=KEEPALIVE,
                                         ttl_dns_cache=None, use_dns_cache=False)
        self._session = aiohttp.ClientSession(
            connector=connector, request_class=_Request, auto_decompress=False,
            headers={"Content-Type": "application/json",
                     "User-Agent": f"Ganeti {constants.RELEASE_VERSION}"})
        self._files = files
        return self._session

    def _retire(self, session: aiohttp.ClientSession) -> None:
        """Calls under way keep a replaced session until they should be done."""
        async def end() -> None:
            self._retired.discard(session)
            await session.close()

        self._retired.add(session)
        loop = asyncio.get_running_loop()
        loop.call_later(RETIRED_FOR, lambda: loop.create_task(end()))

    async def close(self) -> None:
        """Close all connections."""
        for session in [*self._retired, *([self._session] if self._session else [])]:
            await session.close()
        for _ in range(_LAST_ROUNDS):
            await asyncio.sleep(0)
        self._retired.clear()
        self._session = None

    async def send(self, address: str, call: str, body: bytes, read_timeout: float,
                   idempotent: bool) -> bytes | Reply:
        """Send one call; the raw body of the answer, or a failed reply."""
        try:
            session = self._current_session()
        except errors.X509CertError as err:
            return Reply(fail_msg=f"cannot call nodes: {errors.text(err)}")
        url = f"https://{net.format_address(address, self.port)}/{call}"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT,
                                        sock_read=read_timeout)
        _unheard.set(UNHEARD if read_timeout <= QUICK else PROBE_IDLE + PROBE_INTERVAL * PROBES)
        for attempt in (0, 1):
            _carrier.set(None)
            try:
                async with session.post(url, data=body, timeout=timeout) as response:
                    return _by_status(response.status, await response.read())
            except (TimeoutError, aiohttp.ClientError, OSError) as err:
                if (carrier := _carrier.get()) is not None:
                    carrier.abort()  # a peer that hangs would not answer TLS's farewell either
                lost = isinstance(err, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError))
                refused = isinstance(err, aiohttp.ClientConnectorError)
                vanished = isinstance(err, OSError) and err.errno in _VANISHED
                if attempt == 0 and idempotent and lost and not refused and not vanished:
                    continue
                return Reply(fail_msg=self._explain(err, address, call, read_timeout))
        raise errors.ProgrammerError("a call is tried twice at most")

    def _explain(self, err: BaseException, address: str, call: str, read_timeout: float) -> str:
        where = net.format_address(address, self.port)
        if isinstance(err, OSError) and err.errno in _VANISHED:
            return f"{where} does not react any more ({err.strerror}); is the node up?"
        # aiohttp before 3.10 has one class for both time-outs.
        if isinstance(err, aiohttp.ServerTimeoutError) and "Connection timeout" in str(err):
            return f"no connection to {where} within {CONNECT_TIMEOUT} s; is the node up?"
        if isinstance(err, asyncio.TimeoutError):
            return (f"no answer to {call} from {where} within {read_timeout:g} s; it may still "
                    "be working on it")
        if isinstance(err, aiohttp.ClientConnectorCertificateError):
            return f"the certificate of {where} is not of this cluster: {err}"
        if isinstance(err, (aiohttp.ClientSSLError, ssl.SSLError)) or "SSL" in str(err):
            return (f"no trust between this node and {where} ({err}); are both in the same "
                    "cluster, and their certificates and clocks valid?")
        if isinstance(err, aiohttp.ClientConnectorError):
            reason = err.os_error.strerror or str(err.os_error)
            return f"cannot connect to {where}: {reason}; is ganeti-noded running there?"
        # With TLS 1.3 a server that does not trust the client's certificate just hangs up.
        return (f"connection to {where} broke during {call}: {err or type(err).__name__}; if this "
                "is not its restart, there is no trust between the nodes: are both in the same "
                "cluster, and their certificates and clocks valid?")


def _by_status(status: int, data: bytes) -> bytes | Reply:
    if status == 200:
        return data
    if status == 404:
        return Reply(fail_msg="the node daemon does not know this call; is its version older?")
    reply = decode(data)
    return Reply(fail_msg=reply.fail_msg or f"HTTP status {status}")


def decode(data: bytes) -> Reply:
    """Read the body of an answer."""
    try:
        answer = serializer.load(data, "The answer")
    except errors.ParseError as err:
        return Reply(fail_msg=f"unreadable answer: {err}")
    if not (isinstance(answer, list) and len(answer) == 2 and isinstance(answer[0], bool)):
        return Reply(fail_msg="the answer is not of the form [status, payload]")
    if answer[0]:
        return Reply(payload=answer[1])
    return Reply(fail_msg=str(answer[1]) or "the node gave no reason")
