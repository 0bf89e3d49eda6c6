"""OP_INSTANCE_REPLACE_DISKS: which copies are made anew, and where.

The work itself is in `replace_in_place` (new volumes on a node that has the disks already) and in
`replace_secondary` (another node takes the secondary's place).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ganeti import constants, errors, objects, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import ipolicy, nodes
from ganeti.cmdlib.instance import (
    allocate,
    disk_specs,
    disks,
    replace_in_place,
    replace_secondary,
)
from ganeti.cmdlib.instance.base import InstanceUnit, Level
from ganeti.storage import registry as storage
from ganeti.storage.base import Mirroring

_CHANGE, _AUTO = constants.REPLACE_DISK_CHG, constants.REPLACE_DISK_AUTO
_PRIMARY, _SECONDARY = constants.REPLACE_DISK_PRI, constants.REPLACE_DISK_SEC


class LUInstanceReplaceDisks(InstanceUnit):
    """Make new mirrors for disks; only storage whose mirrors Ganeti keeps has such."""

    OP = opcodes.OpInstanceReplaceDisks
    HOOKS = base.Hooks("mirrors-replace", constants.HTYPE_INSTANCE)
    LOCK_NODES = True
    LOCK_NODE_RES = True

    #: uuid of the node that becomes the secondary one
    new_secondary: str | None = None
    #: The disks whose copies are made anew
    chosen: list[objects.Disk]
    #: What is really done: the automatic mode decides between primary and secondary
    mode: str | None = None

    def expand_more(self) -> None:
        op = self.op
        given = op.remote_node_uuid or op.remote_node
        if op.mode != _CHANGE:
            if given or op.iallocator:
                raise errors.OpPrereqError(
                    "A new node or an iallocator can only be given for changing the secondary"
                    " node", errors.ECODE_INVAL)
        elif given and op.iallocator:
            raise errors.OpPrereqError(
                "Give either a new secondary node or an iallocator, not both",
                errors.ECODE_INVAL)
        elif not given:
            allocate.name_of(self, op.iallocator)
        if op.mode in (_CHANGE, _AUTO) and op.disks:
            raise errors.OpPrereqError(
                "Single disks can only be chosen when they are replaced on the primary or on the"
                " secondary node", errors.ECODE_INVAL)
        if given:
            self.new_secondary = self.config.expand_node(given).uuid

    def own_env(self) -> dict[str, object]:
        secondaries = self.config.secondary_nodes(self.instance)
        return {
            "MODE": self.op.mode,
            "NEW_SECONDARY": self.node_name(self.new_secondary) if self.new_secondary else "",
            "OLD_SECONDARY": self.node_name(secondaries[0]) if secondaries else "",
        }

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        found = [self.config.cluster.master_node, self.instance.primary_node]
        if self.new_secondary:
            found.append(self.new_secondary)
        unique = list(dict.fromkeys(found))
        return unique, unique

    # Locks.

    def _groups(self) -> set[str]:
        return {self.config.nodes[uuid].group
                for uuid in self.config.instance_nodes(self.instance)}

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.NODEGROUP and self._asks_allocator:
            self.refresh()
            return base.LockRequest(self._groups(), shared=True)
        return super().locks(level)

    @property
    def _asks_allocator(self) -> bool:
        return self.op.mode == _CHANGE and not (self.op.remote_node or self.op.remote_node_uuid)

    def lock_nodes(self) -> Iterable[str]:
        held = list(self.config.instance_nodes(self.instance))
        if self._asks_allocator:
            return [*held, *(node.uuid for group in self._groups()
                             for node in self.config.group_nodes(group))]
        return [*held, self.new_secondary] if self.new_secondary else held

    # Prerequisites.

    def check_prereq(self) -> None:
        super().check_prereq()
        self._require_mirrored()
        secondaries = self.config.secondary_nodes(self.instance)
        if len(secondaries) != 1:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} has {len(secondaries)} secondary nodes instead of"
                " one", errors.ECODE_FAULT)
        self.secondary = secondaries[0]
        self.chosen = [self._disk(index) for index in self.op.disks] or self.disks
        self.mode = self.op.mode
        if self.mode == _AUTO:
            self._choose_by_health()
        if self.mode == _CHANGE:
            self._check_new_secondary()
        elif self.mode is not None:
            for uuid in (self.instance.primary_node, self.secondary):
                nodes.require_online(self.config.nodes[uuid])
        self._keep_locks()
        self._require_space()

    def _require_mirrored(self) -> None:
        kind = self.config.disk_template(self.instance)
        if not self.disks:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} has no disks", errors.ECODE_INVAL)
        for disk in self.disks:
            if storage.template(disk.dev_type).mirroring is not Mirroring.INTERNAL:
                raise errors.OpPrereqError(
                    f"Instance {self.instance.name} has disks of the template '{kind}', which"
                    " have no mirrors that could be replaced; 'gnt-instance recreate-disks'"
                    " makes lost disks anew", errors.ECODE_INVAL)

    def _disk(self, index: int) -> objects.Disk:
        if index >= len(self.disks):
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} has no disk {index}; it has {len(self.disks)},"
                " counted from 0", errors.ECODE_INVAL)
        return self.disks[index]

    def _choose_by_health(self) -> None:
        """The node whose copies are broken, if there are such."""
        faulty = {uuid: self._faulty_on(uuid)
                  for uuid in (self.instance.primary_node, self.secondary)}
        on_primary, on_secondary = faulty[self.instance.primary_node], faulty[self.secondary]
        if on_primary and on_secondary:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} has broken disks on both of its nodes; they can"
                " not be repaired automatically", errors.ECODE_STATE)
        self.chosen = on_primary or on_secondary
        if on_primary:
            self.mode = _PRIMARY
        else:
            self.mode = _SECONDARY if on_secondary else None

    def _faulty_on(self, node_uuid: str) -> list[objects.Disk]:
        nodes.require_online(self.config.nodes[node_uuid])
        pairs = [(disk, self.instance) for disk in self.disks]
        result = self.rpc.blockdev_getmirrorstatus_multi(
            [node_uuid], {node_uuid: pairs})[node_uuid]
        answers = result.raise_if_failed(
            f"Can not get the state of the disks on node {self.node_name(node_uuid)}",
            prereq=True, ecode=errors.ECODE_ENVIRON)
        return [disk for disk, (good, status) in zip(self.disks, answers, strict=True)
                if good and status["ldisk_status"] == constants.LDS_FAULTY]

    def _check_new_secondary(self) -> None:
        if self.new_secondary is None:
            self.new_secondary = allocate.relocate(
                self, self.op.iallocator, self.instance, [self.secondary])
            self.feedback.info(
                f"Selected new secondary for instance '{self.instance.name}':"
                f" {self.node_name(self.new_secondary)}")
        if self.new_secondary == self.instance.primary_node:
            raise errors.OpPrereqError(
                "The new secondary node is the primary node of the instance", errors.ECODE_INVAL)
        if self.new_secondary == self.secondary:
            raise errors.OpPrereqError(
                "The new secondary node is the secondary node of the instance already",
                errors.ECODE_INVAL)
        node = self.config.nodes[self.new_secondary]
        nodes.require_target(node)
        nodes.require_online(self.primary)
        group = self.config.group_of(node)
        if group.uuid != self.primary.group:
            for text in ipolicy.require(
                    self.config, group, ipolicy.of_instance(self.config, self.instance),
                    f"Instance {self.instance.name}", ignore=self.op.ignore_ipolicy):
                self.feedback.warning(text)

    def _keep_locks(self) -> None:
        wanted = [*self.config.instance_nodes(self.instance),
                  *([self.new_secondary] if self.new_secondary else [])]
        for level in (Level.NODE, Level.NODE_RES):
            self.release(level, keep=wanted)

    @property
    def target(self) -> str:
        """The node that gets new volumes."""
        if self.mode == _CHANGE:
            assert self.new_secondary is not None
            return self.new_secondary
        return self.instance.primary_node if self.mode == _PRIMARY else self.secondary

    def _require_space(self) -> None:
        if self.mode is None:
            return
        specs = [disk_specs.Spec(
            disk.dev_type, disk.size, vg=disk_specs.volume_group(disk),
            metavg=str(disk.children[-1].logical_id[0]) if disk.children else None)
            for disk in self.chosen]
        disk_specs.require_space(self, [self.target], specs)

    # Doing it.

    def exec(self) -> None:
        if self.mode is None:
            self.feedback(f"No disks need replacement for instance '{self.instance.name}'")
            return
        names = ", ".join(map(disks.describe, self.chosen))
        self.feedback(f"Replacing {names} for instance '{self.instance.name}'")
        self.feedback(f"Current primary node: {self.primary.name}")
        self.feedback(f"Current secondary node: {self.node_name(self.secondary)}")
        was_active = self.instance.disks_active
        if not was_active:
            disks.activate(self, self.instance, ignore_secondaries=self.mode == _CHANGE)
            self.refresh()
        try:
            self._replace()
        finally:
            if not was_active:
                disks.deactivate(self, self.config.instances[self.instance.uuid],
                                 ignore_primary=True)

    def _replace(self) -> None:
        if self.mode == _CHANGE:
            replace_secondary.replace(self, self.secondary, self.target, self.finish)
        else:
            other = self.secondary if self.target == self.instance.primary_node \
                else self.instance.primary_node
            replace_in_place.replace(self, self.chosen, self.target, other, self.finish)

    def finish(self, chosen: list[objects.Disk], remove_old: Any) -> None:
        """The last two steps: synchronise and remove the old storage, in the wished order."""
        if self.op.early_release:
            self.feedback.step(5, 6, "Removing old storage")
            remove_old()
            self.release(Level.NODE_RES)
        self.release(Level.NODE)
        self.feedback.step(6 if self.op.early_release else 5, 6, "Sync devices")
        if not disks.wait_for_sync(self, self.instance, chosen):
            raise errors.OpExecError(
                f"Some disks of instance {self.instance.name} are degraded after"
                f" synchronisation{'' if self.op.early_release else '; the old storage was kept'}")
        if not self.op.early_release:
            self.feedback.step(6, 6, "Removing old storage")
            remove_old()
