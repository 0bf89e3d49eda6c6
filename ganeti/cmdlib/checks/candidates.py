"""The pool of master candidates: how large it should be, and who may fill it.

Pure functions over the configuration; the calls that make a node a candidate are in
`cmdlib.node.trust`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ganeti import objects


def is_possible(node: objects.Node) -> bool:
    """Whether the node could be a master candidate as it is."""
    return node.master_capable and not node.offline and not node.drained


def wanted(nodes: Iterable[objects.Node], pool_size: int) -> int:
    """How many candidates there should be among these nodes."""
    return min(pool_size, sum(1 for node in nodes if is_possible(node)))


def present(nodes: Iterable[objects.Node]) -> int:
    """How many candidates there are."""
    return sum(1 for node in nodes if node.master_candidate)


def should_join(config: objects.ConfigData, newcomer: objects.Node | None = None,
                besides: Collection[str] = ()) -> bool:
    """Whether one more node that is possible is needed in the pool.

    `newcomer` is a node that is to be (again) in the configuration; nodes in `besides` are left
    out of the count.
    """
    nodes = [node for node in config.nodes.values()
             if node.uuid not in besides and (newcomer is None or node.uuid != newcomer.uuid)]
    size = config.cluster.candidate_pool_size
    return present(nodes) < min(size, wanted(nodes, size) + 1)


def lacking(config: objects.ConfigData, besides: Collection[str] = ()) -> int:
    """How many candidates the pool lacks if the nodes in `besides` are not counted."""
    nodes = [node for node in config.nodes.values() if node.uuid not in besides]
    return max(0, wanted(nodes, config.cluster.candidate_pool_size) - present(nodes))


def to_promote(config: objects.ConfigData, besides: Collection[str] = ()) -> list[objects.Node]:
    """The nodes that fill up the pool, by name."""
    free = sorted((node for node in config.nodes.values()
                   if node.uuid not in besides and is_possible(node)
                   and not node.master_candidate), key=lambda node: node.name)
    return free[:lacking(config, besides)]
