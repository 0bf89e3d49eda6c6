"""The environment that hooks of instance operations get; running the hooks is the processor's.

Keys are without the GANETI_ prefix, which the hooks runner adds. All values are text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ganeti import constants, objects
from ganeti.storage import registry as storage

_BRIDGE_MODES = frozenset([constants.NIC_MODE_BRIDGED, constants.NIC_MODE_OVS])


def text(value: Any) -> str:
    """A value as hooks see it: nothing is empty, lists are separated by blanks."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple, set, frozenset)):
        return " ".join(str(item) for item in value)
    return str(value)


def nic_environment(config: objects.ConfigData, nics: Sequence[objects.Nic]) -> dict[str, str]:
    """The INSTANCE_NIC* keys of a list of interfaces."""
    env = {"INSTANCE_NIC_COUNT": text(len(nics))}
    for index, nic in enumerate(nics):
        params = config.filled_nicparams(nic)
        prefix = f"INSTANCE_NIC{index}_"
        if nic.name:
            env[prefix + "NAME"] = nic.name
        env[prefix + "UUID"] = text(nic.uuid)
        env[prefix + "IP"] = text(nic.ip)
        env[prefix + "MAC"] = text(nic.mac)
        env[prefix + "MODE"] = text(params.get("mode"))
        env[prefix + "LINK"] = text(params.get("link"))
        env[prefix + "VLAN"] = text(params.get("vlan"))
        if params.get("mode") in _BRIDGE_MODES:
            env[prefix + "BRIDGE"] = text(params.get("link"))
        if nic.network:
            env.update(_network_environment(prefix, config.networks.get(nic.network)))
    return env


def _network_environment(prefix: str, network: objects.Network | None) -> dict[str, str]:
    if network is None:
        return {}
    env = {
        prefix + "NETWORK_NAME": network.name,
        prefix + "NETWORK_UUID": network.uuid,
        prefix + "NETWORK_TAGS": text(sorted(network.tags)),
    }
    optional = {
        "NETWORK_SUBNET": network.network,
        "NETWORK_GATEWAY": network.gateway,
        "NETWORK_SUBNET6": network.network6,
        "NETWORK_GATEWAY6": network.gateway6,
        "NETWORK_MAC_PREFIX": network.mac_prefix,
    }
    env.update({prefix + key: value for key, value in optional.items() if value})
    return env


def spec_environment(disks: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The INSTANCE_DISK* keys of disks that are wishes so far (name, size, mode)."""
    env = {"INSTANCE_DISK_COUNT": text(len(disks))}
    for index, disk in enumerate(disks):
        prefix = f"INSTANCE_DISK{index}_"
        if disk.get("name"):
            env[prefix + "NAME"] = text(disk["name"])
        env[prefix + "UUID"] = text(disk.get("uuid"))
        env[prefix + "SIZE"] = text(disk.get("size"))
        env[prefix + "MODE"] = text(disk.get("mode"))
    return env


def disk_environment(disks: Sequence[objects.Disk]) -> dict[str, str]:
    """The INSTANCE_DISK* keys of configured disks."""
    env = spec_environment([disk.to_dict() for disk in disks])
    for index, disk in enumerate(disks):
        prefix = f"INSTANCE_DISK{index}_"
        env[prefix + "DEV_TYPE"] = text(disk.dev_type)
        described = storage.template(disk.dev_type).describe(disk)
        env.update({prefix + key: text(value) for key, value in described.items()})
    return env


def build(
    config: objects.ConfigData,
    *,
    name: str,
    primary: str,
    secondaries: Iterable[str],
    os_type: str,
    status: Any,
    beparams: Mapping[str, Any],
    hvparams: Mapping[str, Any],
    hypervisor: str,
    disk_template: str,
    tags: Iterable[str],
    nics: Sequence[objects.Nic],
    disks: Mapping[str, str],
) -> dict[str, str]:
    """Every INSTANCE_* key; `primary` and `secondaries` are node names, `disks` already keys."""
    env = {
        "OP_TARGET": name,
        "INSTANCE_NAME": name,
        "INSTANCE_PRIMARY": primary,
        "INSTANCE_SECONDARIES": text(list(secondaries)),
        "INSTANCE_OS_TYPE": text(os_type),
        "INSTANCE_STATUS": text(status),
        "INSTANCE_MINMEM": text(beparams.get(constants.BE_MINMEM)),
        "INSTANCE_MAXMEM": text(beparams.get(constants.BE_MAXMEM)),
        "INSTANCE_MEMORY": text(beparams.get(constants.BE_MAXMEM)),
        "INSTANCE_VCPUS": text(beparams.get(constants.BE_VCPUS)),
        "INSTANCE_DISK_TEMPLATE": text(disk_template),
        "INSTANCE_HYPERVISOR": hypervisor,
        "INSTANCE_TAGS": text(sorted(tags)),
    }
    env.update(nic_environment(config, nics))
    env.update(disks)
    env.update({f"INSTANCE_BE_{key}": text(value) for key, value in beparams.items()})
    env.update({f"INSTANCE_HV_{key}": text(value) for key, value in hvparams.items()})
    return env


def of_instance(
    config: objects.ConfigData,
    instance: objects.Instance,
    *,
    beparams: Mapping[str, Any] | None = None,
    nics: Sequence[objects.Nic] | None = None,
) -> dict[str, str]:
    """The environment of a configured instance, with changed values where an operation has some."""
    filled = dict(config.filled_beparams(instance))
    filled.update(beparams or {})
    primary = config.node(instance.primary_node)
    secondaries = [config.node(uuid) for uuid in config.secondary_nodes(instance)]
    return build(
        config,
        name=instance.name,
        primary=primary.name if primary else "",
        secondaries=[node.name for node in secondaries if node],
        os_type=instance.os,
        status=instance.admin_state,
        beparams=filled,
        hvparams=config.filled_hvparams(instance),
        hypervisor=instance.hypervisor,
        disk_template=config.disk_template(instance),
        tags=instance.tags,
        nics=instance.nics if nics is None else nics,
        disks=disk_environment(config.instance_disks(instance)),
    )
