"""Disks as images in a directory that all nodes mount; for showing what a storage type is."""

from __future__ import annotations

import os

from ganeti import errors, ht, pathutils
from ganeti.constants.params import ON_CREATE, Param, ParamTable
from ganeti.storage import base

MIB = 1024 * 1024


class SlabDevice(base.BlockDev):
    """An image; its logical id is ["slab", name]."""

    @property
    def path(self):
        return os.path.join(pathutils.local(self.params["directory"]), self.disk.logical_id[1])

    def create(self, size, *, spindles=None, exclusive=False):
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        try:
            with open(self.path, "xb") as image:
                self._resize(image, size * MIB)
        except FileExistsError:
            raise errors.BlockDeviceError(f"Image {self.path} exists already") from None
        except OSError as err:
            self.remove()
            raise errors.BlockDeviceError(f"Can not make {self.path}: {err.strerror}") from err
        self.attach()

    def _resize(self, image, size):
        if self.params["reserve"]:
            os.posix_fallocate(image.fileno(), 0, size)
        os.truncate(image.fileno(), size)
        os.fsync(image.fileno())

    def attach(self):
        self.attached = os.path.isfile(self.path)
        return self.attached

    def remove(self):
        self.attached = False
        if os.path.exists(self.path):
            os.unlink(self.path)

    def grow(self, amount, *, dry_run=False, backing_store=True, exclusive=False):
        self.require_attached()
        if amount < 0:
            raise errors.BlockDeviceError("Disks can not shrink")
        if backing_store and not dry_run:
            with open(self.path, "r+b") as image:
                self._resize(image, self.actual_size() + amount * MIB)

    def actual_size(self):
        self.require_attached()
        return os.stat(self.path).st_size


class SlabTemplate(base.DiskTemplate):
    """Images that every node reaches: instances can be moved without copying."""

    name = "slab"
    storage_type = "slab"
    mirroring = base.Mirroring.EXTERNAL
    shared = True
    growable = True
    counts_free_space = False
    device_class = SlabDevice
    parameters = ParamTable("slab", [
        Param("directory", ht.AbsPath, "/srv/ganeti/slab", applies=ON_CREATE,
              help="Directory of the images, on every node"),
        Param("reserve", ht.Bool, False, applies=ON_CREATE,
              help="Take all the space when a disk is made"),
    ])

    def logical_id(self, request):
        return [self.name, f"{request.unique_id}.disk{request.index}"]
