"""gnt-group: node groups."""

from collections.abc import Sequence

from ganeti.cli.command import Tool

TOOL = Tool("gnt-group", {
    "add": "change:ADD",
    "list": "show:LIST",
    "list-fields": "show:LIST_FIELDS",
    "info": "show:INFO",
    "show-ispecs-cmd": "show:SHOW_ISPECS_CMD",
    "modify": "change:MODIFY",
    "rename": "change:RENAME",
    "remove": "change:REMOVE",
    "assign-nodes": "members:ASSIGN_NODES",
    "evacuate": "members:EVACUATE",
    "list-tags": "tags:LIST_TAGS",
    "add-tags": "tags:ADD_TAGS",
    "remove-tags": "tags:REMOVE_TAGS",
}, env_defaults={"GNT_GROUP_LIST": "list"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool."""
    return TOOL.main(argv)
