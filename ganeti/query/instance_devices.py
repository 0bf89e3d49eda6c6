"""Fields of the disks and network interfaces of instances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ganeti import constants
from ganeti.objects import ConfigData, Disk, Instance, Nic
from ganeti.query.fields import NUMBER, OTHER, TEXT, UNAVAIL, UNIT, Context, FieldRow, Getter

NicValue = Callable[[ConfigData, Nic], Any]
DiskValue = Callable[[Disk], Any]

MAX_DISKS = constants.MAX_DISKS
MAX_NICS = constants.MAX_NICS


def _bridge(config: ConfigData, nic: Nic) -> Any:
    params = config.filled_nicparams(nic)
    return params["link"] if params["mode"] == constants.NIC_MODE_BRIDGED else None


def _vlan(config: ConfigData, nic: Nic) -> Any:
    params = config.filled_nicparams(nic)
    return params["vlan"] if params["mode"] == constants.NIC_MODE_OVS else None


def _parameter(name: str) -> NicValue:
    return lambda config, nic: config.filled_nicparams(nic)[name]


def _network_name(config: ConfigData, nic: Nic) -> Any:
    return None if nic.network is None else config.network(nic.network).name


def _attribute(name: str) -> NicValue:
    return lambda config, nic: getattr(nic, name)


def nth_nic(value: NicValue, index: int) -> Getter:
    """Reads something from the n-th interface."""
    def get(instance: Instance, context: Context) -> Any:
        if index >= len(instance.nics):
            return UNAVAIL
        found = value(context.config, instance.nics[index])
        return UNAVAIL if found is None else found
    return get


def all_nics(value: NicValue) -> Getter:
    """Reads something from every interface."""
    return lambda instance, context: [value(context.config, nic) for nic in instance.nics]


def nth_disk(value: DiskValue, index: int) -> Getter:
    """Reads something from the n-th disk."""
    def get(instance: Instance, context: Context) -> Any:
        if index >= len(instance.disks):
            return UNAVAIL
        found = value(context.config.disk(instance.disks[index]))
        return UNAVAIL if found is None else found
    return get


def all_disks(value: DiskValue) -> Getter:
    """Reads something from every disk."""
    return lambda instance, context: [
        value(disk) for disk in context.config.instance_disks(instance)]


def disk_usage(instance: Instance, context: Context) -> int:
    """MiB that the disks take on each node, with what mirroring needs for itself."""
    return sum(_space(disk) for disk in context.config.instance_disks(instance))


def _space(disk: Disk) -> int:
    if disk.logical_id and disk.logical_id[0] == constants.BLOCKDEV_DRIVER_MANUAL:
        return 0
    return sum(_space(child) for child in disk.children) if disk.children else disk.size


#: single name, plural name, single title, plural title, what it is, how to get it
_NICS: list[tuple[str, str, str, str, str, NicValue]] = [
    ("nic.mac", "nic.macs", "NicMAC", "NIC_MACs", "MAC address", _attribute("mac")),
    ("nic.ip", "nic.ips", "NicIP", "NIC_IPs", "IP address", _attribute("ip")),
    ("nic.name", "nic.names", "NicName", "NIC_Names", "name", _attribute("name")),
    ("nic.uuid", "nic.uuids", "NicUUID", "NIC_UUIDs", "UUID", _attribute("uuid")),
    ("nic.mode", "nic.modes", "NicMode", "NIC_modes", "mode", _parameter("mode")),
    ("nic.link", "nic.links", "NicLink", "NIC_links", "link", _parameter("link")),
    ("nic.vlan", "nic.vlans", "NicVLAN", "NIC_VLANs", "VLAN on an Open vSwitch", _vlan),
    ("nic.bridge", "nic.bridges", "NicBridge", "NIC_bridges", "bridge", _bridge),
    ("nic.network", "nic.networks", "NicNetwork", "NIC_networks", "UUID of the network",
     _attribute("network")),
    ("nic.network.name", "nic.networks.names", "NicNetworkName", "NIC_networks_names",
     "name of the network", _network_name),
]

#: single name, plural name, single title, plural title, kind, what it is, how to get it
_DISKS: list[tuple[str, str, str, str, str, str, DiskValue]] = [
    ("disk.size", "disk.sizes", "Disk", "Disk_sizes", UNIT, "size", lambda disk: disk.size),
    ("disk.spindles", "disk.spindles", "DiskSpindles", "Disk_spindles", NUMBER, "spindles",
     lambda disk: disk.spindles),
    ("disk.name", "disk.names", "DiskName", "Disk_names", TEXT, "name", lambda disk: disk.name),
    ("disk.uuid", "disk.uuids", "DiskUUID", "Disk_UUIDs", TEXT, "UUID", lambda disk: disk.uuid),
]

#: The older names of single fields.
_OLD = [
    ("bridge", "NicBridge/0", "Bridge of the first interface", nth_nic(_bridge, 0)),
    ("ip", "NicIP/0", "IP address of the first interface", nth_nic(_attribute("ip"), 0)),
    ("mac", "NicMAC/0", "MAC address of the first interface", nth_nic(_attribute("mac"), 0)),
    ("nic_link", "NicLink/0", "Link of the first interface", nth_nic(_parameter("link"), 0)),
    ("nic_mode", "NicMode/0", "Mode of the first interface", nth_nic(_parameter("mode"), 0)),
    ("nic_network", "NicNetwork/0", "Network of the first interface",
     nth_nic(_attribute("network"), 0)),
]


def rows() -> list[FieldRow]:
    """All fields of disks and interfaces."""
    result = [
        FieldRow("disk.count", "Disks", NUMBER, "How many disks it has",
                 lambda instance, context: len(instance.disks)),
        FieldRow("nic.count", "NICs", NUMBER, "How many interfaces it has",
                 lambda instance, context: len(instance.nics)),
        FieldRow("disk_usage", "DiskUsage", UNIT, "Disk space that it takes on each of its nodes",
                 disk_usage),
        FieldRow("sda_size", "Disk/0", UNIT, "Size of the first disk",
                 nth_disk(lambda disk: disk.size, 0)),
        FieldRow("sdb_size", "Disk/1", UNIT, "Size of the second disk",
                 nth_disk(lambda disk: disk.size, 1)),
    ]
    result += [FieldRow(name, title, TEXT, doc, getter) for name, title, doc, getter in _OLD]
    for single, plural, title, titles, what, nic_value in _NICS:
        result.append(FieldRow(plural, titles, OTHER, f"Of every interface: {what}",
                               all_nics(nic_value)))
        result += [FieldRow(f"{single}/{n}", f"{title}/{n}", TEXT,
                            f"Of interface {n}: {what}", nth_nic(nic_value, n))
                   for n in range(MAX_NICS)]
    for single, plural, title, titles, kind, what, disk_value in _DISKS:
        result.append(FieldRow(plural, titles, OTHER, f"Of every disk: {what}",
                               all_disks(disk_value)))
        result += [FieldRow(f"{single}/{n}", f"{title}/{n}", kind, f"Of disk {n}: {what}",
                            nth_disk(disk_value, n)) for n in range(MAX_DISKS)]
    return result
