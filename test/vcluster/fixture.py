"""A virtual cluster for tests and benchmarks: made by the users' tool, driven as users do."""

from __future__ import annotations

import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile
from types import TracebackType

from ganeti.tools import programs
from ganeti.tools.vcluster import layout, main, nodes
from ganeti.tools.vcluster import netns as networks
from ganeti.utils import process
from test.waiting import wait_until


class CommandFailed(AssertionError):
    """A command that should succeed did not; the text holds what it printed."""


class VirtualCluster:
    """Nodes node1..nodeN below a temporary directory; `formed` also makes them a cluster.

    With `netns` (root only) each has a network of its own, whose link can be cut.
    """

    def __init__(self, count: int, formed: bool = True, netns: bool = False) -> None:
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="vc-", dir="/tmp"))
        try:
            self.layout = layout.create(self.root, count, None, netns)
            if netns:
                networks.up(self.layout)
            for node in self.layout.nodes:
                nodes.power_on(self.layout, node)
            if formed:
                self.form()
        except BaseException:
            self.close()
            raise

    def form(self) -> None:
        """Make the nodes a cluster."""
        self.run(shlex.join(main.init_command(self.layout)))
        for node in self.layout.nodes[1:]:
            self.run(f"gnt-node add --no-ssh-key-check {node.name}")

    def __enter__(self) -> VirtualCluster:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        for node in getattr(self, "layout", None).nodes if hasattr(self, "layout") else ():
            self.power_off(node.name)
        if hasattr(self, "layout") and self.layout.netns:
            networks.down(self.layout)
        keep = os.environ.get("KEEP_VCLUSTER")
        if keep:
            print(f"kept: {self.root}")
        else:
            shutil.rmtree(self.root, ignore_errors=True)

    def power_off(self, name: str) -> None:
        """Pull a node's plug, its ssh server's as well."""
        nodes.power_off(self.layout, self.layout.node(name))

    def power_on(self, name: str) -> None:
        nodes.power_on(self.layout, self.layout.node(name))

    def connect(self, name: str, connected: bool) -> None:
        """Pull a node's network cable, or put it back (`netns` only)."""
        networks.set_link(self.layout, self.layout.node(name), connected)

    def path(self, node: str, logical: str) -> pathlib.Path:
        """Real path of a node's file."""
        return pathlib.Path(self.layout.node(node).root + logical)

    def address(self, node: str) -> str:
        return self.layout.node(node).address

    def command(self, node: str, line: str) -> tuple[list[str], dict[str, str]]:
        """argv and environment of a command line typed on a node."""
        argv, environment = nodes.command(self.layout, self.layout.node(node), shlex.split(line))
        path = shutil.which(argv[0], path=environment["PATH"])
        assert path, f"no program {argv[0]}"
        return [path, *argv[1:]], environment

    def try_run(self, line: str, node: str = "node1", timeout: float = 120,
                stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Type a command on a node, whatever comes of it; without a terminal prompts say no."""
        argv, environment = self.command(node, line)
        return subprocess.run(argv, env=environment, text=True, capture_output=True, check=False,
                              timeout=timeout, input=stdin, start_new_session=True)

    def run(self, line: str, node: str = "node1", timeout: float = 120,
            stdin: str | None = None) -> str:
        """Type a command that must succeed; returns its standard output."""
        result = self.try_run(line, node, timeout, stdin)
        if result.returncode:
            raise CommandFailed(f"{node}$ {line}\nexit {result.returncode}\n"
                                f"{result.stdout}{result.stderr}")
        return result.stdout

    def daemon_pids(self, node: str) -> dict[str, int]:
        """Running daemons of a node: name -> process id (from their PID files)."""
        found = {}
        for name in programs.DAEMONS:
            file = self.path(node, f"/var/run/ganeti/{name}.pid")
            if file.exists():
                pid = int(file.read_text().split()[0])
                if process.alive(pid):
                    found[name] = pid
        return found

    def kill_daemon(self, node: str, name: str) -> None:
        """kill -9, and wait until it is gone."""
        pid = self.daemon_pids(node)[name]
        os.kill(pid, 9)
        # a container may have a first process that leaves the dead as zombies
        wait_until(lambda: not process.alive(pid), f"{name} {pid} gone")

    def daemon_util(self, node: str, *args: str) -> str:
        return self.run(shlex.join([f"{self.layout.node(node).root}/usr/lib/ganeti/daemon-util",
                                    *args]), node)

    def luxi(self, node: str = "node1"):  # type: ignore[no-untyped-def]
        """A connected LUXI client."""
        from ganeti.luxi.client import Client

        return Client(str(self.path(node, "/var/run/ganeti/socket/ganeti-query")))
