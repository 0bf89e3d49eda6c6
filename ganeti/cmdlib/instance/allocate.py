"""Asking an iallocator where instances should go: the requests, and their answers as uuids."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ganeti import constants, errors, objects, opcodes
from ganeti.cmdlib import base
from ganeti.storage import registry as storage


def name_of(lu: base.LogicalUnit, given: str | None) -> str:
    """The iallocator to ask: the given one, or the cluster's default (`.` means it, too)."""
    if given and given != constants.DEFAULT_IALLOCATOR_SHORTCUT:
        return given
    default = lu.config.cluster.default_iallocator
    if not default:
        raise errors.OpPrereqError(
            "Neither a node nor an iallocator was given, and the cluster has no default"
            " iallocator", errors.ECODE_INVAL)
    return str(default)


def _run(lu: base.LogicalUnit, name: str, request: dict[str, Any], **options: Any) -> Any:
    from ganeti.masterd import iallocator

    return iallocator.run(lu, name, request, **options)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """An instance to be placed; sizes in MiB."""

    name: str
    disk_template: str
    os: str
    hypervisor: str
    beparams: Mapping[str, Any]
    disks: Sequence[Mapping[str, Any]]
    nics: Sequence[Mapping[str, Any]]
    tags: Sequence[str] = ()
    group_name: str | None = None
    nodes: Sequence[str] | None = None

    def request(self) -> dict[str, Any]:
        """The request as an allocator reads it."""
        template = storage.template(self.disk_template)
        result: dict[str, Any] = {
            "name": self.name,
            "disk_template": self.disk_template,
            "group_name": self.group_name,
            "tags": list(self.tags),
            "os": self.os,
            "vcpus": self.beparams[constants.BE_VCPUS],
            "memory": self.beparams[constants.BE_MAXMEM],
            "spindle_use": self.beparams[constants.BE_SPINDLE_USE],
            "disks": [dict(disk) for disk in self.disks],
            "disk_space_total": sum(disk["size"] for disk in self.disks),
            "nics": [dict(nic) for nic in self.nics],
            "required_nodes": 2 if template.needs_secondary else 1,
            "hypervisor": self.hypervisor,
        }
        if self.nodes is not None:
            result["restrict-to-nodes"] = list(self.nodes)
        return result


def allocate(lu: base.LogicalUnit, given: str | None, wanted: Wanted) -> list[str]:
    """Nodes for a new instance, the primary one first."""
    name = name_of(lu, given)
    names = _run(
        lu, name, {"type": constants.IALLOCATOR_MODE_ALLOC, **wanted.request()})
    return uuids(lu, names, name)


def allocate_many(
    lu: base.LogicalUnit, given: str | None, wanted: Sequence[Wanted]
) -> tuple[dict[str, list[str]], list[str]]:
    """(instance name -> node names, names of instances for which there is no room)."""
    placed, failed = _run(lu, name_of(lu, given), {
        "type": constants.IALLOCATOR_MODE_MULTI_ALLOC,
        "instances": [item.request() for item in wanted],
    })
    return {name: list(nodes) for name, nodes in placed}, list(failed)


def relocate(
    lu: base.LogicalUnit,
    given: str | None,
    instance: objects.Instance,
    leaving: Iterable[str],
) -> str:
    """The one node that takes over from those that the instance leaves."""
    name = name_of(lu, given)
    disks = lu.config.instance_disks(instance)
    names = _run(lu, name, {
        "type": constants.IALLOCATOR_MODE_RELOC,
        "name": instance.name,
        "disk_space_total": sum(disk.size for disk in disks),
        "required_nodes": 1,
        "relocate_from": [lu.config.nodes[uuid].name for uuid in leaving],
    })
    return uuids(lu, names, name)[0]


def secondary(
    lu: base.LogicalUnit, given: str | None, instance: objects.Instance
) -> str:
    """The node for a second copy of the disks of an instance that has one copy."""
    name = name_of(lu, given)
    node = _run(lu, name, {
        "type": constants.IALLOCATOR_MODE_ALLOCATE_SECONDARY, "name": instance.name})
    return uuids(lu, [node], name)[0]


def jobs(
    lu: base.LogicalUnit,
    given: str | None,
    request: Mapping[str, Any],
    *,
    early_release: bool = False,
    ignore_soft_errors: bool | None = None,
) -> list[list[opcodes.OpCode]]:
    """The jobs that an allocator proposes for evacuating a node or changing groups."""
    name = name_of(lu, given)
    moved, failed, proposed = _run(
        lu, name, dict(request), ignore_soft_errors=bool(ignore_soft_errors))
    if failed:
        text = "; ".join(f"{who}: {why or 'no reason told'}" for who, why in failed)
        raise errors.OpPrereqError(
            f"iallocator {name} found no place for {text}", errors.ECODE_NORES)
    for who, group, nodes in moved:
        lu.feedback.info(f"Instance {who} is to be moved to nodes {', '.join(nodes)} of group"
                         f" {group}")
    return [[_with_release(opcodes.load(op), early_release) for op in job] for job in proposed]


def _with_release(op: opcodes.OpCode, early_release: bool) -> opcodes.OpCode:
    """Operations that can give back locks early do so when the administrator wants it."""
    if hasattr(op, "early_release"):
        op.early_release = early_release
    return op


def uuids(lu: base.LogicalUnit, names: Any, allocator: str) -> list[str]:
    """Node names of an allocator's answer as uuids; foreign names are its fault."""
    result = []
    for name in names:
        node = lu.config.node_by_name(name)
        if node is None:
            raise errors.OpPrereqError(
                f"iallocator {allocator} answered with node '{name}', which does not exist",
                errors.ECODE_FAULT)
        result.append(node.uuid)
    return result
