"""Disks of instances on this node: making, assembling, looking at, changing and removing them.

What a storage type does to its devices is in :mod:`ganeti.storage`; here is the order of things
(children before parents, links, notes about the owner). Copying data is in
:mod:`ganeti.backend.diskdata`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from ganeti import constants, errors, objects, pathutils
from ganeti.hypervisor import registry as hypervisors
from ganeti.hypervisor.base import BlockDevice
from ganeti.storage import devcache, links, registry
from ganeti.storage.base import BlockDev

Status = dict[str, Any]


# Finding and assembling ----------------------------------------------------------------------

def find(disk: objects.Disk) -> BlockDev | None:
    """The attached device of a disk, or None if it is not on this node."""
    device = registry.device(disk)
    return device if device.attach() else None


def require(disk: objects.Disk) -> BlockDev:
    """The attached device of a disk, which has to be here."""
    device = registry.device(disk)
    device.require_attached()
    return device


def _assemble(disk: objects.Disk, owner: str, on_primary: bool) -> BlockDev | None:
    """Assemble a disk from its children up; None when nothing is to do on this node."""
    if not on_primary and not registry.template(disk.dev_type).assemble_on_secondary:
        for child in disk.children:
            _assemble(child, owner, on_primary)
        return None
    for child in disk.children:
        _assemble(child, owner, on_primary)
    device = registry.device(disk)
    if not device.present():
        device.require_attached()
    device.assemble()
    if on_primary:
        device.open()
    devcache.note(owner, on_primary, disk.iv_name, device.path)
    return device


def _shutdown(device: BlockDev) -> None:
    if device.attach():
        path = device.path
        device.shutdown()
        devcache.forget(path)
    for child in device.children:
        _shutdown(child)


def link_disks(instance: objects.Instance) -> list[BlockDevice]:
    """Open an instance's assembled disks and link them, for handing them to its hypervisor."""
    linked = []
    for index, disk in enumerate(instance.disks_info or ()):
        device = require(disk)
        device.open()
        link = links.create(instance.name, index, device.path)
        linked.append(BlockDevice(disk, link, address(device, instance.hypervisor)))
    return linked


def address(device: BlockDev, hypervisor: str) -> str | None:
    """By which address a hypervisor reaches a disk; None when it takes the node's device.

    Disks that it can not open at all are refused.
    """
    uri = device.uri(hypervisor)
    if uri is not None and not hypervisors.get_class(hypervisor).opens_addresses:
        raise errors.BlockDeviceError(
            f"The hypervisor {hypervisor} can not reach disk"
            f" {device.disk.iv_name or device.disk.uuid} by its address {uri}; its parameter"
            f" access has to be {constants.DISK_KERNELSPACE}")
    image = registry.template(device.disk.dev_type).image(device.disk).name
    if image not in hypervisors.get_class(hypervisor).image_formats:
        raise errors.BlockDeviceError(
            f"The hypervisor {hypervisor} does not open disks in {image} files, as"
            f" {device.disk.iv_name or device.disk.uuid} is; convert the disks with 'gnt-instance"
            f" modify -t {device.disk.dev_type} --file-driver {constants.FD_DEFAULT}'")
    return uri


def unlink_disks(instance_name: str) -> None:
    """Remove the symlinks of an instance that does not run here any more."""
    links.remove_all(instance_name)


# RPC functions -------------------------------------------------------------------------------

def blockdev_create(bdev: objects.Disk, size: int, owner: str, on_primary: bool, info: str,
                    exclusive_storage: bool) -> list[Any]:
    """Create a disk (its children exist already); returns its logical id."""
    for child in bdev.children:
        _assemble(child, owner, on_primary)
    device = registry.device(bdev)
    device.create(size, spindles=bdev.spindles, exclusive=exclusive_storage)
    template = registry.template(bdev.dev_type)
    if on_primary or template.assemble_on_secondary:
        device.assemble()
        if on_primary:
            device.open(force=True)
        devcache.note(owner, on_primary, bdev.iv_name, device.path)
    device.set_info(info)
    logging.info("Created disk %s of %s (%s MiB, %s)", bdev.iv_name or bdev.uuid, owner, size,
                 bdev.dev_type)
    return list(bdev.logical_id)


def blockdev_remove(bdev: objects.Disk) -> None:
    """Remove a disk and what it consists of; what is gone already is left alone."""
    _remove(registry.device(bdev))


def _remove(device: BlockDev) -> None:
    if device.attach():
        path = device.path
        device.remove()
        devcache.forget(path)
        logging.info("Removed disk %s (%s)", device.disk.iv_name or device.disk.uuid, path)
    else:
        # storage that can not be reached must not be taken for storage that is gone
        device.remove()
    for child in device.children:
        _remove(child)


def blockdev_assemble(disk: objects.Disk, instance: objects.Instance, on_primary: bool,
                      idx: int) -> list[Any]:
    """Make a disk usable here: its path, symlink and URI; [True, True] if nothing was to do."""
    device = _assemble(disk, instance.name, on_primary)
    if device is None:
        return [True, True]
    link = None
    if on_primary:
        link = pathutils.logical(links.create(instance.name, idx, device.path))
    return [pathutils.logical(device.path), link, address(device, instance.hypervisor)]


def blockdev_shutdown(disk: objects.Disk) -> None:
    """Undo assembling; the data stays."""
    _shutdown(registry.device(disk))


def blockdev_find(disk: objects.Disk) -> Status | None:
    """Status of a disk, None if it is not here."""
    device = find(disk)
    return None if device is None else _status(device)


def _status(device: BlockDev) -> Status:
    status = device.sync_status()
    return {**status, "dev_path": pathutils.logical(status["dev_path"])}


def blockdev_getmirrorstatus(disks: Sequence[objects.Disk]) -> list[Status]:
    """Status of disks that all have to be here."""
    return [_status(require(disk)) for disk in disks]


def blockdev_getmirrorstatus_multi(node_disks: Sequence[objects.Disk]) -> list[list[Any]]:
    """[ok, status or message] of each disk."""
    return [_attempt(lambda disk=disk: _status(require(disk))) for disk in node_disks]


def blockdev_getdimensions(disks: Sequence[objects.Disk]) -> list[list[int | None] | None]:
    """[size in bytes, spindles] of each disk; None for one that is not here."""
    found = [find(disk) for disk in disks]
    return [None if device is None else [device.actual_size(), device.spindles()]
            for device in found]


def blockdev_grow(cf_bdev: objects.Disk, amount: int, dryrun: bool, backingstore: bool,
                  es_flag: bool) -> None:
    """Add `amount` MiB to a disk."""
    require(cf_bdev).grow(amount, dry_run=dryrun, backing_store=backingstore, exclusive=es_flag)


def blockdev_snapshot(cf_bdev: objects.Disk, snap_name: str | None, snap_size: int | None
                      ) -> list[Any]:
    """Make a snapshot; returns its logical id."""
    if not registry.template(cf_bdev.dev_type).can_snapshot:
        raise errors.BlockDeviceError(f"Disks of type {cf_bdev.dev_type} can not be snapshotted")
    return require(cf_bdev).snapshot(snap_name, snap_size)


def blockdev_rename(devlist: Sequence[tuple[objects.Disk, Sequence[Any]]]) -> None:
    """Give disks other logical ids; all are tried, failures are told together."""
    failed = []
    for disk, new_id in devlist:
        try:
            device = registry.device(disk)
            old_path = device.path if device.attach() else None
            device.rename(new_id)
            if old_path is not None:
                devcache.forget(old_path)
        except errors.GenericError as err:
            failed.append(f"{disk.iv_name or disk.uuid}: {err}")
    if failed:
        raise errors.BlockDeviceError("Can not rename " + "; ".join(failed))


def blockdev_open(instance_name: str, disks: Sequence[objects.Disk], exclusive: bool) -> None:
    """Make disks writable from this node."""
    for disk in disks:
        require(disk).open(exclusive=exclusive)


def blockdev_close(instance_name: str, disks: Sequence[objects.Disk]) -> None:
    """Stop writing to disks from this node and forget the instance's symlinks."""
    for disk in disks:
        require(disk).close()
    if instance_name:
        unlink_disks(instance_name)


def blockdev_setinfo(disk: objects.Disk, info: str) -> None:
    """Write the owner's name into the storage's metadata."""
    device = registry.device(disk)
    if not device.present():
        device.require_attached()
    device.set_info(info)


def blockdev_pause_resume_sync(disks: Sequence[objects.Disk], pause: bool) -> list[list[Any]]:
    """Hold or continue mirroring; [ok, message or None] of each disk."""
    return [_attempt(lambda disk=disk: require(disk).pause_sync(pause)) for disk in disks]


def _attempt(action: Any) -> list[Any]:
    try:
        return [True, action()]
    except errors.GenericError as err:
        return [False, str(err)]
