"""OP_GROUP_ADD."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, objects, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.cluster import communication
from ganeti.cmdlib.group.base import changed_fields, require_free_name
from ganeti.utils import uuid

Level = base.Level


class LUGroupAdd(base.LogicalUnit):
    """Add an empty node group."""

    OP = opcodes.OpGroupAdd
    HOOKS = base.Hooks("group-add", constants.HTYPE_GROUP)

    def expand(self) -> None:
        self.uuid = uuid.new()
        if uuid.is_uuid(self.op.group_name):
            raise errors.OpPrereqError("A node group's name can not have the form of a UUID",
                                       errors.ECODE_INVAL)

    def locks(self, level: Level) -> base.LockRequest | None:
        return base.LockRequest([self.uuid]) if level == Level.NODEGROUP else None

    def hooks_env(self) -> dict[str, Any]:
        return {"GROUP_NAME": self.op.group_name}

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        master = [self.config.cluster.master_node]
        return master, master

    def check_prereq(self) -> None:
        require_free_name(self.config, self.op.group_name)
        blank = objects.NodeGroup(uuid=self.uuid, name=self.op.group_name,
                                  alloc_policy=constants.ALLOC_POLICY_PREFERRED)
        self.group = blank.replace(**changed_fields(self.op, blank))

    def exec(self) -> base.JobsResult | None:
        with self.cfg.edit(job=self.job_id) as draft:
            draft.add(self.group)
        network = self.config.cluster.instance_communication_network
        if not network:
            return None
        return base.JobsResult([[communication.connect_op(self.group.name, network)]])
