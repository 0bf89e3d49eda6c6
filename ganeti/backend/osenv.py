"""The environment of OS scripts, exactly as the catalogue's OS interface lists it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from ganeti import constants, objects
from ganeti.backend import blockdev
from ganeti.backend.osdefinition import OSDefinition, split_name
from ganeti.storage import registry
from ganeti.storage.base import BlockDev

Env = dict[str, str]


def core(definition: OSDefinition, os_name: str, osparams: Mapping[str, Any], debug: int
         ) -> Env:
    """What every script gets, verification included."""
    env = {
        "OS_API_VERSION": str(definition.api_version),
        "OS_NAME": definition.name,
        "DEBUG_LEVEL": str(int(debug)),
        "PATH": constants.HOOKS_PATH,
    }
    if definition.api_version >= constants.OS_API_V15 and definition.variants:
        env["OS_VARIANT"] = split_name(os_name)[1] or definition.variants[0]
    else:
        env["OS_VARIANT"] = ""
    for name, value in osparams.items():
        env[f"OSP_{name.upper().replace('-', '_')}"] = str(value)
    return env


def instance(instance_: objects.Instance, definition: OSDefinition, debug: int = 0) -> Env:
    """What scripts get that work on an instance; its disks have to be assembled here."""
    env = core(definition, instance_.os, instance_.osparams, debug)
    env.update({
        "INSTANCE_NAME": instance_.name,
        "INSTANCE_OS": instance_.os,
        "INSTANCE_UUID": instance_.uuid,
        "INSTANCE_CTIME": str(instance_.ctime),
        "INSTANCE_MTIME": str(instance_.mtime),
        "INSTANCE_PRIMARY_NODE": instance_.primary_node,
        "INSTANCE_SECONDARY_NODES": " ".join(instance_.secondary_nodes or ()),
        "HYPERVISOR": instance_.hypervisor,
        "DISK_COUNT": str(len(instance_.disks_info or ())),
        "NIC_COUNT": str(len(instance_.nics)),
    })
    for index, disk in enumerate(instance_.disks_info or ()):
        env.update(_disk(instance_, index, disk))
    for index, nic in enumerate(instance_.nics):
        env.update(_nic(instance_, index, nic))
    env.update((f"INSTANCE_BE_{key}", str(value)) for key, value in instance_.beparams.items())
    env.update((f"INSTANCE_HV_{key}", str(value)) for key, value in instance_.hvparams.items())
    return env


def open_disk(disk: objects.Disk) -> BlockDev:
    """The device of an assembled disk, opened for a script to write to."""
    device = blockdev.require(disk)
    device.open()
    return device


@contextlib.contextmanager
def contents_at_hand(instance_: objects.Instance) -> Iterator[None]:
    """See to it that the paths of all disks can be read and written while the block lasts."""
    with contextlib.ExitStack() as stack:
        for disk in instance_.disks_info or ():
            stack.enter_context(open_disk(disk).data())
        yield


def transfer(instance_: objects.Instance, prefix: str, index: int, disk: objects.Disk) -> Env:
    """The extra variables of import and export scripts (`prefix` is IMPORT or EXPORT).

    :param disk: the disk with this index, or its snapshot
    """
    device = open_disk(disk)
    env = {f"{prefix}_DEVICE": device.data_path, f"{prefix}_DISK_PATH": device.data_path,
           f"{prefix}_INDEX": str(index)}
    uri = device.uri(instance_.hypervisor)
    if uri is not None:
        env[f"{prefix}_DISK_URI"] = uri
    return env


def _disk(instance_: objects.Instance, index: int, disk: objects.Disk) -> Env:
    device = open_disk(disk)
    backend_type = "block"
    if registry.template(disk.dev_type).file_based:
        backend_type = f"file:{disk.logical_id[0]}"
    values = {
        "ACCESS": disk.mode,
        "UUID": disk.uuid,
        "SIZE": disk.size,
        "PATH": device.data_path,
        "URI": device.uri(instance_.hypervisor),
        "NAME": disk.name,
        "FRONTEND_TYPE": instance_.hvparams.get(constants.HV_DISK_TYPE),
        "BACKEND_TYPE": backend_type,
    }
    return _numbered("DISK", index, values)


def _nic(instance_: objects.Instance, index: int, nic: objects.Nic) -> Env:
    mode = nic.nicparams.get(constants.NIC_MODE)
    link = nic.nicparams.get(constants.NIC_LINK)
    bridged = mode in (constants.NIC_MODE_BRIDGED, constants.NIC_MODE_OVS)
    values = {
        "MAC": nic.mac,
        "UUID": nic.uuid,
        "NAME": nic.name,
        "IP": nic.ip,
        "MODE": mode,
        "BRIDGE": link if bridged else None,
        "LINK": link,
        "FRONTEND_TYPE": instance_.hvparams.get(constants.HV_NIC_TYPE),
    }
    network = nic.netinfo
    if network:
        values.update({
            "NETWORK_NAME": network.get("name"),
            "NETWORK_UUID": network.get("uuid"),
            "NETWORK_TAGS": " ".join(network.get("tags") or ()),
            "NETWORK_SUBNET": network.get("network"),
            "NETWORK_GATEWAY": network.get("gateway"),
            "NETWORK_SUBNET6": network.get("network6"),
            "NETWORK_GATEWAY6": network.get("gateway6"),
            "NETWORK_MAC_PREFIX": network.get("mac_prefix"),
        })
    return _numbered("NIC", index, values)


def _numbered(prefix: str, index: int, values: Mapping[str, Any]) -> Env:
    """Variables of one device; those that are not set are not there."""
    return {f"{prefix}_{index}_{key}": str(value) for key, value in values.items()
            if value not in (None, "")}
