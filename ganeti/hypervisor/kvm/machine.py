"""The board: machine type, identity, clock, power behaviour and the buses devices are put on."""

from __future__ import annotations

import shlex

from ganeti import errors
from ganeti.hypervisor.kvm import firmware, pci
from ganeti.hypervisor.kvm.command import CommandLine, escape, option
from ganeti.hypervisor.kvm.guest import Guest


def arguments(guest: Guest, cmd: CommandLine) -> None:
    """Identity, machine, clock, power."""
    hvp = guest.hvp
    cmd.add("-name", f"{escape(guest.name)},debug-threads=on", "-uuid", guest.uuid)
    cmd.add("-nodefaults", "-no-user-config")
    cmd.add("-machine", option(guest.machine, {
        "accel": guest.accelerator, "acpi": None if hvp["acpi"] else False,
        **firmware.machine_options(guest)}))
    if hvp["use_localtime"]:
        cmd.add("-rtc", "base=localtime")
    if hvp["reboot_behavior"] == "exit":
        cmd.add("-no-reboot")
    if guest.is_q35:
        pci.root_ports(cmd, hvp["kvm_pci_reservations"])


def extra_arguments(guest: Guest, cmd: CommandLine) -> None:
    """What the administrator adds by hand."""
    cmd.add(*split_extra(guest.hvp["kvm_extra"]))


def split_extra(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as err:
        raise errors.OpPrereqError(
            f"Hypervisor parameter 'kvm_extra' can not be split into words: {err}",
            errors.ECODE_INVAL) from err
