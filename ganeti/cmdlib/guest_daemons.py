"""Daemons that nodes need beside their own while users may shut their guests down from inside.

Which one notices that is the hypervisor's to say. A node finds out by itself when it starts; this
is for what changes while it runs.
"""

from __future__ import annotations

from ganeti import constants
from ganeti.cmdlib import base
from ganeti.hypervisor import registry as hypervisors


def wanted(lu: base.LogicalUnit) -> dict[str, bool]:
    """Daemon -> whether it has to run on nodes that can have instances, as configured now."""
    cluster = lu.config.cluster
    result: dict[str, bool] = {}
    for name in constants.HYPER_TYPES:
        daemon = hypervisors.get_class(name).shutdown_daemon
        if daemon:
            needed = cluster.enabled_user_shutdown and name in cluster.enabled_hypervisors
            result[daemon] = result.get(daemon, False) or needed
    return result


def ensure(lu: base.LogicalUnit, node_uuids: list[str] | None = None) -> None:
    """Start or stop them on these nodes (default: all); a failure is only told.

    The watcher tries again.
    """
    nodes = [node for node in lu.config.nodes.values()
             if not node.offline and (node_uuids is None or node.uuid in node_uuids)]
    for daemon, run in sorted(wanted(lu).items()):
        for run_here in (True, False):
            there = [node.uuid for node in nodes if (run and node.vm_capable) is run_here]
            results = lu.rpc.node_ensure_daemon(there, daemon, run_here) if there else {}
            for result in results.values():
                if result.fail_msg or not result.payload:
                    word = "started" if run_here else "stopped"
                    lu.feedback.warning(
                        f"{daemon} could not be {word} on node {result.node_name}"
                        f"{': ' + result.fail_msg if result.fail_msg else ''}",
                        hint=f"daemon-util {'start' if run_here else 'stop'} {daemon} there")
