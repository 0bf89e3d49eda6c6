"""OP_INSTANCE_SET_PARAMS."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ganeti import constants, errors, objects, opcodes, serializer
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import instance_parameters as parameters
from ganeti.cmdlib.checks import ipolicy, memory, nodes, os_definitions
from ganeti.cmdlib.instance import hookenv, os_install, set_params_template
from ganeti.cmdlib.instance.base import InstanceUnit, Level
from ganeti.cmdlib.instance.hotplug import Hotplug
from ganeti.cmdlib.instance.set_params_disks import DiskPlan
from ganeti.cmdlib.instance.set_params_nics import NicPlan

Told = list[tuple[str, Any]]


class LUInstanceSetParams(InstanceUnit):
    """Change the settings, disks and interfaces of an instance."""

    OP = opcodes.OpInstanceSetParams
    HOOKS = base.Hooks("instance-modify", constants.HTYPE_INSTANCE)
    LOCK_NODES = True

    new_primary: str | None = None

    def expand_more(self) -> None:
        op = self.op
        self.nics = NicPlan(self)
        self.nics.add_communication(op.instance_communication)
        self.disk_plan = DiskPlan(self)
        self.conversion = set_params_template.Conversion(self)
        set_params_template.require_fitting(self)
        self.private = serializer.reveal(op.osparams_private or {})
        parameters.public_os(op.osparams, self.private, None)
        self.hv_change = parameters.hypervisor(self.instance.hypervisor, op.hvparams)
        self.be_change = parameters.backend(op.beparams)
        if op.pnode or op.pnode_uuid:
            self.new_primary = self.config.expand_node(op.pnode_uuid or op.pnode).uuid
        wanted = (
            self.nics.changes, self.disk_plan.changes, op.disk_template, self.hv_change,
            self.be_change, op.os_name, op.osparams, self.private, op.runtime_mem,
            self.new_primary)
        if not any(wanted) and op.offline is None:
            if op.instance_communication is None:
                raise errors.OpPrereqError("No changes submitted", errors.ECODE_INVAL)
            self.feedback.info("The interface for instance communication is as wanted already")

    # Locks.

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.NODEGROUP:
            self.refresh()
            groups = {self.config.nodes[uuid].group for uuid in self.lock_nodes()}
            return base.LockRequest(groups, shared=True)
        if level == Level.NODE_RES and (self.op.disk_template or self.disk_plan.changes):
            return base.LockRequest(frozenset(self.lock_nodes()))
        return super().locks(level)

    def lock_nodes(self) -> Iterable[str]:
        held = [*self.config.instance_nodes(self.instance), *self.conversion.lock_nodes()]
        return [*held, self.new_primary] if self.new_primary else held

    # Hooks.

    def instance_env(self, instance: objects.Instance) -> dict[str, str]:
        return hookenv.of_instance(self.config, instance, beparams=self.filled_be,
                                   nics=self.nics.result)

    def own_env(self) -> dict[str, object]:
        env: dict[str, object] = {}
        if self.op.disk_template:
            env["NEW_DISK_TEMPLATE"] = self.op.disk_template
        if self.op.runtime_mem:
            env["RUNTIME_MEMORY"] = self.op.runtime_mem
        return env

    # Prerequisites.

    def check_prereq(self) -> None:
        super().check_prereq()
        if not self.op.offline:
            nodes.require_online(self.primary)
        self._check_admin_state()
        self._check_new_primary()
        self._check_hypervisor()
        self._check_backend()
        self._check_size()
        self._check_os()
        self.hotplug = Hotplug(self, self.op.hotplug)
        self.nics.check()
        self.disk_plan.check(self.hotplug)
        if self.op.disk_template:
            self.conversion.check()
        self._check_policy()
        self._check_runtime_memory()

    def _check_admin_state(self) -> None:
        if self.op.offline:
            self.require_state([constants.ADMINST_DOWN, constants.ADMINST_OFFLINE],
                               "be marked offline")
        elif self.op.offline is False and self.instance.admin_state == constants.ADMINST_UP:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} is not marked offline", errors.ECODE_STATE)

    def _check_new_primary(self) -> None:
        """Another primary node is only recorded: the guest has to be stopped, the data shared."""
        if self.new_primary is None or self.new_primary == self.instance.primary_node:
            return
        nodes.require_target(self.config.nodes[self.new_primary])
        if self.instance.admin_state == constants.ADMINST_UP or (
                not self.primary.offline and self.runtime_info()):
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} is not stopped; its primary node can only be"
                " changed by migration or fail-over", errors.ECODE_STATE)
        local = [disk for disk in self.disks if disk.nodes and self.new_primary not in disk.nodes]
        if local:
            raise errors.OpPrereqError(
                f"{local[0].iv_name} of instance {self.instance.name} is on node"
                f" {self.primary.name} only and would not be found on"
                f" {self.node_name(self.new_primary)}", errors.ECODE_STATE)

    def _check_hypervisor(self) -> None:
        self.hvparams = parameters.merged(self.instance.hvparams, self.hv_change)
        if self.hv_change:
            parameters.check_hvparams(self, self.config.instance_nodes(self.instance),
                                      self.instance.hypervisor, self._filled_hv())

    def _filled_hv(self) -> dict[str, Any]:
        defaults = self.config.hypervisor_defaults(self.instance.hypervisor, self.instance.os)
        return {**defaults, **self.hvparams}

    def _check_size(self) -> None:
        if self.hv_change or self.be_change:
            parameters.require_fitting_size(self.instance.hypervisor, self._filled_hv(),
                                            self.filled_be)

    def _check_backend(self) -> None:
        self.beparams = parameters.merged(self.instance.beparams, self.be_change)
        self.filled_be = {**self.config.filled_beparams(), **self.beparams}
        if not self.be_change:
            return
        parameters.require_sane_backend(self.filled_be)
        before = self.config.filled_beparams(self.instance)[constants.BE_MAXMEM]
        grown = self.filled_be[constants.BE_MAXMEM] > before
        if not grown or self.op.force or self.instance.admin_state != constants.ADMINST_UP:
            return
        used = int(self.runtime_info().get("memory") or 0)
        free = memory.free(self, self.instance.primary_node, self.instance.hypervisor)
        missing = self.filled_be[constants.BE_MAXMEM] - used - free
        if missing > 0:
            raise errors.OpPrereqError(
                f"The instance could not be started any more: {missing} MiB of memory are missing"
                f" on its node {self.primary.name} (--force changes it all the same)",
                errors.ECODE_NORES)

    def _check_os(self) -> None:
        op, changes = self.op, {}
        if op.os_name and op.os_name != self.instance.os:
            changes["os"] = op.os_name
        if op.osparams:
            changes["osparams"] = parameters.merged(self.instance.osparams, op.osparams)
        if self.private:
            changes["osparams_private"] = parameters.merged(
                self.instance.osparams_private, self.private)
        self.os_changes: dict[str, Any] = changes
        if not changes:
            return
        proposed = self.instance.replace(**changes)
        if proposed.os and not op.force:
            os_definitions.require(
                self, [self.instance.primary_node], proposed.os,
                os_install.parameters_for(self.config, proposed, {}),
                force_variant=op.force_variant)

    def _check_policy(self) -> None:
        changed = (self.be_change, self.nics.changes, self.disk_plan.changes,
                   self.op.disk_template, self.new_primary)
        if not any(changed):
            return
        planned = self.conversion.new_disks or self.disk_plan.result
        sizes = ipolicy.of_instance(
            self.config, self.instance, beparams=self.filled_be,
            nic_count=len(self.nics.result), disks=planned)
        node = self.config.nodes[self.new_primary or self.instance.primary_node]
        for text in ipolicy.require(
                self.config, self.config.group_of(node), sizes,
                f"Instance {self.instance.name} as it would be", ignore=self.op.ignore_ipolicy,
                before=ipolicy.of_instance(self.config, self.instance)):
            self.feedback.warning(text)

    def _check_runtime_memory(self) -> None:
        wanted = self.op.runtime_mem
        if not wanted:
            return
        if not self.hypervisor.can_balloon:
            raise errors.OpPrereqError(
                f"Hypervisor {self.instance.hypervisor} can not change the memory of a running"
                " guest", errors.ECODE_INVAL)
        info = self.runtime_info()
        if not info:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} is not running, so its runtime memory can not be"
                " changed", errors.ECODE_STATE)
        low, high = self.filled_be[constants.BE_MINMEM], self.filled_be[constants.BE_MAXMEM]
        if not self.op.force and not low <= wanted <= high:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} must have memory between {low} and {high} MiB,"
                f" not {wanted} MiB, unless --force is given", errors.ECODE_INVAL)
        more = wanted - int(info["memory"])
        if more > 0:
            memory.require(self, self.instance.primary_node,
                           f"enlarge the memory of instance {self.instance.name}", more,
                           self.instance.hypervisor)

    # Doing it.

    def exec(self) -> Told:
        told: Told = []
        if self.op.runtime_mem:
            result = self.rpc.instance_balloon_memory(
                self.instance.primary_node, self.instance, self.op.runtime_mem)
            result.raise_if_failed("Cannot modify instance runtime memory")
            told.append(("runtime_memory", self.op.runtime_mem))
        told += self.disk_plan.apply(self.hotplug)
        if self.op.disk_template:
            told += self.conversion.apply()
        told += self.nics.apply(self.hotplug)
        told += self._apply_settings()
        self._tell_what_waits()
        return told

    def _tell_what_waits(self) -> None:
        """Say which changed parameters a guest that runs does not have yet."""
        if not self.hotplug.running:
            return
        hypervisor = constants.HV_TABLES[self.instance.hypervisor]
        waiting = [name for table, changed in ((hypervisor, self.hv_change),
                                               (constants.BE_TABLE, self.be_change))
                   for name in changed if table[name].waits_for_start]
        if waiting:
            self.feedback.info(f"The change of {', '.join(sorted(waiting))} takes effect when the"
                               " instance is started anew")

    def _apply_settings(self) -> Told:
        changes: dict[str, Any] = dict(self.os_changes)
        told: Told = []
        if self.new_primary and self.new_primary != self.instance.primary_node:
            changes["primary_node"] = self.new_primary
            told.append(("primary node", self.node_name(self.new_primary)))
        if self.hv_change:
            changes["hvparams"] = self.hvparams
            told += [(f"hv/{key}", value) for key, value in sorted(self.hv_change.items())]
        if self.be_change:
            changes["beparams"] = self.beparams
            told += [(f"be/{key}", value) for key, value in sorted(self.be_change.items())]
        if "os" in changes:
            told.append(("os", changes["os"]))
        told += [(f"os/{key}", value) for key, value in sorted(self.op.osparams.items())]
        told += [(f"os_private/{key}", serializer.REDACTED) for key in sorted(self.private)]
        told += self._admin_state(changes)
        if changes:
            self.commit(**changes)
        return told

    def _admin_state(self, changes: dict[str, Any]) -> Told:
        if self.op.offline is None:
            return []
        wanted = constants.ADMINST_OFFLINE if self.op.offline else constants.ADMINST_DOWN
        if self.instance.admin_state == wanted:
            return []
        changes["admin_state"] = wanted
        changes["admin_state_source"] = constants.ADMIN_SOURCE
        return [("admin_state", wanted)]

