"""Asking external allocators: the picture of the cluster they get, and the check of their answer.

Requests are built by those who ask (see ``cmdlib/instance/allocate``); the program runs on the
master node through its node daemon.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ganeti import constants, errors, ht, objects, serializer
from ganeti.masterd import livedata
from ganeti.storage import registry as storage

if TYPE_CHECKING:
    from ganeti.cmdlib import base

_NODE_LIST = ht.ListOf(ht.NonEmptyString)
_MOVES = ht.TupleOf(
    ht.ListOf(ht.TupleOf(ht.NonEmptyString, ht.NonEmptyString, _NODE_LIST)),
    ht.ListOf(ht.TupleOf(ht.NonEmptyString, ht.Maybe(ht.String))),
    ht.ListOf(ht.ListOf(ht.DictOf(ht.String, ht.Any))))
_RESULTS: dict[str, Any] = {
    constants.IALLOCATOR_MODE_ALLOC: _NODE_LIST,
    constants.IALLOCATOR_MODE_RELOC: _NODE_LIST,
    constants.IALLOCATOR_MODE_MULTI_ALLOC: ht.TupleOf(
        ht.ListOf(ht.TupleOf(ht.NonEmptyString, _NODE_LIST)), ht.ListOf(ht.NonEmptyString)),
    constants.IALLOCATOR_MODE_NODE_EVAC: _MOVES,
    constants.IALLOCATOR_MODE_CHG_GROUP: _MOVES,
    constants.IALLOCATOR_MODE_ALLOCATE_SECONDARY: ht.NonEmptyString,
}
_PROPOSABLE = frozenset(["OP_INSTANCE_FAILOVER", "OP_INSTANCE_MIGRATE",
                         "OP_INSTANCE_REPLACE_DISKS"])


def run(lu: base.LogicalUnit, name: str, request: Mapping[str, Any], *,
        ignore_soft_errors: bool = False) -> Any:
    """Ask an allocator and return the result part of its checked answer."""
    params = dict(lu.config.cluster.default_iallocator_params)
    if ignore_soft_errors:
        params["ignore-soft-errors"] = None
    if name == constants.IALLOC_HAIL:
        from ganeti.htools import hail

        settings = hail.Settings.from_params(params)
        if settings is not None:
            return check_reply(name, request, _ask_own(lu, request, settings))
    text = ask(lu, name, request, params)
    return check_answer(name, request, text)


def _ask_own(lu: base.LogicalUnit, request: Mapping[str, Any], settings: Any) -> Any:
    """The allocator that belongs to the system answers in this process."""
    from ganeti.htools import hail, model

    try:
        return hail.answer(input_dict(lu, request), settings)
    except model.LoadError as err:
        raise errors.OpExecError(f"iallocator {constants.IALLOC_HAIL}: {err}") from err


def ask(lu: base.LogicalUnit, name: str, request: Mapping[str, Any],
        params: Mapping[str, Any]) -> str:
    """Run an allocator on the master; what it wrote."""
    idata = input_text(lu, request)
    master = lu.config.cluster.master_node
    result = lu.rpc.iallocator_runner(master, name, idata, dict(params))
    return str(result.raise_if_failed(f"Can not run iallocator {name}", prereq=True,
                                      ecode=errors.ECODE_ENVIRON))


def input_text(lu: base.LogicalUnit, request: Mapping[str, Any]) -> str:
    """The file that an allocator reads."""
    return serializer.dumps(input_dict(lu, request))


def check_answer(name: str, request: Mapping[str, Any], text: str) -> Any:
    """The result in an allocator's answer; a bad answer names what is wrong with it."""
    try:
        answer = serializer.load(text)
    except errors.ParseError as err:
        raise errors.OpExecError(f"iallocator {name} did not answer in JSON: {err}") from err
    return check_reply(name, request, answer)


def check_reply(name: str, request: Mapping[str, Any], answer: Any) -> Any:
    """The same for an answer that needs no decoding."""
    if not isinstance(answer, dict) or not isinstance(answer.get("success"), bool):
        raise errors.OpExecError(f"iallocator {name}: the answer has no key 'success'")
    info = str(answer.get("info", ""))
    if not answer["success"]:
        raise errors.OpPrereqError(
            f"iallocator {name} found no solution: {info or 'no reason told'}",
            errors.ECODE_NORES)
    if "result" not in answer and "nodes" in answer:
        answer["result"] = answer["nodes"]
    mode = request["type"]
    try:
        result = _RESULTS[mode].check(answer.get("result"), "result")
    except ht.Mismatch as err:
        raise errors.OpExecError(f"iallocator {name}: {err}") from err
    _check_sense(name, request, result)
    return result


def _check_sense(name: str, request: Mapping[str, Any], result: Any) -> None:
    required = request.get("required_nodes")
    if isinstance(required, int) and isinstance(result, list) and len(result) != required:
        raise errors.OpExecError(
            f"iallocator {name} answered with {len(result)} nodes instead of {required}")
    if request["type"] in (constants.IALLOCATOR_MODE_NODE_EVAC,
                           constants.IALLOCATOR_MODE_CHG_GROUP):
        for job in result[2]:
            for op in job:
                if op.get("OP_ID") not in _PROPOSABLE:
                    raise errors.OpExecError(
                        f"iallocator {name} proposed the operation {op.get('OP_ID')}, which is"
                        f" not one of {', '.join(sorted(_PROPOSABLE))}")


def input_dict(lu: base.LogicalUnit, request: Mapping[str, Any]) -> dict[str, Any]:
    """The whole picture: cluster, groups, nodes with live data, instances, the request."""
    config = lu.config
    cluster = config.cluster
    return {
        "version": constants.IALLOCATOR_VERSION,
        "cluster_name": cluster.cluster_name,
        "cluster_tags": list(cluster.tags),
        "enabled_hypervisors": list(cluster.enabled_hypervisors),
        "ipolicy": config.filled_ipolicy(),
        "nodegroups": {group.uuid: _group(config, group)
                       for group in config.nodegroups.values()},
        "nodes": _nodes(lu, config),
        "instances": {instance.name: _instance(config, instance)
                      for instance in config.instances.values() if not instance.forthcoming},
        "request": dict(request),
    }


def _group(config: objects.ConfigData, group: objects.NodeGroup) -> dict[str, Any]:
    return {"name": group.name, "alloc_policy": group.alloc_policy,
            "networks": list(group.networks), "ipolicy": config.filled_ipolicy(group),
            "tags": list(group.tags)}


def _nodes(lu: base.LogicalUnit, config: objects.ConfigData) -> dict[str, Any]:
    askable = [node for node in config.nodes.values() if node.vm_capable and not node.offline]
    live = livedata.source(lu.ctx)
    uuids = [node.uuid for node in askable]
    infos = live.live_nodes(uuids)
    guests = live.live_instances(uuids, config.cluster.enabled_hypervisors)
    nodes = {node.name: _static_node(config, node) for node in config.nodes.values()}
    for node in askable:
        answer, running = infos[node.uuid], guests[node.uuid]
        if answer.status or running.status:
            lu.feedback.warning(f"Node {node.name} does not answer; no instance is placed there")
            nodes[node.name]["offline"] = True
            continue
        nodes[node.name].update(_live_node(config, node, answer.payload, running.payload))
    return nodes


def _static_node(config: objects.ConfigData, node: objects.Node) -> dict[str, Any]:
    return {"tags": list(node.tags), "primary_ip": node.primary_ip,
            "secondary_ip": node.secondary_ip, "offline": node.offline, "drained": node.drained,
            "master_candidate": node.master_candidate, "group": node.group,
            "master_capable": node.master_capable, "vm_capable": node.vm_capable,
            "ndparams": config.filled_ndparams(node)}


def _live_node(config: objects.ConfigData, node: objects.Node, payload: Any,
               running: Mapping[str, Any]) -> dict[str, Any]:
    _boot_id, units, hypervisors = payload
    info = hypervisors[0]
    primaries = [inst for inst in config.primaries(node.uuid) if not inst.forthcoming]
    up = [inst for inst in primaries if inst.admin_state == constants.ADMINST_UP]
    free = info["memory_free"] - sum(
        _missing_memory(config, inst, running.get(inst.name)) for inst in up)
    space, spindles = _space(units or [], False), _space(units or [], True)
    return {
        "total_memory": info["memory_total"],
        "reserved_memory": info["memory_dom0"],
        "free_memory": max(free, 0),
        "total_disk": space.get("storage_size") or 0,
        "free_disk": space.get("storage_free") or 0,
        "total_spindles": spindles.get("storage_size") or 0,
        "free_spindles": spindles.get("storage_free") or 0,
        "total_cpus": info["cpu_total"],
        "reserved_cpus": info.get("cpu_dom0", 0),
        "i_pri_memory": sum(_memory(config, inst) for inst in primaries),
        "i_pri_up_memory": sum(_memory(config, inst) for inst in up),
    }


def _space(units: list[Any], spindles: bool) -> Mapping[str, Any]:
    for unit in units:
        if unit is not None and (unit["type"] == constants.ST_LVM_PV) == spindles:
            return dict(unit)
    return {}


def _memory(config: objects.ConfigData, instance: objects.Instance) -> int:
    return int(config.filled_beparams(instance)[constants.BE_MAXMEM])


def _missing_memory(config: objects.ConfigData, instance: objects.Instance,
                    seen: Mapping[str, Any] | None) -> int:
    """What an instance that should run will still take from the node."""
    used = int(seen["memory"]) if seen and int(seen.get("memory") or 0) > 0 else 0
    return max(0, _memory(config, instance) - used)


def _instance(config: objects.ConfigData, instance: objects.Instance) -> dict[str, Any]:
    beparams = config.filled_beparams(instance)
    disks = config.instance_disks(instance)
    template = config.disk_template(instance)
    return {
        "tags": list(instance.tags),
        "admin_state": instance.admin_state,
        "vcpus": beparams[constants.BE_VCPUS],
        "memory": beparams[constants.BE_MAXMEM],
        "spindle_use": beparams[constants.BE_SPINDLE_USE],
        "os": instance.os,
        "nodes": [config.node(uuid).name for uuid in config.instance_nodes(instance)],
        "nics": [_nic(config, nic) for nic in instance.nics],
        "disks": [{"type": disk.dev_type, "size": disk.size, "mode": disk.mode,
                   "spindles": disk.spindles} for disk in disks],
        "disk_template": template,
        "disks_active": instance.disks_active,
        "hypervisor": instance.hypervisor,
        "disk_space_total": sum(disk_space(disk) for disk in disks),
    }


def disk_space(disk: objects.Disk) -> int:
    """MiB that a disk takes on a node, with the metadata of mirrored ones."""
    overhead = sum(child.size for child in disk.children[1:])
    known = storage.template(disk.dev_type)
    return disk.size + (overhead if known.mirrored else 0)


def _nic(config: objects.ConfigData, nic: objects.Nic) -> dict[str, Any]:
    params = config.filled_nicparams(nic)
    mode, link = params[constants.NIC_MODE], params[constants.NIC_LINK]
    result = {"mac": nic.mac, "ip": nic.ip, "mode": mode, "link": link}
    if mode == constants.NIC_MODE_BRIDGED:
        result["bridge"] = link
    return result
