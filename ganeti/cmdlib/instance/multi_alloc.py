"""OP_INSTANCE_MULTI_ALLOC."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.instance import allocate, create, create_import, create_request
from ganeti.cmdlib.instance.base import Level


class LUInstanceMultiAlloc(base.LogicalUnit):
    """Find places for several instances at once, and submit a creation for each that has one."""

    OP = opcodes.OpInstanceMultiAlloc

    def expand(self) -> None:
        self.creations = [self._creation(item) for item in self.op.instances]
        self.requests = [create_request.read(self.config, op) for op in self.creations]
        names = [request.name for request in self.requests]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise errors.OpPrereqError(
                f"Instances are asked for twice: {', '.join(twice)}", errors.ECODE_NOTUNIQUE)
        placed = [op for op in self.creations if op.pnode or op.pnode_uuid]
        self.allocating = not placed
        if placed and len(placed) != len(self.creations):
            raise errors.OpPrereqError(
                "Either all instances name their node, or none does", errors.ECODE_INVAL)
        if placed and self.op.iallocator:
            raise errors.OpPrereqError(
                "Give either nodes or an iallocator, not both", errors.ECODE_INVAL)
        if placed and self.op.opportunistic_locking:
            raise errors.OpPrereqError(
                "Opportunistic locking needs an iallocator to choose among the nodes",
                errors.ECODE_INVAL)
        if self.allocating:
            allocate.name_of(self, self.op.iallocator)

    def _creation(self, item: Any) -> Any:
        op = opcodes.load(item) if isinstance(item, dict) else item
        if not isinstance(op, opcodes.OpInstanceCreate):
            raise errors.OpPrereqError(
                "The list of instances may only hold OP_INSTANCE_CREATE", errors.ECODE_INVAL)
        if op.mode != constants.INSTANCE_CREATE:
            raise errors.OpPrereqError(
                f"Instance {op.instance_name}: only new instances are placed together, not those"
                f" created by '{op.mode}'", errors.ECODE_INVAL)
        create_import.require_fitting(op)
        if op.iallocator:
            raise errors.OpPrereqError(
                f"Instance {op.instance_name}: the iallocator is given for all instances"
                " together", errors.ECODE_INVAL)
        return op

    def locks(self, level: Level) -> base.LockRequest | None:
        if level not in (Level.NODE, Level.NODE_RES):
            return None
        if self.allocating:
            return base.LockRequest(base.ALL, shared=True,
                                    opportunistic=self.op.opportunistic_locking)
        found = [self.config.expand_node(name).uuid for op in self.creations
                 for name in (op.pnode_uuid or op.pnode, op.snode_uuid or op.snode) if name]
        return base.LockRequest(set(found), shared=True)

    def exec(self) -> base.JobsResult:
        if not self.allocating:
            names = [request.name for request in self.requests]
            return base.JobsResult([[op] for op in self.creations], allocatable=names, failed=[])
        restrict = None
        if self.op.opportunistic_locking and not self.owns_all(Level.NODE):
            restrict = sorted(self.config.nodes[uuid].name for uuid in self.owned(Level.NODE))
        wanted = [create.wanted(self.config, request, op.group_name, restrict)
                  for request, op in zip(self.requests, self.creations, strict=True)]
        placed, failed = allocate.allocate_many(self, self.op.iallocator, wanted)
        jobs, allocatable = [], []
        for request, op in zip(self.requests, self.creations, strict=True):
            if request.name not in placed:
                continue
            nodes = placed[request.name]
            op.pnode, op.snode = nodes[0], nodes[1] if len(nodes) > 1 else None
            op.pnode_uuid = op.snode_uuid = None
            op.opportunistic_locking = False
            op.group_name = None
            jobs.append([op])
            allocatable.append(request.name)
        return base.JobsResult(jobs, allocatable=allocatable, failed=failed)
