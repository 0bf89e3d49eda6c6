"""`make demo`: a tour of the system on this machine, typed the way an administrator would.

It makes a fresh virtual cluster each time (an interrupted run leaves nothing in the way), shows
every command with its time, checks what it claims, and leaves the cluster running.
"""

from __future__ import annotations

import io
import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time

from ganeti.tools import demo_guest
from ganeti.tools.vcluster import layout, netns, nodes
from ganeti.tools.vcluster import main as vcluster

INSTANCE = "demo1"
TICK = re.compile(r"TICK (\d+)")
BOOT = re.compile(r"GUEST-UP (\S+)")
MEMORY = 128
BOOT_TIMEOUT = 90


class DemoError(Exception):
    """Something the demo promises did not happen."""


def root() -> pathlib.Path:
    """Where the demo's cluster lives: short, and one a user."""
    return pathlib.Path(os.environ.get("GANETI_DEMO_ROOT", f"/tmp/gnt-demo-{os.getuid()}"))


def _bold(text: str) -> str:
    return f"\033[1m{text}\033[0m" if sys.stdout.isatty() else text


class Demo:
    """One run: its cluster, and the commands typed on its first node."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.cluster = self._fresh_nodes()
        self.master = self.cluster.nodes[0]

    @staticmethod
    def _fresh_nodes() -> layout.VirtualCluster:
        stop()
        print(_bold("# Three virtual nodes on this machine, each with its own tree and address"))
        begun = time.monotonic()
        cluster = layout.create(root(), 3, None, netns=False)
        for node in cluster.nodes:
            nodes.power_on(cluster, node)
        print(f"$ tools/vcluster-setup --root={root()} up -c 3 --bare")
        for node in cluster.nodes:
            print(f"{node.name}  {node.address}  {node.root}")
        print(f"  ({time.monotonic() - begun:.2f} s)\n")
        return cluster

    def type(self, line: str, comment: str = "") -> str:
        """Run a command on the first node, show it, its output and its time."""
        if comment:
            print(_bold(f"# {comment}"))
        print(f"node1$ {line}", flush=True)
        argv, environment = nodes.command(self.cluster, self.master, ["/bin/sh", "-c", line])
        begun = time.monotonic()
        result = subprocess.run(argv, env=environment, text=True, check=False,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        took = time.monotonic() - begun
        print(result.stdout, end="")
        print(f"  ({took:.2f} s)\n", flush=True)
        if result.returncode:
            raise DemoError(f"'{line}' failed with exit status {result.returncode}; logs are below "
                            f"{self.master.root}/var/log/ganeti")
        return result.stdout

    def primary(self) -> layout.VirtualNode:
        """The node that the configuration says the guest is on."""
        argv, environment = nodes.command(self.cluster, self.master, [
            str(self.cluster.bin_dir / "gnt-instance"), "list", "--no-headers", "-o", "pnode",
            INSTANCE])
        name = subprocess.run(argv, env=environment, text=True, check=True,
                              capture_output=True).stdout.strip()
        return self.cluster.node(name)


class Console:
    """The serial line of a guest, read like a person watching it."""

    def __init__(self, node: layout.VirtualNode) -> None:
        self._path = f"{node.root}/var/run/ganeti/kvm-hypervisor/ctrl/{INSTANCE}.serial"

    def watch(self, pattern: re.Pattern[str], timeout: float, count: int = 1) -> list[str]:
        """Lines seen until `count` of them match."""
        deadline = time.monotonic() + timeout
        seen: list[str] = []
        text = ""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(self._path)
            while sum(bool(pattern.search(one)) for one in seen) < count:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise DemoError(f"The guest's console says nothing like {pattern.pattern!r} "
                                    f"within {timeout:.0f} s; it said: {seen[-5:]}")
                line.settimeout(remaining)
                try:
                    piece = line.recv(4096)
                except TimeoutError:
                    continue
                if not piece:
                    raise DemoError("The guest's console was closed")
                text += piece.decode(errors="replace")
                *whole, text = text.split("\n")
                seen += [one.strip() for one in whole if one.strip()]
        return seen

    def tick(self, timeout: float = 20) -> int:
        """The counter that the running guest shows now."""
        line = next(one for one in self.watch(TICK, timeout) if TICK.search(one))
        match = TICK.search(line)
        assert match
        return int(match.group(1))


def run() -> None:
    """The tour."""
    if shutil.which("qemu-system-x86_64") is None:
        raise DemoError("qemu-system-x86_64 is missing: apt-get install qemu-system-x86")
    begun = time.monotonic()
    print(_bold("# The guest: Debian's kernel and a busybox that counts on its serial line"))
    guest = demo_guest.build()
    print(f"{guest.kernel}\n{guest.initrd}\n  ({time.monotonic() - begun:.2f} s)\n")
    demo = Demo()
    _form_cluster(demo, guest)
    _boot(demo)
    _migrate(demo)
    _fail_over(demo)
    _look_around(demo)
    _farewell(demo, time.monotonic() - begun)


def _form_cluster(demo: Demo, guest: demo_guest.Guest) -> None:
    line = vcluster.init_command(
        demo.cluster, kernel_path=str(guest.kernel), initrd_path=str(guest.initrd),
        migration_bandwidth="1000", migration_downtime="300")
    demo.type(shlex.join(line), "A cluster of one node")
    for node in demo.cluster.nodes[1:]:
        demo.type(f"gnt-node add --no-ssh-key-check {node.name}", "Another node, joined over ssh")
    demo.type("gnt-node list")


def _boot(demo: Demo) -> None:
    demo.type(f"gnt-instance add -t sharedfile -s 64m -B memory={MEMORY},vcpus=1 "
              f"-o demo-linux+default --no-nics -n node1 --no-ip-check --no-name-check {INSTANCE}",
              "A real Linux guest in QEMU, its disk a file that all nodes share")
    print(_bold("# Its serial console"))
    begun = time.monotonic()
    for line in Console(demo.primary()).watch(TICK, BOOT_TIMEOUT, count=3)[-6:]:
        print(f"| {line}")
    print(f"  ({time.monotonic() - begun:.2f} s until it counts)\n")
    demo.type("gnt-instance list -o name,hypervisor,pnode,status,oper_ram")


def _migrate(demo: Demo) -> None:
    before = Console(demo.primary()).tick()
    demo.type(f"gnt-instance migrate -f -n node2 {INSTANCE}",
              f"Live migration of the running guest (its counter stands at {before})")
    if demo.primary().name != "node2":
        raise DemoError("the guest is not on node2")
    lines = Console(demo.primary()).watch(TICK, 20, count=3)
    for line in lines[-3:]:
        print(f"| {line}")
    after = max(int(match.group(1)) for line in lines if (match := TICK.search(line)))
    if after <= before or any(BOOT.search(line) for line in lines):
        raise DemoError(f"the guest did not go on counting: {before} before, {after} after")
    print(f"  The counter went on from {before} to {after}: the guest did not restart.\n")


def _fail_over(demo: Demo) -> None:
    demo.type(f"gnt-instance failover -f -n node3 --shutdown-timeout=30 {INSTANCE}",
              "Failover: shut down (by its power button), started on node3")
    for line in Console(demo.primary()).watch(TICK, BOOT_TIMEOUT)[-3:]:
        print(f"| {line}")
    print()


def _look_around(demo: Demo) -> None:
    demo.type("gnt-cluster verify", "Is everything as it should be?")
    demo.type("gnt-node list", "What there is, and what was done")
    demo.type("gnt-instance list")
    demo.type("gnt-job list")
    address = demo.master.address
    demo.type(f"python3 -c \"import ssl, urllib.request as u; print(u.urlopen("
              f"'https://{address}:5080/2/instances', context=ssl._create_unverified_context())"
              ".read().decode(), end='')\"", "The same question over the remote API")
    demo.type(f"$GANETI_ROOTDIR/usr/lib/ganeti/tools/confd-client -a {address} -r 50",
              "And confd, as every node can ask it")


def _farewell(demo: Demo, took: float) -> None:
    setup = f"tools/vcluster-setup --root={root()}"
    print(_bold(f"# Done in {took:.0f} s; the cluster goes on running. Go on with:"))
    print(f'  eval "$({setup} env node1)"      # this shell is on node1 from here on\n'
          f"  gnt-instance console {INSTANCE}          # Ctrl-] leaves\n"
          f"  gnt-instance migrate -f -n node1 {INSTANCE}\n"
          f"  {setup} kill node3     # pull a plug; then see doc/first-steps.md\n"
          "  make demo-stop")


def stop() -> None:
    """Stop the demo's cluster, whatever state it is in, and remove it."""
    try:
        cluster = layout.load(root())
    except layout.VclusterError:
        shutil.rmtree(root(), ignore_errors=True)
        return
    for node in cluster.nodes:
        nodes.power_off(cluster, node)
    if cluster.netns:
        netns.down(cluster)
    shutil.rmtree(root())


def main() -> int:
    """`python -m ganeti.tools.demo run|stop`."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    try:
        if sys.argv[1:] == ["stop"]:
            stop()
            print("The demo's cluster is stopped and removed")
        elif sys.argv[1:] == ["run"]:
            run()
        else:
            print("usage: demo run|stop", file=sys.stderr)
            return 2
    except (DemoError, layout.VclusterError, demo_guest.GuestError, OSError) as err:
        print(f"demo: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted; 'make demo' begins anew, 'make demo-stop' cleans up",
              file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
