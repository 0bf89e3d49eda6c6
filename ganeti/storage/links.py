"""The symlinks under ``instance-disks`` by which hypervisors open an instance's disks."""

from __future__ import annotations

import os

from ganeti import errors, pathutils
from ganeti.utils import io


def link_path(instance_name: str, index: int) -> str:
    """Real path of the symlink of an instance's disk."""
    return os.path.join(pathutils.DISK_LINKS_DIR, f"{instance_name}:{index}")


def create(instance_name: str, index: int, device_path: str) -> str:
    """Make or correct the symlink of a disk; returns its path."""
    link = link_path(instance_name, index)
    fresh = f"{link}.new"
    try:
        os.makedirs(os.path.dirname(link), mode=0o755, exist_ok=True)
        if os.path.islink(link) and os.readlink(link) == device_path:
            return link
        if os.path.lexists(fresh):
            os.unlink(fresh)
        os.symlink(device_path, fresh)
        os.replace(fresh, link)
    except OSError as err:
        raise errors.BlockDeviceError(
            f"Can not make the symlink {link} to {device_path}: {err.strerror}") from err
    return link


def remove(instance_name: str, index: int) -> None:
    """Remove the symlink of one disk, if it is there."""
    io.remove_file(link_path(instance_name, index))


def remove_all(instance_name: str) -> None:
    """Remove the symlinks of all disks of an instance."""
    prefix = f"{instance_name}:"
    try:
        names = os.listdir(pathutils.DISK_LINKS_DIR)
    except FileNotFoundError:
        return
    for name in names:
        if name.startswith(prefix) and name[len(prefix):].isdigit():
            remove(instance_name, int(name[len(prefix):]))
