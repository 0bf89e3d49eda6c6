"""OP_CLUSTER_POST_INIT, OP_CLUSTER_DESTROY and OP_CLUSTER_RENAME."""

from __future__ import annotations

import ipaddress
from typing import Any

from ganeti import constants, errors, opcodes, pathutils
from ganeti.cmdlib import ancillary, base
from ganeti.cmdlib.cluster import master_ip, redist
from ganeti.masterd import hooks
from ganeti.utils import net, ssh


class LUClusterPostInit(base.LogicalUnit):
    """The last step of initialisation, for its hooks and the master's switch."""

    OP = opcodes.OpClusterPostInit
    HOOKS = base.Hooks("cluster-init", constants.HTYPE_CLUSTER)
    EXCLUSIVE = True

    def hooks_env(self) -> dict[str, Any]:
        return {"OP_TARGET": self.config.cluster.cluster_name}

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        return [], [self.config.cluster.master_node]

    def exec(self) -> bool:
        master = self.config.master_node
        params = self.config.filled_ndparams(master)
        if params[constants.ND_OVS]:
            self.rpc.node_configure_ovs(
                master.uuid, params[constants.ND_OVS_NAME], params[constants.ND_OVS_LINK],
            ).raise_if_failed("Can not set up Open vSwitch on the master")
        return True


class LUClusterDestroy(base.LogicalUnit):
    """The checks before a cluster ends, its hooks, and giving up its address.

    The command stops the daemons and removes the files afterwards.
    """

    OP = opcodes.OpClusterDestroy
    HOOKS = base.Hooks("cluster-destroy", constants.HTYPE_CLUSTER)
    EXCLUSIVE = True

    def hooks_env(self) -> dict[str, Any]:
        return {"OP_TARGET": self.config.cluster.cluster_name}

    def check_prereq(self) -> None:
        config = self.config
        others = sorted(node.name for node in config.nodes.values()
                        if node.uuid != config.cluster.master_node)
        if others:
            raise errors.OpPrereqError(
                f"There are still {len(others)} other node(s) in this cluster:"
                f" {', '.join(others)}; 'gnt-node remove' first", errors.ECODE_INVAL)
        if config.instances:
            names = sorted(inst.name for inst in config.instances.values())
            raise errors.OpPrereqError(
                f"There are still {len(names)} instance(s) in this cluster:"
                f" {', '.join(names[:5])}; 'gnt-instance remove' first", errors.ECODE_INVAL)

    def exec(self) -> str:
        master = self.config.cluster.master_node
        hooks.run_post_on(self, [master])
        failure = master_ip.deactivate(self).fail_msg
        if failure:
            self.feedback.warning(f"Could not give up the master IP: {failure}")
        return master


class LUClusterRename(base.LogicalUnit):
    """Give the cluster another name, and the address that the name resolves to."""

    OP = opcodes.OpClusterRename
    HOOKS = base.Hooks("cluster-rename", constants.HTYPE_CLUSTER)
    EXCLUSIVE = True

    def expand(self) -> None:
        try:
            self.name, self.ip = net.lookup(self.op.name, self.config.cluster.primary_ip_family)
        except errors.ResolverError as err:
            raise errors.OpPrereqError(
                f"The new name '{self.op.name}' does not resolve: {err.args[-1]}",
                errors.ECODE_RESOLVER) from err
        self.old_name = self.config.cluster.cluster_name

    def hooks_env(self) -> dict[str, Any]:
        return {"OP_TARGET": self.old_name, "NEW_NAME": self.op.name}

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        return [self.config.cluster.master_node], list(self.config.nodes)

    def check_prereq(self) -> None:
        cluster = self.config.cluster
        if self.name == cluster.cluster_name and self.ip == cluster.master_ip:
            raise errors.OpPrereqError(
                "Neither the name nor the address of the cluster would change",
                errors.ECODE_INVAL)
        # Loopback addresses (of virtual clusters) refuse connections when they are free.
        loopback = ipaddress.ip_address(self.ip).is_loopback
        if self.ip != cluster.master_ip and net.tcp_ping(
                self.ip, net.daemon_port(constants.NODED), timeout=3.0,
                live_port_needed=loopback):
            raise errors.OpPrereqError(
                f"The cluster's new address {self.ip} is in use already",
                errors.ECODE_NOTUNIQUE)

    def exec(self) -> str:
        master_ip.deactivate(self).raise_if_failed("Could not give up the old master IP")
        try:
            with self.cfg.edit(job=self.job_id) as draft:
                draft.update(draft.cluster, cluster_name=self.name, master_ip=self.ip)
            ssh.write_known_hosts(self.config.cluster)
            changed = [item for item in ancillary.copied(self.config)
                       if item.path == pathutils.logical(pathutils.SSH_KNOWN_HOSTS_FILE)]
            redist.copy_files(self, changed)
        finally:
            failure = master_ip.activate(self).fail_msg
            if failure:
                self.feedback.warning(
                    f"Could not take the new master IP: {failure}",
                    hint="gnt-cluster activate-master-ip")
        return self.name

