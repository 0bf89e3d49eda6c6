"""New volumes for one copy of mirrored disks, on the node that has that copy.

The new volumes are made, and have their final names, before the old ones are let go of, so that a
disk is without its second copy only while the new one is filled. Volumes have the same names on
both nodes; so the old ones make room by being renamed while they are in use, and the
configuration does not change.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from typing import Any

from ganeti import constants, errors, objects
from ganeti import undo as undo_stack
from ganeti.cmdlib.instance import disks
from ganeti.cmdlib.instance.base import InstanceUnit
from ganeti.utils import uuid as uuids

Finish = Callable[[list[objects.Disk], Any], None]


def replace(
    unit: InstanceUnit,
    chosen: Sequence[objects.Disk],
    target: str,
    other: str,
    finish: Finish,
) -> None:
    """Replace the volumes of disks on the target node, filling them from the other node."""
    unit.feedback.step(1, 6, "Check device existence")
    for disk in chosen:
        for node_uuid in (target, other):
            require_found(unit, disk, node_uuid)
    unit.feedback.step(2, 6, "Check peer consistency")
    for disk in chosen:
        require_complete(unit, disk, other)
    left: list[objects.Disk] = []
    with undo_stack.Undo(unit.feedback) as undo:
        unit.feedback.step(3, 6, "Allocate new storage")
        fresh = {disk.uuid: _allocate(unit, disk, target, undo) for disk in chosen}
        unit.feedback.step(4, 6, "Changing drbd configuration")
        for disk in chosen:
            left += _exchange(unit, disk, fresh[disk.uuid], target, undo)
        undo.forget()
    finish(list(chosen), functools.partial(remove_old, unit, left, target))


def require_found(
    unit: InstanceUnit, disk: objects.Disk, node_uuid: str
) -> dict[str, Any]:
    """Status of a disk that has to be active on a node."""
    result = unit.rpc.blockdev_find(node_uuid, (disk, unit.instance))
    status = result.raise_if_failed(
        f"Can not find {disks.describe(disk)} on node {unit.node_name(node_uuid)}")
    if not status:
        raise errors.OpExecError(
            f"Can't find {disks.describe(disk)} on node {unit.node_name(node_uuid)}: it is not"
            f" active there; 'gnt-instance activate-disks {unit.instance.name}' activates it")
    return dict(status)


def require_complete(
    unit: InstanceUnit, disk: objects.Disk, node_uuid: str
) -> None:
    """Refuse while the copy that is to remain is not a complete one."""
    if require_found(unit, disk, node_uuid)["ldisk_status"] != constants.LDS_OKAY:
        raise errors.OpExecError(
            f"Node {unit.node_name(node_uuid)} has no complete copy of {disks.describe(disk)};"
            f" replacing the other one of instance {unit.instance.name} would lose its data")


def _allocate(
    unit: InstanceUnit, disk: objects.Disk, target: str, undo: undo_stack.Undo
) -> list[objects.Disk]:
    """Volumes like those of a disk, under names of their own."""
    unique = uuids.new()
    made = []
    for old in disks.parts(unit, disk, target):
        vg, name = old.logical_id
        suffix = name.partition(".")[2] or name
        new = old.replace(uuid=uuids.new(), logical_id=[vg, f"{unique}.{suffix}"])
        unit.feedback.info(
            f"Creating new local storage on {unit.node_name(target)} for {disks.describe(disk)}")
        disks.create_top(unit, unit.instance, new, target, undo)
        made.append(new)
    return made


def _exchange(
    unit: InstanceUnit,
    disk: objects.Disk,
    fresh: Sequence[objects.Disk],
    target: str,
    undo: undo_stack.Undo,
) -> list[objects.Disk]:
    """Put new volumes below a disk; returns the old ones under their new names."""
    instance, name = unit.instance, unit.node_name(target)
    present = [child for child in disk.children if _is_there(unit, child, target)]
    stamp = int(time.time())
    aside = [child.replace(logical_id=[child.logical_id[0],
                                       f"{child.logical_id[1]}_replaced-{stamp}"])
             for child in present]
    _rename(unit, target, present, aside, undo)
    _rename(unit, target, fresh, disk.children, undo)
    result = unit.rpc.blockdev_removechildren(
        target, (disk, instance), (disk.children, instance))
    result.raise_if_failed(
        f"Can't detach {disks.describe(disk)} from its volumes on node {name}")
    undo.push(f"attach the old volumes of {disks.describe(disk)} again", _attach_again, unit,
              disk, present, aside, target)
    unit.feedback.info(f"Adding new mirror component on {name}")
    result = unit.rpc.blockdev_addchildren(
        target, (disk, instance), (disk.children, instance))
    result.raise_if_failed(
        f"Can't add the new volumes to {disks.describe(disk)} on node {name}")
    undo.push(f"detach the new volumes of {disks.describe(disk)}", _detach_again, unit, disk,
              target)
    return aside


def _is_there(unit: InstanceUnit, volume: objects.Disk, target: str) -> bool:
    """Whether the target still has an old volume: its physical disk may be gone."""
    result = unit.rpc.blockdev_find(target, (volume, unit.instance))
    if result.fail_msg:
        unit.feedback.warning(
            f"Volume {'/'.join(volume.logical_id)} on node {unit.node_name(target)} can not be"
            f" looked at: {result.fail_msg}")
    return bool(not result.fail_msg and result.payload)


def _rename(
    unit: InstanceUnit,
    target: str,
    before: Sequence[objects.Disk],
    after: Sequence[objects.Disk],
    undo: undo_stack.Undo,
) -> None:
    for old, new in zip(before, after, strict=True):
        rename(unit, target, old, new)
        undo.push(f"rename {new.logical_id[1]} back", rename, unit, target,
                  old.replace(logical_id=new.logical_id), old)


def rename(
    unit: InstanceUnit, target: str, old: objects.Disk, new: objects.Disk
) -> None:
    """Give a volume on a node another name."""
    result = unit.rpc.blockdev_rename(target, [((old, unit.instance), list(new.logical_id))])
    result.raise_if_failed(
        f"Can't rename {old.logical_id[1]} to {new.logical_id[1]} on node"
        f" {unit.node_name(target)}")


def _detach_again(unit: InstanceUnit, disk: objects.Disk, target: str) -> None:
    result = unit.rpc.blockdev_removechildren(
        target, (disk, unit.instance), (disk.children, unit.instance))
    result.raise_if_failed(f"Can't detach {disks.describe(disk)}")


def _attach_again(
    unit: InstanceUnit,
    disk: objects.Disk,
    present: Sequence[objects.Disk],
    aside: Sequence[objects.Disk],
    target: str,
) -> None:
    """The old volumes catch up by themselves: their meta data tells how far they were."""
    now = dict(zip((child.uuid for child in present), aside, strict=True))
    old = disk.replace(children=[now.get(child.uuid, child) for child in disk.children])
    result = unit.rpc.blockdev_assemble(
        target, (old, unit.instance), unit.instance, target == unit.instance.primary_node,
        unit.instance.disks.index(disk.uuid))
    result.raise_if_failed(f"Can't attach {disks.describe(disk)}")


def remove_old(unit: InstanceUnit, left: Sequence[objects.Disk], target: str) -> None:
    """Remove volumes that are not used any more; a failure leaves only garbage."""
    for volume in left:
        result = unit.rpc.blockdev_remove(target, (volume, unit.instance))
        if result.fail_msg:
            unit.feedback.warning(
                f"Can't remove the old volume {'/'.join(volume.logical_id)} on node"
                f" {unit.node_name(target)}: {result.fail_msg}",
                hint="remove it with lvremove; nothing uses it any more")
