"""Disks of a guest: which back end serves them, and what they are called inside."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ganeti import constants, errors
from ganeti.hypervisor.base import BlockDevice, HvParams
from ganeti.storage import registry

#: Emulated controllers have room for four disks, and the CD-ROM drive is one of these
IDE = ("hda", "hdb", "hdc", "hdd")
_CDROM_PLACES = ("hdc", "hdd", "hdb", "hda")
PREFIXES = re.compile(r"(hd|sd|xvd)\Z")
_EMULATED = ("hd", "sd")
#: Debian's script that finds block devices, and gives files a loop device
_LOOP_SCRIPT = "block"


def letters(index: int) -> str:
    """a, b, ... z, aa, ab ... for the disk of an index."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(ord("a") + rest) + name
    return name


def names(prefix: str, count: int) -> list[str]:
    """What the disks are called inside."""
    return [f"{prefix}{letters(index)}" for index in range(count)]


def specifications(devices: Sequence[BlockDevice], hvp: HvParams) -> list[str]:
    """A disk's words for `xl` each; the target comes last since it may hold commas."""
    called = names(hvp["blockdev_prefix"], len(devices))
    return [",".join(["format=raw", f"vdev={name}",
                      f"access={'ro' if device.disk.mode == constants.DISK_RDONLY else 'rw'}",
                      *_back_end(device)])
            for name, device in zip(called, devices, strict=True)]


def _back_end(device: BlockDevice) -> list[str]:
    """The kernel for block devices, a loop device or QEMU for files, QEMU for addresses."""
    if device.uri is not None:
        return ["backendtype=qdisk", f"target={device.uri}"]
    if not registry.template(device.disk.dev_type).file_based:
        return ["backendtype=phy", f"target={device.link}"]
    driver = device.disk.logical_id[0] if device.disk.logical_id else constants.FD_DEFAULT
    if driver == constants.FD_LOOP:
        return ["backendtype=phy", f"script={_LOOP_SCRIPT}", f"target={device.link}"]
    # blktap left Xen with release 4.15; QEMU does the same in user space
    return ["backendtype=qdisk", f"target={device.link}"]


def cdrom(image: str, taken: Sequence[str]) -> str:
    """The CD-ROM drive, at the first place that no disk has."""
    free = [place for place in _CDROM_PLACES if place not in taken]
    if not free:
        raise errors.HypervisorError(
            "There is no place left for the CD-ROM drive: with blockdev_prefix=hd an instance has"
            f" at most {len(IDE) - 1} disks beside it; use blockdev_prefix=xvd, or empty"
            " cdrom_image_path")
    return f"format=raw,vdev={free[0]},access=ro,devtype=cdrom,target={image}"


def check_emulated(taken: Sequence[str]) -> None:
    """Refuse disks that the emulated controllers have no room for."""
    excess = [name for name in taken if name.startswith("hd") and name not in IDE]
    if excess:
        raise errors.HypervisorError(
            f"Disk {excess[0]}: emulated controllers have room for {len(IDE)} disks; use"
            " disk_type=paravirtual with blockdev_prefix=xvd, or fewer disks")


def is_emulated(prefix: str) -> bool:
    """Whether disks of this name have an emulated controller beside the paravirtual device."""
    return prefix in _EMULATED
