"""Images in a RADOS pool: through the kernel (``rbd map``) or by address.

A snapshot is a disk of its own whose name is IMAGE@SNAPSHOT; it can only be read.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from typing import Any

from ganeti import constants, errors, objects, serializer
from ganeti.storage import userspace
from ganeti.storage.base import BlockDev, DiskRequest, DiskTemplate, Mirroring
from ganeti.utils import process, retry

PROGRAM = "rbd"
DRIVER = "rbd"
#: Features of images that every kernel can map
KERNEL_FEATURES = ("layering",)
TIMEOUT = 280
MIB = 1024 * 1024
#: Seconds that a client which was killed counts as user of an image, and between attempts
RELEASE_TIMEOUT = 60.0
RELEASE_DELAY = 2.0
_ENOENT = 2
_EBUSY = 16


def parse_mapped(text: str, pool: str, image: str) -> str | None:
    """The device to which an image is mapped, by what ``rbd showmapped --format json`` prints.

    Since Ceph 14 that is a list; before it was an object keyed by the device's number.
    """
    try:
        parsed = serializer.load(text or "[]")
    except errors.ParseError as err:
        raise errors.BlockDeviceError(f"Can not read the list of mapped images: {err}") from err
    entries = list(parsed.values()) if isinstance(parsed, dict) else parsed
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise errors.BlockDeviceError(f"The list of mapped images has a wrong form: {text[:200]}")
    name, _, snapshot = image.partition("@")
    for entry in entries:
        place = entry.get("pool"), entry.get("namespace") or "", entry.get("name")
        if place == (pool, "", name) and (entry.get("snap") or "-") == (snapshot or "-"):
            return str(entry["device"])
    return None


class RbdDevice(BlockDev):
    """An image; its logical id is ["rbd", name], its pool a parameter."""

    def __init__(self, disk: objects.Disk, children: Sequence[BlockDev] = ()) -> None:
        super().__init__(disk, children)
        if len(disk.logical_id) != 2 or disk.logical_id[0] != DRIVER:
            raise errors.BlockDeviceError(f"Wrong id of an RBD image: {disk.logical_id!r}")
        self.image = str(disk.logical_id[1])
        self.pool = str(self.params.get("pool") or constants.DEFAULT_RBD_POOL)
        self.user = str(self.params.get("user-id") or "")
        self._device: str | None = None

    @property
    def userspace(self) -> bool:
        return self.params.get(constants.IDISK_ACCESS) == constants.DISK_USERSPACE

    @property
    def path(self) -> str:
        if self.userspace:
            return userspace.path_of(self.disk.uuid)
        return self._device or f"/dev/rbd/{self.pool}/{self.image}"

    @contextlib.contextmanager
    def data(self) -> Iterator[str]:
        if not self.userspace:
            yield self.path
            return
        with userspace.contents(self._address(), self.disk.uuid) as path:
            yield path

    # The program.

    def _rbd(self, *words: str) -> process.Result:
        program = shutil.which(PROGRAM)
        if program is None:
            raise errors.BlockDeviceError(
                f"This node has no program '{PROGRAM}' (Debian: package ceph-common)")
        user = ["--id", self.user] if self.user else []
        return process.run([program, *words, *user], timeout=TIMEOUT)

    @property
    def _spec(self) -> str:
        return f"{self.pool}/{self.image}"

    def _do(self, what: str, *words: str) -> str:
        result = self._rbd(*words)
        if result.failed:
            raise errors.BlockDeviceError(
                f"Can not {what} RBD image {self._spec} ({result.fail_reason}):"
                f" {_last_lines(result.stderr)}")
        return result.stdout

    def _info(self) -> dict[str, Any] | None:
        """What the pool tells of the image; None when it has none of that name."""
        result = self._rbd("info", "--format", "json", self._spec)
        # a missing pool or configuration file has the same exit status, and is no missing image
        if result.exit_code == _ENOENT and "error opening image" in result.stderr:
            self.why_not = f"pool {self.pool} has no image {self.image}"
            return None
        if result.failed:
            raise errors.BlockDeviceError(
                f"Can not look at RBD image {self._spec} ({result.fail_reason}):"
                f" {_last_lines(result.stderr)}")
        try:
            found = serializer.load(result.stdout)
        except errors.ParseError as err:
            raise errors.BlockDeviceError(
                f"Can not read what rbd tells of {self._spec}: {err}") from err
        return dict(found)

    def _mapped(self) -> str | None:
        result = self._rbd("showmapped", "--format", "json")
        if result.failed:
            raise errors.BlockDeviceError(
                f"Can not list mapped RBD images ({result.fail_reason}):"
                f" {_last_lines(result.stderr)}")
        return parse_mapped(result.stdout, self.pool, self.image)

    # Life.

    def create(self, size: int, *, spindles: int | None = None, exclusive: bool = False) -> None:
        if exclusive:
            raise errors.BlockDeviceError(
                "RBD images can not be made on nodes with exclusive storage")
        features = [] if self.userspace else [
            word for feature in KERNEL_FEATURES for word in ("--image-feature", feature)]
        self._do("create", "create", *features, "--size", str(size), self._spec)

    def attach(self) -> bool:
        self.why_not = None
        self.attached = self._info() is not None
        if self.attached and not self.userspace:
            self._use(self._mapped())
        return self.attached

    def _use(self, device: str | None) -> None:
        self._device = device
        self.major = self.minor = None
        if device is None:
            return
        try:
            info = os.stat(device)
        except OSError as err:
            raise errors.BlockDeviceError(
                f"RBD image {self._spec} is mapped to {device}, which can not be"
                f" opened: {err.strerror}") from err
        if not stat.S_ISBLK(info.st_mode):
            raise errors.BlockDeviceError(
                f"RBD image {self._spec} is mapped to {device}, which is not a block"
                " device")
        self.major, self.minor = os.major(info.st_rdev), os.minor(info.st_rdev)

    def assemble(self) -> None:
        self.require_attached()
        if self.userspace or self._device is not None:
            return
        read_only = ["--read-only"] if "@" in self.image else []
        self._do("map", "map", *read_only, self._spec)
        device = self._mapped()
        if device is None:
            raise errors.BlockDeviceError(
                f"RBD image {self._spec} was mapped, but is not among the mapped ones")
        self._use(device)

    def shutdown(self) -> None:
        if self.userspace:
            userspace.forget(self.disk.uuid)
            return
        device = self._mapped()
        if device is not None:
            self._do("unmap", "unmap", device)
        self._use(None)

    def remove(self) -> None:
        if not self.attached and not self.attach():
            return
        self.shutdown()
        if "@" in self.image:
            self._do("remove", "snap", "rm", self._spec)
        else:
            self._require_no_snapshots()
            self._remove_image()
        self.attached = False

    def _remove_image(self) -> None:
        """Remove it; who used it and was killed counts as a user for half a minute more."""
        def attempt() -> None:
            result = self._rbd("rm", "--no-progress", self._spec)
            if result.exit_code == _EBUSY:
                raise retry.RetryAgain(_last_lines(result.stderr))
            if result.failed:
                raise errors.BlockDeviceError(
                    f"Can not remove RBD image {self._spec} ({result.fail_reason}):"
                    f" {_last_lines(result.stderr)}")
        try:
            retry.retry(attempt, RELEASE_DELAY, RELEASE_TIMEOUT)
        except retry.RetryTimeout as err:
            raise errors.BlockDeviceError(
                f"RBD image {self._spec} is still in use ('rbd status {self._spec}' tells by"
                f" whom): {err}") from None

    def _require_no_snapshots(self) -> None:
        listed = serializer.load(self._do("list the snapshots of", "snap", "ls", "--format",
                                          "json", self._spec) or "[]")
        names = [str(entry["name"]) for entry in listed]
        if names:
            raise errors.BlockDeviceError(
                f"RBD image {self._spec} has the snapshots {', '.join(names)}; remove"
                f" them first ('rbd snap purge {self._spec}')")

    def rename(self, new_logical_id: Sequence[Any]) -> None:
        """Give the image another name in its pool; done already counts as success."""
        target = str(new_logical_id[1])
        if "@" in self.image or "@" in target:
            raise errors.BlockDeviceError("Snapshots of RBD images can not be renamed")
        if self._info() is None:
            former, self.image = self.image, target
            if self._info() is None:
                raise errors.BlockDeviceError(
                    f"There is no RBD image {former} in pool {self.pool} that could be renamed")
            return
        self.shutdown()
        self._do("rename", "rename", self._spec, f"{self.pool}/{target}")
        self.image = target

    def grow(self, amount: int, *, dry_run: bool = False, backing_store: bool = True,
             exclusive: bool = False) -> None:
        self.require_attached()
        if amount < 0:
            raise errors.BlockDeviceError("Disks can not shrink")
        if dry_run or not backing_store:
            return
        new_size = self.actual_size() // MIB + amount
        self._do("grow", "resize", "--no-progress", "--size", str(new_size), self._spec)

    def snapshot(self, name: str | None, size: int | None) -> list[Any]:
        self.require_attached()
        frozen = f"{self.image}@{name or 'snap'}"
        self._do("snapshot", "snap", "create", f"{self.pool}/{frozen}")
        return [DRIVER, frozen]

    # Looking.

    def _address(self) -> str:
        user = f":id={self.user}" if self.user else ""
        return f"rbd:{self._spec}{user}"

    def uri(self, hypervisor: str) -> str | None:
        return self._address() if self.userspace else None

    def actual_size(self) -> int:
        info = self._info()
        if info is None:
            raise errors.BlockDeviceError(
                f"There is no RBD image {self.image} in pool {self.pool}")
        return int(info["size"])


def _last_lines(text: str) -> str:
    return " ".join(text.strip().splitlines()[-3:])


class RbdTemplate(DiskTemplate):
    """A RADOS block device."""

    name = constants.DT_RBD
    storage_type = constants.ST_RADOS
    mirroring = Mirroring.EXTERNAL
    shared = True
    growable = True
    can_snapshot = True
    userspace_uri = True
    counts_free_space = False
    device_class = RbdDevice

    def logical_id(self, request: DiskRequest) -> list[Any]:
        return [DRIVER, f"{request.unique_id}.{self.name}.disk{request.index}"]
