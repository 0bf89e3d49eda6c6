"""Disks of a container: the first is its root file system, the others are devices in its /dev.

The root file system is mounted by a hook of LXC in the container's own mount namespace, on a loop
device that goes with it: whatever way a container ends, nothing stays mounted on the node (how
it is found on the disk is in :mod:`ganeti.hypervisor.rootfs`).
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Sequence
from typing import NamedTuple

from ganeti import constants
from ganeti.hypervisor.base import BlockDevice
from ganeti.hypervisor.lxc import limits
from ganeti.hypervisor.lxc.paths import Files
from ganeti.utils import io, process

_TIMEOUT = 60


class Further(NamedTuple):
    """A disk beyond the first, as its container gets it."""

    entry: str
    rule: str


def attach(files: Files, devices: Sequence[BlockDevice]) -> list[Further]:
    """Make block devices of the disks beyond the first, and say how they get into the container."""
    backing = [os.path.realpath(device.link) for device in devices
               if not stat.S_ISBLK(os.stat(device.link).st_mode)]
    # written down first, so that a crash in between leaves nothing unknown
    io.write_file(files.loops, "".join(f"{path}\n" for path in backing), sync=False)
    return [_further(files, number, device) for number, device in enumerate(devices, 1)]


def _further(files: Files, number: int, device: BlockDevice) -> Further:
    writable = device.disk.mode != constants.DISK_RDONLY
    path = os.path.realpath(device.link)
    if not stat.S_ISBLK(os.stat(path).st_mode):
        path = _loop(path, writable)
    status = os.stat(path)
    os.symlink(path, files.disk_link(number))
    return Further(f"{_escaped(path)} dev/ganeti/disk{number} none bind,create=file 0 0",
                   limits.disk_rule(status.st_rdev, status.st_mode, writable))


def _loop(path: str, writable: bool) -> str:
    argv = ["losetup", "--find", "--show", *([] if writable else ["--read-only"]), path]
    return process.run(argv, timeout=_TIMEOUT).require_success(
        f"Making a loop device of {path}").stdout.strip()


def _escaped(path: str) -> str:
    return path.replace("\\", "\\134").replace(" ", "\\040")


def detach(files: Files) -> None:
    """Give the loop devices of the disks beyond the first back."""
    try:
        recorded = io.read_file(files.loops).splitlines()
    except FileNotFoundError:
        return
    for path in recorded:
        found = process.run(["losetup", "--associated", path, "--noheadings", "--output", "NAME"],
                            timeout=_TIMEOUT).require_success(f"Loop devices of {path}")
        for loop in found.stdout.split():
            result = process.run(["losetup", "--detach", loop], timeout=_TIMEOUT)
            if result.failed:
                logging.warning("Loop device %s of instance %s stays: %s", loop, files.name,
                                result.output.strip())
