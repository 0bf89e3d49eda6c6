"""Things of which there may be only one in the cluster, and who has them.

Every object claims its name, addresses, ports and so on; two claims of the same thing are a
conflict. Used by the commit (incrementally) and by the verification (over everything).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ganeti import objects
from ganeti.storage import registry

Claim = tuple[Any, ...]

INSTANCE = "instance"
NODE = "node"
GROUP = "group"
NETWORK = "network"
NODE_IP = "node-ip"
MAC = "mac"
IP = "ip"
PORT = "port"
MINOR = "minor"
VOLUME = "volume"

_NAMED: dict[Any, str] = {
    objects.Instance: INSTANCE,
    objects.Node: NODE,
    objects.NodeGroup: GROUP,
    objects.Network: NETWORK,
}


def of_object(item: Any) -> Iterator[Claim]:
    """What an object claims for itself alone."""
    kind = _NAMED.get(type(item))
    if kind is not None and item.name:
        yield (kind, item.name)
    if isinstance(item, objects.Node):
        for address in {item.primary_ip, item.secondary_ip}:
            yield (NODE_IP, address)
    elif isinstance(item, objects.Instance):
        yield from _of_instance(item)
    elif isinstance(item, objects.Disk) and not item.forthcoming:
        yield from of_disk(item)


def _of_instance(instance: objects.Instance) -> Iterator[Claim]:
    if instance.network_port is not None:
        yield (PORT, instance.network_port)
    for nic in instance.nics:
        yield (MAC, nic.mac.lower())
        if nic.ip:
            where = nic.network or f"link:{nic.nicparams.get('link', '')}"
            yield (IP, where, nic.ip)


def of_disk(disk: objects.Disk) -> Iterator[Claim]:
    """What a disk and its parts claim: volume, minors, ports."""
    yield (VOLUME, disk.dev_type, *[str(part) for part in disk.logical_id])
    template = registry.template(disk.dev_type)
    for node_uuid, minor in template.minors(disk):
        yield (MINOR, node_uuid, minor)
    for port in template.ports(disk):
        yield (PORT, port)
    for child in disk.children:
        yield from of_disk(child)


def describe(claim: Claim, config: objects.ConfigData) -> str:
    """A claim in words."""
    kind, *what = claim
    if kind == MINOR:
        node = config.nodes.get(what[0])
        return f"minor {what[1]} on node {node.name if node else what[0]}"
    if kind == IP:
        network = config.networks.get(what[0])
        return f"IP address {what[1]} in network {network.name if network else what[0]}"
    if kind == VOLUME:
        return f"{what[0]} volume {'/'.join(what[1:])}"
    words = {INSTANCE: "instance name", NODE: "node name", GROUP: "node group name",
             NETWORK: "network name", NODE_IP: "node address", MAC: "MAC address", PORT: "port"}
    return f"{words[kind]} {what[0]}"


def owner_text(config: objects.ConfigData, uuid: str) -> str:
    """An object in words, for messages."""
    for name in ("instances", "nodes", "nodegroups", "networks", "disks", "filters"):
        item = config.container(name).get(uuid)
        if item is None:
            continue
        if isinstance(item, objects.Disk):
            owner = config.disk_owner(uuid)
            where = f" of instance {owner.name}" if owner else ""
            return f"disk {item.iv_name or item.uuid}{where}"
        return f"{item.KIND} {getattr(item, 'name', item.uuid)}"
    return f"object {uuid}"


class Ledger:
    """Who holds which claim in one version of the configuration."""

    def __init__(self, config: objects.ConfigData) -> None:
        self._holders: dict[Claim, str] = {}
        self.conflicts: list[tuple[Claim, str, str]] = []
        for item in all_objects(config):
            for claim in of_object(item):
                other = self._holders.setdefault(claim, item.uuid)
                if other != item.uuid:
                    self.conflicts.append((claim, other, item.uuid))

    def holder(self, claim: Claim) -> str | None:
        """uuid of the object that has it."""
        return self._holders.get(claim)

    def of_kind(self, kind: str) -> Iterator[Claim]:
        """All claims of one kind."""
        return (claim for claim in self._holders if claim[0] == kind)

    def change(self, old: Iterable[Any], new: Iterable[Any],
               ) -> tuple[list[tuple[Claim, str, str]], dict[Claim, str | None]]:
        """What a change would do: (conflicts, claims to set; None gives one back)."""
        delta: dict[Claim, str | None] = {}
        for item in old:
            for claim in of_object(item):
                if self._holders.get(claim) == item.uuid:
                    delta[claim] = None
        conflicts = []
        for item in new:
            for claim in of_object(item):
                other = delta[claim] if claim in delta else self._holders.get(claim)
                if other is not None and other != item.uuid:
                    conflicts.append((claim, other, item.uuid))
                else:
                    delta[claim] = item.uuid
        return conflicts, delta

    def accept(self, delta: Mapping[Claim, str | None]) -> None:
        """Make a change from ``change`` the truth."""
        for claim, uuid in delta.items():
            if uuid is None:
                self._holders.pop(claim, None)
            else:
                self._holders[claim] = uuid


def all_objects(config: objects.ConfigData) -> Iterator[Any]:
    """Every object that lies in a container."""
    for name in ("nodes", "nodegroups", "instances", "networks", "disks", "filters"):
        yield from config.container(name).values()
