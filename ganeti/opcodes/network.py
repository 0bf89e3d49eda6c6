"""Opcodes about IP networks."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import flags, shared, types
from ganeti.opcodes.base import Field, Flag, OpCode


class OpNetworkAdd(OpCode):
    """Add an IP network."""

    SUMMARY = "network_name"

    network_name = shared.NETWORK_NAME
    network = Field(types.Ipv4Network, flag="--network", doc="IPv4 network as address/length")
    gateway = Field(ht.Maybe(types.Ipv4Address), None, flag="--gateway", doc="IPv4 router")
    network6 = shared.NETWORK6
    gateway6 = Field(ht.Maybe(types.Ipv6Address), None, flag="--gateway6", doc="IPv6 router")
    mac_prefix = shared.MAC_PREFIX
    add_reserved_ips = shared.ADD_RESERVED_IPS
    conflicts_check = shared.CONFLICTS_CHECK
    tags = Field(ht.ListOf(ht.NonEmptyString), [], flag=Flag("--tags", type="string"), doc="Tags")
    RESULT = ht.Nothing


class OpNetworkRemove(OpCode):
    """Remove a network."""

    SUMMARY = "network_name"

    network_name = shared.NETWORK_NAME
    force = Field(ht.Bool, False, flag=flags.FORCE, doc="Remove it without asking")
    RESULT = ht.Nothing


class OpNetworkRename(OpCode):
    """Give a network another name."""

    network_name = shared.NETWORK_NAME
    new_name = shared.NEW_NAME
    RESULT = ht.NonEmptyString


class OpNetworkSetParams(OpCode):
    """Change the settings of a network."""

    SUMMARY = "network_name"

    network_name = shared.NETWORK_NAME
    gateway = Field(ht.Maybe(types.Ipv4Address), None, flag="--gateway", doc="IPv4 router")
    network6 = shared.NETWORK6
    gateway6 = Field(ht.Maybe(types.Ipv6Address), None, flag="--gateway6", doc="IPv6 router")
    mac_prefix = shared.MAC_PREFIX
    add_reserved_ips = shared.ADD_RESERVED_IPS
    remove_reserved_ips = Field(ht.Maybe(ht.ListOf(types.Ipv4Address)), None,
                                flag=Flag("--remove-reserved-ips", type="string"),
                                doc="Addresses to give back to the pool")
    RESULT = ht.Nothing


class OpNetworkConnect(OpCode):
    """Make a network available in a node group."""

    SUMMARY = "network_name"

    group_name = shared.GROUP_NAME
    network_name = shared.NETWORK_NAME
    network_mode = Field(types.NicMode, flag=Flag("-N", "--nic-parameters", type="keyval"),
                         doc="How interfaces in that network are connected")
    network_link = Field(ht.NonEmptyString, flag=Flag("-N", "--nic-parameters", type="keyval"),
                         doc="Bridge, switch or routing table of the network in that group")
    network_vlan = Field(ht.String, "", flag=Flag("-N", "--nic-parameters", type="keyval"),
                         doc="VLAN of the network in that group")
    conflicts_check = shared.CONFLICTS_CHECK
    RESULT = ht.Nothing


class OpNetworkDisconnect(OpCode):
    """Take a network away from a node group."""

    SUMMARY = "network_name"

    group_name = shared.GROUP_NAME
    network_name = shared.NETWORK_NAME
    RESULT = ht.Nothing
