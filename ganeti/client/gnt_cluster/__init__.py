"""gnt-cluster: the cluster as a whole."""

from collections.abc import Sequence

from ganeti.cli.command import Tool

TOOL = Tool("gnt-cluster", {
    "init": "init:INIT",
    "destroy": "destroy:DESTROY",
    "info": "info:INFO",
    "show-ispecs-cmd": "info:SHOW_ISPECS_CMD",
    "version": "simple:VERSION",
    "getmaster": "simple:GETMASTER",
    "master-ping": "simple:MASTER_PING",
    "master-failover": "failover:MASTER_FAILOVER",
    "verify": "verify:VERIFY",
    "verify-disks": "verify:VERIFY_DISKS",
    "repair-disk-sizes": "verify:REPAIR_DISK_SIZES",
    "modify": "modify:MODIFY",
    "rename": "life:RENAME",
    "redist-conf": "life:REDIST_CONF",
    "renew-crypto": "renew:RENEW_CRYPTO",
    "activate-master-ip": "life:ACTIVATE_MASTER_IP",
    "deactivate-master-ip": "life:DEACTIVATE_MASTER_IP",
    "queue": "flags:QUEUE",
    "watcher": "flags:WATCHER",
    "command": "remote:COMMAND",
    "copyfile": "remote:COPYFILE",
    "list-tags": "tags:LIST_TAGS",
    "add-tags": "tags:ADD_TAGS",
    "remove-tags": "tags:REMOVE_TAGS",
    "search-tags": "tags:SEARCH_TAGS",
}, aliases={"show": "info", "masterfailover": "master-failover"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool."""
    return TOOL.main(argv)
