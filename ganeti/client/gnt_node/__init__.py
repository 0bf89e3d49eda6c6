"""gnt-node: the machines of the cluster."""

from collections.abc import Sequence

from ganeti.cli.command import Tool

TOOL = Tool("gnt-node", {
    "add": "add:ADD",
    "list": "show:LIST",
    "list-fields": "show:LIST_FIELDS",
    "info": "show:INFO",
    "modify": "change:MODIFY",
    "remove": "change:REMOVE",
    "powercycle": "power:POWERCYCLE",
    "power": "power:POWER",
    "health": "power:HEALTH",
    "evacuate": "move:EVACUATE",
    "failover": "move:FAILOVER",
    "migrate": "move:MIGRATE",
    "volumes": "storage:VOLUMES",
    "list-drbd": "mirrors:LIST_DRBD",
    "list-storage": "storage:LIST_STORAGE",
    "modify-storage": "storage:MODIFY_STORAGE",
    "repair-storage": "storage:REPAIR_STORAGE",
    "restricted-command": "restricted:RESTRICTED_COMMAND",
    "list-tags": "tags:LIST_TAGS",
    "add-tags": "tags:ADD_TAGS",
    "remove-tags": "tags:REMOVE_TAGS",
}, aliases={"show": "info"}, env_defaults={"GNT_NODE_LIST": "list"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool."""
    return TOOL.main(argv)
