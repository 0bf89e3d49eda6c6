"""Checks of filled parameters: by themselves (anywhere), and against a node."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping

from ganeti import constants, errors
from ganeti.hypervisor.base import HvParams
from ganeti.hypervisor.xen import disks, domain
from ganeti.utils import text

#: Address of a PCI device on the node, and what `xl` may be told of it
_PCI = re.compile(r"([0-9a-fA-F]{4}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7](,\w+=[\w-]+)*\Z")
_SOUND = re.compile(r"[\w-]+(,[\w-]+)*\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: Capabilities that Xen tells for types of guests that the processor has to help with
_NEEDED = {"hvm": "hvm-3.0", "pvh": "hvm-3.0"}


def _refuse(name: str, what: str) -> errors.OpPrereqError:
    return errors.OpPrereqError(f"Hypervisor {name}: {what}", errors.ECODE_INVAL)


# By themselves --------------------------------------------------------------------------------


def check_shared(name: str, hvp: HvParams) -> None:
    """What both kinds of guests have to have right."""
    for key, value in hvp.items():
        if isinstance(value, str) and _CONTROL.search(value):
            raise _refuse(name, f"{key}: control characters can not be told to Xen")
    if not disks.PREFIXES.match(hvp["blockdev_prefix"]):
        raise _refuse(name, f"blockdev_prefix '{hvp['blockdev_prefix']}': Xen has hd, sd and xvd")
    if hvp["soundhw"] and not _SOUND.match(hvp["soundhw"]):
        raise _refuse(name, f"soundhw '{hvp['soundhw']}': expected names of cards such as ac97")


def check_size(name: str, hvp: HvParams, vcpus: int) -> None:
    """A mask is one for all virtual processors, or there is one for each."""
    count = len(text.parse_multi_cpu_mask(hvp["cpu_mask"]))
    if count not in (1, vcpus):
        raise _refuse(name, f"cpu_mask '{hvp['cpu_mask']}' is for {count} virtual processors, the"
                            f" backend parameter 'vcpus' is {vcpus}")


def check_paravirtual(hvp: HvParams) -> None:
    """A boot loader or a kernel."""
    name = constants.HT_XEN_PVM
    if hvp["use_bootloader"] and not hvp["bootloader_path"]:
        raise _refuse(name, "use_bootloader needs bootloader_path, such as"
                            " /usr/lib/xen-4.17/bin/pygrub")


    words(hvp["bootloader_args"])


def words(value: str) -> list[str]:
    """The words of `bootloader_args`, which may be quoted as in a shell."""
    try:
        return shlex.split(value)
    except ValueError as err:
        raise _refuse(constants.HT_XEN_PVM, f"bootloader_args: {err}") from None


def check_full(hvp: HvParams) -> None:
    """What the emulated machine has to be able to have."""
    name = constants.HT_XEN_HVM
    if (hvp["disk_type"] == constants.HT_DISK_IOEMU
            and not disks.is_emulated(hvp["blockdev_prefix"])):
        raise _refuse(name, "disk_type=ioemu needs blockdev_prefix hd or sd: disks of other names"
                            " are never emulated")
    pci_addresses(hvp["pci_pass"])


def pci_addresses(value: str) -> list[str]:
    """The devices of `pci_pass`, as `xl` wants them."""
    addresses = [part.strip() for part in value.split(";") if part.strip()]
    for address in addresses:
        if not _PCI.match(address):
            raise _refuse(constants.HT_XEN_HVM,
                          f"pci_pass: '{address}' is no PCI address such as 0000:03:00.1")
    return addresses


# Against a node -------------------------------------------------------------------------------


def trouble(hvp: HvParams, guest_type: str, info: Mapping[str, str]) -> list[str]:
    """What does not fit a node, of which `xl info` says `info`."""
    found = []
    needed = _NEEDED.get(guest_type)
    if needed and needed not in info.get("xen_caps", ""):
        found.append(f"this node can not run guests of type {guest_type}: its processor has no"
                     " hardware virtualisation, or the firmware has it switched off")
    found += _processors(hvp["cpu_mask"], info)
    for key in ("vif_script", "bootloader_path"):
        path = hvp.get(key)
        if path and os.path.isfile(path) and not os.access(path, os.X_OK):
            found.append(f"{key}: {path} is not executable")
    if hvp.get("vnc_password_file"):
        try:
            domain.password(hvp["vnc_password_file"])
        except errors.HypervisorError as err:
            found.append(f"vnc_password_file: {errors.text(err)}")
    return found


def _processors(mask: str, info: Mapping[str, str]) -> list[str]:
    total = info.get("nr_cpus", "")
    if not total.isdigit():
        return []
    wanted = {number for cpus in text.parse_multi_cpu_mask(mask) for number in cpus}
    missing = sorted(number for number in wanted if number >= int(total))
    return [f"cpu_mask: this node has no processor {missing[0]}"] if missing else []
