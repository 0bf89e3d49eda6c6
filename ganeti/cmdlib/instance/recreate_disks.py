"""OP_INSTANCE_RECREATE_DISKS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ganeti import constants, errors, objects, opcodes
from ganeti import undo as undo_stack
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import nodes
from ganeti.cmdlib.instance import allocate, disk_specs, disks, mirrors
from ganeti.cmdlib.instance.base import InstanceUnit, Level
from ganeti.storage import registry as storage

#: What of a disk can be another one when it is made anew
CHANGEABLE = (constants.IDISK_SIZE, constants.IDISK_MODE, constants.IDISK_SPINDLES)


class LUInstanceRecreateDisks(InstanceUnit):
    """Make lost disks of a stopped instance anew, empty, perhaps on other nodes."""

    OP = opcodes.OpInstanceRecreateDisks
    HOOKS = base.Hooks("instance-recreate-disks", constants.HTYPE_INSTANCE)
    LOCK_NODES = True
    LOCK_NODE_RES = True

    def expand_more(self) -> None:
        if self.op.iallocator and (self.op.nodes or self.op.node_uuids):
            raise errors.OpPrereqError(
                "Give either nodes or an iallocator, not both", errors.ECODE_INVAL)
        given = self.op.node_uuids or self.op.nodes
        self.nodes = [self.config.expand_node(name).uuid for name in given]
        self.changes = self._read_changes()

    def _read_changes(self) -> dict[int, dict[str, Any]]:
        """Index -> changed parameters of the disks to be made; all disks when none is named."""
        result: dict[int, dict[str, Any]] = {}
        for item in self.op.disks:
            index, params = (item, {}) if isinstance(item, int) else item
            if index in result:
                raise errors.OpPrereqError(
                    f"Disk {index} is named twice", errors.ECODE_INVAL)
            result[index] = self._check_changes(index, params)
        return result

    @staticmethod
    def _check_changes(index: int, params: Mapping[str, Any]) -> dict[str, Any]:
        fixed = sorted(params.keys() - set(CHANGEABLE))
        if fixed:
            raise errors.OpPrereqError(
                f"Disk {index}: {', '.join(fixed)} can not be changed, only"
                f" {', '.join(CHANGEABLE)}", errors.ECODE_INVAL)
        result = dict(params)
        if constants.IDISK_SIZE in result:
            result[constants.IDISK_SIZE] = disk_specs.parse_size(
                result[constants.IDISK_SIZE], f"Disk {index}")
        if result.get(constants.IDISK_MODE, constants.DISK_RDWR) not in constants.DISK_ACCESS_SET:
            raise errors.OpPrereqError(
                f"Disk {index}: unknown access mode '{result[constants.IDISK_MODE]}'",
                errors.ECODE_INVAL)
        return result

    # Locks.

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.NODEGROUP and self.op.iallocator:
            self.refresh()
            return base.LockRequest([self.primary.group], shared=True)
        return super().locks(level)

    def lock_nodes(self) -> Iterable[str]:
        held = self.config.instance_nodes(self.instance)
        if self.op.iallocator:
            members = self.config.group_nodes(self.primary.group)
            return [*held, *(node.uuid for node in members)]
        return [*held, *self.nodes]

    # Prerequisites.

    def check_prereq(self) -> None:
        super().check_prereq()
        if not self.instance.disks:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} has no disks", errors.ECODE_INVAL)
        self._require_ours()
        for index in self.changes:
            if index >= len(self.instance.disks):
                raise errors.OpPrereqError(
                    f"Instance {self.instance.name} has no disk {index}", errors.ECODE_INVAL)
        self.chosen = sorted(self.changes) or list(range(len(self.instance.disks)))
        self._choose_nodes()
        if not self.nodes:
            self.require_state([constants.ADMINST_DOWN, constants.ADMINST_OFFLINE],
                               "have its disks made anew")
        elif not self.primary.offline:
            self.require_state([constants.ADMINST_DOWN, constants.ADMINST_OFFLINE],
                               "have its disks made anew on other nodes")
        for uuid in self.nodes or self.config.instance_nodes(self.instance):
            nodes.require_online(self.config.nodes[uuid])
        self.new_disks = [self._new_disk(index) for index in self.chosen]

    def _require_ours(self) -> None:
        for disk in self.disks:
            if storage.template(disk.dev_type).must_adopt:
                raise errors.OpPrereqError(
                    f"Disk {disks.describe(disk)} of instance {self.instance.name} was adopted"
                    f" ({disk.dev_type}) and can not be made anew here; make"
                    f" {disk.logical_id[1]} by hand", errors.ECODE_INVAL)

    def _choose_nodes(self) -> None:
        needed = 2 if any(storage.template(disk.dev_type).needs_secondary
                          for disk in self.disks) else 1
        if self.op.iallocator:
            self.nodes = allocate.allocate(self, self.op.iallocator, self._wanted())
            named = ", ".join(map(self.node_name, self.nodes))
            self.feedback.info(f"Selected nodes for instance {self.instance.name}: {named}")
        if not self.nodes:
            return
        if len(self.nodes) != needed:
            raise errors.OpPrereqError(
                f"The disks of instance {self.instance.name} need {needed} node(s), not"
                f" {len(self.nodes)}", errors.ECODE_INVAL)
        if len(self.chosen) != len(self.instance.disks):
            raise errors.OpPrereqError(
                "The instance can only go to other nodes when all of its disks are made anew",
                errors.ECODE_INVAL)
        for uuid in self.nodes:
            nodes.require_target(self.config.nodes[uuid])

    def _wanted(self) -> allocate.Wanted:
        config, instance = self.config, self.instance
        return allocate.Wanted(
            name=instance.name, disk_template=config.disk_template(instance), os=instance.os,
            hypervisor=instance.hypervisor, beparams=config.filled_beparams(instance),
            disks=[{"size": disk.size, "mode": disk.mode, "spindles": disk.spindles,
                    "type": disk.dev_type} for disk in self.disks],
            nics=[{"mac": nic.mac, "ip": nic.ip,
                   **{key: config.filled_nicparams(nic)[key] for key in ("mode", "link")}}
                  for nic in instance.nics],
            tags=instance.tags, group_name=config.group_of(self.primary).name)

    def _new_disk(self, index: int) -> objects.Disk:
        changes = dict(self.changes.get(index, {}))
        size = changes.pop(constants.IDISK_SIZE, None)
        disk = self.disks[index].replace(**changes)
        template = storage.template(disk.dev_type)
        if size is not None:
            disk = template.resized(disk, size)
        if not self.nodes or not disk.nodes:
            return disk
        place = disk_specs.Place(self.instance.name, self.instance.uuid, self.nodes[0],
                                 tuple(self.nodes[1:]))
        link = disk_specs.reserve_link(self, template, place)
        return disk.replace(nodes=self.nodes) if link is None \
            else template.relinked(disk, self.nodes, link)

    # Doing it.

    def exec(self) -> None:
        before, old_disks = self.instance, [self.disks[index] for index in self.chosen]
        with undo_stack.Undo(self.feedback) as undo:
            self._record(self.nodes[0] if self.nodes else before.primary_node, self.new_disks)
            undo.push("put the old disks back into the configuration", self._record,
                      before.primary_node, old_disks)
            self._shut_down_mirrors(old_disks)
            disks.create(self, self.instance, self.new_disks, undo)
            undo.forget()
        if self.config.cluster.prealloc_wipe_disks:
            disks.activate(self, self.instance)
            try:
                disks.wipe(self, self.instance, [(disk, 0) for disk in self.new_disks])
            finally:
                disks.deactivate(self, self.instance)
        elif not self.instance.disks_active:
            # making them has attached them, which a stopped instance may not leave on its node
            disks.shutdown(self, self.instance, self.new_disks)

    def _shut_down_mirrors(self, old_disks: list[objects.Disk]) -> None:
        """What is left of a mirror that lost its volumes would keep its device number."""
        left = mirrors.mirrored(old_disks)
        if left and not self.nodes:
            disks.shutdown(self, self.instance, left, ignore_primary=True)

    def _record(self, primary_node: str, changed: list[objects.Disk]) -> None:
        with self.cfg.edit(job=self.job_id) as draft:
            for disk in changed:
                draft.put(disk)
            current = draft.config.instances[self.instance.uuid]
            if current.primary_node != primary_node:
                draft.update(current, primary_node=primary_node)
        self.instance = self.config.instances[self.instance.uuid]
