"""Disks, CD-ROMs and floppies: each object makes its command-line arguments and QMP messages."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ganeti import constants, errors, objects
from ganeti.hypervisor.base import BlockDevice
from ganeti.hypervisor.kvm import boot
from ganeti.hypervisor.kvm.command import CommandLine, blockdev_option, device_option, option
from ganeti.hypervisor.kvm.guest import Guest
from ganeti.hypervisor.kvm.pci import Places
from ganeti.storage import images, registry
from ganeti.storage.uri import uri_node

SCSI_BUS = "scsi.0"
#: Values of disk_type that are devices on a SCSI bus
_SCSI = {"scsi": "scsi-hd", "scsi-hd": "scsi-hd", "scsi-cd": "scsi-cd",
         "scsi-block": "scsi-block", "scsi-generic": "scsi-generic"}
_PCI_DRIVER = "virtio-blk-pci"
_SCSI_TARGETS = 64


def device_id(kind: str, uuid: str) -> str:
    """The name under which QEMU knows a device: ``disk-`` and three groups of the uuid."""
    return f"{kind}-{'-'.join(uuid.split('-')[:3])}"


def protocol_node(path: str, uri: str | None, cache_direct: bool, hvp: Mapping[str, Any],
                  read_only: bool) -> dict[str, Any]:
    """The lower node: how the bytes are reached."""
    if uri is None:
        kind = "host_device" if _is_block_device(path) else "file"
        node: dict[str, Any] = {"driver": kind, "filename": path}
        if hvp["disk_aio"]:
            node["aio"] = hvp["disk_aio"]
        if read_only:
            # 'on' would let QEMU fall back from read-write on its own
            node["auto-read-only"] = False
    else:
        node = uri_node(uri)
    node["cache"] = {"direct": cache_direct, "no-flush": False}
    node["discard"] = hvp["disk_discard"] or "ignore"
    node["read-only"] = read_only
    return node


def _is_block_device(path: str) -> bool:
    try:
        return stat.S_ISBLK(os.stat(path).st_mode)
    except OSError:
        return False


def is_url(path: str) -> bool:
    return urlsplit(path).scheme in ("http", "https", "ftp", "ftps")


@dataclass(frozen=True)
class DiskDevice:
    """A disk of a guest: the configuration's object with its place in the machine (hvinfo)."""

    disk: objects.Disk
    link: str
    uri: str | None

    @classmethod
    def place(cls, device: BlockDevice, index: int, guest_units: int, hvp: Mapping[str, Any],
              slots: Places) -> DiskDevice:
        """Give a disk its driver and its place; `index` counts the disks of the machine."""
        disk_type = hvp["disk_type"]
        info: dict[str, Any] = {"id": device_id("disk", device.disk.uuid)}
        if disk_type == "paravirtual":
            info |= {"driver": _PCI_DRIVER, **slots.take(info["id"])}
        elif disk_type in _SCSI:
            info |= {"driver": _SCSI[disk_type], "bus": SCSI_BUS, "channel": 0,
                     "scsi-id": index, "lun": 0}
        elif disk_type == "ide":
            info |= {"driver": "ide-hd", "bus": f"ide.{index // guest_units}",
                     "unit": index % guest_units}
        elif disk_type == "sd":
            info |= {"driver": "sd-card", "bus": f"{slots.board}/sdhci{index}/sd-bus"}
        else:
            info |= {"driver": disk_type, "index": index}
        disk = device.disk.replace(hvinfo=info)
        return cls(disk, device.link, device.uri)

    @classmethod
    def from_runtime(cls, entry: list[Any]) -> DiskDevice:
        data, link, uri = entry
        return cls(objects.Disk.from_dict(data), link, uri)

    def to_runtime(self) -> list[Any]:
        return [self.disk.to_dict(wire=True), self.link, self.uri]

    @property
    def hvinfo(self) -> Mapping[str, Any]:
        return self.disk.hvinfo or {}

    @property
    def id(self) -> str:
        return str(self.hvinfo["id"])

    def can_hotplug(self, hvp: Mapping[str, Any]) -> bool:
        if self.hvinfo.get("bus") == SCSI_BUS:
            return bool(hvp["scsi_controller_type"] == "virtio-scsi-pci")
        return bool(self.hvinfo["driver"] == _PCI_DRIVER)

    def node(self, hvp: Mapping[str, Any], path: str | None = None) -> dict[str, Any]:
        """Argument of ``-blockdev`` and ``blockdev-add``; `path` replaces the link."""
        read_only = self.disk.mode == constants.DISK_RDONLY
        direct = self._direct(hvp)
        lower = protocol_node(path or self.link, self.uri, direct, hvp, read_only)
        if path:
            lower["driver"] = protocol_node(self.link, None, direct, hvp, read_only)["driver"]
        return {**self._image().node, "node-name": self.id, "file": lower,
                "cache": lower["cache"], "discard": lower["discard"], "read-only": read_only}

    def _image(self) -> images.ImageFormat:
        """Format of the file, as recorded with the disk; what is in it is never asked."""
        return registry.template(self.disk.dev_type).image(self.disk)

    def _direct(self, hvp: Mapping[str, Any]) -> bool:
        """Whether the node's page cache is passed by.

        'default' passes it by where the data lies on a block device, which another node may
        open during migration, and for native AIO, which works in no other way.
        """
        if hvp["disk_cache"] == "default":
            return hvp["disk_aio"] == "native" or (self.uri is None and _is_block_device(self.link))
        return bool(hvp["disk_cache"] == "none")

    def device(self, hvp: Mapping[str, Any], index: int | None = None) -> dict[str, Any]:
        """Argument of ``-device`` and ``device_add``; `index` is the boot index."""
        properties = {"drive": self.id, **self.hvinfo}
        if self.hvinfo["driver"] not in ("scsi-block", "scsi-generic", "scsi-cd", "sd-card"):
            properties["write-cache"] = "off" if hvp["disk_cache"] == "writethrough" else "on"
        if index is not None:
            properties["bootindex"] = index
        return properties

    def arguments(self, number: int, hvp: Mapping[str, Any]) -> list[str]:
        driver = self.hvinfo["driver"]
        node = self.node(hvp)
        if driver == "mtd":
            return ["-drive", option("", {
                "if": "mtd", "format": self._image().name, "file": self.link,
                "index": self.hvinfo["index"]})]
        if driver == "pflash":
            return ["-blockdev", blockdev_option(node),
                    "-machine", f"pflash{self.hvinfo['index']}={self.id}"]
        result = ["-blockdev", blockdev_option(node)]
        if driver == "sd-card":
            board = str(self.hvinfo["bus"]).partition("/")[0]
            result += ["-device", f"sdhci-pci,id=sdhci{number},bus={board}"]
            return [*result, "-device", device_option(self.device(hvp))]
        index = boot.index(hvp, "disk", number)
        return [*result, "-device", device_option(self.device(hvp, index))]


def controllers(guest: Guest, cmd: CommandLine) -> None:
    """Controllers that disks and CD-ROMs of this guest hang on."""
    hvp = guest.hvp
    if hvp["disk_type"] in _SCSI or cdrom_driver(hvp) in _SCSI:
        cmd.device(pci=True, driver=hvp["scsi_controller_type"], id="scsi")
    if hvp["floppy_image_path"]:
        floppy(guest, cmd)
    for number, key in enumerate(("cdrom_image_path", "cdrom2_image_path")):
        if hvp[key]:
            _cdrom(guest, cmd, number, hvp[key])


def cdrom_driver(hvp: Mapping[str, Any]) -> str:
    """The kind of drive for CDs: as told, else SCSI beside SCSI disks, else IDE."""
    if not hvp["cdrom_image_path"] and not hvp["cdrom2_image_path"]:
        return ""
    if hvp["cdrom_disk_type"]:
        return str(hvp["cdrom_disk_type"])
    return "scsi-cd" if hvp["disk_type"] in _SCSI else "ide"


def _cdrom(guest: Guest, cmd: CommandLine, number: int, path: str) -> None:
    hvp = guest.hvp
    name = f"cdrom{number}"
    kind = cdrom_driver(hvp)
    lower = uri_node(path) if is_url(path) else {"driver": _file_driver(path), "filename": path}
    node = {"driver": "raw", "node-name": name, "read-only": True,
            "file": {**lower, "read-only": True}}
    device: dict[str, Any] = {"drive": name, "id": name,
                              "bootindex": boot.index(hvp, "cdrom", number)}
    if kind == "ide":
        # from the far end, so that disks keep their places
        bus, unit = (3 - number, 0) if guest.is_q35 else (1, 1 - number)
        device |= {"driver": "ide-cd", "bus": f"ide.{bus}", "unit": unit}
    elif kind in _SCSI:
        device |= {"driver": "scsi-cd" if kind == "scsi" else kind, "bus": SCSI_BUS,
                   "scsi-id": _last_target(hvp) - number}
    elif kind == "paravirtual":
        device |= {"driver": _PCI_DRIVER}
    else:
        raise errors.HypervisorError(
            f"'{kind}' can not be the drive of a CD; set 'cdrom_disk_type' to ide, scsi-cd or"
            " paravirtual")
    cmd.blockdev(node)
    cmd.add_device(device, pci=kind == "paravirtual")


def _last_target(hvp: Mapping[str, Any]) -> int:
    """The highest SCSI target that the controller has for a device."""
    return 6 if hvp["scsi_controller_type"] in ("lsi", "dc390") else _SCSI_TARGETS - 1


def _file_driver(path: str) -> str:
    return "host_device" if _is_block_device(path) else "file"


def floppy(guest: Guest, cmd: CommandLine) -> None:
    path = guest.hvp["floppy_image_path"]
    cmd.blockdev({"driver": "raw", "node-name": "floppy0",
                  "file": {"driver": _file_driver(path), "filename": path}})
    if guest.is_q35:
        cmd.device(driver="isa-fdc", id="fdc")
    cmd.device(driver="floppy", drive="floppy0", id="floppy", unit=0)
    if boot.index(guest.hvp, "floppy") is not None:
        # the order of booting is a property of the controller, which PCs have built in
        cmd.add("-global", "isa-fdc.bootindexA=1")
