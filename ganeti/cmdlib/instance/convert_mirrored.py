"""Conversions that keep the data where it is: a volume gets a mirror, or loses it.

The data volume of a mirrored disk holds exactly the disk's contents, so nothing is copied here
but by the mirror itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from ganeti import constants, errors, objects
from ganeti import undo as undo_stack
from ganeti.cmdlib.instance import disks, replace_in_place
from ganeti.cmdlib.instance.base import InstanceUnit
from ganeti.storage import registry as storage


def gains_mirror(current: str, wanted: str) -> bool:
    """Whether disks of a type become the data volumes of mirrored ones."""
    return storage.template(wanted).mirrors_template == current


def loses_mirror(current: str, wanted: str) -> bool:
    """Whether the data volumes of mirrored disks become disks of a type."""
    return storage.template(current).mirrors_template == wanted


def rest_specs(new_disks: Sequence[objects.Disk]) -> int:
    """MiB that mirroring takes beside the data, on the node that has the data."""
    return sum(child.size for disk in new_disks for child in disk.children[1:])


def add_mirrors(
    unit: InstanceUnit,
    old_disks: Sequence[objects.Disk],
    new_disks: Sequence[objects.Disk],
    undo: undo_stack.Undo,
) -> None:
    """Turn volumes into mirrored disks; the second node is filled from the first."""
    instance, primary = unit.instance, unit.instance.primary_node
    unit.feedback("Creating additional volumes...")
    for new in new_disks:
        secondary = next(uuid for uuid in new.nodes if uuid != primary)
        for child in disks.parts(unit, new, primary)[1:]:
            disks.create_top(unit, instance, child, primary, undo)
        for child in disks.parts(unit, new, secondary):
            disks.create_top(unit, instance, child, secondary, undo)
    unit.feedback("Renaming original volumes...")
    for old, new in zip(old_disks, new_disks, strict=True):
        renamed = old.replace(logical_id=new.children[0].logical_id)
        replace_in_place.rename(unit, primary, old, renamed)
        undo.push(f"rename {renamed.logical_id[1]} back", replace_in_place.rename, unit, primary,
                  renamed, old)
    unit.feedback("Initializing DRBD devices...")
    for new in new_disks:
        for node_uuid in disks.nodes_of(new, instance):
            _create_over(unit, new, node_uuid, undo)


def _create_over(
    unit: InstanceUnit, new: objects.Disk, node_uuid: str, undo: undo_stack.Undo
) -> None:
    """Make the mirror itself; taking it back leaves the volumes, which are taken back alone."""
    result = unit.rpc.blockdev_create(
        node_uuid, (new, unit.instance), new.size, unit.instance.name,
        node_uuid == unit.instance.primary_node, disks.owner_text(unit.instance.name), False)
    undo.push(f"shut down {disks.describe(new)} on node {unit.node_name(node_uuid)}", _shut_down,
              unit, new, node_uuid)
    result.raise_if_failed(
        f"Can't create {disks.describe(new)} on node {unit.node_name(node_uuid)}")


def _shut_down(unit: InstanceUnit, disk: objects.Disk, node_uuid: str) -> None:
    result = unit.rpc.blockdev_shutdown(node_uuid, (disk, unit.instance))
    result.raise_if_failed(f"Can't shut down {disks.describe(disk)}")


def stripped(disk: objects.Disk, primary: str) -> objects.Disk:
    """What is left of a mirrored disk on the primary node."""
    return disk.children[0].replace(
        nodes=[primary], iv_name=disk.iv_name, size=disk.size, mode=disk.mode, name=disk.name)


def require_complete_here(unit: InstanceUnit, old_disks: Sequence[objects.Disk]) -> None:
    """Refuse to keep a copy that is not the whole and newest one, then shut the mirrors down."""
    instance = unit.instance
    was_active = instance.disks_active
    disks.assemble(unit, instance, old_disks, ignore_secondaries=True)
    try:
        for status, disk in zip(disks.mirror_status(unit, instance, old_disks), old_disks,
                                strict=True):
            if status["ldisk_status"] != constants.LDS_OKAY:
                raise errors.OpExecError(
                    f"The copy of {disks.describe(disk)} on node {unit.primary.name} is not"
                    " complete; without its mirror the data would be lost. Wait for its"
                    " synchronisation")
    except errors.GenericError:
        if not was_active:
            disks.shutdown(unit, instance, old_disks)
        raise
    if not disks.shutdown(unit, instance, old_disks):
        raise errors.OpExecError(f"Could not shut down the disks of instance {instance.name}")


def remove_rest(unit: InstanceUnit, old_disks: Sequence[objects.Disk]) -> None:
    """Remove what mirrored the data: volumes of the other node, and the mirrors' own data."""
    primary = unit.instance.primary_node
    for disk in old_disks:
        for node_uuid in disk.nodes:
            parts = disk.children if node_uuid != primary else disk.children[1:]
            for child in parts:
                try:
                    disks.remove_from(unit, unit.instance, child, node_uuid)
                except errors.GenericError as err:
                    unit.feedback.warning(errors.text(err),
                                          hint="remove the unused volume manually")
