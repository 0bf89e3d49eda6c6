"""Fields of nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti import constants
from ganeti.objects import ConfigData, Node
from ganeti.query.fields import (
    BOOL,
    COMPARE_HOST,
    NODATA,
    NUMBER,
    OTHER,
    TEXT,
    UNAVAIL,
    UNIT,
    Context,
    FieldRow,
    Getter,
    Resource,
    Special,
    attribute,
    history_rows,
    parameter_kind,
    special,
)
from ganeti.query.objects import by_name

#: The need of fields that only the node itself can tell.
LIVE = "node"

_BOOT_ID, _STORAGE, _HYPERVISORS = 0, 1, 2


def role(config: ConfigData, node: Node) -> str:
    """One letter for the role of a node."""
    if node.uuid == config.cluster.master_node:
        return constants.NR_MASTER
    if node.offline:
        return constants.NR_OFFLINE
    if node.drained:
        return constants.NR_DRAINED
    return constants.NR_MCANDIDATE if node.master_candidate else constants.NR_REGULAR


def _answer(node: Node, context: Context, part: int) -> Any:
    answer = context.live[LIVE].get(node.uuid)
    if answer is None or answer.status:
        return special(answer)
    try:
        return answer.payload[part]
    except (IndexError, TypeError):
        return NODATA


def _boot_id(node: Node, context: Context) -> Any:
    value = _answer(node, context, _BOOT_ID)
    return NODATA if value is None else value


def _unit(node: Node, context: Context, spindles: bool) -> Any:
    """The first storage unit that counts space (or spindles)."""
    if not node.vm_capable:
        return UNAVAIL
    units = _answer(node, context, _STORAGE)
    if isinstance(units, Special):
        return units
    found = [unit for unit in units or [] if unit is not None
             and (unit.get("type") == constants.ST_LVM_PV) == spindles]
    if found:
        return found[0]
    return NODATA if units and not spindles else UNAVAIL


def _storage(key: str, spindles: bool = False) -> Getter:
    def get(node: Node, context: Context) -> Any:
        unit = _unit(node, context, spindles)
        if isinstance(unit, Special):
            return unit
        value = unit.get(key)
        return UNAVAIL if value is None else value
    return get


def _hypervisor(key: str) -> Getter:
    def get(node: Node, context: Context) -> Any:
        if not node.vm_capable:
            return UNAVAIL
        answers = _answer(node, context, _HYPERVISORS)
        if isinstance(answers, Special):
            return answers
        value = answers[0].get(key) if answers and answers[0] else None
        return UNAVAIL if value is None else value
    return get


def _parameter(name: str) -> Getter:
    def get(node: Node, context: Context) -> Any:
        return context.config.filled_ndparams(node).get(name, UNAVAIL)
    return get


def _powered(node: Node, context: Context) -> Any:
    oob = context.config.filled_ndparams(node).get(constants.ND_OOB_PROGRAM)
    return node.powered if oob else UNAVAIL


def _names(instances: list[Any]) -> list[str]:
    return [instance.name for instance in instances]


def _gather(context: Context, items: Sequence[Any], needs: frozenset[str]) -> None:
    if LIVE in needs:
        context.live[LIVE] = context.source.live_nodes([node.uuid for node in items])


ROWS = [
    FieldRow("name", "Node", TEXT, "Name of the node", attribute("name"), compare=COMPARE_HOST),
    FieldRow("pip", "PrimaryIP", TEXT, "Primary address", attribute("primary_ip")),
    FieldRow("sip", "SecondaryIP", TEXT, "Address for replication", attribute("secondary_ip")),
    FieldRow("group", "Group", TEXT, "Name of its node group",
             lambda node, context: context.config.group_of(node).name),
    FieldRow("group.uuid", "GroupUUID", TEXT, "UUID of its node group", attribute("group")),
    FieldRow("role", "Role", TEXT, "Role as a letter: M master, C candidate, R regular, "
             "D drained, O offline", lambda node, context: role(context.config, node)),
    FieldRow("master", "IsMaster", BOOL, "Is it the master?",
             lambda node, context: node.uuid == context.config.cluster.master_node),
    FieldRow("master_candidate", "MasterC", BOOL, "Does it keep a copy of the configuration?",
             attribute("master_candidate")),
    FieldRow("master_capable", "MasterCapable", BOOL, "May it become the master?",
             attribute("master_capable")),
    FieldRow("vm_capable", "VMCapable", BOOL, "May it run instances?", attribute("vm_capable")),
    FieldRow("offline", "Offline", BOOL, "Is it marked offline?", attribute("offline")),
    FieldRow("drained", "Drained", BOOL, "Is it kept free of new instances?",
             attribute("drained")),
    FieldRow("powered", "Powered", BOOL, "Is it switched on, as far as is recorded?", _powered),
    FieldRow("hv_state", "HypervisorState", OTHER, "Resources vouched for, by hypervisor",
             lambda node, context: UNAVAIL),
    FieldRow("disk_state", "DiskState", OTHER, "Sizes vouched for, by storage type",
             lambda node, context: UNAVAIL),
    FieldRow("ndparams", "NodeParameters", OTHER, "Node parameters with all defaults",
             lambda node, context: context.config.filled_ndparams(node)),
    FieldRow("custom_ndparams", "CustomNodeParameters", OTHER,
             "Node parameters set on the node itself", attribute("ndparams")),
    FieldRow("pinst_cnt", "Pinst", NUMBER, "How many instances have it as their primary",
             lambda node, context: len(context.config.primaries(node.uuid))),
    FieldRow("sinst_cnt", "Sinst", NUMBER, "How many instances have it as a secondary",
             lambda node, context: len(context.config.secondaries(node.uuid))),
    FieldRow("pinst_list", "PriInstances", OTHER, "Instances that have it as their primary",
             lambda node, context: _names(context.config.primaries(node.uuid))),
    FieldRow("sinst_list", "SecInstances", OTHER, "Instances that have it as a secondary",
             lambda node, context: _names(context.config.secondaries(node.uuid))),
    *history_rows("node"),
    *[FieldRow(f"ndp/{param.name}", param.title or f"ndp/{param.name}",
               parameter_kind(param.vtype), f"Node parameter {param.name}: {param.help}",
               _parameter(param.name))
      for param in constants.ND_TABLE],
    FieldRow("bootid", "BootID", TEXT, "Changes with every boot", _boot_id, needs=[LIVE]),
    FieldRow("cnodes", "CNodes", NUMBER, "NUMA nodes", _hypervisor("cpu_nodes"), needs=[LIVE]),
    FieldRow("cnos", "CNOs", NUMBER, "Processors of the node's own system",
             _hypervisor("cpu_dom0"), needs=[LIVE]),
    FieldRow("csockets", "CSockets", NUMBER, "Processor sockets", _hypervisor("cpu_sockets"),
             needs=[LIVE]),
    FieldRow("ctotal", "CTotal", NUMBER, "Processors", _hypervisor("cpu_total"), needs=[LIVE]),
    FieldRow("mtotal", "MTotal", UNIT, "Memory", _hypervisor("memory_total"), needs=[LIVE]),
    FieldRow("mnode", "MNode", UNIT, "Memory that the node's own system uses",
             _hypervisor("memory_dom0"), needs=[LIVE]),
    FieldRow("mfree", "MFree", UNIT, "Free memory", _hypervisor("memory_free"), needs=[LIVE]),
    FieldRow("dtotal", "DTotal", UNIT, "Disk space", _storage("storage_size"), needs=[LIVE]),
    FieldRow("dfree", "DFree", UNIT, "Free disk space", _storage("storage_free"), needs=[LIVE]),
    FieldRow("sptotal", "SpTotal", NUMBER, "Disk spindles", _storage("storage_size", True),
             needs=[LIVE]),
    FieldRow("spfree", "SpFree", NUMBER, "Free disk spindles", _storage("storage_free", True),
             needs=[LIVE]),
]

RESOURCE = Resource(constants.QR_NODE, "name", ROWS, by_name("nodes", ConfigData.expand_node),
                    _gather)
