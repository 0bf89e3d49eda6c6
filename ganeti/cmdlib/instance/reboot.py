"""OP_INSTANCE_REBOOT."""

from __future__ import annotations

from ganeti import constants, errors, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import nics, nodes
from ganeti.cmdlib.instance import disks, power
from ganeti.cmdlib.instance.base import InstanceUnit


class LUInstanceReboot(InstanceUnit):
    """Restart an instance: by its guest, by its hypervisor, or with its disks."""

    OP = opcodes.OpInstanceReboot
    HOOKS = base.Hooks("instance-reboot", constants.HTYPE_INSTANCE)

    def own_env(self) -> dict[str, object]:
        return {
            "IGNORE_SECONDARIES": self.op.ignore_secondaries,
            "REBOOT_TYPE": self.op.reboot_type,
            "SHUTDOWN_TIMEOUT": self.op.shutdown_timeout,
        }

    def check_prereq(self) -> None:
        super().check_prereq()
        self.require_not_offline_state("be restarted")
        nodes.require_online(self.primary)
        nics.require_bridges(self, self.instance.nics, self.instance.primary_node)

    def exec(self) -> None:
        running = self.is_running()
        if running and self.op.reboot_type != constants.INSTANCE_REBOOT_FULL:
            self._reboot_running()
        else:
            self._stop_and_start(running)
        power.mark_up(self, self.instance)

    def _reboot_running(self) -> None:
        disks.assemble(self, self.instance, ignore_secondaries=self.op.ignore_secondaries)
        result = self.rpc.instance_reboot(
            self.instance.primary_node, self.instance, self.op.reboot_type,
            self.op.shutdown_timeout, power.reason(self))
        result.raise_if_failed(f"Could not restart instance {self.instance.name}")

    def _stop_and_start(self, running: bool) -> None:
        if running:
            failure = power.stop(self, self.instance, self.op.shutdown_timeout)
            if failure:
                raise errors.OpExecError(
                    f"Could not stop instance {self.instance.name} for its full restart:"
                    f" {failure}")
            disks.deactivate(self, self.instance)
        else:
            self.feedback.info(f"Instance {self.instance.name} was not running and is started")
        power.start(self, self.instance, ignore_secondaries=self.op.ignore_secondaries)
