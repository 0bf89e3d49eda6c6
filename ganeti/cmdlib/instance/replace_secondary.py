"""Another node takes the place of an instance's secondary one.

Everything on the new node is made first; the old copy is let go of only when the new one can be
connected, and its volumes stay until the new copy is complete (unless an early release is
wished). A failure before that leads back to the old secondary node.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from ganeti import errors, objects
from ganeti import undo as undo_stack
from ganeti.cmdlib.instance import disks, mirrors, replace_in_place
from ganeti.cmdlib.instance.base import InstanceUnit
from ganeti.storage import registry as storage


def replace(
    unit: InstanceUnit,
    old_node: str,
    new_node: str,
    finish: replace_in_place.Finish,
) -> None:
    """Move the second copy of all disks of the instance from the old node to the new one."""
    before, primary = list(unit.disks), unit.instance.primary_node
    unit.feedback.step(1, 6, "Check device existence")
    for disk in before:
        replace_in_place.require_found(unit, disk, primary)
    unit.feedback.step(2, 6, "Check peer consistency")
    for disk in before:
        replace_in_place.require_complete(unit, disk, primary)
    with undo_stack.Undo(unit.feedback) as undo:
        unit.feedback.step(3, 6, "Allocate new storage")
        after = _allocate(unit, before, old_node, new_node, undo)
        unit.feedback.step(4, 6, "Changing drbd configuration")
        _switch(unit, before, after, (primary, old_node, new_node), undo)
        undo.forget()
    unit.refresh()
    finish(list(unit.disks), functools.partial(_remove_old, unit, before, old_node))


def _allocate(
    unit: InstanceUnit,
    before: Sequence[objects.Disk],
    old_node: str,
    new_node: str,
    undo: undo_stack.Undo,
) -> list[objects.Disk]:
    """Make the disks on the new node, where they do not look for their peer yet."""
    after = []
    for disk in before:
        template = storage.template(disk.dev_type)
        (minor,) = unit.cfg.reserve.minors.generate(unit.job_id, [new_node])
        moved = template.moved(disk, old_node, new_node, minor)
        unit.feedback.info(f"Creating new local storage on {unit.node_name(new_node)} for"
                           f" {disks.describe(disk)}")
        disks.create_on(unit, unit.instance, template.alone(moved), new_node, undo)
        after.append(moved)
    return after


def _switch(
    unit: InstanceUnit,
    before: Sequence[objects.Disk],
    after: Sequence[objects.Disk],
    nodes: tuple[str, str, str],
    undo: undo_stack.Undo,
) -> None:
    """Cut the primary node's copies off their old peer, and connect them to the new one."""
    primary, old_node, new_node = nodes
    instance = unit.instance
    unit.feedback.info("Detaching primary drbds from the network (=> standalone)")
    undo.push("connect the primary node with its old peer again", _reconnect, unit, before,
              primary)
    result = unit.rpc.drbd_disconnect_net([primary], (list(before), instance))[primary]
    result.raise_if_failed("Can't detach the disks from the network on the primary node")
    unit.feedback.info("Updating instance configuration")
    undo.push("put the old secondary node back into the configuration", _record, unit, before)
    _record(unit, after)
    unit.cfg.wait_durable()
    _shut_down_old(unit, before, old_node)
    unit.feedback.info("Attaching primary drbds to new secondary (standalone => connected)")
    mirrors.attach_net(unit, instance, after, [primary, new_node])


def _shut_down_old(
    unit: InstanceUnit, before: Sequence[objects.Disk], old_node: str
) -> None:
    """Shut down the old node's copies, so that they do not look for a peer for ever."""
    for disk in before:
        result = unit.rpc.blockdev_shutdown(old_node, (disk, unit.instance))
        if result.fail_msg:
            unit.feedback.warning(
                f"Failed to shut down {disks.describe(disk)} on old secondary node"
                f" {unit.node_name(old_node)}: {result.fail_msg}",
                hint="clean up this device manually as soon as possible")


def _record(unit: InstanceUnit, wanted: Sequence[objects.Disk]) -> None:
    with unit.cfg.edit(job=unit.job_id) as draft:
        for disk in wanted:
            draft.put(disk)


def _reconnect(unit: InstanceUnit, before: Sequence[objects.Disk], primary: str) -> None:
    """Back to the old peer: what was shut down there is made active again by this, too."""
    for disk in before:
        for node_uuid in disk.nodes:
            result = unit.rpc.blockdev_assemble(
                node_uuid, (disk, unit.instance), unit.instance, node_uuid == primary,
                unit.instance.disks.index(disk.uuid))
            if node_uuid == primary:
                result.raise_if_failed(f"Can't connect {disks.describe(disk)}")
            elif result.fail_msg:
                unit.feedback.warning(
                    f"Can't activate {disks.describe(disk)} on node {unit.node_name(node_uuid)}:"
                    f" {result.fail_msg}")


def _remove_old(
    unit: InstanceUnit, before: Sequence[objects.Disk], old_node: str
) -> None:
    for disk in before:
        try:
            disks.remove_from(unit, unit.instance, disk, old_node)
        except errors.GenericError as err:
            unit.feedback.warning(errors.text(err), hint="remove the unused volumes manually")
