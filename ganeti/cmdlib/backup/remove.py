"""OP_BACKUP_REMOVE, and forgetting older exports."""

from __future__ import annotations

from collections.abc import Iterable

from ganeti import errors, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.instance.base import Level


class LUBackupRemove(base.LogicalUnit):
    """Remove the exports of an instance, which need not exist any more, from all nodes."""

    OP = opcodes.OpBackupRemove

    def expand(self) -> None:
        given = self.op.instance_uuid or self.op.instance_name
        try:
            self.name = self.config.expand_instance(given).name
        except errors.OpPrereqError:
            self.name = self.op.instance_name

    def locks(self, level: Level) -> base.LockRequest | None:
        return base.LockRequest(base.ALL) if level == Level.NODE else None

    def exec(self) -> None:
        nodes = [node.uuid for node in self.config.online_nodes()]
        if not remove_from(self, nodes, self.name):
            self.feedback.warning(
                f"No node has an export of '{self.name}'",
                hint="'gnt-backup list' shows the exports; give the whole name of an instance"
                     " that is not in the cluster any more")


def remove_from(lu: base.LogicalUnit, node_uuids: Iterable[str], name: str) -> int:
    """Remove an export from those nodes that have it; on how many it was."""
    found = 0
    for uuid, listed in lu.rpc.export_list(list(node_uuids)).items():
        node = lu.config.nodes[uuid].name
        if listed.fail_msg:
            lu.feedback.warning(f"Can not list the exports on node {node}: {listed.fail_msg}")
            continue
        if name not in listed.payload:
            continue
        found += 1
        removed = lu.rpc.export_remove(uuid, name)
        if removed.fail_msg:
            lu.feedback.warning(
                f"Can not remove the export of {name} on node {node}: {removed.fail_msg}")
    return found
