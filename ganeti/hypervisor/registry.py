"""The drivers of hypervisors; the list of them is `constants.HYPERVISORS`.

Drivers of other packages are found through the entry-point group ``ganeti.hypervisors``.
"""

from __future__ import annotations

import functools

from ganeti import constants, errors
from ganeti.hypervisor.base import BaseHypervisor


def names() -> list[str]:
    """Names of all hypervisors that have a driver."""
    return sorted(constants.HYPER_TYPES)


def get_class(name: str) -> type[BaseHypervisor]:
    """The driver class of a hypervisor, for its capabilities and class methods."""
    try:
        driver: type[BaseHypervisor] = constants.HYPER_TYPES.load(name)
    except KeyError:
        raise errors.HypervisorError(_missing(name)) from None
    return driver


@functools.cache
def get(name: str) -> BaseHypervisor:
    """The driver of a hypervisor on this node."""
    return get_class(name)()


def require_usable(name: str) -> None:
    """Refuse a hypervisor without a driver, as bad input of the administrator."""
    if name not in constants.HYPER_TYPES:
        raise errors.OpPrereqError(_missing(name), errors.ECODE_INVAL)


def _missing(name: str) -> str:
    return (f"There is no driver for hypervisor '{name}':"
            f" {constants.HYPER_TYPES.why_not(name)}; available: {', '.join(names())}")
