"""OP_GROUP_EVACUATE: move all instances of a group into other groups."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, objects, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.group.base import GroupUnit, Level, with_members
from ganeti.cmdlib.instance import allocate


class LUGroupEvacuate(GroupUnit):
    """Submit the jobs that an iallocator proposes for emptying the group."""

    OP = opcodes.OpGroupEvacuate
    HOOKS = base.Hooks("group-evacuate", constants.HTYPE_GROUP)

    def expand(self) -> None:
        super().expand()
        self.allocator = allocate.name_of(self, self.op.iallocator)
        self.targets = [self.config.expand_group(name).uuid
                        for name in self.op.target_groups or ()]
        if self.group.uuid in self.targets:
            raise errors.OpPrereqError(
                f"Group {self.group.name} can not be its own target", errors.ECODE_INVAL)

    def _instances(self) -> list[objects.Instance]:
        """Instances with any node in the group."""
        members = {node.uuid for node in self.config.group_nodes(self.group.uuid)}
        return sorted((inst for inst in self.config.instances.values()
                       if not inst.forthcoming
                       and members.intersection(self.config.instance_nodes(inst))),
                      key=lambda inst: inst.name)

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.INSTANCE:
            return base.LockRequest([inst.name for inst in self._instances()], shared=True)
        if level == Level.NODEGROUP:
            return base.LockRequest([self.group.uuid, *self.targets] if self.targets
                                    else base.ALL, shared=True)
        if level == Level.NODE:
            groups = self.owned(Level.NODEGROUP)
            nodes = {node.uuid for group in groups for node in self.config.group_nodes(group)}
            nodes.update(uuid for inst in self._instances()
                         for uuid in self.config.instance_nodes(inst))
            return base.LockRequest(sorted(nodes), shared=True)
        return None

    def check_prereq(self) -> None:
        super().check_prereq()
        if not self.targets:
            self.targets = sorted(self.config.nodegroups.keys() - {self.group.uuid})
        if not self.targets:
            raise errors.OpPrereqError("There are no other node groups to evacuate to",
                                       errors.ECODE_INVAL)

    def hooks_env(self) -> dict[str, Any]:
        return {"GROUP_NAME": self.group.name, "TARGET_GROUPS": " ".join(self.targets)}

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        nodes = with_members(self.config, self.group)
        return nodes, nodes

    def exec(self) -> base.JobsResult:
        held = self.owned(Level.INSTANCE)
        names = [inst.name for inst in self._instances() if inst.name in held]
        if not names:
            return base.JobsResult([])
        jobs = allocate.jobs(
            self, self.allocator,
            {"type": constants.IALLOCATOR_MODE_CHG_GROUP, "instances": names,
             "target_groups": list(self.targets)},
            early_release=self.op.early_release)
        if self.op.force_failover:
            jobs = [[as_failover(op) for op in job] for job in jobs]
        if self.op.sequential:
            for job in jobs[1:]:
                job[0].depends = [(-1, [constants.JOB_STATUS_SUCCESS])]
        self.feedback.info(f"Iallocator returned {len(jobs)} job(s) for evacuating node group"
                           f" {self.group.name}")
        return base.JobsResult(jobs)


def as_failover(op: opcodes.OpCode) -> opcodes.OpCode:
    """A proposed migration as a failover with the same target; anything else as it is."""
    if op.OP_ID != opcodes.OpInstanceMigrate.OP_ID:
        return op
    kept = opcodes.OpInstanceFailover.FIELDS.keys() & op.FIELDS.keys()
    failover: opcodes.OpCode = opcodes.OpInstanceFailover(
        **{name: getattr(op, name) for name in kept})
    return failover
