"""Converting all disks of a stopped instance to another storage type."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, objects
from ganeti import undo as undo_stack
from ganeti.cmdlib.instance import disk_specs, disks
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
    if template.needs_secondary:
        raise errors.OpPrereqError(
            f"Converting disks to '{op.disk_template}' is not possible in this release",
            errors.ECODE_INVAL)


class Conversion:
    """The disks that there will be after the conversion."""

    def __init__(self, unit: InstanceUnit) -> None:
        self._unit = unit
        self.new_disks: list[objects.Disk] = []

    def check(self) -> None:
        """Refuse what can not be converted, and lay out the new disks."""
        unit, wanted = self._unit, self._unit.op.disk_template
        cluster = unit.config.cluster
        if wanted not in cluster.enabled_disk_templates:
            raise errors.OpPrereqError(
                f"Disk template '{wanted}' is not enabled in this cluster; enabled are"
                f" {', '.join(cluster.enabled_disk_templates)}", errors.ECODE_STATE)
        current = unit.config.disk_template(unit.instance)
        if current == wanted:
            raise errors.OpPrereqError(
                f"Instance {unit.instance.name} has the disk template '{wanted}' already",
                errors.ECODE_INVAL)
        kinds = {disk.dev_type for disk in unit.disks} or {current}
        refused = [kind for kind in sorted(kinds) if not storage.template(kind).convertible_from]
        if refused or not storage.template(wanted).convertible_to:
            raise errors.OpPrereqError(
                f"Disks can not be converted from '{current}' to '{wanted}'", errors.ECODE_INVAL)
        unit.require_state([constants.ADMINST_DOWN], "have its disks converted")
        self._lay_out(wanted)

    def _lay_out(self, wanted: str) -> None:
        unit = self._unit
        specs = [disk_specs.Spec(
            template=wanted, size=disk.size, mode=disk.mode, name=disk.name,
            params=dict(unit.op.ext_params)) for disk in unit.disks]
        disk_specs.require_space(unit, [unit.instance.primary_node], specs)
        place = disk_specs.Place(
            unit.instance.name, unit.instance.uuid, unit.instance.primary_node, (),
            unit.op.file_driver, unit.op.file_storage_dir)
        self.new_disks = disk_specs.lay_out(unit, specs, place)

    def apply(self) -> list[tuple[str, Any]]:
        """Make the new disks, copy, record them, and remove the old ones last of all."""
        unit = self._unit
        old_disks = unit.disks
        node_uuid = unit.instance.primary_node
        with undo_stack.Undo(unit.feedback) as undo:
            disks.create(unit, unit.instance, self.new_disks, undo)
            for old, new in zip(old_disks, self.new_disks, strict=True):
                unit.feedback(f"* copying {disks.describe(old)} ({old.dev_type}) to {new.dev_type}")
                result = unit.rpc.blockdev_convert(
                    node_uuid, (old, unit.instance), (new, unit.instance))
                result.raise_if_failed(f"Could not copy {disks.describe(old)}")
            self._record(old_disks)
            undo.forget()
        disks.remove(unit, unit.instance, old_disks)
        return [("disk_template", unit.op.disk_template)]

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
