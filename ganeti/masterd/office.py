"""Taking and keeping the master's office: who may begin, and when a running master has to go."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from ganeti import errors, objects, ssconf
from ganeti.masterd import freshness, voting
from ganeti.rpc import result, runner

LOOK_SECONDS: Final = 5.0
"""How often this node's own ssconf is looked at: a new master writes its name there."""

VOTE_EVERY: Final = 6
"""All nodes are asked each time after so many looks, the candidates at every one."""


async def take(no_voting: bool, me: str, rpc: runner.RpcRunner,
               config: objects.ConfigData) -> frozenset[str]:
    """Refuse to be a second master, or to bring back an older configuration.

    Votes and versions are asked for at the same time, since a dead node answers neither. Gives
    the candidates that do not answer: nobody has to wait for them again.
    """
    if config.master_node_name != me:
        raise voting.NotMaster(
            f"This node is {me}, the master of its configuration is {config.master_node_name}")
    if no_voting:
        logging.warning("Starting without the votes of the other nodes, as told")
        return frozenset()
    begin = time.monotonic()
    asked = asyncio.ensure_future(_versions(rpc, freshness.nodes_to_ask(config, me)))
    try:
        votes = await voting.require_majority(rpc, config, me)
        logging.info("This node is the master: %s", votes.describe())
        answers = await asked
    finally:
        asked.cancel()
    silent = [uuid for uuid, answer in answers.items() if answer.fail_msg]
    if silent and time.monotonic() - begin > voting.PAUSE_SECONDS:
        # nodes were waited for, and may have come up meanwhile
        answers = {**answers, **await _versions(rpc, silent)}
    await _require_newest(config, answers)
    return frozenset(uuid for uuid, answer in answers.items() if answer.fail_msg)


async def _versions(rpc: runner.RpcRunner, uuids: list[str]) -> dict[str, result.RpcResult]:
    """What the candidates have."""
    return await rpc.aio.multi_within(
        freshness.ANSWER_SECONDS, uuids, freshness.CALL) if uuids else {}


async def _require_newest(config: objects.ConfigData,
                          answers: Mapping[str, result.RpcResult]) -> None:
    """A candidate never has a newer configuration, unless this one was replaced by an old copy.

    The queue is not compared: a candidate may have got a job whose submission a crash cut off.
    """
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
        if other is None and (looks % VOTE_EVERY == 0 or await _doubted(rpc, config(), me)):
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


async def _doubted(rpc: runner.RpcRunner, config: objects.ConfigData, me: str) -> bool:
    """Whether a candidate names another master; a new master is one of them."""
    others = freshness.nodes_to_ask(config, me)
    answers = await rpc.aio.multi_within(
        voting.ANSWER_SECONDS, others, "master_node_name") if others else {}
    return any(not answer.fail_msg and answer.payload != me for answer in answers.values())


async def _elected(rpc: runner.RpcRunner, config: objects.ConfigData, me: str) -> str | None:
    """Who has the votes of most nodes, if it is another node."""
    votes = await voting.gather(rpc, config, me)
    for name, count in votes.others.items():
        if 2 * count > votes.total:
            return name
    return None
