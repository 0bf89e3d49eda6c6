"""Converting all disks of a stopped instance to another storage type."""

from __future__ import annotations

import dataclasses
from typing import Any

from ganeti import constants, errors, objects
from ganeti import undo as undo_stack
from ganeti.cmdlib.checks import nodes
from ganeti.cmdlib.instance import allocate, convert_mirrored, disk_specs, disks
from ganeti.cmdlib.instance.base import InstanceUnit
from ganeti.storage import registry as storage

#: Parameters that mean something only together with a new template
_WITH_TEMPLATE = ("ext_params", "file_driver", "file_storage_dir", "remote_node",
                  "remote_node_uuid", "iallocator")


def require_fitting(unit: InstanceUnit) -> None:
    """Refuse combinations of parameters that mean nothing."""
    op = unit.op
    if not op.disk_template:
        for key in _WITH_TEMPLATE:
            if getattr(op, key):
                raise errors.OpPrereqError(
                    f"'{key}' means something only when the disks are converted"
                    " (--disk-template)", errors.ECODE_INVAL)
        return
    if op.disks:
        raise errors.OpPrereqError(
            "Disks can not be converted and changed at once", errors.ECODE_INVAL)
    template = storage.require_usable(op.disk_template)
    disk_specs.require_file_driver(op.file_driver, template, unit.instance.hypervisor)
    if template.needs_provider and not op.ext_params.get(constants.IDISK_PROVIDER):
        raise errors.OpPrereqError(
            f"Disks of the template '{op.disk_template}' need a storage provider: give"
            " --ext-params provider=NAME", errors.ECODE_INVAL)
    checks = [("ext_params", template.needs_provider),
              ("file_driver", template.file_based), ("file_storage_dir", template.file_based),
              ("remote_node", template.needs_secondary),
              ("remote_node_uuid", template.needs_secondary),
              ("iallocator", template.needs_secondary)]
    for key, fits in checks:
        if getattr(op, key) and not fits:
            raise errors.OpPrereqError(
                f"'{key}' means nothing for the disk template '{op.disk_template}'",
                errors.ECODE_INVAL)
    given = op.remote_node_uuid or op.remote_node
    if template.needs_secondary and given and op.iallocator:
        raise errors.OpPrereqError(
            "Give either a secondary node or an iallocator, not both", errors.ECODE_INVAL)
    if template.needs_secondary and not given:
        allocate.name_of(unit, op.iallocator)


class Conversion:
    """The disks that there will be after the conversion."""

    def __init__(self, unit: InstanceUnit) -> None:
        self._unit = unit
        self.new_disks: list[objects.Disk] = []
        #: Volumes get a mirror, or lose it, with their data where it is
        self.in_place = self.stripping = False
        #: uuid of the node that gets the second copy
        self.secondary: str | None = None
        given = unit.op.remote_node_uuid or unit.op.remote_node
        if given and unit.op.disk_template:
            self.secondary = unit.config.expand_node(given).uuid

    def lock_nodes(self) -> list[str]:
        """Nodes that have to be locked beside those of the instance."""
        unit = self._unit
        if self.secondary:
            return [self.secondary]
        if unit.op.disk_template and storage.template(unit.op.disk_template).needs_secondary:
            return [node.uuid for node in unit.config.group_nodes(unit.primary.group)]
        return []

    def check(self) -> None:
        """Refuse what can not be converted, and lay out the new disks."""
        unit, wanted = self._unit, self._unit.op.disk_template
        cluster = unit.config.cluster
        if wanted not in cluster.enabled_disk_templates:
            raise errors.OpPrereqError(
                f"Disk template '{wanted}' is not enabled in this cluster; enabled are"
                f" {', '.join(cluster.enabled_disk_templates)}", errors.ECODE_STATE)
        current = unit.config.disk_template(unit.instance)
        if current == wanted and not self._is_other_driver():
            raise errors.OpPrereqError(
                f"Instance {unit.instance.name} has the disk template '{wanted}' already"
                + (f", with the file driver '{unit.op.file_driver}'" if unit.op.file_driver
                   else ""),
                errors.ECODE_INVAL)
        kinds = {disk.dev_type for disk in unit.disks} or {current}
        refused = [kind for kind in sorted(kinds) if not storage.template(kind).convertible_from]
        if refused or not storage.template(wanted).convertible_to:
            raise errors.OpPrereqError(
                f"Disks can not be converted from '{current}' to '{wanted}'", errors.ECODE_INVAL)
        unit.require_state([constants.ADMINST_DOWN], "have its disks converted")
        self._lay_out(wanted)

    def _is_other_driver(self) -> bool:
        """Is a disk kept with another file driver than the one that is asked for."""
        wanted = self._unit.op.file_driver
        return bool(wanted) and any(disk.logical_id[0] != wanted for disk in self._unit.disks)

    def _choose_secondary(self, wanted: str) -> None:
        """The node for the second copy: the given one, or what an allocator says."""
        unit = self._unit
        if not storage.template(wanted).needs_secondary:
            return
        if self.secondary is None:
            self.secondary = allocate.secondary(unit, unit.op.iallocator, unit.instance)
            unit.feedback.info(f"Selected node {unit.node_name(self.secondary)}")
        if self.secondary == unit.instance.primary_node:
            raise errors.OpPrereqError(
                f"Node {unit.primary.name} is the primary node of the instance and can not be"
                " its secondary, too", errors.ECODE_STATE)
        nodes.require_target(unit.config.nodes[self.secondary])

    def _lay_out(self, wanted: str) -> None:
        self._choose_secondary(wanted)
        unit = self._unit
        params = dict(unit.op.ext_params)
        provider = params.pop(constants.IDISK_PROVIDER, None)
        specs = [disk_specs.Spec(
            template=wanted, size=disk.size, mode=disk.mode, name=disk.name,
            provider=provider, params=params) for disk in unit.disks]
        current = unit.config.disk_template(unit.instance)
        self.in_place = convert_mirrored.gains_mirror(current, wanted)
        self.stripping = convert_mirrored.loses_mirror(current, wanted)
        if self.in_place:
            specs = [dataclasses.replace(spec, vg=disk_specs.volume_group(disk))
                     for spec, disk in zip(specs, unit.disks, strict=True)]
        if self.secondary:
            disk_specs.require_space(unit, [self.secondary], specs)
        if not self.in_place and not self.stripping:
            disk_specs.require_space(unit, [unit.instance.primary_node], specs)
        if self.stripping:
            self.new_disks = [convert_mirrored.stripped(disk, unit.instance.primary_node)
                              for disk in unit.disks]
            return
        place = disk_specs.Place(
            unit.instance.name, unit.instance.uuid, unit.instance.primary_node,
            [self.secondary] if self.secondary else (),
            unit.op.file_driver, unit.op.file_storage_dir)
        self.new_disks = disk_specs.lay_out(unit, specs, place)

    def apply(self) -> list[tuple[str, Any]]:
        """Change the disks as planned."""
        if self.stripping:
            self._strip()
        else:
            self._make_new()
            self._synchronise()
        return [("disk_template", self._unit.op.disk_template)]

    def _strip(self) -> None:
        """Give the mirror up; the data stays in the volume that held it."""
        unit, old_disks = self._unit, self._unit.disks
        convert_mirrored.require_complete_here(unit, old_disks)
        self._record(old_disks)
        disks.set_active(unit, unit.instance, False)
        convert_mirrored.remove_rest(unit, old_disks)

    def _synchronise(self) -> None:
        """Have the second copy filled; without waiting it goes on while the disks are active."""
        unit = self._unit
        if not self.secondary:
            return
        if not unit.op.wait_for_sync:
            disks.set_active(unit, unit.instance, True)
            return
        if not disks.wait_for_sync(unit, unit.instance):
            raise errors.OpExecError(
                f"Some disks of instance {unit.instance.name} are degraded after"
                " synchronisation, please look at them with 'gnt-instance info'")
        disks.deactivate(unit, unit.instance)

    def _make_new(self) -> None:
        """Make the new disks, copy, record them, and remove the old ones last of all."""
        unit = self._unit
        old_disks = unit.disks
        node_uuid = unit.instance.primary_node
        with undo_stack.Undo(unit.feedback) as undo:
            if self.in_place:
                convert_mirrored.add_mirrors(unit, old_disks, self.new_disks, undo)
                self._record(old_disks)
                undo.forget()
                return
            undo.push("shut down the old disks", disks.shutdown, unit, unit.instance, old_disks)
            disks.assemble(unit, unit.instance, old_disks)
            disks.create(unit, unit.instance, self.new_disks, undo)
            for old, new in zip(old_disks, self.new_disks, strict=True):
                unit.feedback(f"* copying {disks.describe(old)} ({old.dev_type}) to {new.dev_type}")
                result = unit.rpc.blockdev_convert(
                    node_uuid, (old, unit.instance), (new, unit.instance))
                result.raise_if_failed(f"Could not copy {disks.describe(old)}")
            self._record(old_disks)
            undo.forget()
        if not self.secondary:
            disks.shutdown(unit, unit.instance, self.new_disks)
        disks.remove(unit, unit.instance, old_disks)

    def _record(self, old_disks: list[objects.Disk]) -> None:
        """Exchange the disks in one step."""
        unit = self._unit
        with unit.cfg.edit(job=unit.job_id) as draft:
            for disk in self.new_disks:
                draft.add(disk)
            draft.update(draft.config.instances[unit.instance.uuid],
                         disks=[disk.uuid for disk in self.new_disks])
            for disk in old_disks:
                draft.remove(disk)
        unit.refresh()
