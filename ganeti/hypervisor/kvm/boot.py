"""What a guest boots: a kernel of the node's, or one of its devices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.hypervisor.kvm.command import CommandLine
from ganeti.hypervisor.kvm.guest import Guest


def arguments(guest: Guest, cmd: CommandLine) -> None:
    hvp = guest.hvp
    if not hvp["kernel_path"]:
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


def index(hvp: Mapping[str, Any], kind: str, number: int = 0) -> int | None:
    """The boot index of the `number`-th device of a kind (cdrom, disk, floppy, network).

    Only the first device of the kind in `boot_order` has one; a kernel goes before all devices.
    """
    return 1 if hvp["boot_order"] == kind and number == 0 and not hvp["kernel_path"] else None
