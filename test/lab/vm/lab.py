"""The lab as a whole: nodes that are machines, a network between them, a master on the host.

Under emulation Python is fifteen times slower than here, so the master daemon runs on this machine
as a virtual node (`master1`) with its own tree and network; the machines run the node daemon and
are otherwise real: their LVM, DRBD, rbd, Xen are the kernel's.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import IO

from ganeti.tools.vcluster import layout, netns, nodes
from test.lab.vm import checkout, image, network
from test.lab.vm.errors import LabError
from test.lab.vm.machine import Kind, Machine
from test.vcluster.fixture import VirtualCluster

TURN = pathlib.Path("/run/lock/ganeti-lab.lock")
TEMPLATES = "plain,drbd,file,sharedfile,diskless,ext,rbd,blockdev"
#: Small guests are the point here, and small disks.
_BOUNDS = ("min:memory-size=4,cpu-count=1,disk-count=0,disk-size=1,nic-count=0,spindle-use=1"
           "/max:memory-size=32768,cpu-count=8,disk-count=16,disk-size=1048576,nic-count=8,"
           "spindle-use=12")


def why_not() -> str:
    """Why no lab can be had here; empty when it can."""
    if os.getuid() != 0:
        return "the test machines need root (taps, network namespaces, the image)"
    if shutil.which("apt-get") is None:
        return "the test machines' image is made from Debian packages, and apt-get is missing"
    return network.why_not()


class Master(VirtualCluster):
    """The master node: a virtual node on this machine, typed on like any virtual cluster's."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.layout = layout.create(root, 1, None, True, label="master")

    @classmethod
    def load(cls, root: pathlib.Path) -> Master:
        """The master of a lab that is up."""
        found = cls.__new__(cls)
        found.root = root
        found.layout = layout.load(root)
        # a description knows its nodes by name and address; so does layout.load
        return found

    @property
    def name(self) -> str:
        return self.layout.nodes[0].name

    def know(self, others: list[Machine]) -> None:
        """Write the machines' addresses into the master's hosts file."""
        hosts = self.path(self.name, "/etc/hosts")
        lines = hosts.read_text().splitlines()
        wanted = [f"{other.address} {other.name}" for other in others]
        hosts.write_text("\n".join([*lines, *wanted]) + "\n")

    def boot(self) -> None:
        netns.up(self.layout)
        nodes.power_on(self.layout, self.layout.nodes[0])


class Lab:
    """`count` machines node1..nodeN and the master, below `root`; one on a machine at a time.

    `up()` starts them; `form()` makes them a cluster; `down()` ends everything. A context
    manager that does the first on entry and the last on exit.
    """

    vg = "xenvg"

    def __init__(self, root: pathlib.Path | None = None, count: int = 2,
                 kind: Kind | None = None) -> None:
        self._turn: IO[str] | None = None
        self.root = root or pathlib.Path(tempfile.mkdtemp(prefix="lab-", dir="/tmp"))
        self.count = count
        self.kind = kind or Kind()
        self.root.mkdir(exist_ok=True)
        try:
            self._take_turn()
        except BaseException:
            self.root.rmdir()
            raise
        self.master = Master(self.root)
        self.kept = False
        self._describe()
        self._furnish()

    def _describe(self) -> None:
        (self.root / "lab.json").write_text(json.dumps(
            {"count": self.count, "memory": self.kind.memory, "xen": self.kind.xen,
             "kept": self.kept}))

    def keep(self) -> None:
        """Let the lab outlive this process: it goes when somebody ends it."""
        self.kept = True
        self._describe()

    @classmethod
    def load(cls, root: pathlib.Path) -> Lab:
        """The lab that `python -m test.lab.vm up` has left running."""
        file = root / "lab.json"
        if not file.exists():
            raise LabError(f"No lab in {root}; 'make lab' starts one")
        said = json.loads(file.read_text())
        found = cls.__new__(cls)
        found._turn = None
        found.root = root
        found.count = said["count"]
        found.kept = said.get("kept", False)
        found.kind = Kind(memory=said["memory"], xen=said["xen"])
        found.master = Master.load(root)
        found._furnish()
        return found

    def _furnish(self) -> None:
        self.network = network.Network(self.master.layout)
        self._disk = self.root / "checkout.img"
        self.nodes = [self._machine(number) for number in range(1, self.count + 1)]

    def _machine(self, number: int) -> Machine:
        return Machine(number, self.root / f"vm{number}", self.network, self.kind, self.count,
                       self._disk)

    def __enter__(self) -> Lab:
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.down()

    # the whole

    def up(self) -> None:
        """Start the network, the master node and the machines; what is up is left alone."""
        self.master.boot()
        self.master.know(self.nodes)
        checkout.make_disk(self._disk, self.root / "stage", self.master.layout.key_file)
        with image.locked("template"):
            first = self._machine(0)
            if not first.has_template():
                first.make_template()
        self.start_all()

    def start_all(self) -> None:
        """Switch on what is off."""
        with ThreadPoolExecutor() as pool:
            for started in [pool.submit(node.start) for node in self.nodes]:
                started.result()

    def down(self) -> None:
        """Pull every plug and remove everything."""
        for node in self.nodes:
            node.discard()
        self.master.close()
        shutil.rmtree(self.root, ignore_errors=True)
        if self._turn is not None:
            self._turn.close()
            self._turn = None

    def form(self, *init: str) -> None:
        """Make the nodes a cluster: the master cannot hold guests, the machines have LVM."""
        if self.kind.xen:
            hypervisors = ["--enabled-hypervisors=xen-pvm"]
        else:
            hypervisors = ["--enabled-hypervisors=kvm,fake", "-Hkvm:kernel_path=,vhost_net=false"]
        self.gnt("gnt-cluster", "init", "--master-netdev=eth0", "--master-netmask=32",
                 *hypervisors, "--enabled-disk-templates=sharedfile,file,diskless",
                 f"--node-parameters=ssh_port={layout.SSH_PORT}", "-C", "1",
                 f"--ipolicy-bounds-specs={_BOUNDS}", "-Nmode=bridged,link=xen-br0",
                 "--no-etc-hosts", *init, self.master.layout.name)
        self.gnt("gnt-node", "modify", "--vm-capable=no", self.master.name)
        for node in self.nodes:
            self.gnt("gnt-node", "add", "--no-ssh-key-check", node.name)
        self.gnt("gnt-cluster", "modify", f"--vg-name={self.vg}",
                 "--drbd-usermode-helper=/bin/true",
                 f"--enabled-disk-templates={TEMPLATES}", f"--ipolicy-disk-templates={TEMPLATES}")

    # its parts

    def node(self, number: int) -> Machine:
        return self.nodes[number - 1]

    def gnt(self, *argv: str, timeout: float = 600) -> str:
        """Type a command on the master that must succeed; returns its standard output."""
        return self.master.run(shlex.join(argv), self.master.name, timeout)

    def try_gnt(self, *argv: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Type a command on the master, whatever comes of it."""
        return self.master.try_run(shlex.join(argv), self.master.name, timeout)

    def cut(self, number: int, other: int | None = None) -> None:
        """Pull a node's cable, or close only the way between two nodes."""
        if other is None:
            self.network.pull(number)
        else:
            self.network.close(number, other)

    def heal(self, number: int, other: int | None = None) -> None:
        """Mend what `cut` did; without `other` everything that was done to the node."""
        self.network.open(number, other)
        if other is None:
            self.network.connect(number)

    def kill(self, number: int) -> None:
        """Pull a node's plug."""
        self.node(number).kill()

    def start(self, number: int) -> None:
        """Switch a node on again: it boots from its disks, and its node daemon starts."""
        self.node(number).start()
        self.node(number).run("/usr/lib/ganeti/daemon-util start-all")

    def mend(self) -> None:
        """Undo what a test did to cables and power switches."""
        for node in self.nodes:
            if node.alive():
                self.heal(node.number)
            else:
                self.start(node.number)

    def _take_turn(self) -> None:
        """Only one lab may run on a machine: two cores emulate two nodes at best."""
        TURN.touch()
        turn = open(TURN, "r+")  # noqa: SIM115 - held as long as this lab
        deadline = time.monotonic() + 900
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() > deadline:
                turn.close()
                raise LabError("Another lab runs on this machine and does not end")
            time.sleep(0.5)
        other = pathlib.Path(turn.read().strip() or self.root)
        if other != self.root and (other / "lab.json").exists():
            left = Lab.load(other)
            if left.kept and any(node.alive() for node in left.nodes):
                turn.close()
                raise LabError(f"A lab is up in {other}; 'make lab-stop' ends it "
                               f"(python -m test.lab.vm --root {other} down)")
            left.down()  # its tests were killed
        turn.seek(0)
        turn.truncate()
        turn.write(f"{self.root}\n")
        turn.flush()
        self._turn = turn
