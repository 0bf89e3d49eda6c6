"""UEFI: which firmware a guest gets, and how QEMU is told of it and of the guest's variables.

Distributions describe the firmware they install in JSON files (QEMU's docs/interop/firmware.json);
these are read, so that no path of a distribution is known here. Where the variables lie, and how
they follow the guest, is in :mod:`.state`.
"""

from __future__ import annotations

import fnmatch
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ganeti import constants, errors, serializer
from ganeti.hypervisor.kvm import boot
from ganeti.hypervisor.kvm.command import CommandLine
from ganeti.hypervisor.kvm.guest import Firmware, Guest
from ganeti.utils import io

#: An administrator's description hides a distribution's of the same name; lower names come first
DIRECTORIES = ("/etc/qemu/firmware", "/usr/share/qemu/firmware")
_ARCHITECTURE = "x86_64"
_CODE, NVRAM = "firmware", "nvram"


def equip(guest: Guest) -> Guest:
    """The guest with the firmware that its parameters and this node give it."""
    return replace(guest, firmware=choose(guest.hvp, guest.machine))


def choose(hvp: Mapping[str, Any], machine: str) -> Firmware | None:
    """The firmware for a guest of this machine type; None for one that does not boot by UEFI."""
    if boot.kind(hvp) != constants.HT_BT_UEFI:
        return None
    if hvp["uefi_code_path"]:
        return Firmware(hvp["uefi_code_path"], hvp["uefi_vars_path"])
    kind = machine.partition(",")[0]
    for path, description in _descriptions():
        try:
            if _fits(description, kind, hvp["secure_boot"]):
                mapping = description["mapping"]
                return Firmware(mapping["executable"]["filename"],
                                mapping["nvram-template"]["filename"])
        except (AttributeError, TypeError) as err:
            logging.warning("Firmware description %s is damaged: %s", path, err)
    what = "UEFI firmware with secure boot" if hvp["secure_boot"] else "UEFI firmware"
    raise errors.HypervisorError(
        f"There is no {what} for machine type {kind} on this node; install it (package 'ovmf' or"
        " 'edk2-ovmf'), or set 'uefi_code_path' and 'uefi_vars_path'")


def _descriptions() -> Iterator[tuple[str, Any]]:
    found: dict[str, str] = {}
    for directory in reversed(DIRECTORIES):
        for name in io.list_visible(directory) if os.path.isdir(directory) else ():
            if name.endswith(".json"):
                found[name] = os.path.join(directory, name)
    for _, path in sorted(found.items()):
        try:
            # an empty file hides a description
            if text := io.read_file(path):
                yield path, serializer.load(text)
        except (OSError, errors.ParseError) as err:
            logging.warning("Firmware description %s can not be read: %s", path, err)


def _fits(description: Mapping[str, Any], machine: str, secure: bool) -> bool:
    features = description.get("features", ())
    mapping = description.get("mapping", {})
    parts = [mapping.get("executable", {}), mapping.get("nvram-template", {})]
    return bool(
        "uefi" in description.get("interface-types", ())
        and mapping.get("device") == "flash"
        and all(part.get("format") == "raw" and os.path.isfile(part.get("filename", ""))
                for part in parts)
        and ("secure-boot" in features) == secure
        and (secure or "requires-smm" not in features)
        and not {"amd-sev-es", "amd-sev-snp", "intel-tdx"} & set(description.get("requires", ()))
        and any(target.get("architecture") == _ARCHITECTURE
                and any(fnmatch.fnmatchcase(machine, pattern)
                        for pattern in target.get("machines", ()))
                for target in description.get("targets", ())))


def machine_options(guest: Guest) -> dict[str, Any]:
    """Options of the machine type: where its flash chips are."""
    if guest.firmware is None:
        return {}
    return {"smm": True if guest.hvp["secure_boot"] else None, "pflash0": _CODE, "pflash1": NVRAM}


def arguments(guest: Guest, cmd: CommandLine) -> None:
    if guest.firmware is None:
        return
    cmd.blockdev({"driver": "raw", "node-name": _CODE, "read-only": True, "file": {
        "driver": "file", "filename": guest.firmware.code, "read-only": True,
        "auto-read-only": False}})
    cmd.blockdev({"driver": "raw", "node-name": NVRAM, "file": {
        "driver": "file", "filename": guest.kept.nvram}})
    if guest.hvp["secure_boot"]:
        # only the firmware, in system management mode, may write the variables; a suspended
        # machine would resume past its checks
        cmd.add("-global", "driver=cfi.pflash01,property=secure,value=on")
        cmd.add("-global", "ICH9-LPC.disable_s3=1")
