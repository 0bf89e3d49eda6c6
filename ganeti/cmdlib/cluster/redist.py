"""OP_CLUSTER_REDIST_CONF, and sending the ancillary files for other units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ganeti import opcodes
from ganeti.cmdlib import ancillary, base
from ganeti.config import distribute

Level = base.Level
ssconf_values = distribute.ssconf_values


class LUClusterRedistConf(base.LogicalUnit):
    """Send the configuration, ssconf and the ancillary files to all nodes again."""

    OP = opcodes.OpClusterRedistConf

    def locks(self, level: Level) -> base.LockRequest | None:
        return base.LockRequest(base.ALL, shared=True) if level == Level.NODE else None

    def exec(self) -> None:
        self.cfg.rewrite()
        send_ssconf(self)
        copy_files(self, ancillary.copied(self.config))


def send_ssconf(lu: base.LogicalUnit) -> None:
    """Give every online node the flat files anew."""
    nodes = [node.uuid for node in lu.config.online_nodes()]
    results = lu.rpc.write_ssconf_files(nodes, ssconf_values(lu.config))
    for result in results.values():
        if result.fail_msg:
            lu.feedback.warning(f"Writing ssconf files on node {result.node_name} failed: "
                                f"{result.fail_msg}")


def copy_files(lu: base.LogicalUnit, items: Iterable[ancillary.AncillaryFile]) -> None:
    """Copy files of the master to the nodes that hold them; a failure is a warning."""
    failures: dict[str, list[str]] = defaultdict(list)
    for item in items:
        receivers = [node.uuid for node in ancillary.receivers(item, lu.config)]
        if not receivers:
            continue
        for result in lu.rpc.upload_file(receivers, item.path).values():
            if result.fail_msg:
                failures[result.node_name].append(f"{item.path}: {result.fail_msg}")
    for name, texts in sorted(failures.items()):
        lu.feedback.warning(f"Copying files to node {name} failed: {'; '.join(texts)}",
                            hint="gnt-cluster redist-conf repeats it")
