"""OP_INSTANCE_MIGRATE."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import memory
from ganeti.cmdlib.instance import cleanup, disks, failover, migration
from ganeti.cmdlib.instance.relocate import RelocatingUnit


class LUInstanceMigrate(RelocatingUnit):
    """Move a running instance to another node without stopping it."""

    OP = opcodes.OpInstanceMigrate
    HOOKS = base.Hooks("instance-migrate", constants.HTYPE_INSTANCE)

    #: Why it is failed over instead of migrated
    fall_back: str | None = None
    #: Memory of the running guest in MiB
    current_memory = 0

    def expand_more(self) -> None:
        super().expand_more()
        if self.op.live is not None and self.op.mode is not None:
            raise errors.OpPrereqError(
                "Only one of 'live' and 'mode' can be given", errors.ECODE_INVAL)
        if self.op.live is not None:
            self.mode = (constants.HT_MIGRATION_LIVE if self.op.live
                         else constants.HT_MIGRATION_NONLIVE)
        else:
            filled = self.config.filled_hvparams(self.instance)
            self.mode = self.op.mode or filled.get(
                constants.HV_MIGRATION_MODE, constants.HT_MIGRATION_LIVE)

    @property
    def live(self) -> bool:
        """Whether the guest runs on while its memory is sent."""
        return bool(self.mode == constants.HT_MIGRATION_LIVE)

    def own_env(self) -> dict[str, object]:
        return {
            "MIGRATE_LIVE": self.live,
            "MIGRATE_CLEANUP": self.op.cleanup,
            "ALLOW_RUNTIME_CHANGES": self.op.allow_runtime_changes,
            **self.move_env(),
        }

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        nodes = [self.config.cluster.master_node, self.source,
                 *self.config.secondary_nodes(self.instance)]
        if self.target:
            nodes.append(self.target)
        unique = list(dict.fromkeys(nodes))
        return unique, unique

    # Prerequisites.

    def check_prereq(self) -> None:
        super().check_prereq()
        self.require_not_offline_state("be migrated")
        if self.op.cleanup:
            self._require_migrating_hypervisor()
            cleanup.require_nodes(self)
            return
        self.choose_target()
        info = {} if self.primary.offline else self.runtime_info()
        self._decide(info)
        if self.instance.admin_state == constants.ADMINST_UP or info:
            self.require_target_memory()
        if self.fall_back is None:
            self.current_memory = int(info.get("memory") or 0)
            self._check_memory_growth()
            self._check_versions()

    def _require_migrating_hypervisor(self) -> None:
        if not self.hypervisor.can_migrate:
            raise errors.OpPrereqError(
                f"Hypervisor {self.instance.hypervisor} can not migrate instances, so there is"
                " nothing to clean up; use 'gnt-instance failover'", errors.ECODE_STATE)

    def _decide(self, info: dict[str, Any]) -> None:
        """Migrate, or fail over where that is wanted or allowed."""
        if self.config.filled_beparams(self.instance)[constants.BE_ALWAYS_FAILOVER]:
            self.fall_back = "the instance is configured to be always failed over"
            self.feedback.info(f"Failing over, since {self.fall_back}")
            return
        reason = self._hindrance(info)
        if reason is None:
            return
        if not self.op.allow_failover:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} can not be migrated: {reason}; use 'gnt-instance"
                " failover', or --allow-failover", errors.ECODE_STATE)
        self.fall_back = reason
        self.feedback.info(f"Failing over instead of migrating: {reason}")

    def _hindrance(self, info: dict[str, Any]) -> str | None:
        """Why it can not be migrated live now."""
        if not self.hypervisor.can_migrate:
            return f"hypervisor {self.instance.hypervisor} can not migrate"
        if self.primary.offline:
            return f"its node {self.primary.name} is offline"
        if not info:
            return "it does not run"
        result = self.rpc.instance_migratable(self.source, self.instance)
        return str(result.fail_msg) if result.fail_msg else None

    def _check_memory_growth(self) -> None:
        """A guest that is larger than the room on the target has to shrink first."""
        if self.target_free is None or self.current_memory <= self.target_free:
            return
        if not self.op.allow_runtime_changes or not self.hypervisor.can_balloon:
            raise errors.OpPrereqError(
                f"Memory ballooning is not allowed or not possible, and node"
                f" {self.target_node.name} has only {self.target_free} MiB free: instance"
                f" {self.instance.name} uses {self.current_memory} MiB", errors.ECODE_NORES)

    def _check_versions(self) -> None:
        """An older hypervisor can not take over what a newer one sends."""
        name = self.instance.hypervisor
        sending, receiving = (memory.hypervisor_info(self, uuid, name).get("hv_version")
                              for uuid in (self.source, self.target_node.uuid))
        if sending is None or receiving is None or sending == receiving:
            return
        text = (f"Hypervisor versions differ: {self._version(sending)} on"
                f" {self.node_name(self.source)}, {self._version(receiving)} on"
                f" {self.target_node.name}")
        if list(receiving) < list(sending) and not self.op.ignore_hvversions:
            raise errors.OpPrereqError(
                f"{text}; the older one may not understand the newer one"
                " (--ignore-hvversions tries it)", errors.ECODE_STATE)
        self.feedback.warning(text)

    @staticmethod
    def _version(parts: Any) -> str:
        return ".".join(map(str, parts)) if isinstance(parts, (list, tuple)) else str(parts)

    # Doing it.

    def exec(self) -> None:
        if self.op.cleanup:
            cleanup.clean_up(self)
            return
        if self.fall_back is not None:
            self.feedback(f"Failover instance {self.instance.name}")
            failover.fail_over(self, constants.DEFAULT_SHUTDOWN_TIMEOUT, False)
            return
        self.feedback(f"Migrating instance {self.instance.name}")
        self._shrink()
        migration.migrate(self, self.live)
        if not self.instance.disks_active:
            disks.set_active(self, self.instance, True)

    def _shrink(self) -> None:
        if self.target_free is None or self.current_memory <= self.target_free:
            return
        self.feedback(f"* setting the instance's runtime memory to {self.target_free} MiB")
        result = self.rpc.instance_balloon_memory(self.source, self.instance, self.target_free)
        result.raise_if_failed(
            f"Can not shrink the memory of instance {self.instance.name} for its migration")
