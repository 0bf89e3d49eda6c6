"""What the units of networks share: finding them, their hooks, addresses of the cluster."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

from ganeti import errors, objects
from ganeti.cmdlib import base
from ganeti.config import networks

Level = base.Level


class NetworkUnit(base.LogicalUnit):
    """A unit for one network that exists. After `expand` there is `network`."""

    network: objects.Network

    def expand(self) -> None:
        self.network = self.config.expand_network(self.op.network_name)

    def locks(self, level: Level) -> base.LockRequest | None:
        return base.LockRequest([self.network.uuid]) if level == Level.NETWORK else None

    def check_prereq(self) -> None:
        self.refresh()

    def refresh(self) -> objects.Network:
        """Read the network again, after waiting for locks."""
        self.network = base.still_there(self.config.networks.get(self.network.uuid),
                                       f"Network {self.network.name}")
        return self.network

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        master = [self.config.cluster.master_node]
        return master, master


def hook_variables(network: objects.Network) -> dict[str, Any]:
    """The variables that describe a network; those without value are left out."""
    variables = {
        "NETWORK_NAME": network.name, "NETWORK_SUBNET": network.network,
        "NETWORK_GATEWAY": network.gateway, "NETWORK_SUBNET6": network.network6,
        "NETWORK_GATEWAY6": network.gateway6, "NETWORK_MAC_PREFIX": network.mac_prefix,
        "NETWORK_TAGS": " ".join(network.tags),
    }
    return {name: value for name, value in variables.items() if value}


def check_gateways(network: objects.Network) -> None:
    """Refuse gateways outside of their network."""
    for label, gateway, subnet in (("IPv4", network.gateway, network.network),
                                   ("IPv6", network.gateway6, network.network6)):
        if not gateway:
            continue
        if not subnet:
            raise errors.OpPrereqError(
                f"An {label} gateway needs an {label} network (--network6)", errors.ECODE_INVAL)
        if ipaddress.ip_address(gateway) not in ipaddress.ip_network(subnet):
            raise errors.OpPrereqError(
                f"The gateway {gateway} is outside of the network {subnet}", errors.ECODE_INVAL)


def keep_out(pool: networks.Pool, addresses: Iterable[str]) -> None:
    """Keep addresses out of the pool; one that instances or others hold is refused."""
    for address in addresses:
        try:
            if pool.is_taken(address):
                raise errors.OpPrereqError(f"Address {address} is reserved already",
                                           errors.ECODE_NOTUNIQUE)
            pool.take(address, external=True)
        except errors.AddressPoolError as err:
            raise errors.OpPrereqError(str(err), errors.ECODE_INVAL) from err


def addresses_of_hosts(config: objects.ConfigData) -> Iterator[tuple[str, str]]:
    """Addresses of the nodes and of the cluster, each with whose it is."""
    yield config.cluster.master_ip, "the cluster"
    for node in sorted(config.nodes.values(), key=lambda node: node.name):
        yield node.primary_ip, f"node {node.name}"
        if node.secondary_ip != node.primary_ip:
            yield node.secondary_ip, f"node {node.name}"
