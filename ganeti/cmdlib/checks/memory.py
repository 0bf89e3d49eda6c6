"""Whether a node has the memory (MiB) that an instance needs."""

from __future__ import annotations

from typing import Any

from ganeti import errors
from ganeti.cmdlib import base


def hypervisor_info(
    lu: base.LogicalUnit, node_uuid: str, hypervisor: str
) -> dict[str, Any]:
    """Memory and processors of a node as a hypervisor sees them (the catalogue's hv dict)."""
    hvparams = lu.config.filled_hvparams(hypervisor)
    answers = lu.rpc.node_info([node_uuid], None, [(hypervisor, hvparams)])
    result = answers[node_uuid]
    name = lu.config.nodes[node_uuid].name
    result.raise_if_failed(f"Can not get data of node {name}", prereq=True,
                           ecode=errors.ECODE_ENVIRON)
    _boot_id, _storage, (info,) = result.payload
    return dict(info or {})


def free(lu: base.LogicalUnit, node_uuid: str, hypervisor: str) -> int:
    """Free memory of a node."""
    found = hypervisor_info(lu, node_uuid, hypervisor).get("memory_free")
    if not isinstance(found, int):
        raise errors.OpPrereqError(
            f"Node {lu.config.nodes[node_uuid].name} did not tell its free memory, but"
            f" {found!r}", errors.ECODE_ENVIRON)
    return found


def require(
    lu: base.LogicalUnit, node_uuid: str, purpose: str, wanted: int, hypervisor: str
) -> int:
    """Refuse when a node has less free memory than wanted; returns what is free."""
    available = free(lu, node_uuid, hypervisor)
    if wanted > available:
        raise errors.OpPrereqError(
            f"Not enough memory on node {lu.config.nodes[node_uuid].name} to {purpose}:"
            f" needed {wanted} MiB, available {available} MiB", errors.ECODE_NORES)
    return available
