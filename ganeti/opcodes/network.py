"""Opcodes about IP networks."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import flags, types
from ganeti.opcodes.base import Field, Flag, OpCode


class OpNetworkAdd(OpCode):
    """Add an IP network."""

    SUMMARY = "network_name"

    network_name = Field(ht.NonEmptyString, doc="Name of the network")
    network = Field(types.Ipv4Network, flag="--network", doc="IPv4 network as address/length")
    gateway = Field(ht.Maybe(types.Ipv4Address), None, flag="--gateway", doc="IPv4 router")
    network6 = Field(ht.Maybe(types.Ipv6Network), None, flag="--network6",
                     doc="IPv6 network as address/length")
    gateway6 = Field(ht.Maybe(types.Ipv6Address), None, flag="--gateway6", doc="IPv6 router")
    mac_prefix = Field(ht.Maybe(ht.NonEmptyString), None,
                       flag=Flag("-m", "--mac-prefix", metavar="PREFIX"),
                       doc="First three bytes of new MAC addresses")
    add_reserved_ips = Field(ht.Maybe(ht.ListOf(types.Ipv4Address)), None,
                             flag=Flag("--add-reserved-ips", type="string"),
                             doc="Addresses to keep out of the pool")
    conflicts_check = Field(ht.Bool, True,
                            flag=Flag("--no-conflicts-check", negate=True,
                                      help="Do not check addresses against the group's networks"),
                            doc="Refuse addresses that belong to a network of the node group")
    tags = Field(ht.ListOf(ht.NonEmptyString), [], flag=Flag("--tags", type="string"), doc="Tags")
    RESULT = ht.Nothing


class OpNetworkRemove(OpCode):
    """Remove a network."""

    SUMMARY = "network_name"

    network_name = Field(ht.NonEmptyString, doc="Name of the network")
    force = Field(ht.Bool, False, flag=flags.FORCE, doc="Remove it without asking")
    RESULT = ht.Nothing


class OpNetworkRename(OpCode):
    """Give a network another name."""

    network_name = Field(ht.NonEmptyString, doc="Name of the network")
    new_name = Field(ht.NonEmptyString, doc="New name")
    RESULT = ht.NonEmptyString


class OpNetworkSetParams(OpCode):
    """Change the settings of a network."""

    SUMMARY = "network_name"

    network_name = Field(ht.NonEmptyString, doc="Name of the network")
    gateway = Field(ht.Maybe(types.Ipv4Address), None, flag="--gateway", doc="IPv4 router")
    network6 = Field(ht.Maybe(types.Ipv6Network), None, flag="--network6",
                     doc="IPv6 network as address/length")
    gateway6 = Field(ht.Maybe(types.Ipv6Address), None, flag="--gateway6", doc="IPv6 router")
    mac_prefix = Field(ht.Maybe(ht.NonEmptyString), None,
                       flag=Flag("-m", "--mac-prefix", metavar="PREFIX"),
                       doc="First three bytes of new MAC addresses")
    add_reserved_ips = Field(ht.Maybe(ht.ListOf(types.Ipv4Address)), None,
                             flag=Flag("--add-reserved-ips", type="string"),
                             doc="Addresses to keep out of the pool")
    remove_reserved_ips = Field(ht.Maybe(ht.ListOf(types.Ipv4Address)), None,
                                flag=Flag("--remove-reserved-ips", type="string"),
                                doc="Addresses to give back to the pool")
    RESULT = ht.Nothing


class OpNetworkConnect(OpCode):
    """Make a network available in a node group."""

    SUMMARY = "network_name"

    group_name = Field(ht.NonEmptyString, doc="Node group")
    network_name = Field(ht.NonEmptyString, doc="Name of the network")
    network_mode = Field(types.NicMode, flag=Flag("-N", "--nic-parameters", type="keyval"),
                         doc="How interfaces in that network are connected")
    network_link = Field(ht.NonEmptyString, flag=Flag("-N", "--nic-parameters", type="keyval"),
                         doc="Bridge, switch or routing table of the network in that group")
    network_vlan = Field(ht.String, "", flag=Flag("-N", "--nic-parameters", type="keyval"),
                         doc="VLAN of the network in that group")
    conflicts_check = Field(ht.Bool, True,
                            flag=Flag("--no-conflicts-check", negate=True,
                                      help="Do not check addresses against the group's networks"),
                            doc="Refuse addresses that belong to a network of the node group")
    RESULT = ht.Nothing


class OpNetworkDisconnect(OpCode):
    """Take a network away from a node group."""

    SUMMARY = "network_name"

    group_name = Field(ht.NonEmptyString, doc="Node group")
    network_name = Field(ht.NonEmptyString, doc="Name of the network")
    RESULT = ht.Nothing
