"""Fields of instances; those of their devices and of running ones are made beside this module."""

from __future__ import annotations

from typing import Any

from ganeti import constants
from ganeti.objects import ConfigData, Instance
from ganeti.query import instance_devices, instance_live
from ganeti.query.fields import (
    BOOL,
    COMPARE_HOST,
    NUMBER,
    OTHER,
    TEXT,
    UNAVAIL,
    UNIT,
    Context,
    FieldRow,
    Getter,
    Resource,
    attribute,
    history_rows,
    optional_attribute,
    parameter_kind,
)
from ganeti.query.instance_live import CONSOLE, RUNNING
from ganeti.query.objects import by_name


def _beparam(name: str) -> Getter:
    def get(instance: Instance, context: Context) -> Any:
        return context.config.filled_beparams(instance).get(name, UNAVAIL)
    return get


def _hvparam(name: str) -> Getter:
    def get(instance: Instance, context: Context) -> Any:
        return _hvparams(instance, context).get(name, UNAVAIL)
    return get


def _hvparams(instance: Instance, context: Context) -> dict[str, Any]:
    """All hypervisor parameters except those that the cluster sets for all."""
    hidden = constants.HV_TABLES.cluster_only(instance.hypervisor)
    filled = context.config.filled_hvparams(instance)
    return {name: value for name, value in filled.items() if name not in hidden}


def _hypervisor_rows() -> list[FieldRow]:
    """One field a parameter, whichever hypervisors know it."""
    rows: dict[str, FieldRow] = {}
    for table in constants.HV_TABLES.values():
        for param in table:
            if not param.cluster_only and param.name not in rows:
                name = f"hv/{param.name}"
                rows[param.name] = FieldRow(
                    name, param.title or name, parameter_kind(param.vtype),
                    f"Hypervisor parameter {param.name}: {param.help}", _hvparam(param.name))
    return list(rows.values())


def _backend_rows() -> list[FieldRow]:
    return [FieldRow(f"be/{param.name}", param.title or f"be/{param.name}",
                     parameter_kind(param.vtype),
                     f"Back-end parameter {param.name}: {param.help}", _beparam(param.name))
            for param in constants.BE_TABLE]


def _secondaries(instance: Instance, context: Context, what: str) -> list[str]:
    config = context.config
    nodes = [config.node(uuid) for uuid in config.secondary_nodes(instance)]
    if what == "node":
        return [node.name for node in nodes]
    return [getattr(config.group_of(node), what) for node in nodes]


ROWS = [
    FieldRow("name", "Instance", TEXT, "Name of the instance", attribute("name"),
             compare=COMPARE_HOST),
    FieldRow("hypervisor", "Hypervisor", TEXT, "Its hypervisor", attribute("hypervisor")),
    FieldRow("os", "OS", TEXT, "Its operating system", attribute("os")),
    FieldRow("pnode", "Primary_node", TEXT, "Node it runs on",
             lambda instance, context: context.config.node(instance.primary_node).name,
             compare=COMPARE_HOST),
    FieldRow("pnode.group", "PrimaryNodeGroup", TEXT, "Group of its primary node",
             lambda instance, context: context.config.group_of(instance.primary_node).name),
    FieldRow("pnode.group.uuid", "PrimaryNodeGroupUUID", TEXT,
             "UUID of the group of its primary node",
             lambda instance, context: context.config.node(instance.primary_node).group),
    FieldRow("snodes", "Secondary_Nodes", OTHER, "Other nodes that hold its disks",
             lambda instance, context: _secondaries(instance, context, "node")),
    FieldRow("snodes.group", "SecondaryNodesGroups", OTHER, "Groups of its secondary nodes",
             lambda instance, context: _secondaries(instance, context, "name")),
    FieldRow("snodes.group.uuid", "SecondaryNodesGroupsUUID", OTHER,
             "UUIDs of the groups of its secondary nodes",
             lambda instance, context: _secondaries(instance, context, "uuid")),
    FieldRow("admin_state", "InstanceState", TEXT, "What it should be: up, down or offline",
             attribute("admin_state")),
    FieldRow("admin_state_source", "InstanceStateSource", TEXT,
             "Who said so: the administrator or its user", attribute("admin_state_source")),
    FieldRow("admin_up", "Autostart", BOOL, "Should it run?",
             lambda instance, context: instance.admin_state == constants.ADMINST_UP),
    FieldRow("disks_active", "DisksActive", BOOL, "Should its disks be active?",
             attribute("disks_active")),
    FieldRow("forthcoming", "Forthcoming", BOOL, "Is it only a reservation?",
             attribute("forthcoming")),
    FieldRow("disk_template", "Disk_template", TEXT,
             "Type of its disks; mixed when there are several, diskless without disks",
             lambda instance, context: context.config.disk_template(instance)),
    FieldRow("network_port", "Network_port", OTHER, "TCP port for its console",
             optional_attribute("network_port")),
    FieldRow("beparams", "BackendParameters", OTHER, "Back-end parameters with all defaults",
             lambda instance, context: context.config.filled_beparams(instance)),
    FieldRow("hvparams", "HypervisorParameters", OTHER,
             "Hypervisor parameters with all defaults", _hvparams),
    FieldRow("osparams", "OpSysParameters", OTHER, "OS parameters with all defaults",
             lambda instance, context: context.config.filled_osparams(instance)),
    FieldRow("custom_beparams", "CustomBackendParameters", OTHER,
             "Back-end parameters set on the instance itself", attribute("beparams")),
    FieldRow("custom_hvparams", "CustomHypervisorParameters", OTHER,
             "Hypervisor parameters set on the instance itself", attribute("hvparams")),
    FieldRow("custom_osparams", "CustomOpSysParameters", OTHER,
             "OS parameters set on the instance itself", attribute("osparams")),
    FieldRow("custom_nicparams", "CustomNicParameters", OTHER,
             "Parameters set on its interfaces themselves",
             lambda instance, context: [nic.nicparams for nic in instance.nics]),
    *_backend_rows(),
    FieldRow("be/memory", "ConfigMaxMem", UNIT, "Old name of be/maxmem", _beparam("maxmem")),
    FieldRow("vcpus", "ConfigVCPUs", NUMBER, "Old name of be/vcpus", _beparam("vcpus")),
    *_hypervisor_rows(),
    *instance_devices.rows(),
    *history_rows("instance"),
    FieldRow("status", "Status", TEXT, "What it should be and what it is, in one word",
             instance_live.status, needs=[RUNNING]),
    FieldRow("oper_state", "Running", BOOL, "Does it run?", instance_live.oper_state,
             needs=[RUNNING]),
    FieldRow("oper_ram", "Memory", UNIT, "Memory that it has at the moment",
             instance_live.oper_value("memory"), needs=[RUNNING]),
    FieldRow("oper_vcpus", "VCPUs", NUMBER, "Processors that it has at the moment",
             instance_live.oper_value("vcpus"), needs=[RUNNING]),
    FieldRow("console", "Console", OTHER, "How to reach its console", instance_live.console,
             needs=[CONSOLE]),
]

RESOURCE = Resource(constants.QR_INSTANCE, "name", ROWS,
                    by_name("instances", ConfigData.expand_instance), instance_live.gather)
