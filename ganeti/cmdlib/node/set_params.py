"""OP_NODE_SET_PARAMS: roles, capabilities, power record, secondary address and parameters."""

from __future__ import annotations

import ipaddress
from typing import Any

from ganeti import constants, errors, objects, opcodes
from ganeti.cmdlib import base, guest_daemons
from ganeti.cmdlib.checks import parameters
from ganeti.cmdlib.node import roles, trust
from ganeti.cmdlib.node.add import needs_candidate
from ganeti.cmdlib.node.base import Level, NodeUnit, unique
from ganeti.config import nodes as pool
from ganeti.storage import registry
from ganeti.utils import net

_CHANGES = ("master_candidate", "offline", "drained", "master_capable", "vm_capable",
            "secondary_ip", "ndparams", "powered", "hv_state", "disk_state")


class LUNodeSetParams(NodeUnit):
    """Change a node; keeps the pool of master candidates filled on request."""

    OP = opcodes.OpNodeSetParams
    HOOKS = base.Hooks("node-modify", constants.HTYPE_NODE)

    def expand(self) -> None:
        super().expand()
        if all(getattr(self.op, name) is None for name in _CHANGES):
            raise errors.OpPrereqError("Nothing to change was given", errors.ECODE_INVAL)
        self.wish = roles.Wish(self.op.master_candidate, self.op.drained, self.op.offline,
                               self.op.master_capable)
        roles.check(self.wish)
        if self.op.secondary_ip is not None:
            self._check_address(self.op.secondary_ip)
        self.might_demote = roles.may_demote(self.wish)
        self.locks_all = self.op.auto_promote and self.might_demote

    @staticmethod
    def _check_address(address: str) -> None:
        try:
            ipaddress.IPv4Address(address)
        except ValueError as err:
            raise errors.OpPrereqError(
                f"The secondary address has to be an IPv4 address, not '{address}'",
                errors.ECODE_INVAL) from err

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.INSTANCE and self.op.secondary_ip is not None:
            names = [inst.name for inst in self._mirrored_instances()]
            return base.LockRequest(names, shared=True)
        if level in (Level.NODE, Level.NODE_RES):
            return base.LockRequest(base.ALL if self.locks_all else [self.node.uuid])
        return None

    def _mirrored_instances(self) -> list[objects.Instance]:
        """Instances whose disks talk to another node over the secondary network."""
        config = self.config
        return [inst for inst in (*config.primaries(self.node.uuid),
                                  *config.secondaries(self.node.uuid))
                if any(registry.template(disk.dev_type).needs_secondary
                       for disk in config.instance_disks(inst))]

    def hooks_env(self) -> dict[str, Any]:
        return {"OP_TARGET": self.node.name,
                "MASTER_CANDIDATE": str(self.op.master_candidate),
                "OFFLINE": str(self.op.offline), "DRAINED": str(self.op.drained),
                "MASTER_CAPABLE": str(self.op.master_capable),
                "VM_CAPABLE": str(self.op.vm_capable)}

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        nodes = unique(self.config.cluster.master_node, self.node.uuid)
        return nodes, nodes

    # Prerequisites.

    def check_prereq(self) -> None:
        self.refresh()
        self._check_master()
        self._check_capabilities()
        self._check_power()
        self.old_role = roles.of(self.node)
        self.new_role = roles.resulting(self.node, self.wish,
                                        needs_candidate(self.config, self.node))
        self._check_pool()
        self._check_return()
        if self.op.secondary_ip is not None:
            self._check_secondary()
        self.ndparams: dict[str, Any] | None = None
        if self.op.ndparams is not None:
            checked = parameters.node_parameters(self.op.ndparams, "ndparams", single_node=True)
            self.ndparams = parameters.merged(self.node.ndparams, checked)
        node = self.node
        self.hv_state = parameters.merged_hv_state(node.hv_state_static, self.op.hv_state or {})
        self.disk_state = parameters.merged_disk_state(node.disk_state_static,
                                                       self.op.disk_state or {})

    def _check_master(self) -> None:
        if not self.is_master:
            return
        for name in roles.FLAGS:
            if getattr(self.op, name) is not None:
                raise errors.OpPrereqError(
                    f"Node {self.node.name} is the master: {name} can only be changed after"
                    " 'gnt-cluster master-failover' to another node", errors.ECODE_INVAL)
        if self.op.master_capable is False:
            raise errors.OpPrereqError(
                f"Node {self.node.name} is the master and has to stay master_capable",
                errors.ECODE_INVAL)

    def _check_capabilities(self) -> None:
        node = self.node
        if self.op.master_candidate and not node.master_capable and not self.op.master_capable:
            raise errors.OpPrereqError(
                f"Node {node.name} is not master_capable and can not become a master candidate;"
                " add --master-capable=yes", errors.ECODE_STATE)
        if self.op.vm_capable is False:
            config = self.config
            count = len(config.primaries(node.uuid)) + len(config.secondaries(node.uuid))
            if count:
                raise errors.OpPrereqError(
                    f"Node {node.name} holds {count} instances and has to stay vm_capable;"
                    f" 'gnt-node evacuate {node.name}' first", errors.ECODE_STATE)

    def _check_power(self) -> None:
        """The power record follows the out-of-band helper, and only off-line nodes are off."""
        node = self.node
        if self.op.powered is not None:
            if not self.config.filled_ndparams(node)[constants.ND_OOB_PROGRAM]:
                raise errors.OpPrereqError(
                    f"Node {node.name} has no out-of-band program, so its power state is not"
                    " recorded; set oob_program with --node-parameters", errors.ECODE_STATE)
            if not self.op.powered and not (node.offline or self.op.offline):
                raise errors.OpPrereqError(
                    f"Node {node.name} is online; only offline nodes can be recorded as powered"
                    " off (--offline=yes)", errors.ECODE_STATE)
        powered = node.powered if self.op.powered is None else self.op.powered
        if self.op.offline is False and not powered:
            raise errors.OpPrereqError(
                f"Node {node.name} is recorded as powered off; 'gnt-node power on {node.name}'"
                " before it goes online", errors.ECODE_STATE)

    def _check_pool(self) -> None:
        """A candidate that goes must leave enough others, or be replaced."""
        loses = self.old_role is roles.Role.CANDIDATE and self.new_role is not self.old_role
        if not loses or self.op.auto_promote:
            return
        state = pool.pool_state(self.config, {self.node.uuid})
        if state.now >= state.should:
            return
        text = (f"Without {self.node.name} there are {state.now} master candidates of"
                f" {state.should}")
        if self.op.force:
            self.feedback.warning(text)
        else:
            raise errors.OpPrereqError(
                f"{text}; --auto-promote promotes others in its place, -f goes on without",
                errors.ECODE_STATE)

    def _check_return(self) -> None:
        if self.old_role is not roles.Role.OFFLINE or self.new_role is self.old_role:
            return
        if not net.tcp_ping(self.node.primary_ip, net.daemon_port(constants.NODED),
                            live_port_needed=True):
            raise errors.OpPrereqError(
                f"Node {self.node.name} can not be reached at {self.node.primary_ip}; it has to"
                " run ganeti-noded before it goes online", errors.ECODE_ENVIRON)
        self.feedback.warning(
            f"Node {self.node.name} goes from offline to online without being re-added; make"
            " sure that it is healthy", hint=f"gnt-node add --readd {self.node.name}")

    def _check_secondary(self) -> None:
        node, master = self.node, self.config.master_node
        address = self.op.secondary_ip
        for other in self.config.nodes.values():
            if other.uuid != node.uuid and address in (other.primary_ip, other.secondary_ip):
                raise errors.OpPrereqError(f"Address {address} belongs to node {other.name}",
                                           errors.ECODE_NOTUNIQUE)
        if node.uuid != master.uuid:
            single = master.primary_ip == master.secondary_ip
            if single and address != node.primary_ip:
                raise errors.OpPrereqError(
                    "The master has no secondary address, so other nodes can not have one; give"
                    " the master one first", errors.ECODE_INVAL)
            if not single and address == node.primary_ip:
                raise errors.OpPrereqError(
                    "The master has a secondary address, so this node needs one too",
                    errors.ECODE_INVAL)
        elif not self.op.force and len(self.config.nodes) > 1:
            raise errors.OpPrereqError(
                "Changing the master's secondary address changes whether all nodes need one;"
                " -f does it, change the other nodes right afterwards", errors.ECODE_INVAL)
        self._check_secondary_use(address)

    def _check_secondary_use(self, address: str) -> None:
        node = self.node
        busy = [inst.name for inst in self._mirrored_instances() if inst.disks_active]
        if busy:
            raise errors.OpPrereqError(
                f"The mirrored disks of {', '.join(busy)} use the old address; stop the instances"
                " (or deactivate their disks) first", errors.ECODE_STATE)
        if node.offline and self.op.offline is not False:
            return
        result = self.rpc.node_has_ip_address(node.uuid, address)
        has = result.raise_if_failed(f"Can not ask node {node.name} for its addresses",
                                     prereq=True, ecode=errors.ECODE_ENVIRON)
        if not has:
            raise errors.OpPrereqError(
                f"Node {node.name} does not have the address {address}; configure it there"
                " first", errors.ECODE_ENVIRON)
        source = self.config.master_node.secondary_ip
        if not net.tcp_ping(address, net.daemon_port(constants.NODED), source=source,
                            live_port_needed=True):
            raise errors.OpPrereqError(
                f"Node {node.name} can not be reached at {address}", errors.ECODE_ENVIRON)

    # Execution.

    def exec(self) -> list[tuple[str, Any]]:
        changes, told = self._changes()
        becomes = (self.new_role is roles.Role.CANDIDATE
                   and self.old_role is not roles.Role.CANDIDATE)
        loses = self.old_role is roles.Role.CANDIDATE and self.new_role is not self.old_role
        digest = None
        if becomes:
            digest = trust.digest(self, self.node, self.node.primary_ip)
        with self.cfg.edit(job=self.job_id) as draft:
            draft.update(self.node, **changes)
            if becomes or loses:
                trust.list_digest(draft, self.node.uuid, digest)
        self.refresh()
        if loses:
            trust.demote(self, self.node)
        elif becomes:
            trust.allow_ssh_key(self, self.node)
        if self.locks_all:
            trust.fill_pool(self, besides={self.node.uuid})
        if {"vm_capable", "offline"} & changes.keys() and any(guest_daemons.wanted(self).values()):
            guest_daemons.ensure(self, [self.node.uuid])
        return told

    def _changes(self) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
        """Fields to change, and the pairs of name and value that the opcode returns."""
        changes: dict[str, Any] = {}
        told: list[tuple[str, Any]] = []
        for name in ("powered", "master_capable", "vm_capable", "secondary_ip"):
            value = getattr(self.op, name)
            if value is not None:
                changes[name] = value
                told.append((name, value if name == "secondary_ip" else str(value)))
        if self.op.hv_state is not None:
            changes["hv_state_static"] = self.hv_state
        if self.op.disk_state is not None:
            changes["disk_state_static"] = self.disk_state
        if self.ndparams is not None:
            changes["ndparams"] = self.ndparams
            told.append(("ndparams", str(self.ndparams)))
        if self.new_role is not self.old_role:
            old, new = roles.flags(self.old_role), roles.flags(self.new_role)
            changes.update(new)
            told += [(name, str(new[name])) for name in roles.FLAGS if old[name] != new[name]]
        return changes, told
