"""Contents of disks on this node: wiping, imaging, copying, and the sizes of devices."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from typing import IO

from ganeti import errors, objects
from ganeti.backend import blockdev
from ganeti.storage import registry

MIB = 1024 * 1024
URL_SCHEMES = ("http://", "https://", "ftp://")
URL_TIMEOUT = 60


@contextlib.contextmanager
def _writing(path: str) -> Iterator[int]:
    """A descriptor for writing into an existing disk, on stable storage at the end."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError as err:
        raise errors.BlockDeviceError(f"Can not write to {path}: {err.strerror}") from err
    try:
        yield fd
        os.fsync(fd)
    except OSError as err:
        raise errors.BlockDeviceError(f"Writing to {path} failed: {err.strerror}") from err
    finally:
        os.close(fd)


def _write_all(fd: int, data: bytes | memoryview, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, offset)
        view = view[written:]
        offset += written


def blockdev_wipe(bdev: objects.Disk, offset: int, size: int) -> None:
    """Write zeroes over `size` MiB from `offset` MiB on."""
    device = blockdev.require(bdev)
    if offset < 0 or size < 0:
        raise errors.BlockDeviceError(f"Can not wipe {size} MiB at {offset} MiB: negative")
    end = (offset + size) * MIB
    if end > device.actual_size():
        raise errors.BlockDeviceError(
            f"Can not wipe {size} MiB at {offset} MiB: disk {bdev.iv_name or bdev.uuid} has only"
            f" {device.actual_size() // MIB} MiB")
    zeroes = bytes(MIB)
    with device.data() as path, _writing(path) as fd:
        for position in range(offset * MIB, end, MIB):
            _write_all(fd, zeroes, position)


@contextlib.contextmanager
def _image_source(image: str) -> Iterator[IO[bytes]]:
    """An image file of this node, or of a web server, for reading."""
    try:
        if image.startswith(URL_SCHEMES):
            with urllib.request.urlopen(image, timeout=URL_TIMEOUT) as reply:
                yield reply
            return
        if not os.path.isfile(image):
            raise errors.OpExecError(f"Image '{image}' is not a file on this node")
        with open(image, "rb") as source:
            yield source
    except urllib.error.URLError as err:
        raise errors.OpExecError(f"Can not fetch image '{image}': {err.reason}") from err
    except TimeoutError as err:
        raise errors.OpExecError(f"Can not fetch image '{image}': {err}") from err


def _copy(read: Callable[[int], bytes], fd: int, limit: int) -> int:
    """Copy at most `limit` bytes; one more is an error. Returns how many were copied."""
    position = 0
    while chunk := read(MIB):
        if position + len(chunk) > limit:
            raise errors.BlockDeviceError(
                f"The data is larger than the disk ({limit // MIB} MiB)")
        _write_all(fd, chunk, position)
        position += len(chunk)
    return position


def blockdev_image(bdev: objects.Disk, image: str, size: int) -> None:
    """Write an image (a file of this node, or a URL) over a disk of `size` MiB."""
    device = blockdev.require(bdev)
    limit = min(size * MIB, device.actual_size())
    with _image_source(image) as source, device.data() as path, _writing(path) as fd:
        copied = _copy(source.read, fd, limit)
    logging.info("Wrote %s bytes of %s to disk %s", copied, image, bdev.iv_name or bdev.uuid)


def blockdev_convert(bdev_src: objects.Disk, bdev_dest: objects.Disk) -> None:
    """Copy the contents of one disk of this node to another."""
    if not registry.template(bdev_src.dev_type).convertible_from \
            or not registry.template(bdev_dest.dev_type).convertible_to:
        raise errors.BlockDeviceError(
            f"Disks of type {bdev_src.dev_type} can not be converted to {bdev_dest.dev_type}")
    source, target = blockdev.require(bdev_src), blockdev.require(bdev_dest)
    with (source.data() as source_path, target.data() as target_path,
          open(source_path, "rb") as reader, _writing(target_path) as fd):
        _copy(reader.read, fd, target.actual_size())


def bdev_sizes(devices: Sequence[str]) -> dict[str, int]:
    """Sizes in MiB of those of the paths that are block devices here."""
    sizes = {}
    for path in devices:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as err:
            logging.info("No size of %s: %s", path, err.strerror)
            continue
        try:
            if stat.S_ISBLK(os.fstat(fd).st_mode):
                sizes[path] = os.lseek(fd, 0, os.SEEK_END) // MIB
        finally:
            os.close(fd)
    return sizes
