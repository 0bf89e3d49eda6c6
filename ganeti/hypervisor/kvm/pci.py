"""Slots of the PCI bus: which ones disks and interfaces get, at start and when plugged later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ganeti import constants, errors
from ganeti.hypervisor.kvm.machine import PCI_BUS

#: Host bridge and chipset
_BOARD_SLOTS = 2


class Slots:
    """The free slots of one bus."""

    def __init__(self, used: Iterable[int]) -> None:
        self.used = set(used)

    @classmethod
    def at_start(cls, reserved: int, pci_devices: int, behind_bridge: bool) -> Slots:
        """For a new guest: the first slots are left to QEMU's own choice.

        `behind_bridge` tells that QEMU's own devices are not on this bus (q35).
        """
        chosen = 1 if behind_bridge else _BOARD_SLOTS + pci_devices
        return cls(range(max(reserved, chosen)))

    @classmethod
    def running(cls, reserved: int, buses: Sequence[Mapping[str, Any]],
                hvinfos: Iterable[Mapping[str, Any]]) -> Slots:
        """For a running guest, by QEMU's answer to ``query-pci`` and its runtime."""
        used = set(range(reserved))
        used |= {number for info in hvinfos if (number := slot(info)) is not None}
        return cls(used | set(_occupied(buses)))

    def take(self, name: str) -> dict[str, Any]:
        """Bus and address for one more device."""
        free = next((n for n in range(constants.KVM_PCI_SLOTS) if n not in self.used), None)
        if free is None:
            raise errors.HotplugError(
                f"No PCI slot is free for {name}: all {constants.KVM_PCI_SLOTS} are in use or"
                " reserved; lower 'kvm_pci_reservations' or remove a device")
        self.used.add(free)
        return {"bus": PCI_BUS, "addr": hex(free)}


def slot(hvinfo: Mapping[str, Any]) -> int | None:
    """The slot that a device has, if it has one."""
    return int(str(hvinfo["addr"]), 0) if "addr" in hvinfo else None


def _occupied(buses: Sequence[Mapping[str, Any]]) -> Iterable[int]:
    """Slots in use on the bus for disks and interfaces; behind a bridge on q35."""
    for bus in buses:
        devices = bus["devices"]
        bridge = next((d for d in devices if d.get("qdev_id") == PCI_BUS), None)
        if bridge is not None:
            devices = bridge["pci_bridge"].get("devices", [])
            yield 0  # the bridge's own hot-plug controller
        yield from (device["slot"] for device in devices)
