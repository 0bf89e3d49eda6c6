"""Calls to nodes by their configuration: addresses, offline nodes, encoding, fan-out.

One :class:`RpcRunner` serves all job threads (blocking methods) and the handlers in the event
loop (the methods under ``aio``). ``runner.instance_start(node_uuid, ...)`` is sugar for
``runner.call(node_uuid, "instance_start", ...)``; calls marked `multi` take a list of nodes and
give a dictionary by what was in the list.
"""

from __future__ import annotations

import abc
import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ganeti import errors, objects, serializer
from ganeti.rpc import client, defs
from ganeti.rpc.calls import Call
from ganeti.rpc.result import RpcResult
from ganeti.utils import net

# Answers from this size on are decoded in a thread when the caller sits in the event loop.
LARGE_ANSWER = 256 * 1024

OFFLINE = "Node is marked offline"


class Address(NamedTuple):
    """Where one node is."""

    name: str
    ip: str
    offline: bool


class _Prepared(NamedTuple):
    """One call to one node, encoded and ready to go, or known to fail."""

    key: str
    name: str
    ip: str
    body: bytes
    result: RpcResult | None


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class ConfigResolver:
    """Finds nodes in a configuration by uuid; a name that is not in it goes to DNS."""

    def __init__(self, config: Callable[[], objects.ConfigData | None]):
        self._config = config

    def __call__(self, key: str) -> Address:
        config = self._config()
        if config is not None:
            node = config.nodes.get(key) or config.node_by_name(key)
            if node is not None:
                return Address(node.name, node.primary_ip, node.offline)
        return Address(key, net.resolve(key), False)


class StaticResolver:
    """Finds nodes before there is a configuration: by given addresses, else by DNS."""

    def __init__(self, addresses: Mapping[str, str]):
        self._addresses = dict(addresses)

    def __call__(self, key: str) -> Address:
        ip = self._addresses.get(key)
        return Address(key, ip if ip is not None else net.resolve(key), False)


class _Sugar(abc.ABC):
    """Attribute access by the name of a call."""

    @abc.abstractmethod
    def _dispatch(self, call: Call) -> Callable[..., Any]:
        """The function that makes a call."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = defs.table().get(name)
        if call is None:
            raise AttributeError(f"There is no node RPC '{name}'")
        return self._dispatch(call)


class AsyncCalls(_Sugar):
    """The runner's methods for coroutines of its own event loop."""

    def __init__(self, runner: RpcRunner):
        self._runner = runner

    def _dispatch(self, call: Call) -> Callable[..., Any]:
        method = self.multi if call.multi else self.call
        return lambda nodes, *args, **kwargs: method(nodes, call.name, *args, **kwargs)

    async def call(self, node: str, name: str, *args: Any, **kwargs: Any) -> RpcResult:
        """Call one node."""
        results = await self.multi([node], name, *args, **kwargs)
        return results[node]

    async def multi(self, nodes: Iterable[str], name: str, *args: Any, **kwargs: Any
                    ) -> dict[str, RpcResult]:
        """Call many nodes at the same time."""
        call = defs.get(name)
        values = call.bind(args, kwargs)
        return await self._multi(call, nodes, values, call.read_timeout(values))

    async def multi_within(self, seconds: float, nodes: Iterable[str], name: str, *args: Any
                           ) -> dict[str, RpcResult]:
        """The same with a time-out of the caller's own."""
        call = defs.get(name)
        return await self._multi(call, nodes, call.bind(args, {}), seconds)

    async def _multi(self, call: Call, nodes: Iterable[str], values: list[Any],
                     read_timeout: float) -> dict[str, RpcResult]:
        prepared = self._runner.prepare(call, nodes, values)
        answers = await self._runner.gather(call, prepared, read_timeout)
        if sum(len(answer) for answer in answers if isinstance(answer, bytes)) > LARGE_ANSWER:
            return await asyncio.to_thread(self._runner.results, call, prepared, answers)
        return self._runner.results(call, prepared, answers)


class RpcRunner(_Sugar):
    """Calls nodes.

    :param config: gives the newest configuration (or None, while there is none)
    :param loop: the running event loop that carries the connections
    """

    def __init__(self, config: Callable[[], objects.ConfigData | None],
                 loop: asyncio.AbstractEventLoop, *,
                 resolver: Callable[[str], Address] | None = None,
                 rpc_client: client.RpcClient | None = None):
        self._config = config
        self._loop = loop
        self._resolver = resolver or ConfigResolver(config)
        self._client = rpc_client or client.RpcClient()
        self._thread: threading.Thread | None = None
        self.aio = AsyncCalls(self)

    @classmethod
    def bootstrap(cls, addresses: Mapping[str, str] | None = None,
                  config: Callable[[], objects.ConfigData | None] | None = None,
                  rpc_client: client.RpcClient | None = None) -> RpcRunner:
        """A runner with a loop of its own, for programs without one; use it with ``with``.

        Nodes are named by uuid when a configuration is given, else by name.
        """
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="rpc", daemon=True)
        thread.start()
        resolver = None if config else StaticResolver(addresses or {})
        runner = cls(config or (lambda: None), loop, resolver=resolver, rpc_client=rpc_client)
        runner._thread = thread
        return runner

    def __enter__(self) -> RpcRunner:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, and the loop if it is the runner's own; not from the loop."""
        asyncio.run_coroutine_threadsafe(self._client.close(), self._loop).result(10)
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()

    async def aclose(self) -> None:
        """Close the connections; from the loop."""
        await self._client.close()

    def _dispatch(self, call: Call) -> Callable[..., Any]:
        method = self.multi if call.multi else self.call
        return lambda nodes, *args, **kwargs: method(nodes, call.name, *args, **kwargs)

    def call(self, node: str, name: str, *args: Any, **kwargs: Any) -> RpcResult:
        """Call one node and wait for its answer."""
        return self.multi([node], name, *args, **kwargs)[node]

    def multi(self, nodes: Iterable[str], name: str, *args: Any, **kwargs: Any
              ) -> dict[str, RpcResult]:
        """Call many nodes at the same time and wait for all answers."""
        call = defs.get(name)
        values = call.bind(args, kwargs)
        return self._multi(call, nodes, values, call.read_timeout(values))

    def multi_within(self, seconds: float, nodes: Iterable[str], name: str, *args: Any
                     ) -> dict[str, RpcResult]:
        """The same with a time-out of the caller's own, for nodes that may hang."""
        call = defs.get(name)
        return self._multi(call, nodes, call.bind(args, {}), seconds)

    def _multi(self, call: Call, nodes: Iterable[str], values: list[Any], read_timeout: float
               ) -> dict[str, RpcResult]:
        if _running_loop() is self._loop:
            raise errors.ProgrammerError(
                f"RPC {call.name} would block the event loop; use runner.aio")
        prepared = self.prepare(call, nodes, values)
        if all(item.result is not None for item in prepared):
            return self.results(call, prepared, [])
        future = asyncio.run_coroutine_threadsafe(
            self.gather(call, prepared, read_timeout), self._loop)
        try:
            answers = future.result()
        except concurrent.futures.CancelledError:
            raise errors.RpcError(
                f"{call.name} was given up, since the daemon is stopping") from None
        return self.results(call, prepared, answers)

    # -- steps, shared by both faces ------------------------------------------------------------

    def prepare(self, call: Call, nodes: Iterable[str], values: list[Any]) -> list[_Prepared]:
        """Find the nodes and encode the bodies; once for all where they do not differ."""
        if isinstance(nodes, str):
            raise errors.ProgrammerError(f"RPC {call.name} takes a list of nodes, got a text")
        config = self._config()
        shared: bytes | None = None
        prepared = []
        for key in nodes:
            try:
                address = self._resolver(key)
            except errors.GenericError as err:
                prepared.append(_Prepared(key, key, "", b"", RpcResult(
                    node_uuid=key, node_name=key, call=call.name, fail_msg=errors.text(err))))
                continue
            if address.offline:
                prepared.append(_Prepared(key, address.name, "", b"", RpcResult(
                    node_uuid=key, node_name=address.name, call=call.name, fail_msg=OFFLINE,
                    offline=True)))
                continue
            body = shared
            if body is None:
                body = serializer.dump(call.encode(values, config, key), private=True)
                shared = None if call.per_node else body
            prepared.append(_Prepared(key, address.name, address.ip, body, None))
        return prepared

    async def gather(self, call: Call, prepared: list[_Prepared], read_timeout: float
                     ) -> list[bytes | client.Reply]:
        """Send all bodies; in the event loop."""
        return list(await asyncio.gather(*[
            self._client.send(item.ip, call.name, item.body, read_timeout, call.idempotent)
            for item in prepared if item.result is None]))

    def results(self, call: Call, prepared: list[_Prepared], answers: list[bytes | client.Reply]
                ) -> dict[str, RpcResult]:
        """Answers in the order of the nodes, with those that were never sent."""
        waiting = iter(answers)
        results = {}
        for item in prepared:
            if item.result is not None:
                results[item.key] = item.result
                continue
            answer = next(waiting)
            reply = client.decode(answer) if isinstance(answer, bytes) else answer
            fail_msg = reply.fail_msg
            if fail_msg and not isinstance(answer, bytes):
                fail_msg = f"Node {item.name}: {fail_msg}"
            results[item.key] = RpcResult(node_uuid=item.key, node_name=item.name, call=call.name,
                                          payload=reply.payload, fail_msg=fail_msg)
        return results
