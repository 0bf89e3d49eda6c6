"""Network namespaces for virtual nodes (root only): one a node, joined by a bridge that can be cut.

Names: a hub namespace PREFIX-hub holds bridge br0; each node's namespace has eth0 with its address.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from ganeti.tools.vcluster import layout


def _ip(*args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(["ip", *args], text=True, capture_output=True, check=False)
    if check and result.returncode:
        raise layout.VclusterError(f"'ip {' '.join(args)}' failed: {result.stderr.strip()}")
    return result


def require() -> None:
    """Raise VclusterError where network namespaces can't be had."""
    if os.getuid() != 0:
        raise layout.VclusterError("--netns needs root")
    if shutil.which("ip") is None:
        raise layout.VclusterError("--netns needs the 'ip' program: apt-get install iproute2")


def namespace(cluster: layout.VirtualCluster, name: str) -> str:
    """Name of the namespace of a node (or of `hub`)."""
    return f"{layout.namespace_tag(cluster.prefix)}-{name}"


def enter(cluster: layout.VirtualCluster, node: layout.VirtualNode) -> list[str]:
    """Command prefix that runs a program on the node's network.

    nsenter, not `ip netns exec`: the latter mounts a fresh /sys, which hides the cgroups.
    """
    return ["nsenter", f"--net=/run/netns/{namespace(cluster, node.name)}"]


def _present() -> set[str]:
    return {line.split()[0] for line in _ip("netns", "list").stdout.splitlines() if line}


def up(cluster: layout.VirtualCluster) -> None:
    """Make what is missing of the network; safe to repeat."""
    require()
    present = _present()
    hub = namespace(cluster, "hub")
    if hub not in present:
        _ip("netns", "add", hub)
        _ip("-n", hub, "link", "set", "lo", "up")
        _ip("-n", hub, "link", "add", "br0", "type", "bridge")
        _ip("-n", hub, "link", "set", "br0", "up")
    for number, node in enumerate(cluster.nodes, 1):
        space = namespace(cluster, node.name)
        if space in present:
            continue
        _ip("netns", "add", space)
        _ip("-n", space, "link", "set", "lo", "up")
        _ip("-n", hub, "link", "add", f"port{number}", "type", "veth",
            "peer", "name", "eth0", "netns", space)
        _ip("-n", hub, "link", "set", f"port{number}", "master", "br0", "up")
        _ip("-n", space, "addr", "add", f"{node.address}/24", "dev", "eth0")
        _ip("-n", space, "link", "set", "eth0", "up")


def down(cluster: layout.VirtualCluster) -> None:
    """Remove every namespace of the cluster (their links vanish with them)."""
    present = _present()
    for name in ["hub", *(node.name for node in cluster.nodes)]:
        if namespace(cluster, name) in present:
            _ip("netns", "del", namespace(cluster, name))


def set_link(cluster: layout.VirtualCluster, node: layout.VirtualNode, connected: bool) -> None:
    """Pull a node's cable, or put it back."""
    if not cluster.netns:
        raise layout.VclusterError("This cluster's nodes share one network; 'up --netns' as root "
                                   "gives each its own, whose link can be cut")
    number = cluster.nodes.index(node) + 1
    _ip("-n", namespace(cluster, "hub"), "link", "set", f"port{number}",
        "up" if connected else "down")
