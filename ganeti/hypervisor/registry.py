"""Which hypervisor drivers there are.

Drivers of other packages are found through the entry-point group ``ganeti.hypervisors``.
"""

from __future__ import annotations

import functools
import importlib
from importlib import metadata

from ganeti import constants, errors
from ganeti.hypervisor.base import BaseHypervisor

#: Name -> "module:Class"; a driver is imported when it is first asked for
HYPERVISORS: list[tuple[str, str]] = [
    (constants.HT_CHROOT, "ganeti.hypervisor.chroot:ChrootHypervisor"),
    (constants.HT_FAKE, "ganeti.hypervisor.fake:FakeHypervisor"),
    (constants.HT_KVM, "ganeti.hypervisor.kvm.driver:KvmHypervisor"),
    (constants.HT_XEN_HVM, "ganeti.hypervisor.xen.hvm:XenHvmHypervisor"),
    (constants.HT_XEN_PVM, "ganeti.hypervisor.xen.pvm:XenPvmHypervisor"),
    (constants.HT_LXC, "ganeti.hypervisor.lxc.driver:LxcHypervisor"),
]

ENTRY_POINT_GROUP = "ganeti.hypervisors"


@functools.cache
def _table() -> dict[str, str]:
    found = {entry.name: entry.value for entry in metadata.entry_points(group=ENTRY_POINT_GROUP)}
    return {**found, **dict(HYPERVISORS)}


def names() -> list[str]:
    """Names of all hypervisors that have a driver."""
    return sorted(_table())


@functools.cache
def get_class(name: str) -> type[BaseHypervisor]:
    """The driver class of a hypervisor, for its capabilities and class methods."""
    try:
        module_name, class_name = _table()[name].split(":")
    except KeyError:
        raise errors.HypervisorError(
            f"There is no driver for hypervisor '{name}' in this release;"
            f" available: {', '.join(names())}") from None
    cls: type[BaseHypervisor] = getattr(importlib.import_module(module_name), class_name)
    if not issubclass(cls, BaseHypervisor):
        raise errors.ProgrammerError(f"Hypervisor driver {cls} is no BaseHypervisor")
    return cls


@functools.cache
def get(name: str) -> BaseHypervisor:
    """The driver of a hypervisor on this node."""
    return get_class(name)()


def require_usable(name: str) -> None:
    """Refuse a hypervisor without a driver, as bad input of the administrator."""
    if name not in _table():
        raise errors.OpPrereqError(
            f"There is no driver for hypervisor '{name}' in this release;"
            f" available: {', '.join(names())}", errors.ECODE_INVAL)
