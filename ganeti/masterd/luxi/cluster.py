"""LUXI methods about the cluster as a whole."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from ganeti import constants, errors, ht, objects
from ganeti.cmdlib.cluster import info
from ganeti.cmdlib.tags import units as tags
from ganeti.luxi import protocol, server
from ganeti.masterd import context
from ganeti.masterd.luxi import args as arguments
from ganeti.utils import pause

_VALUES: dict[str, Callable[[context.MasterContext, objects.ConfigData], Any]] = {
    "cluster_name": lambda ctx, config: config.cluster.cluster_name,
    "master_node": lambda ctx, config: config.master_node_name,
    "watcher_pause": lambda ctx, config: pause.read(),
    "drain_flag": lambda ctx, config: ctx.queue.drained,
    "modify_ssh_setup": lambda ctx, config: config.cluster.modify_ssh_setup,
    "ssh_key_type": lambda ctx, config: config.cluster.ssh_key_type,
    "ssh_key_bits": lambda ctx, config: config.cluster.ssh_key_bits,
}


def handlers(ctx: context.MasterContext) -> dict[str, server.Handler]:
    """The handlers of this subject."""
    async def config_values(args: list[Any], _peer: server.Peer) -> list[Any]:
        (names,) = arguments.check(protocol.REQ_QUERY_CONFIG_VALUES, args, arguments.Words)
        config = ctx.cfg.snapshot
        return [_VALUES[name](ctx, config) if name in _VALUES else None for name in names]

    async def cluster_info(args: list[Any], _peer: server.Peer) -> dict[str, Any]:
        arguments.check(protocol.REQ_QUERY_CLUSTER_INFO, args)
        return info.cluster_info(ctx.cfg.snapshot)

    async def query_tags(args: list[Any], _peer: server.Peer) -> list[str]:
        kind, name = arguments.check(protocol.REQ_QUERY_TAGS, args, ht.NonEmptyString,
                                     ht.Maybe(ht.String))
        return sorted(_tagged(ctx.cfg.snapshot, kind, name or "").tags)

    async def set_watcher_pause(args: list[Any], _peer: server.Peer) -> Any:
        (until,) = arguments.check(protocol.REQ_SET_WATCHER_PAUSE, args, ht.Maybe(ht.Number))
        await asyncio.to_thread(_set_watcher_pause, ctx, until)
        return until

    return {
        protocol.REQ_QUERY_CONFIG_VALUES: config_values,
        protocol.REQ_QUERY_CLUSTER_INFO: cluster_info,
        protocol.REQ_QUERY_TAGS: query_tags,
        protocol.REQ_SET_WATCHER_PAUSE: set_watcher_pause,
    }


def _tagged(config: objects.ConfigData, kind: str, name: str) -> Any:
    if kind == constants.TAG_CLUSTER:
        return config.cluster
    if kind not in tags.KINDS:
        raise errors.OpPrereqError(f"Objects of kind '{kind}' have no tags", errors.ECODE_INVAL)
    return tags.KINDS[kind].find(config, name)


def _set_watcher_pause(ctx: context.MasterContext, until: float | None) -> None:
    """Tell all nodes; the master's own answer decides."""
    config = ctx.cfg.snapshot
    nodes = [node.uuid for node in config.online_nodes()]
    results = ctx.rpc.multi(nodes, "set_watcher_pause", until)
    for uuid, result in results.items():
        if result.fail_msg:
            if uuid == config.cluster.master_node:
                raise errors.OpExecError(f"The watcher can not be paused: {result.fail_msg}")
            logging.warning("The watcher on node %s can not be paused: %s", result.node_name,
                            result.fail_msg)
