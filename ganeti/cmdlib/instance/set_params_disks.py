"""Adding, changing, attaching, detaching and removing disks of an instance."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ganeti import constants, errors, objects
from ganeti import undo as undo_stack
from ganeti.cmdlib.instance import disk_specs, disks, mirrors, modifications
from ganeti.cmdlib.instance.base import InstanceUnit
from ganeti.cmdlib.instance.hotplug import Hotplug
from ganeti.config import instances
from ganeti.storage import registry as storage


@dataclasses.dataclass(frozen=True)
class Step:
    """One disk: what is done with it at which place."""

    action: str
    index: int
    disk: objects.Disk
    changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class DiskPlan:
    """All changes of disks of one operation: checked first, then made one by one."""

    def __init__(self, unit: InstanceUnit) -> None:
        self._unit = unit
        self.changes = modifications.read(
            unit.op.disks, "Disks", constants.DDMS_VALUES_WITH_MODIFY)
        self.steps: list[Step] = []
        self.result = list(unit.disks)
        self.new_specs: list[disk_specs.Spec] = []

    def check(self, hotplug: Hotplug) -> None:
        """Work out what every disk will be."""
        unit = self._unit
        self.result = list(unit.disks)
        for number, change in enumerate(self.changes):
            self.steps.append(self._plan(change, f"disk change {number}"))
        if not self.steps:
            return
        disk_specs.require_unique_names(disk.name for disk in self.result)
        leaving = [step for step in self.steps
                   if step.action in (constants.DDM_REMOVE, constants.DDM_DETACH)]
        if leaving and hotplug.running and not hotplug.possible:
            raise errors.OpPrereqError(
                f"Instance {unit.instance.name} is running and uses disk {leaving[0].index}, which"
                " can only be taken from it by hotplugging; stop it first", errors.ECODE_STATE)
        if self.new_specs:
            nodes = unit.config.instance_nodes(unit.instance)
            disk_specs.require_space(unit, nodes, self.new_specs)

    def _plan(self, change: modifications.Change, where: str) -> Step:
        if change.action == constants.DDM_ADD:
            return self._plan_add(change, where)
        if change.action == constants.DDM_ATTACH:
            return self._plan_attach(change, where)
        index = modifications.find(change, self.result, "disk")
        disk = self.result[index]
        if change.action == constants.DDM_MODIFY:
            changes = _modified(change.params, where)
            self.result[index] = disk.replace(**changes)
            return Step(change.action, index, disk, changes)
        del self.result[index]
        return Step(change.action, index, disk)

    def _plan_add(self, change: modifications.Change, where: str) -> Step:
        unit = self._unit
        index = modifications.place(change, len(self.result), constants.MAX_DISKS, "disk")
        template = _template_for_new(unit, change.params)
        spec = disk_specs.parse(change.params, template, where)
        if spec.adopt:
            raise errors.OpPrereqError(
                f"{where}: taking over existing volumes is not possible in this release",
                errors.ECODE_INVAL)
        disk = disk_specs.lay_out(unit, [spec], self._place(spec.template), index)[0]
        self.new_specs.append(spec)
        self.result.insert(index, disk)
        return Step(change.action, index, disk)

    def _place(self, template: str) -> disk_specs.Place:
        unit = self._unit
        instance = unit.instance
        return disk_specs.Place(
            instance.name, instance.uuid, instance.primary_node,
            unit.config.secondary_nodes(instance),
            **disk_specs.file_settings(unit.disks, unit.config.cluster,
                                       storage.template(template)))

    def _plan_attach(self, change: modifications.Change, where: str) -> Step:
        unit = self._unit
        index = modifications.place(change, len(self.result), constants.MAX_DISKS, "disk")
        keys = {"uuid", constants.IDISK_NAME}
        if len(change.params) != 1 or not change.params.keys() <= keys:
            raise errors.OpPrereqError(
                f"{where}: attaching names the disk by either uuid=UUID or name=NAME",
                errors.ECODE_INVAL)
        (wanted,) = change.params.values()
        found = [disk for disk in unit.config.disks.values() if wanted in (disk.uuid, disk.name)
                 and unit.config.disk_owner(disk.uuid) is None]
        if len(found) != 1:
            what = "no detached disk is" if not found else "several detached disks are"
            raise errors.OpPrereqError(f"{where}: {what} called '{wanted}'", errors.ECODE_NOENT)
        disk = found[0]
        if disk.nodes and unit.instance.primary_node not in disk.nodes:
            raise errors.OpPrereqError(
                f"{where}: disk {wanted} is not on the instance's node {unit.primary.name}",
                errors.ECODE_STATE)
        disk_specs.require_openable(disk, unit.instance.hypervisor)
        self.result.insert(index, disk)
        return Step(change.action, index, disk)

    # Making them.

    def apply(self, hotplug: Hotplug) -> list[tuple[str, Any]]:
        """Make the changes in their order; each is recorded before the next begins."""
        told: list[tuple[str, Any]] = []
        for step in self.steps:
            told += _APPLY[step.action](self, step, hotplug)
        if any(step.action != constants.DDM_MODIFY for step in self.steps) \
                and self._unit.instance.disks_active:
            # The links on the node are numbered: those of disks that moved are made anew.
            disks.assemble(self._unit, self._unit.instance, keep=True)
        return told

    def _add(self, step: Step, hotplug: Hotplug) -> list[tuple[str, Any]]:
        unit, disk = self._unit, step.disk
        with undo_stack.Undo(unit.feedback) as undo:
            disks.create(unit, unit.instance, [disk], undo)
            if unit.config.cluster.prealloc_wipe_disks:
                disks.wipe(unit, unit.instance, [(disk, 0)])
            self._record_attached(disk, step.index)
            undo.push(f"take disk {disk.uuid} out of the configuration", self._drop, disk)
            undo.push(f"shut down disk {disk.uuid}", self._shut, disk)
            self._activate(disk, step.index, hotplug)
            undo.forget()
        if unit.op.wait_for_sync:
            disks.wait_for_sync(unit, unit.instance, [unit.config.disks[disk.uuid]])
        if mirrors.mirrored([disk]) and not unit.instance.disks_active:
            self._shut(disk)
        return [(f"disk/{step.index}", f"add:size={disk.size},mode={disk.mode}")]

    def _attach(self, step: Step, hotplug: Hotplug) -> list[tuple[str, Any]]:
        self._record_attached(step.disk, step.index)
        self._activate(step.disk, step.index, hotplug)
        return [(f"disk/{step.index}", f"attach:size={step.disk.size},mode={step.disk.mode}")]

    def _record_attached(self, disk: objects.Disk, index: int) -> None:
        unit = self._unit
        with unit.cfg.edit(job=unit.job_id) as draft:
            instances.attach_disk(draft, draft.config.instances[unit.instance.uuid], disk, index)
        unit.refresh()

    def _drop(self, disk: objects.Disk) -> None:
        unit = self._unit
        with unit.cfg.edit(job=unit.job_id) as draft:
            instances.remove_disk(draft, draft.config.instances[unit.instance.uuid], disk)
        unit.refresh()

    def _shut(self, disk: objects.Disk) -> None:
        disks.shutdown(self._unit, self._unit.instance, [disk])

    def _activate(self, disk: objects.Disk, index: int, hotplug: Hotplug) -> None:
        """Make a new disk usable where the others are, and plug it into a running guest."""
        unit = self._unit
        if not unit.instance.disks_active:
            return
        result = unit.rpc.blockdev_assemble(
            unit.instance.primary_node, (disk, unit.instance), unit.instance, True, index)
        _path, link, uri = result.raise_if_failed(f"Could not activate the new disk {index}")
        if not hotplug.possible:
            hotplug.say_later(f"disk {index}")
            return
        hotplug.disk(constants.HOTPLUG_ACTION_ADD, disk, (link, uri), index)

    def _modify(self, step: Step, hotplug: Hotplug) -> list[tuple[str, Any]]:
        unit = self._unit
        with unit.cfg.edit(job=unit.job_id) as draft:
            draft.update(draft.config.disks[step.disk.uuid], **step.changes)
        if "mode" in step.changes:
            hotplug.say_later(f"access mode of disk {step.index}")
        return [(f"disk.{key}/{step.index}", value) for key, value in step.changes.items()]

    def _remove(self, step: Step, hotplug: Hotplug) -> list[tuple[str, Any]]:
        unit = self._unit
        self._unplug(step, hotplug)
        self._drop(step.disk)
        disks.remove(unit, unit.instance, [step.disk])
        return [(f"disk/{step.index}", "remove")]

    def _detach(self, step: Step, hotplug: Hotplug) -> list[tuple[str, Any]]:
        unit = self._unit
        self._unplug(step, hotplug)
        with unit.cfg.edit(job=unit.job_id) as draft:
            instances.detach_disk(draft, draft.config.instances[unit.instance.uuid], step.disk)
        unit.refresh()
        return [(f"disk/{step.index}", "detach")]

    def _unplug(self, step: Step, hotplug: Hotplug) -> None:
        unit = self._unit
        if hotplug.running:
            hotplug.disk(constants.HOTPLUG_ACTION_REMOVE, step.disk, None, step.index)
        if not disks.shutdown(unit, unit.instance, [step.disk]):
            raise errors.OpExecError(f"Could not shut down disk {step.index}")


_APPLY = {
    constants.DDM_ADD: DiskPlan._add,
    constants.DDM_ATTACH: DiskPlan._attach,
    constants.DDM_MODIFY: DiskPlan._modify,
    constants.DDM_REMOVE: DiskPlan._remove,
    constants.DDM_DETACH: DiskPlan._detach,
}


def _template_for_new(unit: InstanceUnit, params: Mapping[str, Any]) -> str:
    """Storage type of a new disk: its own, the instance's, or the cluster's first."""
    cluster = unit.config.cluster
    held = [disk.dev_type for disk in unit.disks]
    usable = [name for name in cluster.enabled_disk_templates if storage.template(name).has_disks]
    chosen = params.get("dev_type") or (held[0] if held else next(iter(usable), ""))
    if chosen not in cluster.enabled_disk_templates:
        raise errors.OpPrereqError(
            f"Disk template '{chosen}' is not enabled in this cluster; enabled are"
            f" {', '.join(cluster.enabled_disk_templates)}", errors.ECODE_STATE)
    return str(chosen)


def _modified(params: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The settings of an existing disk that can be changed, checked."""
    fixed = sorted(params.keys() - constants.MODIFIABLE_IDISK_PARAMS)
    if fixed:
        raise errors.OpPrereqError(
            f"{where}: {', '.join(fixed)} of an existing disk can not be changed, only"
            f" {', '.join(sorted(constants.MODIFIABLE_IDISK_PARAMS))}"
            " ('gnt-instance grow-disk' changes the size)", errors.ECODE_INVAL)
    result = dict(params)
    if result.get("mode", constants.DISK_RDWR) not in constants.DISK_ACCESS_SET:
        raise errors.OpPrereqError(
            f"{where}: unknown access mode '{result['mode']}'", errors.ECODE_INVAL)
    if "name" in result:
        result["name"] = disk_specs.check_name(result["name"], where)
    return result
