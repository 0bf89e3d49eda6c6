"""Formats of files that hold disks: how one is made, enlarged, checked and read.

Which format a disk has is on record (the file driver in its logical id) and never guessed from
the file: a guest can write anything into a raw disk, also the header of another format.
"""

from __future__ import annotations

import contextlib
import os
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from ganeti import constants, errors, serializer
from ganeti.storage import userspace

MIB = 1024 * 1024


class ImageFormat(ABC):
    """What there is to know of one format; the files' names and places are others' business."""

    #: QEMU's name of it
    name: str
    #: While a guest runs only its hypervisor, which has the file open, can make it larger
    grown_by_holder: bool = False
    #: QEMU's block node of it, without the file below
    node: Mapping[str, Any]

    @abstractmethod
    def fill(self, path: str, size: int) -> None:
        """Make an empty file a disk of `size` MiB that reads as zeroes and takes no room."""

    @abstractmethod
    def why_not(self, path: str) -> str | None:
        """Why a file can not be used as a disk of this format, or None."""

    @abstractmethod
    def size(self, path: str) -> int:
        """Bytes that a guest sees; the file may be held by a guest."""

    @abstractmethod
    def grow(self, path: str, size: int) -> None:
        """Enlarge a disk that nobody has open to `size` bytes."""

    def contents_path(self, path: str, disk_uuid: str) -> str:
        """Where `contents` shows what the guest sees."""
        return path

    @contextlib.contextmanager
    def contents(self, path: str, disk_uuid: str) -> Iterator[str]:
        """The path of what the guest sees, while the block lasts."""
        yield path

    def forget(self, disk_uuid: str) -> None:
        """End what a killed daemon has left of `contents`."""


class Raw(ImageFormat):
    """The bytes as the guest sees them."""

    name = constants.IMAGE_RAW
    node = {"driver": "raw"}

    def fill(self, path: str, size: int) -> None:
        self._truncate(path, size * MIB, f"make {path} {size} MiB long")

    def why_not(self, path: str) -> str | None:
        return None

    def size(self, path: str) -> int:
        return os.stat(path).st_size

    def grow(self, path: str, size: int) -> None:
        self._truncate(path, size, f"grow {path}")

    @staticmethod
    def _truncate(path: str, size: int, what: str) -> None:
        try:
            with open(path, "r+b") as fobj:
                fobj.truncate(size)
                os.fsync(fobj.fileno())
        except OSError as err:
            raise errors.BlockDeviceError(f"Can not {what}: {err.strerror}") from err


#: magic, version, offset and length of the backing file's name, cluster bits, size, encryption
_HEADER = struct.Struct(">4sIQIIQI")
_MAGIC = b"QFI\xfb"
#: Where version 3 has the features without which an image can not be understood
_FEATURES = struct.Struct(">Q")
_FEATURES_AT = 72
_EXTERNAL_DATA = 1 << 2
#: Unclean, corrupt (QEMU tells), other compression, finer clusters: all within the file
_HARMLESS = 0b11011


class Qcow2(ImageFormat):
    """QEMU's own format: it takes the room that the guest has written to, on any file system.

    An image stands for itself: one that takes data from another file (a backing file or an
    external data file) could show a guest the node's files, and is refused. qemu-img and QEMU
    flush what they have written before they close an image.
    """

    name = constants.IMAGE_QCOW2
    grown_by_holder = True
    #: 'backing' says that there is none even if an image has changed since it was looked at
    node = {"driver": "qcow2", "backing": None}
    #: No preallocation: making and growing take the same short time at any size, and a disk
    #: that grew under its guest, where QEMU offers none, is like the others. Reference counts
    #: are not lazy: what a crash leaves is lost room at worst, never a check before the start.
    options = "compat=1.1,cluster_size=64k,lazy_refcounts=off,preallocation=off"

    def fill(self, path: str, size: int) -> None:
        userspace.qemu_img(["create", "-q", "-f", self.name, "-o", self.options, path,
                            str(size * MIB)], f"make {path}, {size} MiB")

    def why_not(self, path: str) -> str | None:
        try:
            self.size(path)
        except errors.BlockDeviceError as err:
            return str(err)
        return None

    def size(self, path: str) -> int:
        """From the header, which QEMU writes at once: the file may be locked by a guest."""
        try:
            with open(path, "rb") as fobj:
                head = fobj.read(_FEATURES_AT + _FEATURES.size)
        except OSError as err:
            raise errors.BlockDeviceError(f"Can not read {path}: {err.strerror}") from err
        if len(head) < _FEATURES_AT or head[:4] != _MAGIC:
            raise errors.BlockDeviceError(
                f"{path} is no qcow2 image; if its data is lost, remove the file and have it made"
                " anew with 'gnt-instance recreate-disks'")
        _, version, backing, _, _, size, encryption = _HEADER.unpack_from(head)
        features = _FEATURES.unpack_from(head, _FEATURES_AT)[0] if version >= 3 else 0
        self._require_plain(path, version, backing, encryption, features)
        return int(size)

    @staticmethod
    def _require_plain(path: str, version: int, backing: int, encryption: int,
                       features: int) -> None:
        """Refuse images that need more than their file."""
        if version not in (2, 3):
            raise errors.BlockDeviceError(f"{path} has version {version} of qcow2; known are 2, 3")
        if backing:
            raise errors.BlockDeviceError(
                f"{path} has a backing file, which is never opened; make it stand for itself with"
                f" 'qemu-img rebase -b \"\" {path}'")
        if features & _EXTERNAL_DATA:
            raise errors.BlockDeviceError(
                f"{path} keeps its data in another file, which is never opened; make it stand for"
                " itself with 'qemu-img convert -O qcow2'")
        if encryption:
            raise errors.BlockDeviceError(f"{path} is encrypted, which is not supported")
        if features & ~_HARMLESS:
            raise errors.BlockDeviceError(
                f"{path} has features of qcow2 that are not known here ({features:#x})")

    def grow(self, path: str, size: int) -> None:
        userspace.qemu_img(["resize", "-q", "-f", self.name, path, str(size)], f"grow {path}")

    def contents_path(self, path: str, disk_uuid: str) -> str:
        return userspace.path_of(disk_uuid)

    @contextlib.contextmanager
    def contents(self, path: str, disk_uuid: str) -> Iterator[str]:
        # zeroes that are copied, imported or wiped with take no room
        node = {**self.node, "discard": "unmap", "detect-zeroes": "unmap",
                "file": {"driver": "file", "filename": path, "discard": "unmap"}}
        with userspace.contents(f"json:{serializer.dumps(node)}", disk_uuid) as shown:
            yield shown

    def forget(self, disk_uuid: str) -> None:
        userspace.forget(disk_uuid)


RAW = Raw()
QCOW2 = Qcow2()
FORMATS: Mapping[str, ImageFormat] = {image.name: image for image in (RAW, QCOW2)}


def of_driver(driver: str) -> ImageFormat:
    """The format that files of a file driver have."""
    return FORMATS[constants.FILE_FORMATS[driver]]
