"""Fields of networks."""

from __future__ import annotations

import ipaddress
from typing import Any

from ganeti import constants
from ganeti.objects import ConfigData, Instance, Network
from ganeti.query.fields import (
    NUMBER,
    OTHER,
    TEXT,
    Context,
    FieldRow,
    Resource,
    attribute,
    history_rows,
    optional_attribute,
)
from ganeti.query.objects import by_name


def _map(network: Network) -> str:
    """One character an address: X used, . free."""
    taken = zip(network.reservations or "", network.ext_reservations or "", strict=False)
    return "".join("X" if "1" in pair else "." for pair in taken)


def _external(network: Network, _context: Context) -> str:
    first = int(ipaddress.ip_network(network.network, strict=False).network_address)
    return ", ".join(str(ipaddress.ip_address(first + index))
                     for index, bit in enumerate(network.ext_reservations or "") if bit == "1")


def _groups(network: Network, context: Context) -> list[list[Any]]:
    return [[group.name, *(group.networks[network.uuid].get(key, "")
                           for key in ("mode", "link", "vlan"))]
            for group in context.config.nodegroups.values() if network.uuid in group.networks]


def _instances(network: Network, context: Context) -> list[str]:
    def compute() -> dict[str, list[Instance]]:
        result: dict[str, list[Instance]] = {}
        for instance in context.config.instances.values():
            for uuid in {nic.network for nic in instance.nics if nic.network}:
                result.setdefault(uuid, []).append(instance)
        return result
    users = context.config.cached("network users", ("instances",), compute)
    return [instance.name for instance in users.get(network.uuid, [])]


ROWS = [
    FieldRow("name", "Network", TEXT, "Name of the network", attribute("name")),
    FieldRow("network", "Subnet", TEXT, "IPv4 network", attribute("network")),
    FieldRow("gateway", "Gateway", OTHER, "IPv4 router", optional_attribute("gateway")),
    FieldRow("network6", "IPv6Subnet", OTHER, "IPv6 network", optional_attribute("network6")),
    FieldRow("gateway6", "IPv6Gateway", OTHER, "IPv6 router", optional_attribute("gateway6")),
    FieldRow("mac_prefix", "MacPrefix", OTHER, "How MAC addresses in it begin",
             optional_attribute("mac_prefix")),
    FieldRow("map", "Map", TEXT, "A character for each address: X taken, . free",
             lambda network, context: _map(network)),
    FieldRow("free_count", "FreeCount", NUMBER, "How many addresses are free",
             lambda network, context: _map(network).count(".")),
    FieldRow("reserved_count", "ReservedCount", NUMBER, "How many addresses are taken",
             lambda network, context: _map(network).count("X")),
    FieldRow("external_reservations", "ExternalReservations", TEXT,
             "Addresses that are kept out of the pool", _external),
    FieldRow("group_list", "GroupList", OTHER,
             "Node groups it is connected to, each with mode, link and VLAN", _groups),
    FieldRow("group_cnt", "NodeGroups", NUMBER, "How many node groups it is connected to",
             lambda network, context: len(_groups(network, context))),
    FieldRow("inst_list", "InstanceList", OTHER, "Instances with an interface in it", _instances),
    FieldRow("inst_cnt", "Instances", NUMBER, "How many instances have an interface in it",
             lambda network, context: len(_instances(network, context))),
    *history_rows("network"),
]

RESOURCE = Resource(constants.QR_NETWORK, "name", ROWS,
                    by_name("networks", ConfigData.expand_network))
