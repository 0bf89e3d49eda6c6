"""Allocator requests about clusters of the generator."""

from __future__ import annotations

from typing import Any

from ganeti import constants
from ganeti.htools import model

_ADMIN_STATE = {constants.INSTST_ADMINDOWN: "down", constants.INSTST_ADMINOFFLINE: "offline"}


def document(cluster: model.Cluster) -> dict[str, Any]:
    """The picture of a cluster, without a request."""
    policy = constants.IPOLICY_DEFAULTS
    return {
        "version": 2, "cluster_name": "c", "cluster_tags": list(cluster.tags),
        "enabled_hypervisors": ["xen-pvm"], "ipolicy": policy,
        "nodegroups": {group.uuid: {"name": group.name, "alloc_policy": group.alloc_policy,
                                    "networks": [], "tags": [], "ipolicy": policy}
                       for group in cluster.groups},
        "nodes": {node.name: _node(node) for node in cluster.nodes},
        "instances": {inst.name: _instance(inst) for inst in cluster.instances}}


def _node(node: model.Node) -> dict[str, Any]:
    return {"tags": list(node.tags), "offline": node.offline, "drained": False,
            "group": node.group, "vm_capable": True,
            "ndparams": {"spindle_count": node.spindles, "exclusive_storage": False,
                         "cpu_speed": node.cpu_speed},
            "total_memory": int(node.t_mem), "reserved_memory": node.n_mem,
            "free_memory": node.f_mem, "total_disk": int(node.t_dsk), "free_disk": node.f_dsk,
            "total_spindles": 0, "free_spindles": 0, "total_cpus": int(node.t_cpu),
            "reserved_cpus": node.n_cpu}


def _instance(inst: model.Instance) -> dict[str, Any]:
    return {"tags": list(inst.tags), "admin_state": _ADMIN_STATE.get(inst.status, "up"),
            "vcpus": inst.vcpus, "memory": inst.mem, "spindle_use": inst.spindle_use,
            "nodes": [name for name in (inst.pnode, inst.snode) if name], "nics": [],
            "disks": [{"size": inst.dsk, "spindles": None}], "disk_template": inst.template,
            "disk_space_total": inst.dsk}


def allocate(name: str = "new1", memory: int = 1024, **more: Any) -> dict[str, Any]:
    """A request for a mirrored instance."""
    return {"type": "allocate", "name": name, "disk_template": "drbd", "group_name": None,
            "tags": [], "vcpus": 1, "memory": memory, "spindle_use": 1,
            "disks": [{"size": 10240, "spindles": None}], "disk_space_total": 10368, "nics": [],
            "required_nodes": 2, **more}
