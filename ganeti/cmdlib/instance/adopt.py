"""Volumes that exist already become the disks of a new instance, with what is on them.

Nothing is written to such a volume; a creation that fails gives it its old name back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ganeti import constants, errors, objects
from ganeti.cmdlib import base
from ganeti.cmdlib.instance import disk_specs, disks
from ganeti.storage import registry as storage


def wanted(specs: Sequence[disk_specs.Spec]) -> bool:
    """Whether disks are taken over."""
    return any(spec.adopt for spec in specs)


def require_consistent(op: Any, specs: Sequence[disk_specs.Spec]) -> None:
    """Refuse what does not go together with taking over volumes."""
    if not wanted(specs):
        return
    reason = ""
    if not all(spec.adopt for spec in specs):
        reason = "either all disks of an instance are taken over or none"
    elif op.mode != constants.INSTANCE_CREATE:
        reason = "an import would overwrite the volumes"
    elif op.forthcoming:
        reason = "a forthcoming instance has no disks yet"
    elif op.iallocator or not (op.pnode or op.pnode_uuid):
        reason = "the node that has the volumes is named with --node"
    if reason:
        raise errors.OpPrereqError(f"Volumes can not be adopted so: {reason}", errors.ECODE_INVAL)
    for spec in specs:
        storage.template(spec.template).check_adopted(str(spec.adopt))
    places = [(spec.template, spec.vg, spec.adopt) for spec in specs]
    twice = sorted({str(spec.adopt) for spec, place in zip(specs, places, strict=True)
                    if places.count(place) > 1})
    if twice:
        raise errors.OpPrereqError(
            f"Volume {', '.join(twice)} is named for two disks", errors.ECODE_INVAL)


def with_sizes(lu: base.LogicalUnit, node_uuid: str, specs: Sequence[disk_specs.Spec]
               ) -> list[disk_specs.Spec]:
    """The specifications with the sizes of the volumes, which are there and in nobody's use."""
    found = [_in_group(lu, node_uuid, spec) if storage.template(spec.template).uses_lvm
             else _device(lu, node_uuid, spec) for spec in specs]
    return [dataclasses.replace(spec, size=size) for spec, size in zip(specs, found, strict=True)]


def _in_group(lu: base.LogicalUnit, node_uuid: str, spec: disk_specs.Spec) -> int:
    group = spec.vg or lu.config.cluster.volume_group_name
    where = f"{group}/{spec.adopt}"
    _reserve(lu, spec.template, [group, spec.adopt], where)
    name = lu.config.nodes[node_uuid].name
    result = lu.rpc.lv_list([node_uuid], group)[node_uuid]
    volumes = result.raise_if_failed(f"Can not list the volumes of node {name}", prereq=True,
                                     ecode=errors.ECODE_ENVIRON)
    if where not in volumes:
        raise errors.OpPrereqError(
            f"Node {name} has no volume {where} to adopt; 'gnt-node volumes {name}' lists them",
            errors.ECODE_NOENT)
    size, _inactive, in_use = volumes[where]
    if in_use:
        raise errors.OpPrereqError(
            f"Volume {where} of node {name} is in use (open or mounted); stop what uses it",
            errors.ECODE_STATE)
    return int(float(size))


def _device(lu: base.LogicalUnit, node_uuid: str, spec: disk_specs.Spec) -> int:
    """Size of a device that every node of the group sees which may run the instance."""
    path = str(spec.adopt)
    _reserve(lu, spec.template, [constants.BLOCKDEV_DRIVER_MANUAL, path], path)
    group = lu.config.nodes[node_uuid].group
    asked = [node.uuid for node in lu.config.group_nodes(group)
             if node.uuid == node_uuid or (node.vm_capable and not node.offline)]
    sizes: dict[str, int] = {}
    for uuid, result in lu.rpc.bdev_sizes(asked, [path]).items():
        name = lu.config.nodes[uuid].name
        found = result.raise_if_failed(f"Can not look at the devices of node {name}", prereq=True,
                                       ecode=errors.ECODE_ENVIRON)
        if path not in found:
            raise errors.OpPrereqError(
                f"Node {name} has no block device {path} to adopt; every node of the group that"
                " can run the instance has to see it", errors.ECODE_NOENT)
        sizes[name] = int(found[path])
    if len(set(sizes.values())) != 1:
        told = ", ".join(f"{size} MiB on {name}" for name, size in sorted(sizes.items()))
        raise errors.OpPrereqError(
            f"{path} is not the same device on all nodes: {told}", errors.ECODE_STATE)
    return sizes.popitem()[1]


def _reserve(lu: base.LogicalUnit, template: str, logical_id: Sequence[Any], where: str) -> None:
    try:
        lu.cfg.reserve.lvs.take(lu.job_id, template, logical_id)
    except errors.ReservationError as err:
        raise errors.OpPrereqError(
            f"{where} can not be adopted: {err}", errors.ECODE_NOTUNIQUE) from err


def take_over(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    laid_out: Sequence[objects.Disk],
    specs: Sequence[disk_specs.Spec],
    undo: Any,
) -> None:
    """Give the volumes the names of the instance's disks, where the storage has such names."""
    renames = []
    for disk, spec in zip(laid_out, specs, strict=True):
        present = storage.template(disk.dev_type).present_id(disk, str(spec.adopt))
        if present is not None:
            lu.feedback(f"* adopting {spec.adopt} as {disks.describe(disk)} ({disk.size} MiB)")
            renames.append((disk.replace(logical_id=present), list(disk.logical_id)))
    if not renames:
        return
    undo.push("give the adopted volumes their names back", _rename, lu, instance,
              [(disk.replace(logical_id=new), list(disk.logical_id)) for disk, new in renames])
    _rename(lu, instance, renames)
    for disk, new in renames:
        result = lu.rpc.blockdev_setinfo(
            instance.primary_node, (disk.replace(logical_id=new), instance),
            disks.owner_text(instance.name))
        result.raise_if_failed(f"Can not note the owner of {disks.describe(disk)}")


def _rename(lu: base.LogicalUnit, instance: objects.Instance,
            renames: Sequence[tuple[objects.Disk, list[Any]]]) -> None:
    """A rename that was done already counts as done, so that half of them can be taken back."""
    result = lu.rpc.blockdev_rename(
        instance.primary_node, [((disk, instance), new) for disk, new in renames])
    result.raise_if_failed(f"Can not rename volumes of instance {instance.name}")
