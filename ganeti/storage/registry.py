"""The storage types; the list of them is `constants.STORAGE`.

Types of other packages are found through the entry-point group ``ganeti.storage``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ganeti import constants, errors, objects
from ganeti.constants.params import ParamTable
from ganeti.storage.base import BlockDev, DiskTemplate


class MissingTemplate(DiskTemplate):
    """A type of existing disks whose package is not installed (any more): can do nothing."""

    storage_type = ""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def parameters(self) -> Any:
        return ParamTable(self.name, [])


_missing = functools.cache(MissingTemplate)


@functools.cache
def _known(name: str) -> DiskTemplate:
    descriptor: DiskTemplate = constants.DISK_TEMPLATES.load(name)()
    return descriptor


def templates() -> list[DiskTemplate]:
    """All known storage types."""
    return [_known(name) for name in constants.DISK_TEMPLATES]


def names(predicate: Callable[[DiskTemplate], bool] = lambda template: True) -> list[str]:
    """Sorted names of the types for which `predicate` holds, e.g. ``lambda t: t.growable``."""
    return sorted(template.name for template in templates() if predicate(template))


def template(name: str) -> DiskTemplate:
    """The descriptor of a storage type; of one that can do nothing for unknown names.

    So the disks of a type whose package is gone can be listed, verified and given up.
    """
    try:
        return _known(name)
    except KeyError:
        return _missing(name)


def require_known(name: str) -> DiskTemplate:
    """The descriptor of a storage type that an administrator has named."""
    try:
        return _known(name)
    except KeyError:
        raise errors.OpPrereqError(
            f"Unknown disk template '{name}': {constants.DISK_TEMPLATES.why_not(name)};"
            f" known are {', '.join(names())}", errors.ECODE_INVAL) from None


def require_usable(name: str) -> DiskTemplate:
    """Refuse a storage type without a driver, as bad input of the administrator."""
    descriptor = require_known(name)
    if not descriptor.usable:
        raise errors.OpPrereqError(
            f"There is no driver for disk template '{name}' in this release;"
            f" usable are {', '.join(names(lambda t: t.usable))}", errors.ECODE_INVAL)
    return descriptor


def device(disk: objects.Disk) -> BlockDev:
    """The device of a disk (and of its children) on this node; touches nothing yet."""
    descriptor = template(disk.dev_type)
    if descriptor.device_class is None:
        reason = "it has no disks" if disk.dev_type in constants.DISK_TEMPLATES \
            else constants.DISK_TEMPLATES.why_not(disk.dev_type)
        raise errors.BlockDeviceError(
            f"There is no driver for disks of type '{disk.dev_type}': {reason};"
            f" usable are {', '.join(names(lambda t: t.device_class is not None))}")
    return descriptor.device_class(disk, [device(child) for child in disk.children])
