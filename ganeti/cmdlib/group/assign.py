"""OP_GROUP_ASSIGN_NODES."""

from __future__ import annotations

from collections.abc import Mapping

from ganeti import errors, objects, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.group.base import GroupUnit, Level
from ganeti.cmdlib.node.base import expand_node
from ganeti.config import groups
from ganeti.storage import registry


class LUGroupAssignNodes(GroupUnit):
    """Move nodes into a group."""

    OP = opcodes.OpGroupAssignNodes

    def expand(self) -> None:
        super().expand()
        uuids = self.op.node_uuids or [None] * len(self.op.nodes)
        if len(uuids) != len(self.op.nodes):
            raise errors.OpPrereqError("There are not as many node UUIDs as node names",
                                       errors.ECODE_INVAL)
        self.nodes = [expand_node(self.config, uuid, name)
                      for uuid, name in zip(uuids, self.op.nodes, strict=True)]

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.NODEGROUP:
            current = {self.config.node(node.uuid).group for node in self.nodes}
            return base.LockRequest(sorted({self.group.uuid, *current}))
        if level == Level.NODE:
            return base.LockRequest([node.uuid for node in self.nodes])
        return None

    def check_prereq(self) -> None:
        self.refresh()
        missing = [node.name for node in self.nodes if node.uuid not in self.config.nodes]
        if missing:
            raise errors.OpPrereqError(
                f"Node(s) {', '.join(missing)} were removed by another job", errors.ECODE_NOENT)
        unlocked = [node.name for node in self.nodes
                    if self.config.node(node.uuid).group not in self.owned(Level.NODEGROUP)]
        if unlocked:
            raise errors.OpPrereqError(
                f"Node(s) {', '.join(unlocked)} were moved by another job; try again",
                errors.ECODE_STATE)
        self.moves = {node.uuid: self.group.uuid for node in self.nodes}
        newly, already = split_instances(self.config, self.moves)
        if newly:
            text = f"This would split the instances {', '.join(newly)} between groups"
            if not self.op.force:
                raise errors.OpPrereqError(f"{text}; -f does it anyway", errors.ECODE_STATE)
            self.feedback.warning(text)
        if already:
            self.feedback.warning("These instances stay split between groups: "
                                  + ", ".join(already))

    def exec(self) -> None:
        with self.cfg.edit(job=self.job_id) as draft:
            groups.assign(draft, self.moves)


def split_instances(config: objects.ConfigData, moves: Mapping[str, str],
                    ) -> tuple[list[str], list[str]]:
    """Mirrored instances that the moves newly split between groups, and those split before."""
    newly: list[str] = []
    already: list[str] = []
    for inst in config.instances.values():
        if inst.forthcoming or not any(registry.template(disk.dev_type).needs_secondary
                                       for disk in config.instance_disks(inst)):
            continue
        nodes = config.instance_nodes(inst)
        before = {config.node(uuid).group for uuid in nodes}
        after = {moves.get(uuid, config.node(uuid).group) for uuid in nodes}
        if len(after) > 1:
            (already if len(before) > 1 else newly).append(inst.name)
    return sorted(newly), sorted(already)
