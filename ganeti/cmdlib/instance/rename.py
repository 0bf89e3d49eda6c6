"""OP_INSTANCE_RENAME."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, opcodes
from ganeti import undo as undo_stack
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import names, nodes
from ganeti.cmdlib.instance import disks
from ganeti.cmdlib.instance.base import InstanceUnit, Level
from ganeti.storage import registry as storage


class LUInstanceRename(InstanceUnit):
    """Give a stopped instance another name; disks whose paths hold the name follow."""

    OP = opcodes.OpInstanceRename
    HOOKS = base.Hooks("instance-rename", constants.HTYPE_INSTANCE)

    def expand_more(self) -> None:
        self.old_name = self.instance.name
        if self.op.ip_check and not self.op.name_check:
            raise errors.OpPrereqError(
                "The IP check needs the name check, which finds the address", errors.ECODE_INVAL)
        self.new_name = names.normalised(self.op.new_name)

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.INSTANCE:
            return base.LockRequest([self.old_name, self.new_name])
        return None

    def own_env(self) -> dict[str, object]:
        return {"INSTANCE_NEW_NAME": self.new_name}

    def check_prereq(self) -> None:
        super().check_prereq()
        nodes.require_online(self.primary)
        self.require_state([constants.ADMINST_DOWN, constants.ADMINST_OFFLINE], "be renamed")
        if self.op.name_check:
            _, address = names.resolve(self.new_name, "The new name")
            if self.op.ip_check:
                names.require_quiet(address, self.new_name)
        if self.new_name == self.old_name:
            raise errors.OpPrereqError(
                f"Instance {self.old_name} has this name already", errors.ECODE_INVAL)
        names.require_free(self, self.new_name)
        try:
            self.cfg.reserve.names.take(self.job_id, self.new_name)
        except errors.ReservationError as err:
            raise errors.OpPrereqError(str(err), errors.ECODE_NOTUNIQUE) from err

    def exec(self) -> str:
        with undo_stack.Undo(self.feedback) as undo:
            new_ids = self._move_directories(undo)
            with self.cfg.edit(job=self.job_id) as draft:
                draft.update(draft.config.instances[self.instance.uuid], name=self.new_name)
                for uuid, logical_id in new_ids.items():
                    draft.update(draft.config.disks[uuid], logical_id=logical_id)
            undo.forget()
        self.instance = self.config.instances[self.instance.uuid]
        self._tell_owner()
        self._run_script()
        return self.new_name

    def _move_directories(self, undo: Any) -> dict[str, list[Any]]:
        """Rename the directories of file based disks; the disks' new logical ids by uuid."""
        new_ids: dict[str, list[Any]] = {}
        moved: dict[str, str] = {}
        for disk in self.disks:
            template = storage.template(disk.dev_type)
            if not template.path_follows_instance:
                continue
            old = str(disk.logical_id[1]).rpartition("/")[0]
            new = f"{old.rpartition('/')[0]}/{self.new_name}"
            if old not in moved:
                self._move_directory(old, new)
                undo.push(f"rename directory {new} back to {old}", self._move_directory, new, old)
                moved[old] = new
            new_ids[disk.uuid] = template.renamed_id(disk, new)
        return new_ids

    def _move_directory(self, old: str, new: str) -> None:
        result = self.rpc.file_storage_dir_rename(self.instance.primary_node, old, new)
        result.raise_if_failed(
            f"Could not rename directory {old} to {new} on node {self.primary.name}")

    def _tell_owner(self) -> None:
        """Write the new name into the metadata of storage that keeps its owner."""
        for disk in self.disks:
            for uuid in disks.nodes_of(disk, self.instance):
                result = self.rpc.blockdev_setinfo(
                    uuid, (disk, self.instance), disks.owner_text(self.new_name))
                if result.fail_msg:
                    self.feedback.warning(
                        f"Could not note the new name in {disks.describe(disk)} on node"
                        f" {self.node_name(uuid)}: {result.fail_msg}")

    def _run_script(self) -> None:
        if not self.instance.os:
            return
        try:
            disks.activate(self, self.instance)
            result = self.rpc.instance_run_rename(
                self.instance.primary_node, self.instance, self.old_name,
                self.op.debug_level or 0)
            if result.fail_msg:
                self.feedback.warning(
                    f"The OS rename script failed on node {self.primary.name}, although the"
                    f" instance has its new name in the cluster: {result.fail_msg}",
                    hint="set the name inside the guest by hand")
        finally:
            disks.deactivate(self, self.instance)
