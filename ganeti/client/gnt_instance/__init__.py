"""gnt-instance: virtual machines and containers."""

from collections.abc import Sequence

from ganeti.cli.command import Tool

TOOL = Tool("gnt-instance", {
    "add": "create:ADD",
    "batch-create": "batch:BATCH_CREATE",
    "list": "listing:LIST",
    "list-fields": "listing:LIST_FIELDS",
    "info": "info:INFO",
    "startup": "power:STARTUP",
    "shutdown": "power:SHUTDOWN",
    "reboot": "power:REBOOT",
    "console": "console:CONSOLE",
    "migrate": "move:MIGRATE",
    "failover": "move:FAILOVER",
    "move": "move:MOVE",
    "change-group": "move:CHANGE_GROUP",
    "modify": "modify:MODIFY",
    "rename": "change:RENAME",
    "remove": "change:REMOVE",
    "reinstall": "reinstall:REINSTALL",
    "activate-disks": "disks:ACTIVATE_DISKS",
    "deactivate-disks": "disks:DEACTIVATE_DISKS",
    "grow-disk": "disks:GROW_DISK",
    "recreate-disks": "disks:RECREATE_DISKS",
    "replace-disks": "disks:REPLACE_DISKS",
    "repair-disks": "mirrors:REPAIR_DISKS",
    "list-tags": "tags:LIST_TAGS",
    "add-tags": "tags:ADD_TAGS",
    "remove-tags": "tags:REMOVE_TAGS",
}, aliases={"start": "startup", "stop": "shutdown", "show": "info"},
    env_defaults={"GNT_INSTANCE_LIST": "list"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool."""
    return TOOL.main(argv)
