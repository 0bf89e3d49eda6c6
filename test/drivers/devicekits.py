"""Kits of storage that gives block devices or addresses, with what stands in for its servers here.

`ext` runs the shell provider of the documentation, `blockdev` real loop devices, `rbd` a program
of the tests in the place of rbd, `gluster` a directory in the place of a mounted volume. Real
Ceph and Gluster servers have their kits in test/lab, but for what needs a kernel with rbd: that is
here, and runs on machines which are clients of a Ceph as the user `labtest`.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
from typing import Any

from ganeti import constants, objects, pathutils
from ganeti.storage import gluster
from ganeti.storage.base import DiskRequest
from test.drivers.storagekit import StorageKit

PROVIDER = pathlib.Path(__file__).parents[2] / "doc/examples/extstorage/shared-files"
PROGRAMS = pathlib.Path(__file__).parent / "programs"
MIB = 1024 * 1024


def _losetup(*words: str) -> str:
    return subprocess.run(["losetup", *words], check=True, capture_output=True,
                          text=True).stdout.strip()


def why_no_loops() -> str | None:
    """Why loop devices can not be made here, or None."""
    if os.getuid() != 0:
        return "loop devices need root"
    if shutil.which("losetup") is None or not os.path.exists("/dev/loop-control"):
        return "this machine has no loop devices"
    return None


def why_no_fuse() -> str | None:
    """Why disks can not be reached by address here, or None."""
    if os.getuid() != 0 or not os.access("/dev/fuse", os.W_OK):
        return "FUSE exports of disks need root and /dev/fuse"
    if shutil.which("qemu-storage-daemon") is None:
        return "qemu-storage-daemon is missing (package qemu-system-common)"
    return None


def loops_on(directory: pathlib.Path) -> list[str]:
    """Loop devices whose files lie below a directory."""
    if why_no_loops():
        return []
    lines = _losetup("--list", "--noheadings", "--output", "NAME,BACK-FILE").splitlines()
    return [line for line in lines if line.split(None, 1)[1].startswith(str(directory))]


class _ExtKit(StorageKit):
    template_name = constants.DT_EXT

    @property
    def volumes(self) -> pathlib.Path:
        return self.scratch / "volumes"

    def set_up(self) -> None:
        self.params = {**self.params, "directory": str(self.volumes), "class": "fast"}
        shutil.copytree(PROVIDER, os.path.join(pathutils.ES_SEARCH_PATH[0], "shared-files"))

    def request(self, size: int, index: int = 0, instance: str = "inst1.example.org",
                **further: Any) -> DiskRequest:
        return super().request(size, index, instance, provider="shared-files", **further)

    def leftovers(self) -> list[str]:
        files = [str(path) for path in self.volumes.glob("*")] if self.volumes.exists() else []
        return files + loops_on(self.scratch)


class ExtLoopKit(_ExtKit):
    variant = "shell provider, loop devices"
    unavailable = why_no_loops()


class ExtAddressKit(_ExtKit):
    variant = "shell provider, by address"
    unavailable = why_no_fuse()
    has_path = False
    params = {constants.IDISK_ACCESS: constants.DISK_USERSPACE}


class AdoptedKit(StorageKit):
    template_name = constants.DT_BLOCK
    variant = "loop devices"
    unavailable = why_no_loops()

    @property
    def directory(self) -> pathlib.Path:
        return pathlib.Path(constants.ADOPTABLE_BLOCKDEV_ROOT) / f"test-{os.getpid()}"

    def set_up(self) -> None:
        self.directory.mkdir(parents=True)

    def tear_down(self) -> None:
        for link in self.directory.iterdir():
            self._detach(link)
        self.directory.rmdir()
        root = pathlib.Path(constants.ADOPTABLE_BLOCKDEV_ROOT)
        if not any(root.iterdir()):
            root.rmdir()

    def request(self, size: int, index: int = 0, instance: str = "inst1.example.org",
                **further: Any) -> DiskRequest:
        return super().request(size, index, instance,
                               adopt=str(self.directory / f"disk{index}"), **further)

    def make(self, disk: objects.Disk, size: int) -> None:
        file = self.scratch / os.path.basename(disk.logical_id[1])
        with open(file, "xb") as fobj:
            fobj.truncate(size * MIB)
        os.symlink(_losetup("--find", "--show", str(file)), disk.logical_id[1])

    def unmake(self, disk: objects.Disk) -> None:
        self._detach(pathlib.Path(disk.logical_id[1]))

    def _detach(self, link: pathlib.Path) -> None:
        _losetup("--detach", os.readlink(link))
        link.unlink()

    def leftovers(self) -> list[str]:
        return [str(path) for path in self.directory.iterdir()]


class RbdMappedKit(StorageKit):
    template_name = constants.DT_RBD
    variant = "mapped, a program of the tests"
    unavailable = why_no_loops()
    params = {"pool": "fast", "user-id": "guests"}

    @property
    def home(self) -> pathlib.Path:
        return self.scratch / "rbd"

    def environment(self) -> dict[str, str]:
        return {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "FAKE_RBD": str(self.home)}

    def set_up(self) -> None:
        (self.home / "images/fast").mkdir(parents=True)
        (self.home / "mapped").mkdir()

    def other_id(self, disk: objects.Disk) -> list[Any] | None:
        return ["rbd", f"{disk.logical_id[1]}.renamed"]

    def leftovers(self) -> list[str]:
        return [str(path) for path in (self.home / "images/fast").iterdir()] + loops_on(self.home)


def _krbd_missing(user: str) -> str | None:
    """Why images can not be mapped by the kernel here, or None."""
    if not os.path.exists(f"/etc/ceph/ceph.client.{user}.keyring"):
        return (f"there is no Ceph with a user and a pool {user} for tests:"
                " test/lab/test_krbd.py runs this in a VM")
    if subprocess.run(["modprobe", "rbd"], capture_output=True, check=False).returncode:
        return "this machine's kernel has no rbd"
    return None


class RbdKernelKit(StorageKit):
    """Images that this machine's kernel maps, in the pool `labtest` of a real Ceph."""

    template_name = constants.DT_RBD
    variant = "through the kernel, real Ceph"
    pool = "labtest"
    unavailable = _krbd_missing(pool)
    params = {"pool": pool, "user-id": pool}

    def other_id(self, disk: objects.Disk) -> list[Any] | None:
        return ["rbd", f"{disk.logical_id[1]}.renamed"]

    def leftovers(self) -> list[str]:
        return self._rbd("ls", self.pool) + [
            line for line in self._rbd("showmapped") if self.pool in line.split()]

    def _rbd(self, *words: str) -> list[str]:
        return subprocess.run(["rbd", "--id", self.pool, *words], check=True, text=True,
                              capture_output=True).stdout.splitlines()


class GlusterFileKit(StorageKit):
    """The operations on files; mounting is tested with a real server."""

    template_name = constants.DT_GLUSTER
    variant = "files only"

    def set_up(self) -> None:
        self._mount = gluster.Volume.mount
        gluster.Volume.mount = lambda volume: None  # type: ignore[method-assign]
        os.makedirs(self._directory())

    def tear_down(self) -> None:
        gluster.Volume.mount = self._mount  # type: ignore[method-assign]

    def _directory(self) -> str:
        return os.path.join(pathutils.DEFAULT_GLUSTER_STORAGE_DIR, gluster.DIRECTORY)

    def other_id(self, disk: objects.Disk) -> list[Any] | None:
        return [disk.logical_id[0], f"{disk.logical_id[1]}.renamed"]

    def leftovers(self) -> list[str]:
        return os.listdir(self._directory())
