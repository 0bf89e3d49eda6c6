"""What the configuration expects to find on the nodes: volumes and DRBD minors of instances."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ganeti import objects
from ganeti.storage import base as storage_base
from ganeti.storage import registry


def leaves(disk: objects.Disk) -> Iterator[objects.Disk]:
    """The devices at the bottom of a disk."""
    if not disk.children:
        yield disk
    for child in disk.children:
        yield from leaves(child)


def logical_volumes(disk: objects.Disk) -> Iterator[str]:
    """The "vg/lv" names below a disk."""
    for leaf in leaves(disk):
        if registry.template(leaf.dev_type).uses_lvm and len(leaf.logical_id) == 2:
            yield "/".join(leaf.logical_id)


def holders(config: objects.ConfigData, inst: objects.Instance, disk: objects.Disk) -> list[str]:
    """The nodes that hold the disk's volumes."""
    return list(disk.nodes) or list(config.instance_nodes(inst))


def volumes(config: objects.ConfigData) -> dict[str, dict[str, str]]:
    """Node uuid -> "vg/lv" -> name of the instance."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for inst in config.instances.values():
        for disk in config.instance_disks(inst):
            if disk.forthcoming:
                continue
            for name in logical_volumes(disk):
                for node_uuid in holders(config, inst, disk):
                    found[node_uuid][name] = inst.name
    return dict(found)


def is_node_mirrored(disk: objects.Disk) -> bool:
    """Whether ganeti itself mirrors the disk between two nodes."""
    return is_node_mirrored_template(disk.dev_type)


def is_node_mirrored_template(name: str) -> bool:
    """Whether disks of this template are mirrored between two nodes by ganeti."""
    return registry.template(name).mirroring is storage_base.Mirroring.INTERNAL


def minors(config: objects.ConfigData) -> dict[str, dict[int, str]]:
    """Node uuid -> minor -> name of the instance."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for inst in config.instances.values():
        for disk in config.instance_disks(inst):
            if not disk.forthcoming:
                for node_uuid, minor in registry.template(disk.dev_type).minors(disk):
                    found[node_uuid][minor] = inst.name
    return dict(found)
