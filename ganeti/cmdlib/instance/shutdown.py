"""OP_INSTANCE_SHUTDOWN."""

from __future__ import annotations

from ganeti import constants, errors, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.instance import disks, power, state
from ganeti.cmdlib.instance.base import InstanceUnit


class LUInstanceShutdown(InstanceUnit):
    """Mark an instance down, stop its guest, and shut down its disks."""

    OP = opcodes.OpInstanceShutdown
    HOOKS = base.Hooks("instance-stop", constants.HTYPE_INSTANCE)

    def own_env(self) -> dict[str, object]:
        return {"TIMEOUT": self.op.timeout}

    def expand_more(self) -> None:
        if self.op.admin_state_source == constants.USER_SOURCE \
                and not self.hypervisor.detects_user_shutdown:
            raise errors.OpPrereqError(
                f"Hypervisor {self.instance.hypervisor} can not tell that a user shut down an"
                " instance", errors.ECODE_INVAL)

    def check_prereq(self) -> None:
        super().check_prereq()
        if not self.op.force:
            self.require_not_offline_state("be stopped")
        self.skip = self.primary.offline and self.op.ignore_offline_nodes
        if self.primary.offline and not self.skip:
            raise errors.OpPrereqError(
                f"Primary node {self.primary.name} of instance {self.instance.name} is offline;"
                " --ignore-offline marks the instance as stopped all the same",
                errors.ECODE_STATE)

    def exec(self) -> None:
        offline = self.instance.admin_state == constants.ADMINST_OFFLINE
        if not self.op.no_remember and not offline:
            source = self.op.admin_state_source or constants.ADMIN_SOURCE
            self.instance = power.mark_down(self, self.instance, source)
        if self.skip:
            self.feedback.warning(f"Primary node {self.primary.name} is offline: the instance is"
                                  " only marked as stopped")
            return
        failure = power.stop(self, self.instance, self.op.timeout)
        if failure:
            self._tell_mark(offline)
            raise errors.OpExecError(
                f"Could not stop instance {self.instance.name}: {failure}")
        state.mirror(self, self.instance)
        disks.deactivate(self, self.instance)

    def _tell_mark(self, offline: bool) -> None:
        """The mark says what the administrator wants, also while the guest does not obey."""
        if not (self.op.no_remember or offline):
            self.feedback.warning("The instance stays marked as stopped, although its guest could"
                                  " not be stopped; run the command again")
