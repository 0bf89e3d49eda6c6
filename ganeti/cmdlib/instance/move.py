"""OP_INSTANCE_MOVE."""

from __future__ import annotations

from ganeti import constants, errors, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.instance.base import InstanceUnit
from ganeti.storage import registry as storage


class LUInstanceMove(InstanceUnit):
    """Move an instance by copying its disks to another node."""

    OP = opcodes.OpInstanceMove
    HOOKS = base.Hooks("instance-move", constants.HTYPE_INSTANCE)
    LOCK_NODES = True
    LOCK_NODE_RES = True

    def expand_more(self) -> None:
        self.target = self.config.expand_node(self.op.target_node_uuid or self.op.target_node)

    def lock_nodes(self) -> list[str]:
        return [self.instance.primary_node, self.target.uuid]

    def own_env(self) -> dict[str, object]:
        return {"TARGET_NODE": self.target.name, "SHUTDOWN_TIMEOUT": self.op.shutdown_timeout}

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        found = list(dict.fromkeys([self.config.cluster.master_node, self.instance.primary_node,
                                    self.target.uuid]))
        return found, found

    def check_prereq(self) -> None:
        super().check_prereq()
        if self.target.uuid == self.instance.primary_node:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} is on node {self.target.name} already",
                errors.ECODE_STATE)
        for disk in self.disks:
            template = storage.template(disk.dev_type)
            if not template.copyable:
                way = "'gnt-instance migrate' or 'failover' moves it" if template.mirrored \
                    else "it can not be moved"
                raise errors.OpPrereqError(
                    f"{disk.iv_name} of instance {self.instance.name} is of the template"
                    f" '{disk.dev_type}', which is not copied; {way}", errors.ECODE_STATE)
        raise errors.OpPrereqError(
            "Copying disks between nodes needs the transfer daemons, which this release does not"
            " have", errors.ECODE_STATE)
