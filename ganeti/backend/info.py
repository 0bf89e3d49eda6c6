"""Facts about this node that the master asks for all the time: boot id, storage, hypervisors."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import errors
from ganeti.backend import volumes
from ganeti.hypervisor import linux, registry


def _storage(unit: Sequence[Any]) -> dict[str, Any] | None:
    """One storage unit [type, key, params]; None when this node can not tell."""
    storage_type, key, params = unit
    try:
        found = volumes.space(storage_type, key, params)
    except errors.StorageError as err:
        logging.warning("No report of %s storage %s: %s", storage_type, key, err)
        return None
    if found is None:
        return None
    free, size = found
    return {"type": storage_type, "name": key, "storage_free": free, "storage_size": size}


def _hypervisor(spec: Sequence[Any]) -> dict[str, Any]:
    name, hvparams = spec
    return registry.get(name).node_info(hvparams)


def node_info(storage_units: Sequence[Sequence[Any]] | None,
              hv_specs: Sequence[tuple[str, Mapping[str, Any]]] | None) -> list[Any]:
    """[boot id, state of the storage units, state of the hypervisors]; null for what is null."""
    storage = None if storage_units is None else [_storage(unit) for unit in storage_units]
    hypervisors = None if hv_specs is None else [_hypervisor(spec) for spec in hv_specs]
    return [linux.boot_id(), storage, hypervisors]
