"""Files on a Gluster volume that every node mounts; guests may reach them without the mount."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

from ganeti import constants, errors, objects, pathutils, ssconf
from ganeti.storage.base import BlockDev, DiskRequest, DiskTemplate, Mirroring
from ganeti.storage.file import FileDevice
from ganeti.utils import io, process

#: Directory of the volume that holds the disks
DIRECTORY = "ganeti"
FILE_SYSTEM = "fuse.glusterfs"
MOUNT_TIMEOUT = 120
LOCK_TIMEOUT = 150.0


def mounted(mount_point: str, table: str) -> tuple[str, str] | None:
    """(source, file system) of what is mounted last at a directory, by the text of /proc/mounts."""
    found = None
    for line in table.splitlines():
        fields = line.split()
        if len(fields) >= 3 and _unescape(fields[1]) == mount_point:
            found = _unescape(fields[0]), fields[2]
    return found


def _unescape(word: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        word = word.replace(code, character)
    return word


def can_mount() -> bool:
    """Does this node have the program that mounts Gluster volumes."""
    return any(os.path.exists(f"{directory}/mount.glusterfs")
               for directory in ("/sbin", "/usr/sbin", "/usr/local/sbin"))


def mount_problem(mount_point: str) -> str | None:
    """Why volumes can not be mounted at a directory of this node (for verify), or None."""
    if not can_mount():
        return "this node can not mount Gluster volumes (Debian: package glusterfs-client)"
    if os.path.exists(mount_point) and not os.path.isdir(mount_point):
        return f"'{mount_point}' is not a directory"
    state = mounted(os.path.realpath(mount_point), io.read_file("/proc/self/mounts"))
    if state is not None and state[1] != FILE_SYSTEM:
        return f"{state[0]} ({state[1]}) is mounted at '{mount_point}'"
    return None


class Volume:
    """The volume that this node mounts below its Gluster directory."""

    def __init__(self, host: str, port: int, name: str) -> None:
        self.host, self.port, self.name = host, port, name
        self.mount_point = pathutils.local(
            ssconf.SimpleStore().get(constants.SS_GLUSTER_STORAGE_DIR, "")
            or pathutils.DEFAULT_GLUSTER_STORAGE_DIR)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.name}"

    def _state(self) -> tuple[str, str] | None:
        return mounted(os.path.realpath(self.mount_point), io.read_file("/proc/self/mounts"))

    def is_mounted(self) -> bool:
        """Is this volume mounted; another file system in its place is refused."""
        state = self._state()
        if state is None:
            return False
        source, kind = state
        if kind != FILE_SYSTEM or source.rpartition(":")[2].lstrip("/") != self.name:
            raise errors.BlockDeviceError(
                f"{source} ({kind}) is mounted at {self.mount_point}, where the Gluster volume"
                f" {self} belongs; unmount it, or set another directory with 'gnt-cluster modify"
                " --gluster-storage-dir'")
        return True

    def mount(self) -> None:
        """See to it that the volume is mounted; done already counts as success."""
        if self.is_mounted():
            return
        if not can_mount():
            raise errors.BlockDeviceError(
                "This node can not mount Gluster volumes (Debian: package glusterfs-client)")
        os.makedirs(self.mount_point, mode=0o755, exist_ok=True)
        with self._lock():
            if self.is_mounted():
                return
            result = process.run(
                ["mount", "-t", "glusterfs", "-o", f"server-port={self.port}",
                 f"{self.host}:/{self.name}", self.mount_point], timeout=MOUNT_TIMEOUT)
            if result.failed or not self.is_mounted():
                raise errors.BlockDeviceError(
                    f"Can not mount the Gluster volume {self} at {self.mount_point}"
                    f" ({result.fail_reason or 'it did not stay'}): {result.output.strip()};"
                    " see /var/log/glusterfs")
            logging.info("Mounted the Gluster volume %s at %s", self, self.mount_point)
        os.makedirs(os.path.join(self.mount_point, DIRECTORY), mode=0o755, exist_ok=True)

    def _lock(self) -> io.FileLock:
        os.makedirs(pathutils.LOCK_DIR, exist_ok=True)
        try:
            return io.lock_file(os.path.join(pathutils.LOCK_DIR, "gluster-mount"),
                                timeout=LOCK_TIMEOUT)
        except errors.LockError as err:
            raise errors.BlockDeviceError(
                f"Another operation is still mounting Gluster volumes: {err}") from err


class GlusterDevice(FileDevice):
    """A file on the volume; its logical id is [driver, path on the volume]."""

    def __init__(self, disk: objects.Disk, children: Sequence[BlockDev] = ()) -> None:
        params = disk.params or {}
        self.volume = Volume(
            str(params.get("host") or constants.GLUSTER_HOST_DEFAULT),
            int(params.get("port") or constants.GLUSTER_PORT_DEFAULT),
            str(params.get("volume") or constants.GLUSTER_VOLUME_DEFAULT))
        super().__init__(disk, children)

    def checked(self, path: str) -> str:
        """The clean path of a disk below the mount point."""
        clean = os.path.normpath(path)
        if os.path.isabs(path) or clean.split("/")[0] in ("..", "."):
            raise errors.BlockDeviceError(f"'{path}' is not a path on a Gluster volume")
        return clean

    def real(self, checked: str) -> str:
        return os.path.join(self.volume.mount_point, checked)

    def create(self, size: int, *, spindles: int | None = None, exclusive: bool = False) -> None:
        self.volume.mount()
        super().create(size, spindles=spindles, exclusive=exclusive)

    def attach(self) -> bool:
        self.volume.mount()
        return super().attach()

    def remove(self) -> None:
        self.volume.mount()
        super().remove()

    def uri(self, hypervisor: str) -> str | None:
        if self.params.get(constants.IDISK_ACCESS) != constants.DISK_USERSPACE:
            return None
        host = f"[{self.volume.host}]" if ":" in self.volume.host else self.volume.host
        return f"gluster://{host}:{self.volume.port}/{self.volume.name}/{self._logical_path}"


class GlusterTemplate(DiskTemplate):
    """A file on a volume that every node mounts."""

    name = constants.DT_GLUSTER
    storage_type = constants.ST_GLUSTER
    mirroring = Mirroring.EXTERNAL
    shared = True
    growable = True
    file_based = True
    #: QEMU opens a file on a volume as it is
    file_drivers = frozenset(driver for driver, image in constants.FILE_FORMATS.items()
                             if image == constants.IMAGE_RAW)
    userspace_uri = True
    counts_free_space = False
    device_class = GlusterDevice

    def logical_id(self, request: DiskRequest) -> list[Any]:
        """The disk's place names the file, or the lowest number that no other disk has."""
        taken = {str(held[1]) for held in request.held_ids if len(held) == 2}
        number = request.index
        while f"{DIRECTORY}/{request.instance_uuid}.{number}" in taken:
            number += 1
        return [request.file_driver or constants.FD_DEFAULT,
                f"{DIRECTORY}/{request.instance_uuid}.{number}"]
