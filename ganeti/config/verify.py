"""The consistency rules of the configuration.

The commit refuses what newly breaks them; ``gnt-cluster verify`` reports what is broken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ganeti import constants, errors, objects
from ganeti.config import claims, networks

_MAC = re.compile(r"^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$", re.IGNORECASE)


def verify(config: objects.ConfigData) -> list[str]:
    """Every broken rule, as one line of text each."""
    problems = list(of_cluster(config))
    for item in claims.all_objects(config):
        problems.extend(of_object(config, item))
    for conflict in claims.Ledger(config).conflicts:
        problems.append(conflict_text(config, *conflict))
    return problems


def conflict_text(config: objects.ConfigData, claim: claims.Claim, first: str,
                  second: str) -> str:
    """Two objects that claim the same thing."""
    return (f"{claims.describe(claim, config)} is used by"
            f" {claims.owner_text(config, first)} and {claims.owner_text(config, second)}")


def of_cluster(config: objects.ConfigData) -> Iterator[str]:
    """Rules about the cluster as a whole."""
    cluster = config.cluster
    if not cluster.enabled_hypervisors:
        yield "cluster: no hypervisor is enabled"
    for what, enabled, drivers in (
            ("hypervisor", cluster.enabled_hypervisors, constants.HYPER_TYPES),
            ("disk template", cluster.enabled_disk_templates, constants.DISK_TEMPLATES)):
        for name in enabled:
            if name not in drivers:
                yield f"cluster: unknown {what} '{name}' is enabled: {drivers.why_not(name)}"
    master = config.nodes.get(cluster.master_node)
    if master is None:
        yield f"cluster: the master node {cluster.master_node} does not exist"
    elif not master.master_candidate:
        yield f"cluster: the master node {master.name} is not a master candidate"
    if not config.nodegroups:
        yield "cluster: there is no node group"
    for port in cluster.tcpudp_port_pool:
        if not isinstance(port, int) or port > cluster.highest_used_port:
            yield f"cluster: free port {port} is above the highest port ever used"


def of_object(config: objects.ConfigData, item: Any) -> Iterator[str]:
    """Rules about one object: its references resolve and its values are possible."""
    check = _CHECKS.get(type(item))
    if check is not None:
        for problem in check(config, item):
            yield f"{claims.owner_text(config, item.uuid)}: {problem}"


def _node(config: objects.ConfigData, node: objects.Node) -> Iterator[str]:
    if node.group not in config.nodegroups:
        yield f"its node group {node.group} does not exist"
    roles = [name for name in ("master_candidate", "drained", "offline") if getattr(node, name)]
    if len(roles) > 1:
        yield f"it has contradicting roles: {', '.join(roles)}"
    if node.master_candidate and not node.master_capable:
        yield "it is a master candidate but not master capable"
    yield from _parameters(constants.ND_TABLE, node.ndparams, "node parameter")


def _parameters(table: Any, values: Any, kind: str) -> Iterator[str]:
    for name in values:
        if name not in table.names:
            yield f"unknown {kind} '{name}'"


def _group(config: objects.ConfigData, group: objects.NodeGroup) -> Iterator[str]:
    if not group.name:
        yield "it has no name"
    if group.alloc_policy not in constants.VALID_ALLOC_POLICIES:
        yield f"unknown allocation policy '{group.alloc_policy}'"
    for uuid in group.networks:
        if uuid not in config.networks:
            yield f"it is connected to network {uuid}, which does not exist"


def _instance(config: objects.ConfigData, instance: objects.Instance) -> Iterator[str]:
    if instance.forthcoming:
        return
    if instance.primary_node not in config.nodes:
        yield f"its primary node {instance.primary_node} does not exist"
    if instance.admin_state not in constants.ADMINST_ALL:
        yield f"unknown admin state '{instance.admin_state}'"
    if instance.hypervisor not in constants.HYPER_TYPES:
        yield (f"unknown hypervisor '{instance.hypervisor}':"
               f" {constants.HYPER_TYPES.why_not(instance.hypervisor)}")
    if len(set(instance.disks)) != len(instance.disks):
        yield "it has a disk twice"
    for uuid in instance.disks:
        if uuid not in config.disks:
            yield f"its disk {uuid} does not exist"
    for index, nic in enumerate(instance.nics):
        if not _MAC.match(nic.mac):
            yield f"nic {index} has the invalid MAC address '{nic.mac}'"
        if nic.network and nic.network not in config.networks:
            yield f"nic {index} is in network {nic.network}, which does not exist"
    yield from _indexes(instance, config)


def _indexes(instance: objects.Instance, config: objects.ConfigData) -> Iterator[str]:
    for index, uuid in enumerate(instance.disks):
        disk = config.disks.get(uuid)
        if disk is not None and disk.iv_name not in ("", f"disk/{index}"):
            yield f"disk {index} calls itself '{disk.iv_name}'"


def _network(config: objects.ConfigData, network: objects.Network) -> Iterator[str]:
    try:
        pool = networks.Pool(network)
    except (errors.AddressPoolError, ValueError) as err:
        yield f"its address pool is damaged: {err}"
        return
    if network.gateway and not pool.contains(network.gateway):
        yield f"its gateway {network.gateway} is outside of {network.network}"


def _disk(config: objects.ConfigData, disk: objects.Disk) -> Iterator[str]:
    if disk.forthcoming:
        return
    for uuid in disk.nodes:
        if uuid not in config.nodes:
            yield f"it lies on node {uuid}, which does not exist"
    if disk.dev_type not in constants.DISK_TEMPLATES:
        yield (f"unknown disk template '{disk.dev_type}':"
               f" {constants.DISK_TEMPLATES.why_not(disk.dev_type)}")


_CHECKS: dict[type, Callable[[objects.ConfigData, Any], Iterable[str]]] = {
    objects.Node: _node,
    objects.NodeGroup: _group,
    objects.Instance: _instance,
    objects.Network: _network,
    objects.Disk: _disk,
}


def dangling(config: objects.ConfigData, removed: Iterable[Any]) -> list[str]:
    """What would refer to objects that are about to be removed (config: without them)."""
    problems: list[str] = []
    kinds = {type(item) for item in removed}
    if objects.Node in kinds or objects.Network in kinds:
        problems += _all_of(config, config.instances.values())
    if objects.Node in kinds:
        problems += [*_all_of(config, config.disks.values()), *of_cluster(config)]
    if objects.NodeGroup in kinds:
        problems += [*_all_of(config, config.nodes.values()), *of_cluster(config)]
    if objects.Network in kinds:
        problems += _all_of(config, config.nodegroups.values())
    for item in removed:
        if isinstance(item, objects.Disk):
            owner = config.disk_owner(item.uuid)
            if owner is not None:
                problems.append(f"instance {owner.name}: its disk {item.uuid} does not exist")
    return problems


def _all_of(config: objects.ConfigData, items: Iterable[Any]) -> list[str]:
    return [problem for item in items for problem in of_object(config, item)]
