"""The node side: what a node daemon does, one module a subject.

The functions that the master may call have the names and arguments of the rows in
:mod:`ganeti.rpc.defs`; the node daemon finds them through :data:`MODULES`.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

#: Modules that hold functions for calls of the master
MODULES: list[str] = [
    "ganeti.backend.blockdev",
    "ganeti.backend.candidate",
    "ganeti.backend.confcopy",
    "ganeti.backend.crypto_keys",
    "ganeti.backend.delay",
    "ganeti.backend.diskdata",
    "ganeti.backend.export",
    "ganeti.backend.extstorage",
    "ganeti.backend.files",
    "ganeti.backend.hooks",
    "ganeti.backend.iallocator",
    "ganeti.backend.info",
    "ganeti.backend.instance",
    "ganeti.backend.migrate",
    "ganeti.backend.mirrors",
    "ganeti.backend.network",
    "ganeti.backend.node",
    "ganeti.backend.os",
    "ganeti.backend.queue",
    "ganeti.backend.ssh",
    "ganeti.backend.transfer",
    "ganeti.backend.verify",
    "ganeti.backend.volumes",
]

#: Calls of the table that no module answers yet: the node refuses them by name
LATER: frozenset[str] = frozenset([
    # Metadata for guests
    "instance_metadata_modify",
])


@functools.cache
def functions() -> dict[str, Callable[..., Any]]:
    """Every function of the modules by its name; the first module of the list wins."""
    found: dict[str, Callable[..., Any]] = {}
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name, value in vars(module).items():
            if callable(value) and getattr(value, "__module__", None) == module_name:
                found.setdefault(name, value)
    return found


def resolve(call: str) -> Callable[..., Any] | None:
    """The function that answers a call, or None where this release has none."""
    return functions().get(call)
