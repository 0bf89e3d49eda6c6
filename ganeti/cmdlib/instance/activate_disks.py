"""OP_INSTANCE_ACTIVATE_DISKS and OP_INSTANCE_DEACTIVATE_DISKS."""

from __future__ import annotations

from ganeti import errors, opcodes
from ganeti.cmdlib.checks import nodes
from ganeti.cmdlib.instance import disks
from ganeti.cmdlib.instance.base import InstanceUnit


class LUInstanceActivateDisks(InstanceUnit):
    """Make an instance's disks usable on its nodes without starting it."""

    OP = opcodes.OpInstanceActivateDisks
    LOCK_NODES = True

    def check_prereq(self) -> None:
        super().check_prereq()
        nodes.require_online(self.primary)

    def exec(self) -> disks.Assembled:
        before = self.instance.disks_active
        active = disks.activate(self, self.instance, ignore_size=self.op.ignore_size, keep=before)
        if self.op.wait_for_sync and not disks.wait_for_sync(self, self.instance):
            if not before:
                disks.deactivate(self, self.instance)
            raise errors.OpExecError(
                f"Some disks of instance {self.instance.name} are degraded after"
                f" synchronisation{'' if before else '; they were shut down again'}")
        return active


class LUInstanceDeactivateDisks(InstanceUnit):
    """Shut down an instance's disks; refused while the guest uses them, unless forced."""

    OP = opcodes.OpInstanceDeactivateDisks
    LOCK_NODES = True

    def exec(self) -> None:
        if not self.op.force:
            self._require_unused()
        if not disks.deactivate(self, self.instance, ignore_primary=self.op.force):
            raise errors.OpExecError(
                f"Some disks of instance {self.instance.name} could not be shut down")

    def _require_unused(self) -> None:
        if self.primary.offline:
            raise errors.OpExecError(
                f"Primary node {self.primary.name} is offline, so it can not be told whether"
                f" instance {self.instance.name} runs; --force goes on")
        if self.runtime_info():
            raise errors.OpExecError(
                f"Instance {self.instance.name} is running and uses its disks")
