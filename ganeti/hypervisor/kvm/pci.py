"""Places for disks and interfaces on the PCI buses, at start and when they are plugged later.

A pc has one bus with slots. A q35 has a root complex, into which nothing can be plugged; so it
gets root ports, each of which takes one device.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from ganeti import constants, errors
from ganeti.hypervisor.kvm.command import CommandLine

#: The bus of a pc; guests of older releases on q35 have a bridge of this name
PCI_BUS = "pci.0"
#: The root complex of a q35
_ROOT_BUS = "pcie.0"
#: Host bridge and chipset
_BOARD_SLOTS = 2
_ROOT_PORT, _PREFIX = "pcie-root-port", "port"
#: Root ports lie above what QEMU places by itself, eight to a slot
_FIRST_PORT_SLOT = 0x10
_FUNCTIONS = 8


class Places(Protocol):
    """Where devices can go."""

    #: The bus on which the board's own controllers are
    board: str

    def take(self, name: str) -> dict[str, Any]:
        """Bus and address for one more device."""


def at_start(reserved: int, pci_devices: int, q35: bool) -> Places:
    """The places of a guest that is about to be started."""
    return RootPorts(_port_names(reserved)) if q35 else Slots.at_start(reserved, pci_devices)


def running(command: Sequence[str], reserved: int, buses: Sequence[Mapping[str, Any]],
            hvinfos: Iterable[Mapping[str, Any]]) -> Places:
    """The free places of a running guest, by QEMU's answer to ``query-pci`` and its runtime."""
    if any(word.startswith(f"{_ROOT_PORT},") for word in command):
        return RootPorts.running(buses, hvinfos)
    return Slots.running(reserved, buses, hvinfos)


class Slots:
    """The free slots of one bus."""

    board = PCI_BUS

    def __init__(self, used: Iterable[int]) -> None:
        self.used = set(used)

    @classmethod
    def at_start(cls, reserved: int, pci_devices: int) -> Slots:
        """For a new guest: the first slots are left to QEMU's own choice."""
        return cls(range(max(reserved, _BOARD_SLOTS + pci_devices)))

    @classmethod
    def running(cls, reserved: int, buses: Sequence[Mapping[str, Any]],
                hvinfos: Iterable[Mapping[str, Any]]) -> Slots:
        used = set(range(reserved))
        used |= {number for info in hvinfos if (number := slot(info)) is not None}
        return cls(used | set(_occupied(buses)))

    def take(self, name: str) -> dict[str, Any]:
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
    """Slots in use on the bus for disks and interfaces; behind a bridge on an older q35."""
    for bus in buses:
        devices = bus["devices"]
        bridge = next((d for d in devices if d.get("qdev_id") == PCI_BUS), None)
        if bridge is not None:
            devices = bridge["pci_bridge"].get("devices", [])
            yield 0  # the bridge's own hot-plug controller
        yield from (device["slot"] for device in devices)


class RootPorts:
    """The free root ports of a q35; a device is alone behind its port."""

    board = _ROOT_BUS

    def __init__(self, free: Iterable[str]) -> None:
        self.free = list(free)

    @classmethod
    def running(cls, buses: Sequence[Mapping[str, Any]], hvinfos: Iterable[Mapping[str, Any]]
                ) -> RootPorts:
        used = {str(info["bus"]) for info in hvinfos if "bus" in info}
        ports = {device["qdev_id"]: device["pci_bridge"].get("devices", [])
                 for bus in buses for device in bus["devices"]
                 if str(device.get("qdev_id")).startswith(_PREFIX) and "pci_bridge" in device}
        return cls(sorted((name for name, devices in ports.items()
                           if not devices and name not in used),
                          key=lambda name: int(name.removeprefix(_PREFIX))))

    def take(self, name: str) -> dict[str, Any]:
        if not self.free:
            raise errors.HotplugError(
                f"No PCI Express port is free for {name}; lower 'kvm_pci_reservations', which"
                " gives the guest more of them at its next start, or remove a device")
        return {"bus": self.free.pop(0), "addr": "0x0"}


def _port_names(reserved: int) -> list[str]:
    return [f"{_PREFIX}{number}" for number in range(constants.KVM_PCI_SLOTS - reserved)]


def root_ports(cmd: CommandLine, reserved: int) -> None:
    """As many ports as a pc would have slots that are not reserved."""
    for number, name in enumerate(_port_names(reserved)):
        slot_number, function = divmod(number, _FUNCTIONS)
        cmd.device(driver=_ROOT_PORT, id=name, bus=_ROOT_BUS, chassis=number + 1,
                   addr=f"{hex(_FIRST_PORT_SLOT + slot_number)}.{hex(function)}",
                   multifunction=None if function else True)
