"""From an instance to its runtime: the whole command line, subject by subject."""

from __future__ import annotations

from collections.abc import Sequence

from ganeti import objects
from ganeti.hypervisor.base import BlockDevice
from ganeti.hypervisor.kvm import (
    blockdev,
    boot,
    cpu,
    display,
    firmware,
    machine,
    memory,
    pci,
    ports,
    sound,
    tpm,
    usb,
)
from ganeti.hypervisor.kvm.blockdev import DiskDevice
from ganeti.hypervisor.kvm.command import CommandLine
from ganeti.hypervisor.kvm.guest import Guest
from ganeti.hypervisor.kvm.netdev import NicDevice
from ganeti.hypervisor.kvm.runtime import Runtime

#: Each puts its part on the command line, in this order
SUBJECTS = (machine.arguments, firmware.arguments, memory.arguments, cpu.arguments,
            boot.arguments, ports.arguments, tpm.arguments, display.arguments, sound.arguments,
            usb.arguments, blockdev.controllers, machine.extra_arguments)


def command(guest: Guest) -> CommandLine:
    """The command line without disks and interfaces."""
    line = CommandLine([guest.binary.path])
    for arguments in SUBJECTS:
        arguments(guest, line)
    return line


def runtime(guest: Guest, instance: objects.Instance,
            block_devices: Sequence[BlockDevice]) -> Runtime:
    """Everything that has to be known to start the guest, now or again."""
    line = command(guest)
    slots = pci.at_start(guest.hvp["kvm_pci_reservations"], line.pci_devices, guest.is_q35)
    disks = [DiskDevice.place(device, index, guest.ide_units, guest.hvp, slots)
             for index, device in enumerate(block_devices)]
    nics = [NicDevice.place(nic, guest.hvp, slots) for nic in instance.nics]
    return Runtime(line.argv, nics, {**guest.hvp, "machine_version": guest.machine}, disks)


def arguments(runtime: Runtime, tap_fds: Sequence[Sequence[int]]) -> list[str]:
    """The whole command line of a runtime; `tap_fds` are the open queues of each interface."""
    argv = list(runtime.command)
    for number, disk in enumerate(runtime.disks):
        argv += disk.arguments(number, runtime.hvp)
    for number, (nic, fds) in enumerate(zip(runtime.nics, tap_fds, strict=True)):
        argv += nic.arguments(number, runtime.hvp, fds)
    return argv
