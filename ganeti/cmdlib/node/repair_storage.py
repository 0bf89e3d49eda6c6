"""OP_REPAIR_NODE_STORAGE: forget what a node's volume group has lost."""

from __future__ import annotations

from ganeti import constants, errors, objects, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.node.base import Level, NodeUnit
from ganeti.cmdlib.node.storage import storage_args


class LURepairNodeStorage(NodeUnit):
    """Make a volume group consistent after a disk died; the other copies have to be good."""

    OP = opcodes.OpRepairNodeStorage

    def expand(self) -> None:
        super().expand()
        kind = self.op.storage_type
        if constants.SO_FIX_CONSISTENCY not in constants.VALID_STORAGE_OPERATIONS.get(kind, ()):
            raise errors.OpPrereqError(f"Storage units of type {kind} can not be repaired",
                                       errors.ECODE_INVAL)

    def locks(self, level: Level) -> base.LockRequest | None:
        return base.LockRequest([self.node.uuid]) if level == Level.NODE else None

    def check_prereq(self) -> None:
        if self.refresh().offline:
            raise errors.OpPrereqError(f"Node {self.node.name} is offline", errors.ECODE_STATE)
        config = self.config
        for inst in (*config.primaries(self.node.uuid), *config.secondaries(self.node.uuid)):
            if inst.disks_active:
                for uuid in config.instance_nodes(inst):
                    if uuid != self.node.uuid:
                        self._check_copies(inst, config.node(uuid))

    def _check_copies(self, inst: objects.Instance, node: objects.Node) -> None:
        """Refuse when the copy on another node is not good: the one here would be the last."""
        result = self.rpc.blockdev_getmirrorstatus(
            node.uuid, (self.config.instance_disks(inst), inst))
        text = result.fail_msg
        if not text:
            bad = [str(index) for index, state in enumerate(result.payload or ())
                   if state and state.get("ldisk_status") == constants.LDS_FAULTY]
            text = f"disk(s) {', '.join(bad)} are faulty" if bad else ""
        if not text:
            return
        message = f"Instance {inst.name} on node {node.name}: {text}"
        if not self.op.ignore_consistency:
            raise errors.OpPrereqError(
                f"{message} (--ignore-consistency goes on regardless)", errors.ECODE_STATE)
        self.feedback.warning(message)

    def exec(self) -> None:
        kind = self.op.storage_type
        self.feedback(f"Repairing storage unit '{self.op.name}' on {self.node.name} ...")
        self.rpc.storage_execute(
            self.node.uuid, kind, storage_args(self.config, kind), self.op.name,
            constants.SO_FIX_CONSISTENCY,
        ).raise_if_failed(f"Failed to repair storage unit '{self.op.name}' on {self.node.name}")
