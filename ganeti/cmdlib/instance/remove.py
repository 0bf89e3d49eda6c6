"""OP_INSTANCE_REMOVE."""

from __future__ import annotations

from ganeti import constants, errors, objects, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.instance import disks, power, state
from ganeti.cmdlib.instance.base import HookNodes, InstanceUnit


class LUInstanceRemove(InstanceUnit):
    """Stop an instance, remove its disks, and forget it.

    The configuration forgets it last: what a killed master daemon leaves is an instance whose
    removal can be repeated.
    """

    OP = opcodes.OpInstanceRemove
    HOOKS = base.Hooks("instance-remove", constants.HTYPE_INSTANCE)
    HOOK_NODES = HookNodes.MASTER
    LOCK_NODES = True
    LOCK_NODE_RES = True

    def own_env(self) -> dict[str, object]:
        return {"SHUTDOWN_TIMEOUT": self.op.shutdown_timeout}

    def check_prereq(self) -> None:
        self.refresh()

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        pre, _ = super().hooks_nodes()
        known = self.config.instances.get(self.instance.uuid)
        if known is not None:
            self._nodes = self.config.instance_nodes(known)
        return pre, list(dict.fromkeys([*pre, *self._nodes]))

    _nodes: list[str] = []

    def exec(self) -> None:
        if self.instance.forthcoming:
            forget(self, self.instance)
            return
        power.mark_down(self, self.instance)
        failure = power.stop(self, self.instance, self.op.shutdown_timeout)
        if failure:
            self._complain(f"Could not stop instance {self.instance.name} on node"
                           f" {self.primary.name}: {failure}")
        if not disks.deactivate(self, self.instance):
            self.feedback.warning("Some disks could not be shut down, trying to remove them")
        state.forget(self, self.instance)
        problems = disks.remove(self, self.instance, self.disks)
        if problems:
            self._complain(f"Could not remove the disks of instance {self.instance.name}:"
                           f" {'; '.join(problems)}")
        forget(self, self.instance)

    def _complain(self, text: str) -> None:
        if not self.op.ignore_failures:
            raise errors.OpExecError(
                f"{text}; the instance stays in the configuration (--ignore-failures removes it"
                " from there in any case)")
        self.feedback.warning(text)


def forget(lu: base.LogicalUnit, instance: objects.Instance) -> None:
    """Take an instance and its disks out of the configuration."""
    with lu.cfg.edit(job=lu.job_id) as draft:
        current = draft.config.instances[instance.uuid]
        draft.remove(current)
        for uuid in current.disks:
            draft.remove(draft.config.disks[uuid])
