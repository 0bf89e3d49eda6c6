"""Plugging disks and interfaces into a running guest and out of it.

The devices make the messages themselves, the same that they put on the command line at start.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Mapping
from typing import Any

from ganeti import errors
from ganeti.hypervisor.kvm import security
from ganeti.hypervisor.kvm.blockdev import DiskDevice
from ganeti.hypervisor.kvm.netdev import NicDevice
from ganeti.hypervisor.kvm.qmp import CommandRefused, Session
from ganeti.undo import Undo

#: The guest has to let go of a device; it may be busy booting
_RELEASE_TIMEOUT = 15.0
#: A file that was handed over, in the name of a block node
_FDSET = re.compile(r"/dev/fdset/(\d+)")
_DELETED = ("DEVICE_DELETED", "DEVICE_UNPLUG_GUEST_ERROR")


def require_pluggable(device: DiskDevice | NicDevice, hvp: Mapping[str, Any]) -> None:
    can = (device.can_hotplug(hvp) if isinstance(device, DiskDevice) else device.can_hotplug)
    if not can:
        raise errors.HotplugError(
            f"A device of type {device.hvinfo['driver']} can not be plugged while the guest runs;"
            " stop the instance, or use paravirtual disks and interfaces")


def add_disk(session: Session, disk: DiskDevice, hvp: Mapping[str, Any]) -> None:
    """Plug a disk."""
    require_pluggable(disk, hvp)
    with Undo() as undo:
        path = None
        if security.drops_privileges(hvp) and disk.uri is None:
            path, fdset = _hand_over(session, disk, hvp)
            undo.push("Take back the disk's file", session.execute, "remove-fd",
                      {"fdset-id": fdset})
        session.execute("blockdev-add", disk.node(hvp, path))
        undo.push("Remove the disk's node", session.execute, "blockdev-del",
                  {"node-name": disk.id})
        session.execute("device_add", disk.device(hvp))
        undo.forget()


def _hand_over(session: Session, disk: DiskDevice, hvp: Mapping[str, Any]) -> tuple[str, int]:
    """Open a disk for a QEMU that may not do so itself."""
    node = disk.node(hvp)["file"]
    flags = os.O_RDONLY if node["read-only"] else os.O_RDWR
    if node["cache"]["direct"]:
        flags |= os.O_DIRECT
    fd = os.open(disk.link, flags | os.O_CLOEXEC)
    try:
        session.send_fd(fd)
        fdset = session.execute("add-fd")["fdset-id"]
    finally:
        os.close(fd)
    return f"/dev/fdset/{fdset}", fdset


def remove_disk(session: Session, disk: DiskDevice, hvp: Mapping[str, Any]) -> None:
    """Unplug a disk."""
    require_pluggable(disk, hvp)
    _remove_device(session, disk.id)
    # a disk that an older release has started goes with its device
    for node in session.execute("query-named-block-nodes"):
        if node.get("node-name") == disk.id:
            session.execute("blockdev-del", {"node-name": disk.id})
            _let_go(session, str(node.get("file", "")))


def _let_go(session: Session, filename: str) -> None:
    """Close a file that was handed over; QEMU itself does so only while nobody talks to it."""
    handed = _FDSET.search(filename)
    if handed is None:
        return
    try:
        session.execute("remove-fd", {"fdset-id": int(handed[1])})
    except CommandRefused as err:
        logging.debug("QEMU has closed the file of a disk already: %s", err)


def add_nic(session: Session, nic: NicDevice, hvp: Mapping[str, Any], fds: list[int]) -> None:
    """Plug an interface whose tap device is there."""
    require_pluggable(nic, hvp)
    names = [f"{nic.id}-{number}" for number in range(len(fds))]
    try:
        for name, fd in zip(names, fds, strict=True):
            session.send_fd(fd)
            session.execute("getfd", fdname=name)
        session.execute("netdev_add", nic.netdev(hvp, names))
    except errors.HypervisorError:
        # those that QEMU has kept would keep the tap device alive; some it may have used up
        for name in names:
            with contextlib.suppress(errors.HypervisorError):
                session.execute("closefd", fdname=name)
        raise
    with Undo() as undo:
        undo.push("Remove the interface's back end", session.execute, "netdev_del",
                  {"id": nic.id})
        session.execute("device_add", nic.device(hvp))
        undo.forget()


def remove_nic(session: Session, nic: NicDevice, hvp: Mapping[str, Any]) -> None:
    """Unplug an interface; its tap device goes with it."""
    require_pluggable(nic, hvp)
    _remove_device(session, nic.id)
    session.execute("netdev_del", {"id": nic.id})


def _remove_device(session: Session, device_id: str) -> None:
    """Ask the guest to let go of a device and wait until it has; a lost one is no error."""
    try:
        session.execute("device_del", id=device_id)
    except CommandRefused as err:
        if err.kind == "DeviceNotFound":
            return
        raise
    while True:
        event = session.wait_event(_DELETED, _RELEASE_TIMEOUT)
        if event is None:
            raise errors.HotplugError(
                f"The guest did not let go of {device_id} within {_RELEASE_TIMEOUT:g} s; its"
                " system may not support unplugging, or is not up yet")
        if event["data"].get("device") == device_id:
            break
    if event["event"] != _DELETED[0]:
        raise errors.HotplugError(f"The guest refuses to let go of {device_id}")
