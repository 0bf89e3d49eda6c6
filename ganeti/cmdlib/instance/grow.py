"""OP_INSTANCE_GROW_DISK."""

from __future__ import annotations

from ganeti import constants, errors, objects, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import ipolicy, nodes
from ganeti.cmdlib.instance import disk_specs, disks
from ganeti.cmdlib.instance.base import InstanceUnit
from ganeti.storage import registry as storage


class LUInstanceGrowDisk(InstanceUnit):
    """Make a disk larger, and tell a running guest when its hypervisor can."""

    OP = opcodes.OpInstanceGrowDisk
    HOOKS = base.Hooks("disk-grow", constants.HTYPE_INSTANCE)
    LOCK_NODES = True
    LOCK_NODE_RES = True

    def own_env(self) -> dict[str, object]:
        return {"DISK": self.op.disk, "AMOUNT": self.op.amount, "ABSOLUTE": self.op.absolute}

    def check_prereq(self) -> None:
        super().check_prereq()
        for uuid in self.config.instance_nodes(self.instance):
            nodes.require_online(self.config.nodes[uuid])
        if self.op.disk >= len(self.instance.disks):
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} has no disk {self.op.disk}; it has"
                f" {len(self.instance.disks)}, counted from 0", errors.ECODE_INVAL)
        self.disk = self.disks[self.op.disk]
        template = storage.template(self.disk.dev_type)
        if not template.growable:
            raise errors.OpPrereqError(
                f"Disks of type {self.disk.dev_type} can not grow", errors.ECODE_INVAL)
        self.delta = self._delta()
        self._check_policy()
        disk_specs.require_space(
            self, self.config.instance_nodes(self.instance),
            [disk_specs.Spec(self.disk.dev_type, self.delta,
                             vg=disk_specs.volume_group(self.disk))], growing=True)

    def _delta(self) -> int:
        amount = int(self.op.amount)
        if not self.op.absolute:
            if amount == 0:
                raise errors.OpPrereqError(
                    "The disk is to grow by nothing; give an amount", errors.ECODE_INVAL)
            return amount
        if amount <= self.disk.size:
            raise errors.OpPrereqError(
                f"Disk {self.op.disk} has {self.disk.size} MiB already; disks can only grow, not"
                f" shrink to {amount} MiB", errors.ECODE_STATE)
        return int(amount - self.disk.size)

    def _check_policy(self) -> None:
        grown = [disk.replace(size=disk.size + self.delta) if disk.uuid == self.disk.uuid else disk
                 for disk in self.disks]
        sizes = ipolicy.of_instance(self.config, self.instance, disks=grown)
        for text in ipolicy.require(
                self.config, self.config.group_of(self.primary), sizes,
                f"Instance {self.instance.name} with the grown disk",
                ignore=self.op.ignore_ipolicy,
                before=ipolicy.of_instance(self.config, self.instance)):
            self.feedback.warning(text)

    def exec(self) -> None:
        was_active = self.instance.disks_active
        disks.assemble(self, self.instance, [self.disk], keep=was_active)
        template = storage.template(self.disk.dev_type)
        held = template.image(self.disk).grown_by_holder and self.is_running()
        new_size = self._grow_held() if held else self._grow_storage()
        with self.cfg.edit(job=self.job_id) as draft:
            draft.put(template.resized(draft.config.disks[self.disk.uuid], new_size))
        grown = self.config.disks[self.disk.uuid]
        if not held:
            self._finish_growth(grown)
        if self.op.wait_for_sync and not disks.wait_for_sync(self, self.instance, [grown]):
            self.feedback.warning("The disk is degraded after it grew; look at its state with"
                                  " 'gnt-instance info'")
        if not was_active:
            disks.shutdown(self, self.instance, [grown])

    def _finish_growth(self, grown: objects.Disk) -> None:
        """What is new may have been another's, and a running guest has to hear of it."""
        if self.config.cluster.prealloc_wipe_disks:
            disks.wipe(self, self.instance, [(grown, self.disk.size)])
        if self.is_running():
            self._tell_guest(grown)

    def _grow_held(self) -> int:
        """Have the hypervisor, which holds the image, enlarge it; the new part reads as zeroes."""
        self._grow_on(self.instance.primary_node, dry_run=True, backing_store=True)
        size = int(self.disk.size + self.delta)
        result = self.rpc.resize_disk(
            self.instance.primary_node, self.instance, self.disk.to_dict(), size)
        result.raise_if_failed(
            f"The hypervisor, which has {disks.describe(self.disk)} open, can not grow it; stop"
            " the instance and try again")
        return size

    def _grow_storage(self) -> int:
        """Grow on all nodes, after each has said that it can; then the mirror on top of them.

        Returns the new size.
        """
        where = disks.nodes_of(self.disk, self.instance)
        for dry_run in (True, False):
            for uuid in where:
                self._grow_on(uuid, dry_run=dry_run, backing_store=True)
        self._grow_on(self.instance.primary_node, dry_run=False, backing_store=False)
        return int(self.disk.size + self.delta)

    def _grow_on(self, node_uuid: str, *, dry_run: bool, backing_store: bool) -> None:
        params = self.config.filled_ndparams(self.config.nodes[node_uuid])
        result = self.rpc.blockdev_grow(
            node_uuid, (self.disk, self.instance), self.delta, dry_run, backing_store,
            bool(params[constants.ND_EXCLUSIVE_STORAGE]))
        result.raise_if_failed(
            f"{'Trying to grow' if dry_run else 'Growing'} {disks.describe(self.disk)} on node"
            f" {self.node_name(node_uuid)} failed")

    def _tell_guest(self, grown: objects.Disk) -> None:
        if not self.hypervisor.can_hotplug:
            self.feedback.info("The guest sees the new size after its next start")
            return
        result = self.rpc.resize_disk(
            self.instance.primary_node, self.instance, grown.to_dict(), grown.size)
        if result.fail_msg:
            self.feedback.warning(
                f"The running guest was not told the new size: {result.fail_msg}",
                hint="it sees the new size after its next start")
