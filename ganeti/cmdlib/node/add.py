"""OP_NODE_ADD: take a prepared machine into the cluster, or take a node back after repair.

Before this opcode the command has made the machine's node daemon run with the cluster's
certificate (see `masterd.bootstrap`); here it becomes a node.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from ganeti import constants, errors, objects, opcodes
from ganeti.cmdlib import ancillary, base, guest_daemons
from ganeti.cmdlib.checks import parameters
from ganeti.cmdlib.cluster import redist
from ganeti.cmdlib.node import trust
from ganeti.config import groups
from ganeti.config import nodes as pool
from ganeti.utils import net, uuid


class LUNodeAdd(base.LogicalUnit):
    """Add a node, or with `readd` reset one that was offline or drained."""

    OP = opcodes.OpNodeAdd
    HOOKS = base.Hooks("node-add", constants.HTYPE_NODE)
    EXCLUSIVE = True

    def expand(self) -> None:
        if net.is_ip(self.op.node_name):
            raise errors.OpPrereqError(
                f"A node is added by its name, not by an address ({self.op.node_name})",
                errors.ECODE_INVAL)
        try:
            found, self.primary_ip = net.lookup(self.op.node_name,
                                                self.config.cluster.primary_ip_family)
        except errors.ResolverError as err:
            raise errors.OpPrereqError(
                f"The node's name '{self.op.node_name}' does not resolve: {err.args[-1]}",
                errors.ECODE_RESOLVER) from err
        self.name = net.normalize_name(found)
        if self.op.primary_ip is not None and self.op.primary_ip != self.primary_ip:
            raise errors.OpPrereqError(
                f"Node {self.name} resolves to {self.primary_ip}, not to the given primary address"
                f" {self.op.primary_ip}", errors.ECODE_INVAL)
        self.known = self.config.node_by_name(self.name)
        if self.op.readd:
            self._expand_readd()
        elif self.known is not None:
            raise errors.OpPrereqError(
                f"Node {self.name} is already in the cluster; 'gnt-node add --readd' takes it"
                " in again after a repair", errors.ECODE_EXISTS)

    def _expand_readd(self) -> None:
        if self.known is None:
            raise errors.OpPrereqError(
                f"Node {self.name} is not in the cluster, so it can not be re-added; leave"
                " --readd out", errors.ECODE_NOENT)
        if self.known.uuid == self.config.cluster.master_node:
            raise errors.OpPrereqError("The master node can not be re-added", errors.ECODE_STATE)
        if self.op.group is not None:
            raise errors.OpPrereqError(
                "A node that is re-added stays in its group; 'gnt-group assign-nodes' moves it",
                errors.ECODE_INVAL)

    # Hooks.

    def hooks_env(self) -> dict[str, Any]:
        node = self.config.node_by_name(self.name)
        return {
            "OP_TARGET": self.name, "NODE_NAME": self.name, "NODE_PIP": self.primary_ip,
            "NODE_SIP": self.op.secondary_ip or self.primary_ip,
            "MASTER_CAPABLE": str(node.master_capable if node else self._wish("master_capable")),
            "VM_CAPABLE": str(node.vm_capable if node else self._wish("vm_capable")),
        }

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        node = self.config.node_by_name(self.name)
        pre = [other for other in self.config.nodes if node is None or other != node.uuid]
        return pre, [*pre, node.uuid if node is not None else self.name]

    def _wish(self, name: str) -> bool:
        value = getattr(self.op, name)
        if value is not None:
            return bool(value)
        return True if self.known is None else bool(getattr(self.known, name))

    # Prerequisites.

    def check_prereq(self) -> None:
        self.secondary_ip = self.op.secondary_ip or (
            self.known.secondary_ip if self.known else self.primary_ip)
        self._check_addresses()
        self._check_homing()
        self.ndparams = parameters.node_parameters(
            self.op.ndparams or {}, "ndparams", single_node=True)
        self.hv_state = parameters.merged_hv_state(
            self.known.hv_state_static if self.known else {}, self.op.hv_state or {})
        self.disk_state = parameters.merged_disk_state(
            self.known.disk_state_static if self.known else {}, self.op.disk_state or {})
        self.group = self._find_group()
        self._check_capabilities()
        self._check_daemon()
        self.node = self._make_node()

    def _check_addresses(self) -> None:
        for address in (self.primary_ip, self.secondary_ip):
            try:
                version = ipaddress.ip_address(address).version
            except ValueError as err:
                raise errors.OpPrereqError(f"'{address}' is not an IP address",
                                           errors.ECODE_INVAL) from err
            if address == self.secondary_ip and version != 4:
                raise errors.OpPrereqError(
                    f"The secondary address {address} has to be an IPv4 address (-s)",
                    errors.ECODE_INVAL)
        if self.primary_ip == self.config.cluster.master_ip:
            raise errors.OpPrereqError(f"{self.primary_ip} is the cluster's own address",
                                       errors.ECODE_NOTUNIQUE)
        for node in self.config.nodes.values():
            if self.known is not None and node.uuid == self.known.uuid:
                continue
            taken = {node.primary_ip, node.secondary_ip} & {self.primary_ip, self.secondary_ip}
            if taken:
                raise errors.OpPrereqError(
                    f"Address {taken.pop()} belongs to node {node.name} already",
                    errors.ECODE_NOTUNIQUE)

    def _check_homing(self) -> None:
        """All nodes have one address, or all have two: mirrors run over the second."""
        if self.known is not None and self.known.primary_ip != self.primary_ip:
            raise errors.OpPrereqError(
                f"Node {self.name} was added with address {self.known.primary_ip} but resolves to"
                f" {self.primary_ip} now", errors.ECODE_INVAL)
        master = self.config.master_node
        master_single = master.primary_ip == master.secondary_ip
        new_single = self.primary_ip == self.secondary_ip
        if master_single and not new_single:
            raise errors.OpPrereqError(
                "The master has no secondary address, but the new node has one; leave -s out",
                errors.ECODE_INVAL)
        if new_single and not master_single:
            raise errors.OpPrereqError(
                "The master has a secondary address, so the new node needs one too (-s)",
                errors.ECODE_INVAL)

    def _find_group(self) -> objects.NodeGroup:
        if self.known is not None:
            return self.config.group_of(self.known)
        return groups.lookup_default(self.config, self.op.group)

    def _check_capabilities(self) -> None:
        if self.known is not None and not self._wish("vm_capable"):
            config = self.config
            count = len(config.primaries(self.known.uuid)) + len(
                config.secondaries(self.known.uuid))
            if count:
                raise errors.OpPrereqError(
                    f"Node {self.name} has {count} instances, so it has to stay vm_capable",
                    errors.ECODE_STATE)

    def _check_daemon(self) -> None:
        """The node daemon answers on all addresses, and speaks our protocol."""
        port = net.daemon_port(constants.NODED)
        if not net.tcp_ping(self.primary_ip, port, live_port_needed=True):
            raise errors.OpPrereqError(
                f"Node {self.name} can not be reached at {self.primary_ip} port {port}: is"
                " ganeti-noded running there?", errors.ECODE_ENVIRON)
        if self.secondary_ip != self.primary_ip and not net.tcp_ping(
                self.secondary_ip, port, live_port_needed=True,
                source=self.config.master_node.secondary_ip):
            raise errors.OpPrereqError(
                f"Node {self.name} can not be reached at its secondary address"
                f" {self.secondary_ip} port {port}", errors.ECODE_ENVIRON)
        # By address: calls to a node that is still marked offline would not be sent.
        result = self.rpc.version([self.primary_ip])[self.primary_ip]
        version = result.raise_if_failed(
            f"Can not ask node {self.name} for its version", prereq=True,
            ecode=errors.ECODE_ENVIRON)
        if version != constants.PROTOCOL_VERSION:
            raise errors.OpPrereqError(
                f"Node {self.name} speaks protocol {version}, the master"
                f" {constants.PROTOCOL_VERSION}; install the same release on it",
                errors.ECODE_ENVIRON)

    def _make_node(self) -> objects.Node:
        master_capable, vm_capable = self._wish("master_capable"), self._wish("vm_capable")
        base_node = self.known or objects.Node(
            uuid=uuid.new(), name=self.name, primary_ip=self.primary_ip,
            secondary_ip=self.secondary_ip, group=self.group.uuid)
        base_node = base_node.replace(
            secondary_ip=self.secondary_ip, offline=False, drained=False, powered=True,
            master_candidate=False, master_capable=master_capable, vm_capable=vm_capable,
            ndparams=parameters.merged(base_node.ndparams, self.ndparams),
            hv_state_static=self.hv_state, disk_state_static=self.disk_state)
        joins = master_capable and needs_candidate(self.config, base_node)
        return base_node.replace(master_candidate=joins)

    # Execution.

    def exec(self) -> None:
        master = self.config.cluster.master_node
        if self.config.cluster.modify_etc_hosts:
            self.rpc.etc_hosts_modify(
                master, constants.ETC_HOSTS_ADD, self.name, self.primary_ip,
            ).raise_if_failed("Can not enter the node in the master's hosts file")
        self._check_secondary_present()
        self._verify_from_master(master)
        self._enter()
        self._equip()
        if self.config.filled_ndparams(self.node)[constants.ND_OVS]:
            self._configure_switch()
        trust.fill_pool(self)
        if any(guest_daemons.wanted(self).values()):
            guest_daemons.ensure(self, [self.node.uuid])

    def _check_secondary_present(self) -> None:
        if self.secondary_ip == self.primary_ip:
            return
        result = self.rpc.node_has_ip_address(self.primary_ip, self.secondary_ip)
        if not result.raise_if_failed(f"Can not ask node {self.name} for its addresses"):
            raise errors.OpExecError(
                f"Node {self.name} does not have the secondary address {self.secondary_ip};"
                " configure it there, or give another (-s)")

    def _verify_from_master(self, master: str) -> None:
        """The master reaches the new node by SSH, and the node knows its own name."""
        asked = {constants.NV_NODELIST: [[self.name], {}, [self.config.master_node_name]]}
        hvparams = {name: self.config.filled_hvparams(name)
                    for name in self.config.cluster.enabled_hypervisors}
        result = self.rpc.node_verify([master], asked, self.config.cluster.cluster_name,
                                      hvparams)[master]
        answer = result.raise_if_failed("Can not verify SSH from the master")
        failures = (answer or {}).get(constants.NV_NODELIST) or {}
        for name, text in failures.items():
            self.feedback(f"ssh/hostname verification failed (checking from {name}): {text}")
        if failures:
            raise errors.OpExecError(
                f"SSH/hostname verification of {self.name} failed; check that its sshd runs and"
                " that its host name is the one given")

    def _enter(self) -> None:
        """Put the node into the configuration, with its certificate if it is a candidate."""
        # Listed with the first commit, so that no version has a candidate without it.
        digest = trust.digest(self, self.node, self.primary_ip)
        with self.cfg.edit(job=self.job_id) as draft:
            draft.put(self.node)
            trust.list_digest(draft, self.node.uuid,
                              digest if self.node.master_candidate else None)
        self.node = self.config.node(self.node.uuid)
        if self.node.master_candidate:
            self.feedback.info("Node will be a master candidate")

    def _equip(self) -> None:
        """Give the node the files that all nodes have, and tell them about the node."""
        result = self.rpc.write_ssconf_files(
            [self.node.uuid], redist.ssconf_values(self.config))[self.node.uuid]
        if result.fail_msg:
            self.feedback.warning(f"Node {self.name} did not take the ssconf files: "
                                  f"{result.fail_msg}", hint="gnt-cluster redist-conf")
        redist.copy_files(self, ancillary.copied(self.config))
        if self.op.readd and not self.node.master_candidate:
            failure = self.rpc.node_demote_from_mc(self.node.uuid).fail_msg
            if failure:
                self.feedback.warning(f"Node {self.name} failed to demote itself: {failure}")
        if self.op.readd:
            trust.withdraw_ssh_key(self, self.node, readd=True)
        trust.allow_ssh_key(self, self.node, new=True)

    def _configure_switch(self) -> None:
        params = self.config.filled_ndparams(self.node)
        self.rpc.node_configure_ovs(
            self.node.uuid, params[constants.ND_OVS_NAME], params[constants.ND_OVS_LINK],
        ).raise_if_failed(f"Can not set up Open vSwitch on node {self.name}")


def needs_candidate(config: objects.ConfigData, newcomer: objects.Node) -> bool:
    """Whether the pool has room for one more candidate besides all other nodes."""
    state = pool.pool_state(config, {newcomer.uuid})
    return state.now < min(state.possible + 1, config.cluster.candidate_pool_size)
