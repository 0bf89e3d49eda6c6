"""Fields of node groups."""

from __future__ import annotations

from typing import Any

from ganeti import constants
from ganeti.objects import ConfigData, Instance, NodeGroup
from ganeti.query.fields import (
    NUMBER,
    OTHER,
    TEXT,
    UNAVAIL,
    Context,
    FieldRow,
    Getter,
    Resource,
    attribute,
    history_rows,
    parameter_kind,
)
from ganeti.query.objects import by_name


def _instances(group: NodeGroup, context: Context) -> list[Instance]:
    config = context.config
    return [instance for node in config.group_nodes(group.uuid)
            for instance in config.primaries(node.uuid)]


def _diskparams(group: NodeGroup, context: Context) -> dict[str, Any]:
    return {template: context.config.filled_diskparams(template, group)
            for template in constants.DISK_TABLES}


def _ndparam(name: str) -> Getter:
    def get(group: NodeGroup, context: Context) -> Any:
        return context.config.group_ndparams(group).get(name, UNAVAIL)
    return get


ROWS = [
    FieldRow("name", "Group", TEXT, "Name of the group", attribute("name")),
    FieldRow("alloc_policy", "AllocPolicy", TEXT, "May new instances come here?",
             attribute("alloc_policy")),
    FieldRow("node_cnt", "Nodes", NUMBER, "How many nodes it has",
             lambda group, context: len(context.config.group_nodes(group.uuid))),
    FieldRow("node_list", "NodeList", OTHER, "Its nodes",
             lambda group, context: [node.name
                                     for node in context.config.group_nodes(group.uuid)]),
    FieldRow("pinst_cnt", "Instances", NUMBER, "How many instances run on its nodes",
             lambda group, context: len(_instances(group, context))),
    FieldRow("pinst_list", "InstanceList", OTHER, "Instances that run on its nodes",
             lambda group, context: [instance.name for instance in _instances(group, context)]),
    FieldRow("ndparams", "NDParams", OTHER, "Node parameters with all defaults",
             lambda group, context: context.config.group_ndparams(group)),
    FieldRow("custom_ndparams", "CustomNDParams", OTHER,
             "Node parameters set on the group itself", attribute("ndparams")),
    FieldRow("diskparams", "DiskParameters", OTHER, "Disk parameters with all defaults",
             _diskparams),
    FieldRow("custom_diskparams", "CustomDiskParameters", OTHER,
             "Disk parameters set on the group itself", attribute("diskparams")),
    FieldRow("ipolicy", "InstancePolicy", OTHER, "Instance policy with all defaults",
             lambda group, context: context.config.filled_ipolicy(group)),
    FieldRow("custom_ipolicy", "CustomInstancePolicy", OTHER,
             "Instance policy set on the group itself", attribute("ipolicy")),
    *[FieldRow(f"ndp/{param.name}", param.title or f"ndp/{param.name}",
               parameter_kind(param.vtype), f"Node parameter {param.name}: {param.help}",
               _ndparam(param.name)) for param in constants.ND_TABLE],
    *history_rows("group"),
]

RESOURCE = Resource(constants.QR_GROUP, "name", ROWS,
                    by_name("nodegroups", ConfigData.expand_group))
