"""What a guest boots: a kernel of the node's, or one of its devices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti import constants
from ganeti.hypervisor.kvm.command import CommandLine
from ganeti.hypervisor.kvm.guest import Guest


def kind(hvp: Mapping[str, Any]) -> str:
    """The `boot_type`; where it is empty, `kernel_path` decides as it did before there was one."""
    if hvp["boot_type"]:
        return str(hvp["boot_type"])
    return constants.HT_BT_DIRECT_KERNEL if hvp["kernel_path"] else constants.HT_BT_BIOS


def is_direct(hvp: Mapping[str, Any]) -> bool:
    """Whether a kernel of the node's is booted; all other ways leave `kernel_path` unused."""
    return kind(hvp) == constants.HT_BT_DIRECT_KERNEL


def arguments(guest: Guest, cmd: CommandLine) -> None:
    hvp = guest.hvp
    if not is_direct(hvp):
        return
    cmd.add("-kernel", hvp["kernel_path"])
    if hvp["initrd_path"]:
        cmd.add("-initrd", hvp["initrd_path"])
    cmd.add("-append", " ".join(_kernel_words(hvp)))


def _kernel_words(hvp: Mapping[str, Any]) -> list[str]:
    words = []
    if hvp["root_path"]:
        words.append(f"root={hvp['root_path']}")
    if hvp["kernel_args"]:
        words.append(hvp["kernel_args"])
    if hvp["serial_console"]:
        words.append(f"console=ttyS0,{hvp['serial_speed']}")
    return words


def index(hvp: Mapping[str, Any], device: str, number: int = 0) -> int | None:
    """The boot index of the `number`-th device of a kind (cdrom, disk, floppy, network).

    Only the first device of the kind in `boot_order` has one; a kernel goes before all devices.
    """
    return 1 if hvp["boot_order"] == device and number == 0 and not is_direct(hvp) else None
