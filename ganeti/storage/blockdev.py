"""Block devices that the administrator made and Ganeti only adopts.

Nothing here ever changes, grows or removes such a device.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import Any

from ganeti import constants, errors, objects
from ganeti.storage.base import BlockDev, DiskRequest, DiskTemplate, Mirroring

_MANUAL = "device {path} was made by the administrator and only adopted: {what}"


def check_path(path: str) -> str:
    """Refuse a path that does not lie below the directory of devices with lasting names."""
    clean = os.path.normpath(path)
    root = constants.ADOPTABLE_BLOCKDEV_ROOT
    if not os.path.isabs(path) or not clean.startswith(root):
        raise errors.BlockDeviceError(
            f"'{path}' can not be adopted: only devices below {root} can, whose names stay the"
            " same on all nodes and over reboots")
    return clean


class AdoptedDevice(BlockDev):
    """A device below /dev/disk; its logical id is ["manual", path]."""

    def __init__(self, disk: objects.Disk, children: Sequence[BlockDev] = ()) -> None:
        super().__init__(disk, children)
        if len(disk.logical_id) != 2 or disk.logical_id[0] != constants.BLOCKDEV_DRIVER_MANUAL:
            raise errors.BlockDeviceError(f"Wrong id of an adopted device: {disk.logical_id!r}")
        self._path = check_path(disk.logical_id[1])

    @property
    def path(self) -> str:
        return self._path

    def create(self, size: int, *, spindles: int | None = None, exclusive: bool = False) -> None:
        raise self._refusal("it can not be created; make it anew by hand")

    def _refusal(self, what: str) -> errors.BlockDeviceError:
        return errors.BlockDeviceError(_MANUAL.format(path=self._path, what=what).capitalize())

    def attach(self) -> bool:
        self.attached, self.why_not = False, None
        try:
            info = os.stat(self._path)
        except OSError as err:
            self.why_not = f"{self._path}: {err.strerror}"
            return False
        if not stat.S_ISBLK(info.st_mode):
            self.why_not = f"{self._path} is not a block device"
            return False
        self.major, self.minor = os.major(info.st_rdev), os.minor(info.st_rdev)
        self.attached = True
        return True

    def remove(self) -> None:
        """Forget the device, which stays with all that is on it."""
        self.attached = False

    def grow(self, amount: int, *, dry_run: bool = False, backing_store: bool = True,
             exclusive: bool = False) -> None:
        raise self._refusal("it can not grow here; enlarge it by hand, then"
                            " 'gnt-cluster repair-disk-sizes' records the new size")

    def actual_size(self) -> int:
        self.require_attached()
        with open(self._path, "rb") as fobj:
            return fobj.seek(0, os.SEEK_END)


class BlockdevTemplate(DiskTemplate):
    """A device below /dev/disk that every node sees."""

    name = constants.DT_BLOCK
    storage_type = constants.ST_BLOCK
    mirroring = Mirroring.EXTERNAL
    shared = True
    adoptable = True
    must_adopt = True
    convertible_to = False
    device_class = AdoptedDevice

    def logical_id(self, request: DiskRequest) -> list[Any]:
        if not request.adopt:
            raise errors.OpPrereqError(
                f"Disk template '{self.name}' only takes over existing devices; give adopt=PATH",
                errors.ECODE_INVAL)
        self.check_adopted(request.adopt)
        return [constants.BLOCKDEV_DRIVER_MANUAL, check_path(request.adopt)]

    def check_adopted(self, name: str) -> None:
        try:
            check_path(name)
        except errors.BlockDeviceError as err:
            raise errors.OpPrereqError(str(err), errors.ECODE_INVAL) from err
