"""OP_NETWORK_CONNECT and OP_NETWORK_DISCONNECT."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, objects, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.network.base import Level, NetworkUnit
from ganeti.config import networks


class _GroupAndNetwork(NetworkUnit):
    """A unit about one network in one group."""

    group: objects.NodeGroup

    def expand(self) -> None:
        super().expand()
        self.group = self.config.expand_group(self.op.group_name)

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.INSTANCE and self.wants_instances():
            names = [inst.name for inst in self.config.group_instances(self.group.uuid)]
            return base.LockRequest(names, shared=True)
        return base.LockRequest([self.group.uuid]) if level == Level.NODEGROUP else None

    def wants_instances(self) -> bool:
        """Whether the instances of the group have to stay as they are."""
        return True

    def check_prereq(self) -> None:
        super().check_prereq()
        self.group = base.still_there(self.config.nodegroups.get(self.group.uuid),
                                      f"Group {self.group.name}")
        self.connected = self.network.uuid in self.group.networks

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        nodes = [node.uuid for node in self.config.group_nodes(self.group.uuid)]
        return nodes, nodes

    def store(self, params: dict[str, Any] | None) -> None:
        """Connect with these parameters, or (None) disconnect."""
        with self.cfg.edit(job=self.job_id) as draft:
            connections = dict(draft.get(self.group).networks)
            if params is None:
                connections.pop(self.network.uuid, None)
            else:
                connections[self.network.uuid] = params
            draft.update(self.group, networks=connections)


class LUNetworkConnect(_GroupAndNetwork):
    """Let a group's instances use a network."""

    OP = opcodes.OpNetworkConnect
    HOOKS = base.Hooks("network-connect", constants.HTYPE_NETWORK)

    def wants_instances(self) -> bool:
        return bool(self.op.conflicts_check)

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.NETWORK and self.op.conflicts_check:
            return base.LockRequest([self.network.uuid], shared=True)
        return super().locks(level)

    def expand(self) -> None:
        super().expand()
        self.params = {constants.NIC_MODE: self.op.network_mode,
                       constants.NIC_LINK: self.op.network_link,
                       constants.NIC_VLAN: self.op.network_vlan}
        constants.NIC_TABLE.check(self.params, "network")

    def hooks_env(self) -> dict[str, Any]:
        return {"GROUP_NAME": self.group.name, "GROUP_NETWORK_MODE": self.op.network_mode,
                "GROUP_NETWORK_LINK": self.op.network_link,
                "GROUP_NETWORK_VLAN": self.op.network_vlan}

    def check_prereq(self) -> None:
        super().check_prereq()
        if self.connected:
            self.feedback.warning(f"Network {self.network.name} is already connected to group"
                                  f" {self.group.name}")
            return
        if self.op.conflicts_check:
            pool = networks.Pool(self.network)
            conflicts = [f"{inst.name} has {nic.ip}"
                         for inst in self.config.group_instances(self.group.uuid)
                         for nic in inst.nics
                         if nic.ip and not nic.network and pool.contains(nic.ip)]
            if conflicts:
                raise errors.OpPrereqError(
                    f"Addresses of network {self.network.name} are in use in group"
                    f" {self.group.name}: {'; '.join(sorted(conflicts))} (--no-conflicts-check"
                    " connects regardless)", errors.ECODE_STATE)

    def exec(self) -> None:
        if not self.connected:
            self.store(self.params)


class LUNetworkDisconnect(_GroupAndNetwork):
    """Stop a group's instances from using a network."""

    OP = opcodes.OpNetworkDisconnect
    HOOKS = base.Hooks("network-disconnect", constants.HTYPE_NETWORK)

    def hooks_env(self) -> dict[str, Any]:
        env = {"GROUP_NAME": self.group.name}
        for name, value in self.group.networks.get(self.network.uuid, {}).items():
            env[f"GROUP_NETWORK_{name.upper()}"] = value
        return env

    def check_prereq(self) -> None:
        super().check_prereq()
        if not self.connected:
            self.feedback.warning(f"Network {self.network.name} is not connected to group"
                                  f" {self.group.name}")
            return
        users = sorted(inst.name for inst in self.config.group_instances(self.group.uuid)
                       if any(nic.network == self.network.uuid for nic in inst.nics))
        if users:
            raise errors.OpPrereqError(
                f"Instances of group {self.group.name} use network {self.network.name}:"
                f" {', '.join(users)}", errors.ECODE_STATE)

    def exec(self) -> None:
        if self.connected:
            self.store(None)
