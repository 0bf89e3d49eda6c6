"""Disks as files in a directory of one node.

QEMU opens the file itself; hypervisors that need block devices say so in their capabilities. What
the files hold, the bytes as the guest sees them or an image of them, is in `images.py`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any

from ganeti import constants, errors, objects, pathutils
from ganeti.storage import filepaths, images
from ganeti.storage.base import BlockDev, DiskRequest, DiskTemplate, SpaceInfo
from ganeti.utils import io

MIB = 1024 * 1024
FILE_MODE = 0o660


class FileDevice(BlockDev):
    """A sparse file; its logical id is [driver, logical path], and the driver tells its format."""

    def __init__(self, disk: objects.Disk, children: Sequence[BlockDev] = ()) -> None:
        super().__init__(disk, children)
        if children:
            raise errors.BlockDeviceError("A file based disk can not have children")
        if len(disk.logical_id) != 2 or disk.logical_id[0] not in constants.FILE_DRIVER:
            raise errors.BlockDeviceError(
                f"Wrong id of a file based disk: {disk.logical_id!r}")
        self.image = images.of_driver(disk.logical_id[0])
        self._logical_path = self.checked(disk.logical_id[1])

    def checked(self, path: str) -> str:
        """The clean path in a logical id; refused where disks may not live."""
        return filepaths.check(path)

    def real(self, checked: str) -> str:
        """Where a checked path is on this node."""
        return pathutils.local(checked)

    @property
    def path(self) -> str:
        return self.real(self._logical_path)

    def create(self, size: int, *, spindles: int | None = None, exclusive: bool = False) -> None:
        if exclusive:
            raise errors.BlockDeviceError(
                "File based disks can not be made on nodes with exclusive storage")
        try:
            fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        except FileExistsError:
            raise errors.BlockDeviceError(f"File {self.path} exists already") from None
        except OSError as err:
            raise errors.BlockDeviceError(
                f"Can not create {self.path}: {err.strerror}") from err
        os.close(fd)
        try:
            self.image.fill(self.path, size)
        except errors.BlockDeviceError:
            # qemu-img removes what it could not make
            io.remove_file(self.path)
            raise
        self._sync_directory()
        self.require_attached()

    def attach(self) -> bool:
        self.attached = os.path.isfile(self.path)
        if self.attached:
            self.why_not = self.image.why_not(self.path)
            self.attached = self.why_not is None
        return self.attached

    @contextlib.contextmanager
    def data(self) -> Iterator[str]:
        self.require_attached()
        with self.image.contents(self.path, self.disk.uuid) as path:
            yield path

    @property
    def data_path(self) -> str:
        return self.image.contents_path(self.path, self.disk.uuid)

    def assemble(self) -> None:
        self.require_attached()
        # a guest could not open what still has another program
        self.image.forget(self.disk.uuid)

    def shutdown(self) -> None:
        self.image.forget(self.disk.uuid)

    def remove(self) -> None:
        self.image.forget(self.disk.uuid)
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            return
        except OSError as err:
            raise errors.BlockDeviceError(
                f"Can not remove {self.path}: {err.strerror}") from err
        finally:
            self.attached = False
        self._sync_directory()

    def rename(self, new_logical_id: Sequence[Any]) -> None:
        """Move the file inside the allowed directories; done already counts as success."""
        target_logical = self.checked(new_logical_id[1])
        target = self.real(target_logical)
        if not os.path.exists(self.path) and os.path.isfile(target):
            self._logical_path = target_logical
            return
        self.require_attached()
        if os.path.exists(target):
            raise errors.BlockDeviceError(f"Can not rename {self.path}: {target} exists")
        try:
            os.rename(self.path, target)
        except OSError as err:
            raise errors.BlockDeviceError(
                f"Can not rename {self.path} to {target}: {err.strerror}") from err
        self._sync_directory()
        self._logical_path = target_logical
        self._sync_directory()

    def grow(self, amount: int, *, dry_run: bool = False, backing_store: bool = True,
             exclusive: bool = False) -> None:
        self.require_attached()
        if amount < 0:
            raise errors.BlockDeviceError("Disks can not shrink")
        if not backing_store:
            return
        if dry_run:
            if not os.access(self.path, os.W_OK):
                raise errors.BlockDeviceError(f"File {self.path} is not writable")
            return
        self.image.grow(self.path, self.actual_size() + amount * MIB)

    def actual_size(self) -> int:
        self.require_attached()
        return self.image.size(self.path)

    def _sync_directory(self) -> None:
        """Make the creation, removal or renaming survive a power failure."""
        io.sync_path(os.path.dirname(self.path))


class FileTemplate(DiskTemplate):
    """Files on the primary node."""

    name = constants.DT_FILE
    storage_type = constants.ST_FILE
    growable = True
    file_based = True
    file_drivers = constants.FILE_DRIVER
    path_follows_instance = True
    copyable = True
    counts_free_space = False
    device_class = FileDevice

    def logical_id(self, request: DiskRequest) -> list[Any]:
        if request.directory is None:
            raise errors.OpPrereqError(
                f"Disk template '{self.name}' needs a file storage directory; set the cluster's",
                errors.ECODE_INVAL)
        filename = f"{request.unique_id}.{self.name}.disk{request.index}"
        return [request.file_driver or constants.FD_DEFAULT,
                os.path.join(request.directory, filename)]

    def image(self, disk: objects.Disk) -> images.ImageFormat:
        return images.of_driver(disk.logical_id[0])

    def renamed_id(self, disk: objects.Disk, new_directory: str) -> list[Any]:
        driver, path = disk.logical_id
        return [driver, os.path.join(new_directory, os.path.basename(path))]

    def space(self, key: str, params: Sequence[Any]) -> SpaceInfo | None:
        """Space of the file system that holds the logical directory `key`."""
        try:
            info = os.statvfs(pathutils.local(key))
        except OSError as err:
            raise errors.StorageError(
                f"Can not tell the free space of {key}: {err.strerror}") from err
        return SpaceInfo(free=info.f_bavail * info.f_frsize // MIB,
                         size=info.f_blocks * info.f_frsize // MIB)
