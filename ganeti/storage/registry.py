"""Which storage types there are.

Types of other packages are found through the entry-point group ``ganeti.storage``; an entry
names a :class:`DiskTemplate` class.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import metadata

from ganeti import errors, objects
from ganeti.storage import (
    blockdev,
    diskless,
    drbd,
    ext,
    file,
    gluster,
    plain,
    rbd,
    sharedfile,
)
from ganeti.storage.base import BlockDev, DiskTemplate

TEMPLATES: list[type[DiskTemplate]] = [
    diskless.DisklessTemplate,
    file.FileTemplate,
    sharedfile.SharedFileTemplate,
    plain.PlainTemplate,
    drbd.DrbdTemplate,
    rbd.RbdTemplate,
    gluster.GlusterTemplate,
    ext.ExtTemplate,
    blockdev.BlockdevTemplate,
]

ENTRY_POINT_GROUP = "ganeti.storage"


@functools.cache
def _table() -> dict[str, DiskTemplate]:
    table = {entry.name: entry.load()()
             for entry in metadata.entry_points(group=ENTRY_POINT_GROUP)}
    table.update((cls.name, cls()) for cls in TEMPLATES)
    return table


def templates() -> list[DiskTemplate]:
    """All known storage types."""
    return list(_table().values())


def names(predicate: Callable[[DiskTemplate], bool] = lambda template: True) -> list[str]:
    """Sorted names of the types for which `predicate` holds, e.g. ``lambda t: t.growable``."""
    return sorted(template.name for template in templates() if predicate(template))


def template(name: str) -> DiskTemplate:
    """The descriptor of a storage type."""
    try:
        return _table()[name]
    except KeyError:
        raise errors.OpPrereqError(
            f"Unknown disk template '{name}'; known are {', '.join(names())}",
            errors.ECODE_INVAL) from None


def require_usable(name: str) -> DiskTemplate:
    """Refuse a storage type without a driver, as bad input of the administrator."""
    descriptor = template(name)
    if not descriptor.usable:
        raise errors.OpPrereqError(
            f"There is no driver for disk template '{name}' in this release;"
            f" usable are {', '.join(names(lambda t: t.usable))}", errors.ECODE_INVAL)
    return descriptor


def device(disk: objects.Disk) -> BlockDev:
    """The device of a disk (and of its children) on this node; touches nothing yet."""
    descriptor = _table().get(disk.dev_type)
    if descriptor is None or descriptor.device_class is None:
        usable = ", ".join(names(lambda t: t.device_class is not None))
        raise errors.BlockDeviceError(
            f"There is no driver for disks of type '{disk.dev_type}' in this release;"
            f" usable are {usable}")
    return descriptor.device_class(disk, [device(child) for child in disk.children])
