"""Upkeep of nodes' roles: the pool of master candidates."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from ganeti import objects
from ganeti.config import draft as drafts


class PoolState(NamedTuple):
    """Master candidates: how many there are, should be, and could be."""

    now: int
    should: int
    possible: int


def pool_state(config: objects.ConfigData, without: Collection[str] = ()) -> PoolState:
    """The state of the candidate pool, as if the nodes ``without`` (uuids) were not there."""
    now = possible = 0
    for node in config.nodes.values():
        if node.uuid in without:
            continue
        if is_eligible(node):
            possible += 1
        if node.master_candidate:
            now += 1
    return PoolState(now, min(possible, config.cluster.candidate_pool_size), possible)


def is_eligible(node: objects.Node) -> bool:
    """Whether the node could be a master candidate."""
    return not (node.offline or node.drained) and node.master_capable


def promotions(config: objects.ConfigData, without: Collection[str] = ()) -> list[objects.Node]:
    """Nodes to promote so that the pool is as large as it should be."""
    state = pool_state(config, without)
    eligible = [node for node in sorted(config.nodes.values(), key=lambda node: node.name)
                if is_eligible(node) and not node.master_candidate and node.uuid not in without]
    return eligible[:max(0, state.should - state.now)]


def fill_pool(draft: drafts.Draft, without: Collection[str] = ()) -> list[objects.Node]:
    """Promote nodes until the pool is as large as it should be; returns them."""
    return [draft.update(node, master_candidate=True)
            for node in promotions(draft.config, without)]
