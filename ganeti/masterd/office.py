"""Taking and keeping the master's office: who may begin, and when a running master has to go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from ganeti import errors, objects, ssconf
from ganeti.masterd import freshness, voting
from ganeti.rpc import runner

LOOK_SECONDS: Final = 5.0
"""How often this node's own ssconf is looked at: a new master writes its name there."""

VOTE_EVERY: Final = 6
"""The other nodes are asked each time after so many looks."""


async def take(no_voting: bool, me: str, rpc: runner.RpcRunner,
               config: objects.ConfigData) -> None:
    """Refuse to be a second master, or to bring back an older configuration."""
    if config.master_node_name != me:
        raise voting.NotMaster(
            f"This node is {me}, the master of its configuration is {config.master_node_name}")
    if no_voting:
        logging.warning("Starting without the votes of the other nodes, as told")
        return
    votes = await voting.require_majority(rpc, config, me)
    logging.info("This node is the master: %s", votes.describe())
    await _require_newest(rpc, config, me)


async def _require_newest(rpc: runner.RpcRunner, config: objects.ConfigData, me: str) -> None:
    """A candidate never has a newer configuration, unless this one was replaced by an old copy.

    The queue is not compared: a candidate may have got a job whose submission a crash cut off.
    """
    others = freshness.nodes_to_ask(config, me)
    if not others:
        return
    answers = await rpc.aio.multi_within(freshness.ANSWER_SECONDS, others, freshness.CALL)
    found = await asyncio.to_thread(freshness.judge, config, answers)
    newer = sorted(name for name, state in found.others.items()
                   if state.config > found.mine.config)
    if newer:
        raise errors.ConfigurationError(
            f"The configuration here has serial {found.mine.config}, but that of"
            f" {', '.join(newer)} is newer ({found.highest.config}); starting here would roll the"
            " cluster back. Copy the newer config.data here, make that node the master with"
            " 'gnt-cluster master-failover', or start with --no-voting --yes-do-it if the older"
            " one is what you want")


async def until_lost(rpc: runner.RpcRunner, config: Callable[[], objects.ConfigData],
                     me: str) -> str:
    """Wait until another node has become the master; gives its name."""
    looks = 0
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        looks += 1
        other = _named_here(me)
        if other is None and looks % VOTE_EVERY == 0:
            other = await _elected(rpc, config(), me)
        if other is not None:
            return other


def _named_here(me: str) -> str | None:
    """Who is the master by this node's ssconf, if it is another node."""
    try:
        name = ssconf.SimpleStore().master_node()
    except errors.ConfigurationError as err:
        logging.warning("Who the master is can not be read: %s", errors.text(err))
        return None
    return name if name and name != me else None


async def _elected(rpc: runner.RpcRunner, config: objects.ConfigData, me: str) -> str | None:
    """Who has the votes of most nodes, if it is another node."""
    votes = await voting.gather(rpc, config, me)
    for name, count in votes.others.items():
        if 2 * count > votes.total:
            return name
    return None
