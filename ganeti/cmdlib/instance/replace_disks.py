"""OP_INSTANCE_REPLACE_DISKS."""

from __future__ import annotations

from ganeti import constants, errors, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.instance.base import HookNodes, InstanceUnit
from ganeti.storage import registry as storage
from ganeti.storage.base import Mirroring


class LUInstanceReplaceDisks(InstanceUnit):
    """Make new mirrors for disks; only storage whose mirrors Ganeti keeps has such."""

    OP = opcodes.OpInstanceReplaceDisks
    HOOKS = base.Hooks("mirrors-replace", constants.HTYPE_INSTANCE)
    HOOK_NODES = HookNodes.MASTER
    LOCK_NODES = True
    LOCK_NODE_RES = True

    def own_env(self) -> dict[str, object]:
        secondaries = self.config.secondary_nodes(self.instance)
        return {
            "MODE": self.op.mode,
            "NEW_SECONDARY": self.op.remote_node or "",
            "OLD_SECONDARY": self.node_name(secondaries[0]) if secondaries else "",
        }

    def check_prereq(self) -> None:
        super().check_prereq()
        kind = self.config.disk_template(self.instance)
        for disk in self.disks:
            if storage.template(disk.dev_type).mirroring is not Mirroring.INTERNAL:
                raise errors.OpPrereqError(
                    f"Instance {self.instance.name} has disks of the template '{kind}', which"
                    " have no mirrors that could be replaced; 'gnt-instance recreate-disks'"
                    " makes lost disks anew", errors.ECODE_INVAL)
        raise errors.OpPrereqError(
            f"Replacing the mirrors of '{kind}' disks is not possible in this release",
            errors.ECODE_STATE)
