"""DRBD on machines with a real kernel: the stories that a mirror is for.

The nodes' writers stand for guests where only the data matters; a real guest is moved live. Every
block that was acknowledged after fsync has to be there at the end of each story.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator

import pytest

from test.lab.vm.lab import Lab
from test.lab.vm.machine import Machine
from test.vcluster.fixture import wait_until

HELPER = "/bin/true"
FIRST = 512  # blocks of 4 KiB before the ring
FAKE = ("-H", "fake", "-B", "memory=16", "--no-install", "--no-name-check", "--no-ip-check")
KVM = ("-H", "kvm", "-B", "memory=16", "-o", "demo-linux+bootsector", "--no-name-check",
       "--no-ip-check")

#: Writes numbered blocks in a ring, fsyncs each, and says so afterwards.
WRITER = """
import os, sys, time
fd, number, first = os.open(sys.argv[1], os.O_RDWR), int(sys.argv[2]), int(sys.argv[3])
while True:
    os.pwrite(fd, (b"%016d" % number) * 256, (first + number % 256) * 4096)
    os.fsync(fd)
    print(number, flush=True)
    number += 1
    time.sleep(0.02)
"""

#: What is in the ring: the number in each block, 0 for an unwritten and -1 for a torn one.
READER = """
import mmap, os, sys
room = mmap.mmap(-1, 256 * 4096)
os.preadv(os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT), [room], int(sys.argv[2]) * 4096)
for place in range(256):
    block = room[place * 4096:(place + 1) * 4096]
    print(-1 if block != block[:16] * 256 else int(block[:16]) if block[:16].isdigit() else 0)
"""


class Writer:
    """A program on a node that writes to a mirror and reports every block that is safe."""

    def __init__(self, lab: Lab, number: int, start: int = 1) -> None:
        self._node = lab.node(number)
        self._node.write("/tmp/writer.py", WRITER)
        self._log = tempfile.TemporaryFile("a+")  # noqa: SIM115 - appended to while it is read
        self._process = subprocess.Popen(
            self._node.ssh(f"exec python3 /tmp/writer.py /dev/drbd0 {start} {FIRST}"),
            stdout=self._log, stderr=subprocess.DEVNULL)
        wait_until(lambda: bool(self._numbers()), "the writer has written")

    def _numbers(self) -> list[int]:
        self._log.seek(0)
        return [int(line) for line in self._log.read().split("\n")[:-1] if line.isdigit()]

    def end(self) -> int:
        """Stop; returns the last number that was acknowledged."""
        stop_writers(self._node)
        return self.gone()

    def gone(self) -> int:
        """The same after the node has died."""
        self._process.terminate()
        self._process.wait(30)
        with self._log:
            return max(self._numbers())


def stop_writers(node: Machine) -> None:
    if node.alive():
        node.try_run("kill $(pgrep -f '[/]tmp/writer.py')")


def in_ring(lab: Lab, number: int, path: str) -> list[int]:
    node = lab.node(number)
    node.write("/tmp/reader.py", READER)
    return [int(word) for word in node.run(f"python3 /tmp/reader.py {path} {FIRST}").split()]


def require_acknowledged(found: list[int], last: int) -> None:
    """Each slot of the ring holds the newest acknowledged number that belongs there, or a later."""
    assert -1 not in found, "a torn block"
    for number in range(max(1, last - 200), last + 1):
        assert found[number % 256] >= number, f"block {number} was acknowledged and is lost"


def data_volumes(lab: Lab, number: int) -> list[str]:
    return lab.node(number).run(
        "lvs --noheadings -o lv_path xenvg 2>/dev/null | grep _data || true").split()


def checksum(lab: Lab, number: int) -> str:
    [volume] = data_volumes(lab, number)
    return lab.node(number).run(f"dd if={volume} bs=1M iflag=direct 2>/dev/null | sha256sum")


def states(lab: Lab, number: int) -> str:
    return lab.node(number).run("sed 1,2d /proc/drbd")


def in_sync(lab: Lab, number: int) -> bool:
    return "cs:Connected" in (text := states(lab, number)) and "UpToDate/UpToDate" in text


def value(lab: Lab, field: str, name: str) -> str:
    return lab.gnt("gnt-instance", "list", "--no-headers", "-o", field, name).strip()


@pytest.fixture(scope="module")
def lab(three_nodes: Lab) -> Lab:
    load_module(three_nodes)
    wrong = three_nodes.try_gnt("gnt-cluster", "modify", "--drbd-usermode-helper", "/bin/false")
    assert wrong.returncode == 1 and "calls /bin/true, not /bin/false" in wrong.stderr
    three_nodes.gnt("gnt-cluster", "modify", "--vg-name", three_nodes.vg,
                    "--enabled-disk-templates", "drbd,plain,sharedfile,file,diskless",
                    "--drbd-usermode-helper", HELPER)
    return three_nodes


@pytest.fixture(scope="module")
def inst(lab: Lab) -> Iterator[str]:
    """An instance with a small mirrored disk on node1; in the end nothing is left of it."""
    lab.gnt("gnt-instance", "add", "-t", "drbd", *FAKE, "-n", "node1:node2", "-s", "16m", "data1")
    yield "data1"
    lab.mend()
    load_module(lab)
    lab.gnt("gnt-instance", "remove", "-f", "--shutdown-timeout=0", "data1")
    for node in lab.nodes:
        assert not states(lab, node.number).strip(), "a minor is left"
        assert not node.run("lvs --noheadings -o lv_name xenvg").split(), "a volume is left"


@pytest.fixture(autouse=True)
def _mended(lab: Lab) -> Iterator[None]:
    yield
    for node in lab.nodes:
        stop_writers(node)
        if node.alive():
            lab.heal(node.number)


def place(lab: Lab, inst: str, secondary: int) -> None:
    """Have the instance run on node1, with a copy in step on another node."""
    if value(lab, "status", inst) != "running":
        lab.gnt("gnt-instance", "startup", inst)
    if value(lab, "pnode", inst) != "node1":
        lab.gnt("gnt-instance", "migrate", "-f", inst)
    if value(lab, "snodes", inst) != f"node{secondary}":
        lab.gnt("gnt-instance", "replace-disks", "-n", f"node{secondary}", inst)


def load_module(lab: Lab) -> None:
    for node in lab.nodes:
        node.run(f"modprobe drbd minor_count=128 usermode_helper={HELPER}")


def test_a_real_guest_moves_live(lab: Lab) -> None:
    def ticks(number: int) -> tuple[int, int]:
        text = lab.node(number).run("dd if=/dev/drbd0 bs=512 skip=1 count=1 iflag=direct 2>&1")
        found = re.search(r"BOOT (\w+) TICK (\w+)", text)
        return (int(found[1], 16), int(found[2], 16)) if found else (0, 0)

    lab.gnt("gnt-instance", "add", "-t", "drbd", *KVM, "-n", "node1:node2", "-s", "8m", "guest1")
    try:
        shown = lab.gnt("gnt-instance", "info", "guest1")
        assert "in sync, status ok" in shown and "secret" not in shown
        assert lab.gnt("gnt-node", "list-drbd", "--no-headers", "node2").split() == [
            "node2", "0", "guest1", "disk/0", "secondary", "node1"]
        wait_until(lambda: ticks(1)[1] > 0, "the guest has booted from its mirror")
        lab.gnt("gnt-instance", "migrate", "-f", "guest1")
        assert value(lab, "pnode,snodes", "guest1").split() == ["node2", "node1"]
        before = ticks(2)
        wait_until(lambda: ticks(2)[1] > before[1], "the guest goes on")
        assert ticks(2)[0] == before[0] == 1, "it was not started anew"
        assert "ro:Primary/Secondary" in states(lab, 2)
        assert "two-primaries" not in lab.node(2).run("drbdsetup show resource0")
    finally:
        lab.gnt("gnt-instance", "remove", "-f", "--shutdown-timeout=0", "guest1")


def test_a_primary_dies_and_comes_back(lab: Lab, inst: str) -> None:
    place(lab, inst, 2)
    writer = Writer(lab, 1)
    time.sleep(3)
    lab.kill(1)
    last = writer.gone()
    lab.gnt("gnt-node", "modify", "--offline=yes", "node1")
    lab.gnt("gnt-instance", "failover", "-f", inst)
    assert value(lab, "pnode,status", inst).split() == ["node2", "running"]
    require_acknowledged(in_ring(lab, 2, "/dev/drbd0"), last)
    again = Writer(lab, 2, start=last + 1)
    lab.start(1)
    load_module(lab)
    lab.gnt("gnt-node", "modify", "--offline=no", "node1")
    lab.gnt("gnt-cluster", "verify-disks")
    lab.gnt("gnt-instance", "activate-disks", "--wait-for-sync", inst)
    last = again.end()
    assert in_sync(lab, 2)
    assert checksum(lab, 1) == checksum(lab, 2)
    require_acknowledged(in_ring(lab, 1, data_volumes(lab, 1)[0]), last)
    said = lab.try_gnt("gnt-cluster", "verify").stdout
    assert inst not in "".join(line for line in said.splitlines() if "ERROR" in line)


def test_a_cut_under_writes_heals_by_itself(lab: Lab, inst: str) -> None:
    place(lab, inst, 2)
    writer = Writer(lab, 1)
    lab.cut(1, 2)
    time.sleep(30)
    assert "cs:WFConnection" in states(lab, 1)
    said = lab.try_gnt("gnt-cluster", "verify").stdout
    assert "connecting loses nothing" in said
    lab.heal(1, 2)
    wait_until(lambda: in_sync(lab, 1), "the copies have caught up", timeout=90)
    last = writer.end()
    assert checksum(lab, 1) == checksum(lab, 2)
    require_acknowledged(in_ring(lab, 2, data_volumes(lab, 2)[0]), last)


def _split(lab: Lab) -> tuple[str, str]:
    """Let both sides write alone; returns what each has then."""
    lab.cut(1, 2)
    write = "dd if=/dev/urandom of=/dev/drbd0 bs=64k seek=16 count={} oflag=direct 2>&1"
    lab.node(1).run(write.format(2), timeout=60)
    wait_until(lambda: "WFConnection" in states(lab, 2), "node2 is alone", timeout=60)
    lab.node(2).run("drbdsetup primary 0 && " + write.format(3) + " && drbdsetup secondary 0")
    lab.heal(1, 2)
    wait_until(lambda: "StandAlone" in states(lab, 1) + states(lab, 2), "they have met",
               timeout=60)
    return checksum(lab, 1), checksum(lab, 2)


def test_a_split_brain_waits_for_a_person(lab: Lab, inst: str) -> None:
    place(lab, inst, 2)
    ours, theirs = _split(lab)
    assert ours != theirs
    lab.gnt("gnt-instance", "activate-disks", inst)
    wait_until(lambda: "WFReportParams" not in states(lab, 1), "DRBD has refused again")
    assert (checksum(lab, 1), checksum(lab, 2)) == (ours, theirs), "nothing is discarded"
    said = lab.try_gnt("gnt-cluster", "verify").stdout
    assert "split brain: the copies on node1 and node2 have both changed" in said
    shown = lab.try_gnt("gnt-instance", "repair-disks", inst)
    assert shown.returncode == 1
    assert "--keep=node1 data1" in shown.stdout and "about 192 KiB" in shown.stdout
    assert (checksum(lab, 1), checksum(lab, 2)) == (ours, theirs), "nothing is discarded"
    lab.gnt("gnt-instance", "repair-disks", "--keep", "node1", inst)
    assert in_sync(lab, 1)
    assert checksum(lab, 1) == checksum(lab, 2) == ours


def test_drbd_becomes_plain_and_drbd_again(lab: Lab, inst: str) -> None:
    place(lab, inst, 2)
    lab.node(1).run("dd if=/dev/urandom of=/dev/drbd0 bs=1M count=4 oflag=direct 2>&1")
    digest = checksum(lab, 1)
    lab.gnt("gnt-instance", "shutdown", "--timeout=0", inst)
    lab.gnt("gnt-instance", "modify", "-t", "plain", inst)
    assert not states(lab, 1).strip() and not data_volumes(lab, 2)
    assert checksum(lab, 1) == digest
    lab.gnt("gnt-instance", "modify", "-t", "drbd", "-n", "node2", inst)
    assert value(lab, "disk_template,snodes", inst).split() == ["drbd", "node2"]
    for number in (1, 2):
        assert checksum(lab, number) == digest


def test_copies_are_replaced_under_writes(lab: Lab, inst: str) -> None:
    place(lab, inst, 2)
    writer = Writer(lab, 1)
    for mode in ("-s", "-p"):
        before = data_volumes(lab, 1 if mode == "-p" else 2)
        lab.gnt("gnt-instance", "replace-disks", mode, inst)
        assert data_volumes(lab, 1 if mode == "-p" else 2) == before, "names are the same"
    lab.gnt("gnt-node", "evacuate", "-f", "-s", "-n", "node3", "node2")
    assert value(lab, "snodes", inst) == "node3"
    assert not data_volumes(lab, 2)
    lab.gnt("gnt-instance", "grow-disk", inst, "0", "8m")
    last = writer.end()
    require_acknowledged(in_ring(lab, 1, "/dev/drbd0"), last)
    assert int(lab.node(1).run("cat /sys/block/drbd0/size")) * 512 >= 24 << 20
    wait_until(lambda: in_sync(lab, 1), "the mirror is in step")
    assert checksum(lab, 1) == checksum(lab, 3)
    lab.node(3).run("drbdsetup detach 0")  # as DRBD does after an error of the physical disk
    assert "DEGRADED" in lab.gnt("gnt-instance", "info", inst)
    lab.gnt("gnt-instance", "replace-disks", "-a", inst)
    assert in_sync(lab, 1)
    require_acknowledged(in_ring(lab, 3, data_volumes(lab, 3)[0]), last)
