"""The web application: from an HTTP request to a resource's method and back.

The master daemon's answers are waited for in threads, so that the event loop never stands still;
methods that wait long have threads of their own.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import web

from ganeti import errors, rapi, serializer
from ganeti.luxi.client import Client
from ganeti.rapi import auth, problems
from ganeti.rapi.base import NO_BODY, Call, Method, Resource, Table

_LOG = logging.getLogger(__name__)
_WAITERS = 64
_STOP_PATIENCE = 5.0
_JSON = "application/json"


class Clients:
    """A connection to the master daemon for each thread, kept open."""

    def __init__(self, make: Callable[[], Client]) -> None:
        self._make = make
        self._local = threading.local()
        self._all: list[Client] = []

    def get(self) -> Client:
        """The connection of this thread."""
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = self._make()
            self._all.append(client)
        return client

    def close(self) -> None:
        """Close them all; their threads have ended."""
        for client in self._all:
            client.close()


class Server:
    """Answers requests for the resources of a table."""

    def __init__(self, table: Table, users: auth.Users, make_client: Callable[[], Client], *,
                 require_authentication: bool = False, workers: int = 20) -> None:
        self._table = table
        self._users = users
        self._clients = Clients(make_client)
        self._require_authentication = require_authentication
        self._workers = ThreadPoolExecutor(workers, "rapi")
        self._waiters = ThreadPoolExecutor(_WAITERS, "rapi-wait")
        self._runner: web.AppRunner | None = None

    async def start(self, address: str, port: int, context: ssl.SSLContext | None) -> int:
        """Listen; gives back the port (of use when it was 0)."""
        app = web.Application(client_max_size=rapi.MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, address, port, ssl_context=context)
        try:
            await site.start()
        except OSError as err:
            await self._runner.cleanup()
            raise errors.GenericError(
                f"Can't listen on {address} port {port}: {err.strerror or err}") from err
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening and drop what is going on."""
        if self._runner is not None:
            try:
                await asyncio.wait_for(self._runner.cleanup(), _STOP_PATIENCE)
            except TimeoutError:
                _LOG.info("Requests that were still going on have been dropped")
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._waiters.shutdown(wait=False, cancel_futures=True)
        self._clients.close()

    async def _handle(self, request: web.Request) -> web.Response:
        try:
            result = await self._answer(request)
        except problems.Problem as err:
            return self._problem(request, err)
        except web.HTTPException as err:
            text = err.reason if err.status != 413 else (
                f"The body is longer than {rapi.MAX_BODY} bytes")
            return self._problem(request, problems.Problem(err.status, text))
        except (errors.GenericError, OSError) as err:
            return self._problem(request, problems.from_error(err))
        except asyncio.CancelledError:
            raise
        except Exception as err:  # noqa: BLE001 - the daemon's boundary: logged and told
            _LOG.exception("%s %s failed", request.method, request.path)
            return self._problem(request, problems.Problem(
                500, f"Internal error: {err.__class__.__name__} (the server's log has more)"))
        return _response(200, result)

    def _problem(self, request: web.Request, problem: problems.Problem) -> web.Response:
        _LOG.info("%s %s of %s: %d %s", request.method, request.path, request.remote,
                  problem.status, problem.message)
        response = _response(problem.status, problem.body())
        if problem.status == 401:
            response.headers["WWW-Authenticate"] = f'Basic realm="{rapi.REALM}"'
        return response

    async def _answer(self, request: web.Request) -> Any:
        resource, method, path = self._find(request)
        user = self._authorize(request, method)
        body = await _body(request, required=method.body != NO_BODY)
        loop = asyncio.get_running_loop()
        call = Call(path, _query(request), body, None, resource.name, user,  # type: ignore[arg-type]
                    lambda: request.transport is None or request.transport.is_closing())

        def work() -> Any:
            call.luxi = self._clients.get()
            return method.run(call)

        _LOG.debug("%s %s of %s", request.method, request.path_qs, user or request.remote)
        result = await loop.run_in_executor(self._waiters if method.slow else self._workers, work)
        if method.access and request.method != "GET":
            _LOG.info("%s %s of %s: %s", request.method, request.path, user,
                      result if isinstance(result, int) else "done")
        return result

    def _find(self, request: web.Request) -> tuple[Resource, Method, dict[str, str]]:
        found = self._table.find(request.path)
        if found is None:
            raise problems.not_found(f"There is no resource {request.path}")
        resource, path = found
        method = resource.methods.get(request.method)
        if method is None:
            known = ", ".join(sorted(resource.methods))
            raise problems.Problem(
                501, f"{resource.uri} does not know the method {request.method}; it knows {known}")
        return resource, method, path

    def _authorize(self, request: web.Request, method: Method) -> str | None:
        """Name of the user; Problem when credentials are wrong, needed, or not enough."""
        header = request.headers.get("Authorization")
        if header is None:
            if method.access or self._require_authentication:
                raise problems.Problem(401, "Name and password are needed")
            return None
        user = self._users.login(header)
        if user is None:
            raise problems.Problem(401, "Name or password is wrong")
        if method.access and not user.rights & set(method.access):
            raise problems.Problem(
                403, f"User {user.name} has none of the rights {', '.join(method.access)}")
        return user.name


async def _body(request: web.Request, *, required: bool) -> Any:
    """The JSON of the body; None for none.

    Where the body does not count, it is still looked at for `depends`, when it is JSON at all.
    """
    data = await request.read()
    if not data:
        return None
    if request.content_type != _JSON:
        if not required:
            return None
        raise problems.Problem(
            415, f"The body has the type {request.content_type}, it must be {_JSON}")
    try:
        return serializer.load(data, "The body")
    except errors.ParseError as err:
        raise problems.bad_request(f"Unable to parse JSON data: {err}") from None


def _query(request: web.Request) -> Mapping[str, list[str]]:
    return {name: request.query.getall(name) for name in request.query}


def _response(status: int, value: Any) -> web.Response:
    text = serializer.dumps(value, spaced=True) + "\n"
    return web.Response(status=status, body=text.encode(), content_type=_JSON,
                        headers={"X-Content-Type-Options": "nosniff"})
