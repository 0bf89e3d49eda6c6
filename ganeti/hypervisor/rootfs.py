"""The root file system of guests that share the node's kernel: where it is on their first disk.

A disk may hold a file system, or partitions of which one does; files get loop devices.
"""

from __future__ import annotations

import os
import stat

from ganeti import constants, errors
from ganeti.hypervisor.base import BlockDevice
from ganeti.utils import process

_TIMEOUT = 60
_SECTOR = 512
_FILE_SYSTEM = "filesystem"
#: What blkid says where there is nothing that it knows
_NOTHING_FOUND = 2
#: Programs that are needed
PROGRAMS = ("blkid", "partx", "mount")


def mount_command(name: str, device: BlockDevice, target: str) -> list[str]:
    """The command that mounts the root file system of instance `name` on `target`.

    A loop device that it needs goes when the file system is unmounted.
    """
    options = ["ro"] if device.disk.mode == constants.DISK_RDONLY else ["rw"]
    place = _file_system(name, device.link)
    if place is not None:
        options += ["loop", f"offset={place[0]}", f"sizelimit={place[1]}"]
    elif not stat.S_ISBLK(os.stat(device.link).st_mode):
        options.append("loop")
    return ["mount", "-o", ",".join(options), device.link, target]


def _file_system(name: str, path: str) -> tuple[int, int] | None:
    """Offset and length in bytes of the first partition with a file system; None for all of it."""
    if not os.path.exists(path):
        raise errors.HypervisorError(
            f"The first disk of instance {name} is not there: {path}")
    if _usage(path) == _FILE_SYSTEM:
        return None
    for start, size in _partitions(path):
        if _usage(path, start) == _FILE_SYSTEM:
            return start, size
    raise errors.HypervisorError(
        f"The first disk of instance {name} has no file system, and no partition with one; a"
        " container's operating system has to make one: 'gnt-instance reinstall' runs it again")


def _usage(path: str, offset: int = 0) -> str:
    result = process.run(["blkid", "-p", "-s", "USAGE", "-o", "value", "-O", str(offset), path],
                         timeout=_TIMEOUT)
    if result.exit_code != _NOTHING_FOUND:
        result.require_success(f"Looking for a file system on {path}")
    return result.stdout.strip()


def _partitions(path: str) -> list[tuple[int, int]]:
    result = process.run(["partx", "-g", "-r", "-b", "-o", "START,SIZE", path], timeout=_TIMEOUT)
    return parse_partitions(result.stdout) if not result.failed else []


def parse_partitions(text: str) -> list[tuple[int, int]]:
    """Offsets and lengths in bytes from the output of partx."""
    rows = [line.split() for line in text.splitlines()]
    return [(int(start) * _SECTOR, int(size)) for start, size in rows]
