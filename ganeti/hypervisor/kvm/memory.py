"""Memory at start: size and where it comes from. Changing it later is in :mod:`.balloon`."""

from __future__ import annotations

from ganeti.hypervisor.kvm.command import CommandLine
from ganeti.hypervisor.kvm.guest import Guest


def arguments(guest: Guest, cmd: CommandLine) -> None:
    cmd.add("-m", str(guest.memory))
    if guest.hvp["mem_path"]:
        cmd.add("-mem-path", guest.hvp["mem_path"], "-mem-prealloc")
    cmd.device(pci=True, driver="virtio-balloon-pci", id="balloon")
