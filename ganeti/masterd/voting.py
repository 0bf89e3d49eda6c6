"""Whether this node may act as the master: the votes of all nodes decide."""

from __future__ import annotations

import asyncio
import collections
import logging
from collections.abc import Mapping
from typing import Final, NamedTuple

from ganeti import errors, objects
from ganeti.rpc import runner

TRIES: Final = 6
PAUSE_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 10.0


class NotMaster(errors.GenericError):
    """Another node is the master, or a majority did not confirm this one."""


class Votes(NamedTuple):
    """What the nodes say about who is the master."""

    mine: int
    silent: int
    total: int
    others: Mapping[str, int]

    @property
    def decided(self) -> bool:
        """Whether the silent nodes can no longer change the result."""
        best = max(self.others.values(), default=0)
        return self.won or 2 * best > self.total or self.silent == 0

    @property
    def won(self) -> bool:
        """Whether more than half of all nodes voted for this node."""
        return 2 * self.mine > self.total

    def describe(self) -> str:
        """The result in words."""
        parts = [f"{count} for {name}" for name, count in sorted(self.others.items())]
        return ", ".join([f"{self.mine} of {self.total} votes for this node", *parts,
                          f"{self.silent} nodes silent"])


async def gather(rpc: runner.RpcRunner, config: objects.ConfigData, me: str) -> Votes:
    """Ask every other node that is not marked offline; this node votes for itself."""
    others = [node.uuid for node in config.nodes.values()
              if node.name != me and not node.offline]
    results = await rpc.aio.multi_within(
        ANSWER_SECONDS, others, "master_node_name") if others else {}
    mine, silent = 1, 0
    elsewhere: collections.Counter[str] = collections.Counter()
    for result in results.values():
        if result.fail_msg or not isinstance(result.payload, str):
            silent += 1
        elif result.payload == me:
            mine += 1
        else:
            elsewhere[result.payload] += 1
    return Votes(mine, silent, len(others) + 1, elsewhere)


async def require_majority(rpc: runner.RpcRunner, config: objects.ConfigData, me: str, *,
                           tries: int = TRIES, pause: float = PAUSE_SECONDS) -> Votes:
    """Ask until a majority has spoken; refuse to be the master without it."""
    for number in range(tries):
        votes = await gather(rpc, config, me)
        if votes.decided:
            break
        if number < tries - 1:
            logging.warning("Waiting for the votes of more nodes: %s", votes.describe())
            await asyncio.sleep(pause)
    if votes.won:
        return votes
    if votes.others:
        winner = max(votes.others, key=lambda name: votes.others[name])
        hint = f"the master seems to be {winner}; 'gnt-cluster getmaster' there tells"
    else:
        hint = ("start the node daemons of the other nodes, or, if they are lost for good, use"
                " --no-voting --yes-do-it")
    raise NotMaster(f"Voting cannot be won by {me}: {votes.describe()}; {hint}")
