"""OP_CLUSTER_SET_PARAMS."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, opcodes
from ganeti.cmdlib import base, guest_daemons
from ganeti.cmdlib.checks import parameters
from ganeti.cmdlib.cluster import communication, master_ip, settings, usage
from ganeti.cmdlib.node import trust

Level = base.Level


class LUClusterSetParams(base.LogicalUnit):
    """Change the cluster's settings."""

    OP = opcodes.OpClusterSetParams
    HOOKS = base.Hooks("cluster-modify", constants.HTYPE_CLUSTER)

    def expand(self) -> None:
        if not settings.anything_given(self.op):
            raise errors.OpPrereqError("Nothing to change was given", errors.ECODE_INVAL)
        if self.op.uid_pool is not None and (self.op.add_uids or self.op.remove_uids):
            raise errors.OpPrereqError(
                "The whole pool of user ids and changes to it can not be given together",
                errors.ECODE_INVAL)

    def locks(self, level: Level) -> base.LockRequest | None:
        if level in (Level.INSTANCE, Level.NODEGROUP, Level.NODE):
            return base.LockRequest(base.ALL, shared=True)
        return None

    def hooks_env(self) -> dict[str, Any]:
        return {"OP_TARGET": self.config.cluster.cluster_name,
                "NEW_VG_NAME": self.op.vg_name}

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        master = [self.config.cluster.master_node]
        return master, master

    # Prerequisites.

    def check_prereq(self) -> None:
        config = self.config
        self.changes = changes = settings.changes(self.op, config)
        if "enabled_hypervisors" in changes:
            usage.check_hypervisors(config, changes["enabled_hypervisors"])
        if "enabled_disk_templates" in changes:
            usage.check_templates(config, changes["enabled_disk_templates"])
        usage.check_storage_needs(config, changes)
        if "nicparams" in changes:
            usage.check_nics(config, changes["nicparams"])
        if "ipolicy" in changes:
            names = usage.new_violations(config, changes["ipolicy"])
            if names:
                self.feedback.warning("After the change these instances violate the instance"
                                      f" policy: {', '.join(names)}")
        self._check_volume_group()
        self._check_drbd_helper()
        self._check_hypervisor_parameters()
        self._check_os_parameters()

    def _storage_nodes(self) -> list[str]:
        return [node.uuid for node in self.config.nodes.values()
                if node.vm_capable and not node.offline]

    def _check_volume_group(self) -> None:
        wanted = self.changes.get("volume_group_name")
        if not wanted:
            return
        for result in self.rpc.vg_list(self._storage_nodes()).values():
            if result.fail_msg:
                self.feedback.warning(f"Node {result.node_name} can not list its volume groups:"
                                      f" {result.fail_msg}")
                continue
            size = (result.payload or {}).get(wanted)
            if size is None:
                raise errors.OpPrereqError(
                    f"Node {result.node_name} has no volume group '{wanted}'",
                    errors.ECODE_ENVIRON)
            if size < constants.MIN_VG_SIZE:
                raise errors.OpPrereqError(
                    f"Volume group '{wanted}' of node {result.node_name} has {size:.0f} MiB, at"
                    f" least {constants.MIN_VG_SIZE} MiB are needed", errors.ECODE_ENVIRON)

    def _check_drbd_helper(self) -> None:
        wanted = self.changes.get("drbd_usermode_helper")
        if not wanted:
            return
        for result in self.rpc.drbd_helper(self._storage_nodes()).values():
            helper = result.raise_if_failed(
                f"Can not ask node {result.node_name} for its DRBD helper", prereq=True,
                ecode=errors.ECODE_ENVIRON)
            if helper != wanted:
                raise errors.OpPrereqError(
                    f"The DRBD module of node {result.node_name} calls {helper}, not {wanted}",
                    errors.ECODE_ENVIRON)

    def _check_hypervisor_parameters(self) -> None:
        """Try the changed sets of parameters on every node that can run instances."""
        after = self.config.with_changes([self.config.cluster.replace(**self.changes)])
        enabled = after.cluster.enabled_hypervisors
        newly = set(enabled) - set(self.config.cluster.enabled_hypervisors)
        for name in sorted(newly | set(self.op.hvparams or {})):
            if name in enabled:
                parameters.check_hypervisor_on_nodes(self, name, after.filled_hvparams(name))
        for os_name, by_hypervisor in sorted((self.op.os_hvp or {}).items()):
            for name in sorted(by_hypervisor):
                if name in enabled:
                    parameters.check_hypervisor_on_nodes(
                        self, name, after.filled_hvparams(name, os_name))

    def _check_os_parameters(self) -> None:
        """The OSes whose parameters change accept them, where they are installed."""
        after = self.config.with_changes([self.config.cluster.replace(**self.changes)])
        names = {*(self.op.osparams or {}), *(self.op.osparams_private_cluster or {})}
        for os_name in sorted(names):
            params = {**after.os_defaults(os_name),
                      **after.cluster.osparams_private_cluster.get(os_name, {})}
            results = self.rpc.os_validate(self._storage_nodes(), False, os_name,
                                           [constants.OS_VALIDATE_PARAMETERS], params,
                                           self.op.force)
            for result in results.values():
                result.raise_if_failed(
                    f"Node {result.node_name} refuses the parameters of OS {os_name}",
                    prereq=True, ecode=errors.ECODE_INVAL)
                if not result.payload:
                    self.feedback.info(f"OS {os_name} is not on node {result.node_name}, its"
                                       " parameters were not checked there")

    # Execution.

    def exec(self) -> base.JobsResult | None:
        old = self.config.cluster
        moved = self.changes.get("master_netdev", old.master_netdev) != old.master_netdev
        remasked = self.changes.get("master_netmask", old.master_netmask) != old.master_netmask
        if moved:
            self.feedback(f"Giving up the master IP on {old.master_netdev}")
            result = master_ip.deactivate(self)
            if not self.op.force:
                result.raise_if_failed("Could not give up the master IP")
        elif remasked:
            self.rpc.node_change_master_netmask(
                old.master_node, old.master_netmask, self.changes["master_netmask"],
                old.master_ip, old.master_netdev,
            ).raise_if_failed("Could not change the netmask of the master IP")
        try:
            with self.cfg.edit(job=self.job_id) as draft:
                draft.update(draft.cluster, **self.changes)
        finally:
            if moved:
                self._take_address_again()
        if "candidate_pool_size" in self.changes:
            trust.fill_pool(self)
        if {"enabled_user_shutdown", "enabled_hypervisors"} & self.changes.keys():
            guest_daemons.ensure(self)
        return self._communication_jobs(old.instance_communication_network)

    def _take_address_again(self) -> None:
        device = self.config.cluster.master_netdev
        self.feedback(f"Taking the master IP on {device}")
        failure = master_ip.activate(self).fail_msg
        if failure:
            self.feedback.warning(f"Could not take the master IP on {device}: {failure}",
                                  hint="gnt-cluster activate-master-ip")

    def _communication_jobs(self, old: str) -> base.JobsResult | None:
        """Create the communication network and connect all groups, if it is a new one."""
        name = self.changes.get("instance_communication_network", old)
        if not name or name == old:
            return None
        jobs: list[list[Any]] = []
        missing = self.config.network_by_name(name) is None
        if missing:
            jobs.append([communication.network_op(name)])
        for group in sorted(self.config.nodegroups.values(), key=lambda group: group.name):
            depends = [(-len(jobs), [constants.JOB_STATUS_SUCCESS])] if missing else None
            jobs.append([communication.connect_op(group.name, name, depends=depends)])
        return base.JobsResult(jobs)
