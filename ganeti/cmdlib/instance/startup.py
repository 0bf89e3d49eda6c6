"""OP_INSTANCE_STARTUP."""

from __future__ import annotations

from ganeti import constants, errors, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import instance_parameters as parameters
from ganeti.cmdlib.checks import memory, nics
from ganeti.cmdlib.instance import disks, power
from ganeti.cmdlib.instance.base import InstanceUnit, Level


class LUInstanceStartup(InstanceUnit):
    """Mark an instance up, assemble its disks, and start it on its primary node."""

    OP = opcodes.OpInstanceStartup
    HOOKS = base.Hooks("instance-start", constants.HTYPE_INSTANCE)

    def expand_more(self) -> None:
        self.beparams = parameters.backend(self.op.beparams) if self.op.beparams else {}

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.NODE_RES:
            # Starting counts memory: two starts on one node must not both see it free.
            self.refresh()
            return base.LockRequest([self.instance.primary_node])
        return super().locks(level)

    def own_env(self) -> dict[str, object]:
        return {"FORCE": self.op.force}

    def check_prereq(self) -> None:
        super().check_prereq()
        self.require_not_offline_state("be started")
        self._check_overrides()
        self.skip = self.primary.offline and self.op.ignore_offline_nodes
        if self.skip:
            self.feedback.warning(f"Primary node {self.primary.name} is offline: the instance is"
                                  " only marked up")
            return
        self._require_primary_online()
        nics.require_bridges(self, self.instance.nics, self.instance.primary_node)
        if not self.is_running():
            filled = {**self.config.filled_beparams(self.instance), **self.beparams}
            memory.require(self, self.instance.primary_node,
                           f"start instance {self.instance.name}",
                           filled[constants.BE_MINMEM], self.instance.hypervisor)

    def _require_primary_online(self) -> None:
        if self.primary.offline:
            raise errors.OpPrereqError(
                f"Primary node {self.primary.name} of instance {self.instance.name} is offline;"
                " fail the instance over, or use --ignore-offline to mark it up only",
                errors.ECODE_STATE)

    def _check_overrides(self) -> None:
        filled = {**self.config.filled_hvparams(self.instance), **self.op.hvparams}
        if self.op.hvparams:
            parameters.check_hvparams(self, [self.instance.primary_node],
                                      self.instance.hypervisor, filled)
        if self.op.hvparams or self.beparams:
            parameters.require_fitting_size(
                self.instance.hypervisor, filled,
                {**self.config.filled_beparams(self.instance), **self.beparams})

    def exec(self) -> None:
        if not self.op.no_remember:
            self.instance = power.mark_up(self, self.instance)
        if self.skip:
            return
        if self.is_running():
            if self.op.hvparams or self.op.beparams:
                self.feedback.warning("The instance runs already: the given parameters apply to"
                                      " its next start only if given again")
            disks.assemble(self, self.instance, ignore_secondaries=self.op.force)
            return
        if self.runtime_info():
            # The guest shut itself down, and its hypervisor keeps what is left of it.
            failure = power.stop(self, self.instance, self.op.shutdown_timeout)
            if failure:
                raise errors.OpExecError(
                    f"Could not clean up after the guest's own shutdown: {failure}")
        power.start(self, self.instance, hvparams=self.op.hvparams, beparams=self.beparams,
                    paused=self.op.startup_paused, ignore_secondaries=self.op.force)
