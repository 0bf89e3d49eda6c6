"""OP_INSTANCE_FAILOVER, and the fail-over steps that migration falls back to."""

from __future__ import annotations

from ganeti import constants, errors, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.instance import cleanup, disks, power, state
from ganeti.cmdlib.instance.relocate import RelocatingUnit


def fail_over(unit: RelocatingUnit, timeout: float, ignore_consistency: bool) -> None:
    """Stop the guest on its node, make the target its node, and start it there.

    A master daemon that dies in between leaves an instance that is down on the node which the
    configuration names, to be started there.
    """
    instance, source = unit.instance, unit.config.nodes[unit.source]
    wanted_up = instance.admin_state == constants.ADMINST_UP
    if instance.disks_active and not ignore_consistency:
        unit.feedback("* checking disk consistency between source and target")
        unit.require_consistent_disks(alone=source.offline)

    unit.feedback(f"* shutting down instance on source node {source.name}")
    failure = power.stop(unit, instance, timeout)
    if failure:
        text = f"Could not shut down instance {instance.name} on node {source.name}: {failure}"
        if not (ignore_consistency or source.offline):
            raise errors.OpExecError(text)
        unit.feedback.warning(f"{text}; going on, make sure that the node is really down")

    state.follow(unit, instance, unit.source, unit.target_node.uuid, lost=bool(failure),
                 force=ignore_consistency)

    unit.feedback("* deactivating the instance's disks on source node")
    if not disks.shutdown(unit, instance, ignore_primary=source.offline or ignore_consistency):
        raise errors.OpExecError(f"Could not shut down the disks of instance {instance.name}")

    unit.record_primary(unit.target_node.uuid)
    if not wanted_up:
        disks.set_active(unit, unit.instance, False)
        return
    unit.feedback(f"* activating the instance's disks on target node {unit.target_node.name}")
    unit.feedback(f"* starting the instance on the target node {unit.target_node.name}")
    power.start(unit, unit.instance, ignore_secondaries=True)


class LUInstanceFailover(RelocatingUnit):
    """Stop an instance and start it on another node."""

    OP = opcodes.OpInstanceFailover
    HOOKS = base.Hooks("instance-failover", constants.HTYPE_INSTANCE)

    def own_env(self) -> dict[str, object]:
        return {
            "IGNORE_CONSISTENCY": self.op.ignore_consistency,
            "SHUTDOWN_TIMEOUT": self.op.shutdown_timeout,
            "FAILOVER_CLEANUP": self.op.cleanup,
            **self.move_env(),
        }

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        pre = [self.config.cluster.master_node, *self.config.secondary_nodes(self.instance)]
        if self.target:
            pre.append(self.target)
        pre = [uuid for uuid in dict.fromkeys(pre) if uuid != self.source
               or uuid == self.config.cluster.master_node]
        return pre, list(dict.fromkeys([*pre, self.source]))

    def check_prereq(self) -> None:
        super().check_prereq()
        self.require_not_offline_state("be failed over")
        if self.op.cleanup:
            cleanup.require_nodes(self)
            return
        self.choose_target()
        if self.instance.admin_state == constants.ADMINST_UP:
            self.require_target_memory()
        else:
            self.feedback.info("Not checking memory on the target, as the instance will not be"
                               " started")

    def exec(self) -> None:
        if self.op.cleanup:
            cleanup.clean_up(self)
            return
        self.feedback(f"Failover instance {self.instance.name}")
        fail_over(self, self.op.shutdown_timeout, self.op.ignore_consistency)
