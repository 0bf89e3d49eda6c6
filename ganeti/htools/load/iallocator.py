"""The document that an allocator gets, as a cluster and its request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti import constants, errors, serializer
from ganeti.htools import model


def load(path: str) -> dict[str, Any]:
    """Read the document from a file."""
    try:
        with open(path, "rb") as stream:
            content = stream.read()
        data = serializer.load(content, path)
    except (OSError, errors.ParseError) as err:
        raise model.LoadError(f"{path}: {getattr(err, 'strerror', None) or err}") from err
    if not isinstance(data, dict):
        raise model.LoadError(f"{path}: not a JSON object")
    return data


def cluster(data: Mapping[str, Any], static_node_memory: int = 0) -> model.Cluster:
    """The cluster in the document; host memory of KVM nodes is replaced unless that is 0."""
    try:
        policy = (model.Policy.from_dict(data["ipolicy"]) if "ipolicy" in data
                  else model.DEFAULT_POLICY)
        assumed = model.HOST_MEMORY_ASSUMED.issuperset(data.get("enabled_hypervisors", [""])[:1])
        host_memory = static_node_memory if assumed else 0
        result = model.Cluster(
            [_group(uuid, group, policy) for uuid, group in data["nodegroups"].items()],
            [_node(name, node, host_memory) for name, node in data["nodes"].items()],
            [_existing(name, inst) for name, inst in data["instances"].items()],
            tuple(data["cluster_tags"]), policy)
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise model.LoadError(f"The request's picture of the cluster is damaged:"
                              f" {type(err).__name__} {err}") from err
    return result


def _group(uuid: str, data: Mapping[str, Any], policy: model.Policy) -> model.Group:
    return model.Group(data["name"], uuid, data["alloc_policy"], tuple(data.get("tags", ())),
                       tuple(data["networks"]),
                       model.Policy.from_dict(data["ipolicy"]) if "ipolicy" in data else policy)


def _node(name: str, data: Mapping[str, Any], host_memory: int) -> model.Node:
    params = data.get("ndparams", {})
    node = model.Node(
        name, data["group"], tags=tuple(data.get("tags", ())),
        offline=bool(data["offline"] or data["drained"] or not data["vm_capable"]),
        spindles=int(params.get("spindle_count") or 1),
        exclusive=bool(params.get("exclusive_storage")),
        cpu_speed=float(params.get("cpu_speed") or 1.0))
    live = ("total_memory", "reserved_memory", "free_memory", "total_disk", "free_disk",
            "total_cpus")
    if node.offline or any(data.get(key) is None for key in live):
        node.offline = True
        return node
    node.t_mem, node.f_mem = float(data["total_memory"]), int(data["free_memory"])
    node.n_mem = host_memory or int(data["reserved_memory"])
    node.t_dsk, node.f_dsk = float(data["total_disk"]), int(data["free_disk"])
    node.t_cpu, node.n_cpu = float(data["total_cpus"]), int(data.get("reserved_cpus") or 0)
    node.f_spindles = int(data.get("free_spindles") or 0)
    if node.exclusive:
        node.spindles = int(data.get("total_spindles") or 0)
    return node


def _existing(name: str, data: Mapping[str, Any]) -> model.Instance:
    nodes = data["nodes"]
    inst = instance(name, data)
    inst.pnode, inst.snode = nodes[0], nodes[1] if len(nodes) > 1 else ""
    if data.get("admin_state", constants.ADMINST_UP) == constants.ADMINST_DOWN:
        inst.status = constants.INSTST_ADMINDOWN
    elif data.get("admin_state") == constants.ADMINST_OFFLINE:
        inst.status = constants.INSTST_ADMINOFFLINE
    return inst


def instance(name: str, data: Mapping[str, Any]) -> model.Instance:
    """An instance of the document, or one that is asked for: it is nowhere, and counts as up."""
    template = data["disk_template"]
    disks = data.get("disks") or []
    spindles = [disk.get("spindles") for disk in disks]
    return model.Instance(
        name, int(data["memory"]), int(data["disk_space_total"]), int(data["vcpus"]),
        constants.INSTST_RUNNING, True, "", "", template, tuple(data.get("tags", ())),
        int(data.get("spindle_use", 1)),
        None if None in spindles else tuple(int(number) for number in spindles),
        tuple(int(disk["size"]) for disk in disks), len(data.get("nics") or ()),
        tuple(nic["network"] for nic in data.get("nics") or () if nic.get("network")))
