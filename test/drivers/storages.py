"""The storage types that the conformance suite runs against: add a kit to KITS for a new one."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid

from ganeti import constants, objects, pathutils
from ganeti.storage import registry
from ganeti.storage.base import DiskRequest, DiskTemplate


class StorageKit:
    """How to make disks of one type on this machine, and how to see what they leave behind."""

    #: Name of the disk template
    template_name: str
    #: Why the suite can not run here, or None
    unavailable: str | None = None

    @property
    def template(self) -> DiskTemplate:
        return registry.template(self.template_name)

    def set_up(self) -> None:
        """Prepare the place where disks will live."""

    def request(self, size: int, index: int = 0, instance: str = "inst1.example.org"
                ) -> DiskRequest:
        """A request that the type can lay out."""
        raise NotImplementedError

    def disk(self, size: int, index: int = 0) -> objects.Disk:
        return self.template.layout(self.request(size, index))

    def other_id(self, disk: objects.Disk) -> list[object]:
        """A free logical id for renaming."""
        raise NotImplementedError

    def leftovers(self) -> list[str]:
        """Everything that exists in the place where disks live."""
        raise NotImplementedError


class _FileKit(StorageKit):
    directory: str

    def _real(self) -> str:
        return pathutils.local(self.directory)

    def set_up(self) -> None:
        os.makedirs(os.path.join(self._real(), "inst1.example.org"))

    def request(self, size: int, index: int = 0, instance: str = "inst1.example.org"
                ) -> DiskRequest:
        return DiskRequest(
            uuid=str(uuid.uuid4()), unique_id=str(uuid.uuid4()), instance_name=instance,
            instance_uuid="i-uuid", index=index, size=size, primary_node="n1-uuid",
            directory=f"{self.directory}/{instance}")

    def other_id(self, disk: objects.Disk) -> list[object]:
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

    def request(self, size: int, index: int = 0, instance: str = "inst1.example.org"
                ) -> DiskRequest:
        return DiskRequest(
            uuid=str(uuid.uuid4()), unique_id=str(uuid.uuid4()), instance_name=instance,
            instance_uuid="i-uuid", index=index, size=size, primary_node="n1-uuid", vg=self.vg)

    def other_id(self, disk: objects.Disk) -> list[object]:
        return [disk.logical_id[0], f"{disk.logical_id[1]}.renamed"]

    def leftovers(self) -> list[str]:
        listed = subprocess.run(["lvs", "--noheadings", "-o", "lv_name", self.vg],
                                capture_output=True, text=True, check=True)
        return listed.stdout.split()


KITS: list[type[StorageKit]] = [FileKit, SharedFileKit, PlainKit]
