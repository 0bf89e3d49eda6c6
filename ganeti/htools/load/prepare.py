"""From what a loader read to what is computed with: names checked and shortened, nodes set
offline, instances chosen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ganeti.htools import model

#: MiB by which the reported free space may differ from the expected before it is mentioned.
MEMORY_SLACK, DISK_SLACK = 512, 1024


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What the command line changes in the data."""

    offline: Sequence[str] = ()
    select_instances: Sequence[str] = ()
    exclude_instances: Sequence[str] = ()


def prepare(cluster: model.Cluster, wishes: Wishes | None = None) -> list[str]:
    """Check and complete a cluster in place; warnings about data that does not fit together."""
    wishes = wishes or Wishes()
    cluster.reindex()
    nodes = cluster.node_index
    instances = {inst.name: inst for inst in cluster.instances}
    _check_names(cluster)
    suffix = model.common_suffix([*nodes, *instances])
    for node in cluster.nodes:
        node.alias = node.name.removesuffix(suffix)
    for inst in cluster.instances:
        inst.alias = inst.name.removesuffix(suffix)
    found = model.find_names(wishes.offline, nodes, suffix)
    if unknown := [name for name in wishes.offline if name not in found]:
        raise model.RequestError("wrong node name(s) set as offline: " + ", ".join(unknown))
    for name in found.values():
        cluster.nodes[nodes[name]].offline = True
    _choose(cluster, wishes, instances, suffix)
    return _inconsistencies(cluster)


def _check_names(cluster: model.Cluster) -> None:
    groups = {group.uuid for group in cluster.groups}
    for node in cluster.nodes:
        if node.group not in groups:
            raise model.LoadError(f"Node {node.name} is in the unknown group '{node.group}'")
    for inst in cluster.instances:
        for name in filter(None, (inst.pnode, inst.snode)):
            if name not in cluster.node_index:
                raise model.LoadError(f"Instance {inst.name} is on the unknown node '{name}'")
        if not inst.pnode:
            raise model.LoadError(f"Instance {inst.name} has no primary node")


def _choose(cluster: model.Cluster, wishes: Wishes, instances: dict[str, model.Instance],
            suffix: str) -> None:
    chosen = model.find_names(wishes.select_instances, instances, suffix)
    left_out = model.find_names(wishes.exclude_instances, instances, suffix)
    if unknown := [name for name in (*wishes.select_instances, *wishes.exclude_instances)
                   if name not in chosen and name not in left_out]:
        raise model.RequestError("There is no instance named " + ", ".join(unknown))
    wanted, unwanted = set(chosen.values()), set(left_out.values())
    for inst in cluster.instances:
        inst.movable = (inst.kind.movable and inst.auto_balance
                        and (not wishes.select_instances or inst.name in wanted)
                        and inst.name not in unwanted)


def _inconsistencies(cluster: model.Cluster) -> list[str]:
    memory = {node.name: int(node.t_mem) - node.n_mem - node.f_mem for node in cluster.nodes}
    disk = {node.name: int(node.t_dsk) - node.f_dsk for node in cluster.nodes}
    for inst in cluster.instances:
        if inst.forthcoming:
            continue
        if inst.running:
            memory[inst.pnode] -= inst.mem
        if inst.kind.local:
            for name in filter(None, (inst.pnode, inst.snode)):
                disk[name] -= inst.dsk
    return [f"node {node.name} is missing {memory[node.name]} MB ram"
            f" and {disk[node.name] // 1024} GB disk" for node in reversed(cluster.nodes)
            if memory[node.name] > MEMORY_SLACK or disk[node.name] > DISK_SLACK]
