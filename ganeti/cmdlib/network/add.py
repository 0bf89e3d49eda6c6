"""OP_NETWORK_ADD."""

from __future__ import annotations

import ipaddress
from typing import Any

from ganeti import constants, errors, objects, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.network.base import (
    addresses_of_hosts,
    check_gateways,
    hook_variables,
    keep_out,
)
from ganeti.config import macs, networks
from ganeti.utils import tags, uuid

Level = base.Level


class LUNetworkAdd(base.LogicalUnit):
    """Add a network, which no group is connected to yet."""

    OP = opcodes.OpNetworkAdd
    HOOKS = base.Hooks("network-add", constants.HTYPE_NETWORK)

    def expand(self) -> None:
        op = self.op
        try:
            wanted_tags = sorted(tags.add([], op.tags))
        except errors.TagError as err:
            raise errors.OpPrereqError(str(err), errors.ECODE_INVAL) from err
        self.network = objects.Network(
            uuid=uuid.new(), name=op.network_name, network=self._subnet(op.network),
            gateway=op.gateway, network6=op.network6, gateway6=op.gateway6, tags=wanted_tags,
            mac_prefix=macs.check_prefix(op.mac_prefix) if op.mac_prefix else None)
        check_gateways(self.network)

    @staticmethod
    def _subnet(text: str) -> str:
        try:
            subnet = ipaddress.IPv4Network(text)
        except ValueError as err:
            raise errors.OpPrereqError(f"'{text}' is no IPv4 network: {err}",
                                       errors.ECODE_INVAL) from err
        if subnet.prefixlen > constants.IPV4_NETWORK_MAX_PREFIX:
            raise errors.OpPrereqError(
                f"Network {text} is too small; the longest prefix is"
                f" /{constants.IPV4_NETWORK_MAX_PREFIX}", errors.ECODE_INVAL)
        return str(subnet)

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.NODE and self.op.conflicts_check:
            return base.LockRequest(base.ALL, shared=True)
        return base.LockRequest([self.network.uuid]) if level == Level.NETWORK else None

    def hooks_env(self) -> dict[str, Any]:
        return hook_variables(self.network)

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        master = [self.config.cluster.master_node]
        return master, master

    def check_prereq(self) -> None:
        if self.config.network_by_name(self.network.name) is not None:
            raise errors.OpPrereqError(
                f"There is a network {self.network.name} already", errors.ECODE_EXISTS)
        pool = networks.Pool(self.network)
        subnet = ipaddress.IPv4Network(self.network.network)
        for edge in (subnet.network_address, subnet.broadcast_address):
            pool.take(str(edge), external=True)
        if self.network.gateway:
            pool.take(self.network.gateway, external=True)
        if self.op.conflicts_check:
            for address, owner in addresses_of_hosts(self.config):
                if pool.contains(address) and not pool.is_taken(address):
                    self.feedback.info(f"Address {address} of {owner} is kept out of the pool")
                    pool.take(address, external=True)
        keep_out(pool, (address for address in self.op.add_reserved_ips or ()
                        if address != self.network.gateway))
        self.network = pool.changed()

    def exec(self) -> None:
        with self.cfg.edit(job=self.job_id) as draft:
            draft.add(self.network)
