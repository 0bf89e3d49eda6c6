"""What the units of one existing node group share."""

from __future__ import annotations

from typing import Any

from ganeti import errors, objects
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import ipolicy, parameters

Level = base.Level


class GroupUnit(base.LogicalUnit):
    """A unit for one group that exists and is locked alone. After `expand` there is `group`."""

    group: objects.NodeGroup

    def expand(self) -> None:
        self.group = self.config.expand_group(self.op.group_name)

    def locks(self, level: Level) -> base.LockRequest | None:
        return base.LockRequest([self.group.uuid]) if level == Level.NODEGROUP else None

    def refresh(self) -> objects.NodeGroup:
        """Read the group again, after waiting for locks."""
        self.group = base.still_there(self.config.nodegroups.get(self.group.uuid),
                                     f"Group {self.group.name}")
        return self.group

    def check_prereq(self) -> None:
        self.refresh()

    def hooks_env(self) -> dict[str, Any]:
        return {"GROUP_NAME": self.group.name}

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        master = [self.config.cluster.master_node]
        return master, master


def with_members(config: objects.ConfigData, group: objects.NodeGroup) -> list[str]:
    """The master and the members of a group."""
    return list(dict.fromkeys([config.cluster.master_node,
                               *(node.uuid for node in config.group_nodes(group.uuid))]))


def require_free_name(config: objects.ConfigData, name: str, besides: str = "") -> None:
    """Refuse a name that another group bears."""
    other = config.group_by_name(name)
    if other is not None and other.uuid != besides:
        raise errors.OpPrereqError(
            f"The name '{name}' belongs to node group {other.uuid} already", errors.ECODE_EXISTS)


def newly_violating(config: objects.ConfigData, instances: list[objects.Instance],
                    old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Names of instances that kept to the old policy but do not keep to the new one."""
    names = []
    for inst in instances:
        if inst.forthcoming:
            continue
        sizes = ipolicy.of_instance(config, inst)
        if ipolicy.violations(new, sizes) and not ipolicy.violations(old, sizes):
            names.append(inst.name)
    return sorted(names)


def changed_fields(op: Any, group: objects.NodeGroup) -> dict[str, Any]:
    """Fields of a group as the opcode's parameters change them, checked."""
    changes: dict[str, Any] = {}
    if op.alloc_policy is not None:
        changes["alloc_policy"] = op.alloc_policy
    if op.ndparams is not None:
        checked = parameters.node_parameters(op.ndparams, "ndparams")
        changes["ndparams"] = parameters.merged(group.ndparams, checked)
    if op.diskparams is not None:
        checked_disks = parameters.disk_parameters(op.diskparams, "diskparams")
        changes["diskparams"] = parameters.merged_levels(group.diskparams, checked_disks)
    if op.ipolicy is not None:
        changes["ipolicy"] = parameters.changed_policy(group.ipolicy, op.ipolicy, of_group=True)
    if op.hv_state is not None:
        changes["hv_state_static"] = parameters.merged_hv_state(
            group.hv_state_static, op.hv_state)
    if op.disk_state is not None:
        changes["disk_state_static"] = parameters.merged_disk_state(
            group.disk_state_static, op.disk_state)
    return changes
