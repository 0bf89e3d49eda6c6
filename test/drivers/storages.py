"""The storage types that the conformance suite runs against: add a kit to KITS for a new one."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

from ganeti import constants, objects, pathutils
from ganeti.storage.base import DiskRequest
from test.drivers.devicekits import (
    AdoptedKit,
    ExtAddressKit,
    ExtLoopKit,
    GlusterFileKit,
    RbdKernelKit,
    RbdMappedKit,
    why_no_fuse,
)
from test.drivers.storagekit import StorageKit


class _FileKit(StorageKit):
    directory: str

    def _real(self) -> str:
        return pathutils.local(self.directory)

    def set_up(self) -> None:
        os.makedirs(os.path.join(self._real(), "inst1.example.org"))

    def request(self, size: int, index: int = 0, instance: str = "inst1.example.org",
                **further: Any) -> DiskRequest:
        return super().request(size, index, instance, directory=f"{self.directory}/{instance}",
                               **further)

    def other_id(self, disk: objects.Disk) -> list[Any] | None:
        return [disk.logical_id[0], f"{disk.logical_id[1]}.renamed"]

    def leftovers(self) -> list[str]:
        found = []
        for directory, _, names in os.walk(self._real()):
            found.extend(os.path.join(directory, name) for name in names)
        return found


class FileKit(_FileKit):
    template_name = constants.DT_FILE
    directory = "/srv/ganeti/file-storage"


class SharedFileKit(_FileKit):
    template_name = constants.DT_SHARED_FILE
    directory = "/srv/ganeti/shared-file-storage"


class _Qcow2Kit(_FileKit):
    """Images: the file is there, the node gets at what is in it through FUSE."""

    variant = "qcow2"
    unavailable = why_no_fuse() or (
        None if shutil.which("qemu-img") else "qemu-img is missing (package qemu-utils)")

    def request(self, size: int, index: int = 0, instance: str = "inst1.example.org",
                **further: Any) -> DiskRequest:
        return super().request(size, index, instance, file_driver=constants.FD_QCOW2, **further)


class FileQcow2Kit(_Qcow2Kit):
    template_name = constants.DT_FILE
    directory = FileKit.directory


class SharedFileQcow2Kit(_Qcow2Kit):
    template_name = constants.DT_SHARED_FILE
    directory = SharedFileKit.directory


def _lvm_missing(vg: str) -> str | None:
    """Why there is no volume group for tests here."""
    if os.getuid() != 0 or shutil.which("vgs") is None or not os.path.exists("/dev/mapper/control"):
        return "LVM needs root, lvm2 and device-mapper: test/lab/test_plain.py runs this in a VM"
    if subprocess.run(["vgs", vg], capture_output=True, check=False).returncode:
        return f"there is no volume group {vg} for tests"
    return None


class PlainKit(StorageKit):
    """Volumes in `labtest`, a volume group with extents of 1 MiB."""

    template_name = constants.DT_PLAIN
    vg = "labtest"
    unavailable = _lvm_missing(vg)

    def request(self, size: int, index: int = 0, instance: str = "inst1.example.org",
                **further: Any) -> DiskRequest:
        return super().request(size, index, instance, vg=self.vg, **further)

    def other_id(self, disk: objects.Disk) -> list[Any] | None:
        return [disk.logical_id[0], f"{disk.logical_id[1]}.renamed"]

    def leftovers(self) -> list[str]:
        listed = subprocess.run(["lvs", "--noheadings", "-o", "lv_name", self.vg],
                                capture_output=True, text=True, check=True)
        return listed.stdout.split()


#: The kits that need nothing but this machine; those with real servers are in test/lab
KITS: list[type[StorageKit]] = [
    FileKit, SharedFileKit, FileQcow2Kit, SharedFileQcow2Kit, PlainKit, ExtLoopKit, ExtAddressKit,
    AdoptedKit, RbdMappedKit, RbdKernelKit, GlusterFileKit]
