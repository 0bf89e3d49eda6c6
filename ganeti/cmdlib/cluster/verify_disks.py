"""OP_CLUSTER_VERIFY_DISKS and OP_GROUP_VERIFY_DISKS: find disks that need activation.

The watcher runs these and activates what they return.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import objects, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.cluster.verify import footprint
from ganeti.storage import registry

Level = base.Level


class LUClusterVerifyDisks(base.LogicalUnit):
    """Submit one job for each group."""

    OP = opcodes.OpClusterVerifyDisks

    def expand(self) -> None:
        self.group = (None if self.op.group_name is None
                      else self.config.expand_group(self.op.group_name))

    def locks(self, level: Level) -> base.LockRequest | None:
        if level != Level.NODEGROUP:
            return None
        names = base.ALL if self.group is None else [self.group.uuid]
        return base.LockRequest(names, shared=True)

    def exec(self) -> base.JobsResult:
        groups = [self.group] if self.group else sorted(
            self.config.nodegroups.values(), key=lambda group: group.name)
        return base.JobsResult([
            [opcodes.OpGroupVerifyDisks(group_name=group.name, is_strict=self.op.is_strict)]
            for group in groups])


class LUGroupVerifyDisks(base.LogicalUnit):
    """Compare the volumes and mirrors of a group's nodes with what instances need."""

    OP = opcodes.OpGroupVerifyDisks

    def expand(self) -> None:
        self.group = self.config.expand_group(self.op.group_name)

    def _group_instances(self) -> list[objects.Instance]:
        return [inst for inst in self.config.group_instances(self.group.uuid)
                if not inst.forthcoming]

    def _instances(self) -> list[objects.Instance]:
        held = self.owned(Level.INSTANCE)
        return [inst for inst in self._group_instances() if inst.name in held]

    def locks(self, level: Level) -> base.LockRequest | None:
        opportunistic = not self.op.is_strict
        if level == Level.INSTANCE:
            return base.LockRequest([inst.name for inst in self._group_instances()], shared=True,
                                    opportunistic=opportunistic)
        if level == Level.NODEGROUP:
            groups = {self.group.uuid} | {
                self.config.node(uuid).group for inst in self._instances()
                for uuid in self.config.instance_nodes(inst)}
            return base.LockRequest(sorted(groups), shared=True)
        if level == Level.NODE:
            nodes = {node.uuid for node in self.config.group_nodes(self.group.uuid)} | {
                uuid for inst in self._instances() for uuid in self.config.instance_nodes(inst)}
            return base.LockRequest(sorted(nodes), shared=True, opportunistic=opportunistic)
        return None

    def check_prereq(self) -> None:
        base.still_there(self.config.nodegroups.get(self.group.uuid), f"Group {self.group.name}")

    def exec(self) -> tuple[dict[str, str], list[str], dict[str, list[list[str]]]]:
        config, held = self.config, self.owned(Level.NODE)
        instances = [inst for inst in self._instances() if inst.disks_active
                     and all(uuid in held for uuid in config.instance_nodes(inst))]
        failures: dict[str, str] = {}
        volumes = self._list_volumes(instances, held, failures)
        activate, missing = judge_volumes(config, instances, volumes)
        activate |= self._inactive_mirrors(instances, failures)
        return failures, sorted(activate), missing

    def _list_volumes(self, instances: Sequence[objects.Instance], held: frozenset[str],
                      failures: dict[str, str]) -> dict[str, dict[str, Any]]:
        """Node uuid -> "vg/lv" -> [size, inactive, online], of nodes that matter here."""
        config = self.config
        nodes = sorted({uuid for inst in instances for disk in config.instance_disks(inst)
                        if any(footprint.logical_volumes(disk))
                        for uuid in footprint.holders(config, inst, disk) if uuid in held})
        found = {}
        for uuid, result in (self.rpc.lv_list(nodes, []) if nodes else {}).items():
            if result.offline:
                continue
            if result.fail_msg:
                failures[result.node_name] = result.fail_msg
            else:
                found[uuid] = result.payload or {}
        return found

    def _inactive_mirrors(self, instances: Sequence[objects.Instance],
                          failures: dict[str, str]) -> set[str]:
        """Instances with mirrored disks that one of their nodes says are not in use."""
        config = self.config
        asked: dict[str, list[tuple[objects.Disk, objects.Instance]]] = defaultdict(list)
        for inst in instances:
            for disk in config.instance_disks(inst):
                if registry.template(disk.dev_type).assemble_on_secondary:
                    for uuid in footprint.holders(config, inst, disk):
                        asked[uuid].append((disk, inst))
        owners = {disk.uuid: inst.name for pairs in asked.values() for disk, inst in pairs}
        names: set[str] = set()
        for uuid, pairs in sorted(asked.items()):
            result = self.rpc.drbd_needs_activation(uuid, pairs)
            if result.offline:
                continue
            if result.fail_msg:
                failures[result.node_name] = result.fail_msg
                continue
            names.update(owners[disk] for disk in result.payload or () if disk in owners)
        return names


def judge_volumes(config: objects.ConfigData, instances: Sequence[objects.Instance],
                  volumes: Mapping[str, Mapping[str, Any]],
                  ) -> tuple[set[str], dict[str, list[list[str]]]]:
    """Instances with volumes that are off-line, and those with volumes that are gone."""
    activate: set[str] = set()
    missing: dict[str, list[list[str]]] = defaultdict(list)
    for inst in instances:
        for disk in config.instance_disks(inst):
            for name in footprint.logical_volumes(disk):
                for uuid in footprint.holders(config, inst, disk):
                    if uuid not in volumes:
                        continue
                    state = volumes[uuid].get(name)
                    if state is None:
                        missing[inst.name].append([config.node(uuid).name, name])
                    elif not state[2]:
                        activate.add(inst.name)
    return activate, dict(missing)
