"""A cluster from the answers of its master: LUXI queries, or the documents of the remote API.

Both are brought to one form, a dict of field -> value an object. The connections belong to the
programs; here is only what to ask and what the answers mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ganeti import constants
from ganeti.htools import model

NODE_FIELDS = (
    "name", "mtotal", "mnode", "mfree", "dtotal", "dfree", "ctotal", "cnos", "offline",
    "drained", "vm_capable", "ndp/spindle_count", "group.uuid", "tags", "ndp/exclusive_storage",
    "sptotal", "spfree", "ndp/cpu_speed", "role")
INSTANCE_FIELDS = (
    "name", "disk_usage", "be/maxmem", "be/vcpus", "status", "pnode", "snodes", "tags",
    "oper_ram", "be/auto_balance", "disk_template", "be/spindle_use", "disk.sizes",
    "disk.spindles", "forthcoming", "nic.networks")
GROUP_FIELDS = ("uuid", "name", "alloc_policy", "ipolicy", "tags")
_LIVE = ("mtotal", "mnode", "mfree", "dtotal", "dfree", "ctotal")
_MASTER = "M"

Rows = Iterable[Mapping[str, Any]]
#: (resource, fields) -> {"data": [[[status, value], ...], ...]}
Query = Callable[[str, Sequence[str]], Mapping[str, Any]]


def from_luxi(query: Query, info: Mapping[str, Any], static_node_memory: int) -> model.Cluster:
    """Ask a master daemon; what is unavailable on a node counts as not there."""
    return build(rows(query, constants.QR_GROUP, GROUP_FIELDS),
                 rows(query, constants.QR_NODE, NODE_FIELDS),
                 rows(query, constants.QR_INSTANCE, INSTANCE_FIELDS), info, static_node_memory)


def rows(query: Query, what: str, fields: Sequence[str]) -> list[dict[str, Any]]:
    """Ask for fields of all objects of a kind; what is not available is None."""
    return [{field: value if status == constants.RS_NORMAL else None
             for field, (status, value) in zip(fields, row, strict=True)}
            for row in query(what, fields)["data"]]


def from_rapi(groups: Rows, nodes: Rows, instances: Rows, info: Mapping[str, Any],
              static_node_memory: int) -> model.Cluster:
    """The documents of /2/groups, /2/nodes, /2/instances (bulk) and /2/info."""
    return build(groups, [_flat(node, "ndparams", "ndp") for node in nodes],
                 [_flat(inst, "beparams", "be") for inst in instances], info, static_node_memory)


def _flat(item: Mapping[str, Any], key: str, prefix: str) -> dict[str, Any]:
    return {**item, **{f"{prefix}/{name}": value for name, value in (item.get(key) or {}).items()}}


def build(groups: Rows, nodes: Rows, instances: Rows, info: Mapping[str, Any],
          static_node_memory: int) -> model.Cluster:
    """The cluster from rows of fields."""
    assumed = (info.get("enabled_hypervisors") or [""])[0] in model.HOST_MEMORY_ASSUMED
    host_memory = static_node_memory if assumed else 0
    try:
        return model.Cluster(
            [_group(row) for row in groups], [_node(row, host_memory) for row in nodes],
            [_instance(row) for row in instances], tuple(info.get("tags") or ()),
            model.Policy.from_dict(info["ipolicy"]))
    except (KeyError, TypeError, ValueError) as err:
        raise model.LoadError(f"The master's answer is not understood: {type(err).__name__}"
                              f" {err}") from err


def _group(row: Mapping[str, Any]) -> model.Group:
    return model.Group(row["name"], row["uuid"], row["alloc_policy"], tuple(row["tags"] or ()),
                       policy=model.Policy.from_dict(row["ipolicy"]))


def _node(row: Mapping[str, Any], host_memory: int) -> model.Node:
    node = model.Node(
        row["name"], row["group.uuid"], tags=tuple(row["tags"] or ()),
        offline=bool(row["offline"] or row["drained"] or not row["vm_capable"]),
        master=row.get("role") == _MASTER,
        spindles=int(row.get("ndp/spindle_count") or 1),
        exclusive=bool(row.get("ndp/exclusive_storage")),
        cpu_speed=float(row.get("ndp/cpu_speed") or 1.0))
    if any(row.get(field) is None for field in _LIVE):
        node.offline = True
        return node
    node.t_mem, node.f_mem = float(row["mtotal"]), int(row["mfree"])
    node.n_mem = host_memory or int(row["mnode"])
    node.t_dsk, node.f_dsk = float(row["dtotal"]), int(row["dfree"])
    node.t_cpu, node.n_cpu = float(row["ctotal"]), int(row.get("cnos") or 0)
    node.f_spindles = int(row.get("spfree") or 0)
    if node.exclusive:
        node.spindles = int(row.get("sptotal") or 0)
    return node


def _instance(row: Mapping[str, Any]) -> model.Instance:
    template = row["disk_template"]
    secondaries = row["snodes"] or []
    spindles = row.get("disk.spindles") or []
    memory = row.get("oper_ram")
    maximum = row["be/maxmem"] if row.get("be/maxmem") is not None else row["be/memory"]
    return model.Instance(
        row["name"], int(memory if isinstance(memory, int) else maximum),
        int(row["disk_usage"] or 0), int(row["be/vcpus"]), row["status"],
        bool(row["be/auto_balance"]), row["pnode"], secondaries[0] if secondaries else "",
        template, tuple(row["tags"] or ()), int(row.get("be/spindle_use") or 1),
        None if None in spindles else tuple(spindles), tuple(row.get("disk.sizes") or ()),
        networks=tuple(uuid for uuid in row.get("nic.networks") or () if uuid),
        forthcoming=bool(row.get("forthcoming")))
