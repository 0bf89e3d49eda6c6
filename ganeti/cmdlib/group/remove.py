"""OP_GROUP_REMOVE and OP_GROUP_RENAME."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.group.base import GroupUnit, require_free_name, with_members
from ganeti.utils import uuid


class LUGroupRemove(GroupUnit):
    """Remove a group that has no nodes."""

    OP = opcodes.OpGroupRemove
    HOOKS = base.Hooks("group-remove", constants.HTYPE_GROUP)

    def check_prereq(self) -> None:
        super().check_prereq()
        members = sorted(node.name for node in self.config.group_nodes(self.group.uuid))
        if members:
            raise errors.OpPrereqError(
                f"Group {self.group.name} still has nodes: {', '.join(members)};"
                " 'gnt-group assign-nodes' moves them", errors.ECODE_STATE)
        if len(self.config.nodegroups) == 1:
            raise errors.OpPrereqError(
                f"Group {self.group.name} is the last one and can not be removed",
                errors.ECODE_STATE)

    def exec(self) -> None:
        with self.cfg.edit(job=self.job_id) as draft:
            draft.remove(self.group)


class LUGroupRename(GroupUnit):
    """Give a group another name."""

    OP = opcodes.OpGroupRename
    HOOKS = base.Hooks("group-rename", constants.HTYPE_GROUP)

    def hooks_env(self) -> dict[str, Any]:
        return {"OLD_NAME": self.group.name, "NEW_NAME": self.op.new_name}

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        nodes = with_members(self.config, self.group)
        return nodes, nodes

    def check_prereq(self) -> None:
        super().check_prereq()
        if uuid.is_uuid(self.op.new_name):
            raise errors.OpPrereqError("A node group's name can not have the form of a UUID",
                                       errors.ECODE_INVAL)
        require_free_name(self.config, self.op.new_name)

    def exec(self) -> str:
        with self.cfg.edit(job=self.job_id) as draft:
            draft.update(self.group, name=self.op.new_name)
        return str(self.op.new_name)
