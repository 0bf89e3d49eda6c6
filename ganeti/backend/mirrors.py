"""Disks that this node mirrors to another one: connections, local copies, generations."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any

from ganeti import errors, objects
from ganeti.storage import registry
from ganeti.storage.drbd import kernel
from ganeti.storage.mirror import MirrorDev

#: Seconds for a connection that was just asked for to come about
CONNECT_PATIENCE = 30.0


def mirror(disk: objects.Disk) -> MirrorDev:
    """The device of a disk that is mirrored between nodes."""
    found = registry.device(disk)
    if not isinstance(found, MirrorDev):
        raise errors.BlockDeviceError(
            f"Disks of type {disk.dev_type} are not mirrored between nodes")
    return found


def blockdev_addchildren(bdev: objects.Disk, ndevs: Sequence[objects.Disk]) -> None:
    """Give a mirror new volumes on this node; the other node fills them."""
    children = [registry.device(disk) for disk in ndevs]
    for child in children:
        child.require_attached()
        child.assemble()
    mirror(bdev).add_children(children)
    logging.info("Disk %s has new volumes", bdev.iv_name or bdev.uuid)


def blockdev_removechildren(bdev: objects.Disk, ndevs: Sequence[objects.Disk]) -> None:
    """Take a mirror's volumes on this node away; done already counts as success."""
    device = mirror(bdev)
    held = {child.uuid for child in bdev.children}
    foreign = [disk.uuid for disk in ndevs if disk.uuid not in held]
    if foreign:
        raise errors.BlockDeviceError(
            f"{', '.join(foreign)} is no volume of disk {bdev.iv_name or bdev.uuid}")
    device.remove_children()
    logging.info("Disk %s has no volumes on this node now", bdev.iv_name or bdev.uuid)


def drbd_attach_net(disks: Sequence[objects.Disk], multimaster: bool) -> None:
    """Connect mirrors, live where they are connected; `multimaster` allows two primaries."""
    for disk in disks:
        mirror(disk).attach_net(multimaster)


def drbd_disconnect_net(disks: Sequence[objects.Disk]) -> None:
    """Cut the connections of mirrors."""
    for disk in disks:
        mirror(disk).disconnect_net()


def drbd_wait_sync(disks: Sequence[objects.Disk]) -> list[Any]:
    """[nothing is left to copy, lowest per cent] once connections have come about."""
    states = [mirror(disk).in_step(CONNECT_PATIENCE) for disk in disks]
    return [all(done for done, _ in states), min((percent for _, percent in states),
                                                 default=100.0)]


def drbd_needs_activation(disks: Sequence[objects.Disk]) -> list[str]:
    """UUIDs of the disks that are off, cut off, or without a copy here."""
    return [disk.uuid for disk in disks if mirror(disk).needs_activation()]


def drbd_helper() -> str:
    """The program that DRBD calls about events."""
    return kernel.helper()


def drbd_copies(disks: Sequence[objects.Disk]) -> list[list[Any]]:
    """[ok, state of this node's copy or message] of each disk."""
    answers: list[list[Any]] = []
    for disk in disks:
        try:
            answers.append([True, dataclasses.asdict(mirror(disk).copy())])
        except errors.GenericError as err:
            answers.append([False, str(err)])
    return answers


def drbd_discard(disks: Sequence[objects.Disk]) -> None:
    """Give up what this node's copies alone have changed; they take the other node's data."""
    for disk in disks:
        logging.warning("Giving up this node's copy of disk %s, as the administrator wishes",
                        disk.iv_name or disk.uuid)
        mirror(disk).discard_and_connect()
