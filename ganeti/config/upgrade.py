"""Brings configurations of older releases to the present form (plain JSON in and out).

3.0 and later are read as they are, 2.7 to 2.16 through ``cfgupgrade``; what cannot be known
(digests of client certificates) is left for the tools that follow an upgrade.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from ganeti import constants, errors

OLDEST = 2_070_000


def is_same_family(version: int) -> bool:
    """Whether the master daemon reads such a file without a separate upgrade."""
    return version // 1_000_000 == 3


def upgrade(tree: dict[str, Any]) -> dict[str, Any]:
    """The configuration in the present form."""
    version = tree.get("version")
    if not isinstance(version, int) or version < OLDEST:
        raise errors.ConfigurationError(
            f"Configurations of version {version} are too old; upgrade to Ganeti 2.7 first")
    if version // 1_000_000 > 3:
        raise errors.ConfigVersionMismatch(constants.CONFIG_VERSION, version)
    tree = copy.deepcopy(tree)
    if version < 3_000_000:
        for step in _FROM_2:
            step(tree)
    for step in _FROM_3_0:
        step(tree)
    tree["version"] = constants.CONFIG_VERSION
    return tree


def _containers(tree: dict[str, Any]) -> None:
    for name in ("nodes", "nodegroups", "instances", "networks", "disks", "filters"):
        tree.setdefault(name, {})


def _uuid_keys(tree: dict[str, Any]) -> None:
    """Before 2.9 nodes and instances were keyed by name."""
    for name in ("nodes", "instances"):
        tree[name] = {item.setdefault("uuid", str(uuid.uuid4())): item
                      for item in tree[name].values()}


def _node_references(tree: dict[str, Any]) -> None:
    """Nodes were referred to by name."""
    by_name = {node["name"]: key for key, node in tree["nodes"].items()}
    cluster = tree["cluster"]
    cluster["master_node"] = by_name.get(cluster["master_node"], cluster["master_node"])
    for instance in tree["instances"].values():
        primary = instance["primary_node"]
        instance["primary_node"] = by_name.get(primary, primary)
        for disk in instance.get("disks", []):
            if isinstance(disk, dict):
                _disk_references(disk, by_name)


def _disk_references(disk: dict[str, Any], by_name: dict[str, str]) -> None:
    disk["logical_id"] = [by_name.get(part, part) if isinstance(part, str) else part
                          for part in disk["logical_id"]]
    for child in disk.get("children") or []:
        _disk_references(child, by_name)


def _groups(tree: dict[str, Any]) -> None:
    """A configuration without groups gets the default one."""
    if not tree["nodegroups"]:
        key = str(uuid.uuid4())
        tree["nodegroups"][key] = {"uuid": key, "name": "default", "serial_no": 1,
                                   "alloc_policy": "preferred"}
    default = next(iter(tree["nodegroups"]))
    for node in tree["nodes"].values():
        node.setdefault("group", default)
    for group in tree["nodegroups"].values():
        group["members"] = []
        networks = group.get("networks", {})
        group["networks"] = networks if isinstance(networks, dict) else {}


def _separate_disks(tree: dict[str, Any]) -> None:
    """Before 2.13 disks lay inside their instances."""
    for instance in tree["instances"].values():
        uuids = []
        for disk in instance.get("disks", []):
            if not isinstance(disk, dict):
                uuids.append(disk)
                continue
            disk.setdefault("uuid", str(uuid.uuid4()))
            disk["nodes"] = disk.get("nodes") or _disk_homes(disk, instance, tree)
            tree["disks"][disk["uuid"]] = disk
            uuids.append(disk["uuid"])
        instance["disks"] = uuids


def _disk_homes(disk: dict[str, Any], instance: dict[str, Any],
                tree: dict[str, Any]) -> list[str]:
    """Node uuids: those in the logical id, or the primary for what lies on one node."""
    named = [part for part in disk["logical_id"] if part in tree["nodes"]]
    if named:
        return named
    local = disk.get("dev_type") in ("lvm", "plain", "file")
    return [instance["primary_node"]] if local else []


_OLD_DISK_TYPES = {"lvm": "plain", "drbd8": "drbd"}


def _all_disks(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    pending = list(tree["disks"].values())
    while pending:
        disk = pending.pop()
        yield disk
        pending.extend(disk.get("children") or [])


def _disk_forms(tree: dict[str, Any]) -> None:
    for disk in _all_disks(tree):
        disk["dev_type"] = _OLD_DISK_TYPES.get(disk["dev_type"], disk["dev_type"])
        disk.pop("physical_id", None)
        disk.setdefault("uuid", str(uuid.uuid4()))
        disk["children"] = disk.get("children") or []


def _instance_forms(tree: dict[str, Any]) -> None:
    for instance in tree["instances"].values():
        for key in ("disk_template", "secondary_nodes", "disks_info"):
            instance.pop(key, None)
        instance.setdefault("osparams", {})
        instance.setdefault("osparams_private", {})
        instance.setdefault("admin_state_source", "admin")
        if "admin_up" in instance:
            instance.setdefault("admin_state", "up" if instance.pop("admin_up") else "down")
        instance.setdefault("disks_active", instance.get("admin_state") == "up")
        for nic in instance.get("nics", []):
            nic.setdefault("uuid", str(uuid.uuid4()))


def _cluster_forms(tree: dict[str, Any]) -> None:
    cluster = tree["cluster"]
    cluster.setdefault("candidate_certs", {})
    cluster.setdefault("osparams_private_cluster", {})
    if "enabled_disk_templates" not in cluster:
        used = {disk["dev_type"] for disk in tree["disks"].values()}
        cluster["enabled_disk_templates"] = sorted(used | {"diskless"})
    iallocator = cluster.get("default_iallocator")
    cluster["default_iallocator"] = iallocator or ""
    if isinstance(cluster.get("master_netmask"), str):
        cluster["master_netmask"] = int(cluster["master_netmask"])
    for key in ("install_image", "zeroing_image", "instance_communication_network"):
        cluster[key] = cluster.get(key) or ""


def _drop_nulls(tree: dict[str, Any]) -> None:
    """Keys that are unset are absent nowadays."""
    def clean(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: clean(value) for key, value in item.items() if value is not None}
        if isinstance(item, list):
            return [clean(value) for value in item]
        return item

    for name in ("nodes", "nodegroups", "instances", "networks", "disks", "filters"):
        tree[name] = clean(tree[name])
    tree["cluster"] = {key: value for key, value in tree["cluster"].items() if value is not None}


def _drop_old_parameters(tree: dict[str, Any]) -> None:
    """Parameters that only 3.0 knew."""
    hvparams = tree["cluster"].get("hvparams", {})
    for values in hvparams.values():
        values.pop("xen_cmd", None)
    for variants in tree["cluster"].get("os_hvp", {}).values():
        for values in variants.values():
            values.pop("xen_cmd", None)
    for instance in tree["instances"].values():
        instance.get("hvparams", {}).pop("xen_cmd", None)


def _new_parameters(tree: dict[str, Any]) -> None:
    """Parameters of the present release get their defaults in the cluster's filled tables."""
    cluster = tree["cluster"]
    for hypervisor, values in cluster.get("hvparams", {}).items():
        table = constants.HV_TABLES.get(hypervisor)
        if table is not None:
            cluster["hvparams"][hypervisor] = {**table.defaults(), **values}
    cluster["ndparams"] = {**constants.ND_TABLE.defaults(), **(cluster.get("ndparams") or {})}
    default = cluster.setdefault("beparams", {}).setdefault("default", {})
    if "memory" in default:
        memory = default.pop("memory")
        default.setdefault("maxmem", memory)
        default.setdefault("minmem", memory)
    cluster["beparams"]["default"] = {**constants.BE_TABLE.defaults(), **default}
    for instance in tree["instances"].values():
        own = instance.setdefault("beparams", {})
        if "memory" in own:
            memory = own.pop("memory")
            own.setdefault("maxmem", memory)
            own.setdefault("minmem", memory)


_FROM_2: list[Callable[[dict[str, Any]], None]] = [
    _containers, _uuid_keys, _node_references, _groups, _separate_disks, _disk_forms,
    _instance_forms, _cluster_forms]
_FROM_3_0: list[Callable[[dict[str, Any]], None]] = [
    _containers, _drop_nulls, _drop_old_parameters, _new_parameters]
