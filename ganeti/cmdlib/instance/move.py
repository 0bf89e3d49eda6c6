"""OP_INSTANCE_MOVE."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, objects, opcodes
from ganeti import undo as undo_stack
from ganeti.cmdlib import base
from ganeti.cmdlib.instance import disks, power, state, transfer
from ganeti.cmdlib.instance.relocate import RelocatingUnit
from ganeti.storage import registry as storage


class LUInstanceMove(RelocatingUnit):
    """Move an instance by copying its disks to another node, while it is stopped.

    Until the copies are complete the configuration knows the old node only: what a killed master
    daemon leaves are unused copies on the new one, which `gnt-cluster verify` names.
    """

    OP = opcodes.OpInstanceMove
    HOOKS = base.Hooks("instance-move", constants.HTYPE_INSTANCE)
    #: No mirror limits where it goes
    internal = False

    def expand_more(self) -> None:
        self.source = self.instance.primary_node
        self.target = self.config.expand_node(self.op.target_node_uuid or self.op.target_node).uuid
        transfer.require_compression(self, self.op.compress)

    def lock_nodes(self) -> list[str]:
        return [self.instance.primary_node, self.target_node.uuid]

    def own_env(self) -> dict[str, object]:
        return {"TARGET_NODE": self.target_node.name,
                "SHUTDOWN_TIMEOUT": self.op.shutdown_timeout}

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        found = list(dict.fromkeys([self.config.cluster.master_node, self.source,
                                    self.target_node.uuid]))
        return found, found

    def check_prereq(self) -> None:
        super().check_prereq()
        self.source = self.instance.primary_node
        if self.target == self.source:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} is on node {self.target_node.name} already",
                errors.ECODE_STATE)
        for disk in self.disks:
            self._require_copyable(disk)
        self._require_fitting_target()
        if self.instance.admin_state == constants.ADMINST_UP:
            self.require_target_memory()

    def _require_copyable(self, disk: objects.Disk) -> None:
        template = storage.template(disk.dev_type)
        if not template.copyable:
            way = "'gnt-instance migrate' or 'failover' moves it" if template.mirrored \
                else "it can not be moved"
            raise errors.OpPrereqError(
                f"{disk.iv_name} of instance {self.instance.name} is of the template"
                f" '{disk.dev_type}', which is not copied; {way}", errors.ECODE_STATE)

    def exec(self) -> None:
        old, was_up = self.instance, self.instance.admin_state == constants.ADMINST_UP
        old_disks = self.disks
        self._stop()
        try:
            self._copy(old_disks)
        except errors.GenericError as err:
            raise errors.OpExecError(
                f"Instance {old.name} was not moved: {errors.text(err)}"
                + self._start_again(was_up)) from err
        self._record(old_disks)
        self.feedback(f"* removing the disks on the original node {self.node_name(self.source)}")
        problems = disks.remove(self, old, old_disks)
        if problems:
            self.feedback.warning(
                "The instance is on its new node; what is left on the old one has to be removed"
                " by hand")
        state.forget(self, old, [self.source])
        if was_up:
            self.feedback(f"* starting instance {old.name} on node {self.target_node.name}")
            power.start(self, self.instance)

    def _stop(self) -> None:
        self.feedback(f"* shutting down instance {self.instance.name} on source node"
                      f" {self.node_name(self.source)}")
        failure = power.stop(self, self.instance, self.op.shutdown_timeout)
        if not failure:
            return
        text = f"Could not shut down instance {self.instance.name}: {failure}"
        if not self.op.ignore_consistency:
            raise errors.OpExecError(text)
        self.feedback.warning(f"{text}; going on, the copy may not be consistent")

    def _copy(self, old_disks: list[objects.Disk]) -> None:
        """Make disks on the target and fill them; a failure removes them again."""
        target = self.target_node
        # Seen from the target, whose directory for the instance is not there yet.
        there = self.instance.replace(primary_node=target.uuid, disks=[])
        copies = [disk.replace(nodes=[target.uuid]) for disk in old_disks]
        undo = undo_stack.Undo(self.feedback)
        with undo:
            self.feedback(f"* creating disks on node {target.name}")
            disks.create(self, there, copies, undo)
            undo.push("shut down the disks on the source node", disks.shutdown, self,
                      self.instance, old_disks)
            disks.assemble(self, self.instance, old_disks)
            undo.push("shut down the disks on the target node", disks.shutdown, self, there,
                      copies)
            disks.assemble(self, there, copies, on_node=target.uuid)
            self.feedback(f"* copying the disks from node {self.node_name(self.source)} to node"
                          f" {target.name}")
            arrived = transfer.run(self, [
                transfer.Copy(disks.describe(disk), f"disk{index}",
                              self._end(self.source, disk), self._end(target.uuid, copy))
                for index, (disk, copy) in enumerate(zip(old_disks, copies, strict=True))],
                self.op.compress)
            lost = [disks.describe(disk)
                    for disk, good in zip(old_disks, arrived, strict=True) if not good]
            if lost:
                raise errors.OpExecError(f"could not copy {', '.join(lost)}")
            if not (disks.shutdown(self, self.instance, old_disks)
                    and disks.shutdown(self, there, copies)):
                raise errors.OpExecError("could not shut down the disks after copying them")
            state.follow(self, self.instance, self.source, target.uuid, lost=False,
                         force=self.op.ignore_consistency)
            undo.forget()

    def _end(self, node_uuid: str, disk: objects.Disk) -> transfer.End:
        opened: list[Any] = [constants.IEIO_RAW_DISK, [(disk, self.instance)]]
        return transfer.End(node_uuid, self.instance, opened)

    def _record(self, old_disks: list[objects.Disk]) -> None:
        with self.cfg.edit(job=self.job_id) as draft:
            draft.update(draft.config.instances[self.instance.uuid],
                         primary_node=self.target_node.uuid, disks_active=False)
            for disk in old_disks:
                draft.update(draft.config.disks[disk.uuid], nodes=[self.target_node.uuid])
        self.instance = self.config.instances[self.instance.uuid]

    def _start_again(self, was_up: bool) -> str:
        """Give the administrator back what ran before; what came of it."""
        if not was_up:
            return "; it is stopped, as it was"
        try:
            power.start(self, self.config.instances[self.instance.uuid])
        except errors.GenericError as err:
            return f"; it is stopped, and does not start again: {errors.text(err)}"
        return "; it runs again where it was"
