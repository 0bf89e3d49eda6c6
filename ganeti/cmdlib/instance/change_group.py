"""OP_INSTANCE_CHANGE_GROUP."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.instance import allocate
from ganeti.cmdlib.instance.base import HookNodes, InstanceUnit, Level


class LUInstanceChangeGroup(InstanceUnit):
    """Submit the jobs that move an instance into another node group."""

    OP = opcodes.OpInstanceChangeGroup
    HOOKS = base.Hooks("instance-change-group", constants.HTYPE_INSTANCE)
    HOOK_NODES = HookNodes.MASTER
    INSTANCE_SHARED = True

    def expand_more(self) -> None:
        allocate.name_of(self, self.op.iallocator)
        self.targets = [self.config.expand_group(name).uuid
                        for name in self.op.target_groups or ()]

    def _own_groups(self) -> set[str]:
        return {self.config.nodes[uuid].group
                for uuid in self.config.instance_nodes(self.instance)}

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.NODEGROUP:
            self.refresh()
            return base.LockRequest(
                {*self.targets, *self._own_groups()} if self.targets else base.ALL, shared=True)
        if level == Level.NODE:
            if not self.targets:
                return base.LockRequest(base.ALL, shared=True)
            members = [node.uuid for group in {*self.targets, *self._own_groups()}
                       for node in self.config.group_nodes(group)]
            return base.LockRequest(members, shared=True)
        return super().locks(level)

    def own_env(self) -> dict[str, Any]:
        return {"TARGET_GROUPS": " ".join(self.targets)}

    def check_prereq(self) -> None:
        super().check_prereq()
        own = self._own_groups()
        if not self.targets:
            self.targets = sorted(self.config.nodegroups.keys() - own)
            if not self.targets:
                raise errors.OpPrereqError(
                    "There are no other node groups to which the instance could go",
                    errors.ECODE_INVAL)
        already = own & set(self.targets)
        if already:
            names = ", ".join(self.config.nodegroups[uuid].name for uuid in sorted(already))
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} is in node group {names} already",
                errors.ECODE_INVAL)

    def exec(self) -> base.JobsResult:
        jobs = allocate.jobs(
            self, self.op.iallocator,
            {"type": constants.IALLOCATOR_MODE_CHG_GROUP, "instances": [self.instance.name],
             "target_groups": list(self.targets)},
            early_release=self.op.early_release)
        self.feedback.info(f"Iallocator returned {len(jobs)} job(s) for changing the group of"
                           f" instance {self.instance.name}")
        return base.JobsResult(jobs)
