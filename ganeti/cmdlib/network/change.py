"""OP_NETWORK_REMOVE, OP_NETWORK_RENAME and OP_NETWORK_SET_PARAMS."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.network.base import (
    Level,
    NetworkUnit,
    check_gateways,
    hook_variables,
    keep_out,
)
from ganeti.config import macs, networks


class LUNetworkRemove(NetworkUnit):
    """Remove a network; with `force` groups are disconnected from it first."""

    OP = opcodes.OpNetworkRemove
    HOOKS = base.Hooks("network-remove", constants.HTYPE_NETWORK)

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.NODEGROUP:
            return base.LockRequest(base.ALL, shared=True)
        return super().locks(level)

    def hooks_env(self) -> dict[str, Any]:
        return {"NETWORK_NAME": self.network.name}

    def check_prereq(self) -> None:
        super().check_prereq()
        config = self.config
        users = sorted(inst.name for inst in config.instances.values()
                       if any(nic.network == self.network.uuid for nic in inst.nics))
        if users:
            raise errors.OpPrereqError(
                f"Network {self.network.name} is used by instances: {', '.join(users)}",
                errors.ECODE_STATE)
        self.groups = sorted((group for group in config.nodegroups.values()
                              if self.network.uuid in group.networks),
                             key=lambda group: group.name)
        if self.groups and not self.op.force:
            names = ", ".join(group.name for group in self.groups)
            raise errors.OpPrereqError(
                f"Network {self.network.name} is connected to node groups {names};"
                " 'gnt-network disconnect' first, or use --force", errors.ECODE_STATE)

    def exec(self) -> None:
        with self.cfg.edit(job=self.job_id) as draft:
            for group in self.groups:
                left = {uuid: params for uuid, params in group.networks.items()
                        if uuid != self.network.uuid}
                draft.update(group, networks=left)
            draft.remove(self.network)


class LUNetworkRename(NetworkUnit):
    """Give a network another name."""

    OP = opcodes.OpNetworkRename
    HOOKS = base.Hooks("network-rename", constants.HTYPE_NETWORK)

    def hooks_env(self) -> dict[str, Any]:
        return {"OLD_NAME": self.network.name, "NEW_NAME": self.op.new_name}

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        config = self.config
        nodes = [config.cluster.master_node]
        for group in config.nodegroups.values():
            if self.network.uuid in group.networks:
                nodes += [node.uuid for node in config.group_nodes(group.uuid)]
        unique = list(dict.fromkeys(nodes))
        return unique, unique

    def check_prereq(self) -> None:
        super().check_prereq()
        if self.config.network_by_name(self.op.new_name) is not None:
            raise errors.OpPrereqError(
                f"There is a network {self.op.new_name} already", errors.ECODE_EXISTS)

    def exec(self) -> str:
        with self.cfg.edit(job=self.job_id) as draft:
            draft.update(self.network, name=self.op.new_name)
        return str(self.op.new_name)


class LUNetworkSetParams(NetworkUnit):
    """Change gateways, the IPv6 network, the MAC prefix and the addresses kept out."""

    OP = opcodes.OpNetworkSetParams
    HOOKS = base.Hooks("network-modify", constants.HTYPE_NETWORK)
    CHANGES = ("gateway", "network6", "gateway6", "mac_prefix", "add_reserved_ips",
               "remove_reserved_ips")

    def expand(self) -> None:
        if all(getattr(self.op, name) is None for name in self.CHANGES):
            raise errors.OpPrereqError("Nothing to change was given", errors.ECODE_INVAL)
        super().expand()

    def hooks_env(self) -> dict[str, Any]:
        return hook_variables(self.network)

    def check_prereq(self) -> None:
        super().check_prereq()
        changes = {name: getattr(self.op, name) for name in ("gateway", "network6", "gateway6")
                   if getattr(self.op, name) is not None}
        if self.op.mac_prefix is not None:
            changes["mac_prefix"] = macs.check_prefix(self.op.mac_prefix)
        old = self.network
        changed = old.replace(**changes)
        check_gateways(changed)
        pool = networks.Pool(changed)
        if changed.gateway != old.gateway:
            if old.gateway:
                pool.give_back(old.gateway, external=True)
            if changed.gateway:
                self._take_gateway(pool, changed.gateway)
        for address in self.op.remove_reserved_ips or ():
            self._give_back(pool, changed.gateway, address)
        keep_out(pool, self.op.add_reserved_ips or ())
        self.changed = pool.changed()

    @staticmethod
    def _take_gateway(pool: networks.Pool, gateway: str) -> None:
        if pool.is_taken(gateway, external=False):
            raise errors.OpPrereqError(
                f"The gateway {gateway} is the address of an instance", errors.ECODE_NOTUNIQUE)
        pool.take(gateway, external=True)

    @staticmethod
    def _give_back(pool: networks.Pool, gateway: str | None, address: str) -> None:
        if address == gateway:
            raise errors.OpPrereqError(
                f"{address} is the gateway; change that to free it", errors.ECODE_INVAL)
        try:
            if not pool.external[pool.index(address)]:
                raise errors.OpPrereqError(f"Address {address} is not reserved externally",
                                           errors.ECODE_NOENT)
            pool.give_back(address, external=True)
        except errors.AddressPoolError as err:
            raise errors.OpPrereqError(str(err), errors.ECODE_INVAL) from err

    def exec(self) -> None:
        with self.cfg.edit(job=self.job_id) as draft:
            names = ("gateway", "network6", "gateway6", "mac_prefix", "ext_reservations")
            draft.update(self.network, **{name: getattr(self.changed, name) for name in names})
