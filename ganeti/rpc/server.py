"""The node daemon's end of the RPC: checks the caller, decodes, dispatches by the table.

What a call does is a function of the same name in ``ganeti.backend``; this module never
imports it, the daemon hands in the look-up.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from ganeti import constants, errors, serializer
from ganeti.rpc import calls, defs, tls, workers

MAX_BODY = 256 * 1024 * 1024
# Longer than the client keeps idle connections, so that it is always the client who closes them.
KEEPALIVE = 900
# A worker is written off when its call takes this many times as long as the caller waits.
PATIENCE = 2
# Seconds that calls under way get when the daemon stops.
STOP_TIMEOUT = 2.0

Backend = Callable[..., Any]

LANE_SIZES = {calls.LANE_QUICK: 16, calls.LANE_NORMAL: 16, calls.LANE_SLOW: 16}

_JSON = "application/json"


class NodeServer:
    """Answers node RPCs over HTTPS.

    :param resolve: backend function of a call, or None where this version has none
    :param peers: decides about client certificates; None serves without TLS (debugging)
    :param lane_size: workers of each lane
    """

    def __init__(self, resolve: Callable[[str], Backend | None], peers: tls.PeerCheck | None,
                 lane_size: int | None = None):
        self._resolve = resolve
        self._peers = peers
        self._table = defs.table()
        self._lanes = {name: workers.Lane(name, lane_size or size)
                       for name, size in LANE_SIZES.items()}
        self._web = web.Server(self._answer, access_log=None, keepalive_timeout=KEEPALIVE)
        self._listener: asyncio.Server | None = None
        self._loop = asyncio.get_running_loop()
        self.stopping = asyncio.Event()

    async def start(self, address: str, port: int, context: ssl.SSLContext | None) -> int:
        """Listen; returns the port (of use when `port` is 0)."""
        try:
            self._listener = await self._loop.create_server(
                self._web, address, port, ssl=context, backlog=1024)
        except OSError as err:
            raise errors.GenericError(
                f"Cannot listen at {address}, port {port}: {err.strerror or err}") from err
        return int(self._listener.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the socket and let the workers go."""
        if self._listener is not None:
            self._listener.close()
        # Close idle connections at once, so that only calls under way are waited for.
        pre_shutdown = getattr(self._web, "pre_shutdown", None)  # aiohttp 3.9 and later
        if pre_shutdown is not None:
            pre_shutdown()
        await self._web.shutdown(STOP_TIMEOUT)
        for lane in self._lanes.values():
            lane.close()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._peers is not None and not self._allowed(request):
            logging.warning("Refused %s from %s: its certificate is none of a master candidate",
                            request.path, request.remote)
            return self._failure(
                "This node takes calls from master candidates only, and the certificate shown is "
                "not in its list; 'gnt-cluster redist-conf' or 'gnt-cluster renew-crypto' mends "
                "the list", status=403)
        if request.method != "POST":
            return self._failure(f"Calls are made by POST, not {request.method}", status=400)
        call = self._table.get(request.path.lstrip("/"))
        if call is None:
            return self._failure(f"There is no call {request.path[1:60]!r}", status=404)
        body = await _read_body(request)
        if body is None:
            return self._failure(f"The body is longer than {MAX_BODY} bytes", status=413)
        return await self._run(call, body)

    def _allowed(self, request: web.BaseRequest) -> bool:
        transport = request.transport
        connection = transport.get_extra_info("ssl_object") if transport else None
        return (self._peers is not None and connection is not None
                and self._peers.allowed(connection.getpeercert(binary_form=True)))

    def _failure(self, text: str, status: int = 200) -> web.Response:
        return web.Response(body=serializer.dump([False, text]), status=status, content_type=_JSON)

    async def _run(self, call: calls.Call, body: bytes) -> web.Response:
        patience = 0.0 if callable(call.timeout) else call.timeout * PATIENCE
        try:
            answer = await self._lanes[call.lane].run(
                lambda: self._execute(call, body), patience or calls.ONE_DAY)
        except errors.GenericError as err:
            return self._failure(errors.text(err))
        return web.Response(body=answer, content_type=_JSON)

    def _execute(self, call: calls.Call, body: bytes) -> bytes:
        """Run one call in a worker; every failure becomes a failed answer."""
        begun = time.monotonic()
        try:
            function = self._resolve(call.name)
            if function is None:
                raise errors.OpExecError(
                    f"{call.name} is not supported by this node daemon (version "
                    f"{constants.RELEASE_VERSION})")
            payload = function(*call.decode(serializer.load(body)))
            return serializer.dump([True, payload], private=True)
        except errors.QuitGanetiException as err:
            self._stop_soon()
            return serializer.dump(list(err.args) if len(err.args) == 2 else [True, str(err)])
        except errors.GenericError as err:
            logging.info("%s failed: %s", call.name, errors.text(err))
            return serializer.dump([False, errors.text(err)])
        except Exception as err:
            logging.exception("%s failed unexpectedly", call.name)
            return serializer.dump([False, f"Unexpected {type(err).__name__} in {call.name}: "
                                           f"{err}; see the node daemon's log"])
        finally:
            logging.debug("%s took %.1f ms", call.name, (time.monotonic() - begun) * 1000)

    def _stop_soon(self) -> None:
        """Have the daemon stop after the answer is out; called from a worker."""
        loop = self._loop
        loop.call_soon_threadsafe(loop.call_later, 0.2, self.stopping.set)


async def _read_body(request: web.BaseRequest) -> bytes | None:
    """The whole body, or None when it is too long."""
    if (request.content_length or 0) > MAX_BODY:
        return None
    parts: list[bytes] = []
    total = 0
    async for part in request.content.iter_any():
        total += len(part)
        if total > MAX_BODY:
            return None
        parts.append(part)
    return b"".join(parts)
