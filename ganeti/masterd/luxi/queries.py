"""LUXI methods that only read: Query, QueryFields and the old-style queries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ganeti import constants, ht
from ganeti.luxi import protocol, server
from ganeti.masterd import context, livedata
from ganeti.masterd.luxi import args as arguments
from ganeti.query import engine

_OLD_STYLE = {
    protocol.REQ_QUERY_NODES: constants.QR_NODE,
    protocol.REQ_QUERY_GROUPS: constants.QR_GROUP,
    protocol.REQ_QUERY_NETWORKS: constants.QR_NETWORK,
    protocol.REQ_QUERY_INSTANCES: constants.QR_INSTANCE,
}


def handlers(ctx: context.MasterContext) -> dict[str, server.Handler]:
    """The handlers of this subject."""
    found: dict[str, server.Handler] = {
        protocol.REQ_QUERY: _query(ctx),
        protocol.REQ_QUERY_FIELDS: _query_fields,
        protocol.REQ_QUERY_FILTERS: _query_filters(ctx),
        protocol.REQ_QUERY_EXPORTS: _query_exports(ctx),
    }
    for method, resource in _OLD_STYLE.items():
        found[method] = _old_style(ctx, method, resource)
    return found


async def off_loop(function: Callable[..., Any], *args: Any) -> Any:
    """Run a query in a thread: it may ask nodes, and many rows take their time."""
    return await asyncio.to_thread(function, *args)


def _query(ctx: context.MasterContext) -> server.Handler:
    async def handle(args: list[Any], _peer: server.Peer) -> Any:
        what, fields, qfilter = arguments.check(
            protocol.REQ_QUERY, args, ht.NonEmptyString, arguments.Words, ht.Any)
        return await off_loop(engine.run, what, livedata.source(ctx), fields, qfilter)
    return handle


async def _query_fields(args: list[Any], _peer: server.Peer) -> Any:
    what, names = arguments.check(protocol.REQ_QUERY_FIELDS, args, ht.NonEmptyString,
                                  ht.Maybe(arguments.Words))
    return engine.fields(what, names)


def _old_style(ctx: context.MasterContext, method: str, resource: str) -> server.Handler:
    async def handle(args: list[Any], _peer: server.Peer) -> Any:
        names, fields, use_locking = arguments.check(
            method, args, arguments.Names, arguments.Words, ht.Bool)
        arguments.refuse_locking(method, use_locking)
        return await off_loop(engine.old_style, resource, livedata.source(ctx), names, fields)
    return handle


def _query_filters(ctx: context.MasterContext) -> server.Handler:
    async def handle(args: list[Any], _peer: server.Peer) -> Any:
        uuids, fields = arguments.check(protocol.REQ_QUERY_FILTERS, args, arguments.Names,
                                        arguments.Words)
        return await off_loop(engine.old_style, constants.QR_FILTER, livedata.source(ctx),
                              uuids, fields)
    return handle


def _query_exports(ctx: context.MasterContext) -> server.Handler:
    async def handle(args: list[Any], _peer: server.Peer) -> Any:
        names, use_locking = arguments.check(protocol.REQ_QUERY_EXPORTS, args, arguments.Names,
                                             ht.Bool)
        arguments.refuse_locking(protocol.REQ_QUERY_EXPORTS, use_locking)
        return await off_loop(_exports, ctx, names)
    return handle


def _exports(ctx: context.MasterContext, names: list[str] | None) -> dict[str, Any]:
    """node name -> its exports, or false when it does not answer."""
    source = livedata.source(ctx)
    config = source.config
    nodes = ([config.expand_node(name) for name in names] if names
             else list(config.nodes.values()))
    answers = source.exports([node.uuid for node in nodes])
    return {node.name: False if answers[node.uuid].status else answers[node.uuid].payload
            for node in nodes}
