"""The nodes' cables: taps on the bridge that virtual clusters with networks of their own have.

A node's cable can be pulled, or the way between two nodes alone be closed.
"""

from __future__ import annotations

import json
import pathlib
import subprocess

from ganeti.tools.vcluster import layout, netns
from test.lab.vm.errors import LabError

_TABLE = "table bridge lab {\n chain cables {\n type filter hook forward priority 0\n }\n}\n"


class Network:
    """What joins the nodes of one lab; `cluster` is the virtual cluster of its master."""

    def __init__(self, cluster: layout.VirtualCluster) -> None:
        self.cluster = cluster
        self.hub = netns.namespace(cluster, "hub")
        self._closed_file = cluster.root / "closed.json"

    def address(self, number: int) -> str:
        return f"{self.cluster.prefix}.{10 + number}"

    def inside(self) -> list[str]:
        """Command prefix of what runs on the hub (the machines' QEMUs)."""
        return ["nsenter", f"--net=/run/netns/{self.hub}"]

    def from_master(self) -> list[str]:
        """Command prefix of what reaches the nodes by their addresses."""
        return netns.enter(self.cluster, self.cluster.nodes[0])

    def plug(self, number: int) -> str:
        """Name of the tap of a node; made when it is missing."""
        name = f"tap{number}"
        if _run("ip", "-n", self.hub, "link", "show", name, check=False).returncode:
            _run(*self.inside(), "ip", "tuntap", "add", name, "mode", "tap")
            self.connect(number)
        return name

    def connect(self, number: int) -> None:
        """Put a node's cable in."""
        _run("ip", "-n", self.hub, "link", "set", f"tap{number}", "master", "br0", "up")

    def pull(self, number: int) -> None:
        """Pull a node's cable: it reaches nobody, though its card still sees a link."""
        _run("ip", "-n", self.hub, "link", "set", f"tap{number}", "nomaster")

    def close(self, one: int, other: int) -> None:
        """Let two nodes no longer reach each other; both reach everyone else."""
        self._write_closed(self._closed() | {(min(one, other), max(one, other))})

    def open(self, one: int, other: int | None = None) -> None:
        """Open the way between two nodes, or all ways of one."""
        gone = {pair for pair in self._closed()
                if one in pair and (other is None or other in pair)}
        self._write_closed(self._closed() - gone)

    def _closed(self) -> set[tuple[int, int]]:
        if not self._closed_file.exists():
            return set()
        return {(one, other) for one, other in json.loads(self._closed_file.read_text())}

    def _write_closed(self, pairs: set[tuple[int, int]]) -> None:
        rules = [_TABLE, "flush chain bridge lab cables"]
        for pair in sorted(pairs):
            for one, other in (pair, pair[::-1]):
                rules.append(f"add rule bridge lab cables iifname tap{one} oifname tap{other} drop")
        _run(*self.inside(), "nft", "-f", "-", stdin="\n".join(rules) + "\n")
        self._closed_file.write_text(json.dumps(sorted(pairs)))


def _run(*argv: str, check: bool = True, stdin: str = "") -> subprocess.CompletedProcess[str]:
    result = subprocess.run(argv, text=True, capture_output=True, check=False, input=stdin)
    if check and result.returncode:
        raise LabError(f"'{' '.join(argv)}' failed: {result.stderr.strip()}")
    return result


def why_not(scratch: pathlib.Path = pathlib.Path("/dev/net/tun")) -> str:
    """Why this machine can not have such a network; empty when it can."""
    return "" if scratch.exists() else f"{scratch} is missing, and with it tap devices"
