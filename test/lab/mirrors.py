"""What tests of DRBD on the machines have in common: writers whose acknowledged writes are known,
and looks at the two copies."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile

from test.lab.vm.lab import Lab
from test.lab.vm.machine import Machine
from test.waiting import wait_until

HELPER = "/bin/true"
FIRST = 512  # blocks of 4 KiB before the ring

#: Writes numbered blocks in a ring, fsyncs each, and says so afterwards.
_RING = """
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
_READER = """
import mmap, os, sys
room = mmap.mmap(-1, 256 * 4096)
os.preadv(os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT), [room], int(sys.argv[2]) * 4096)
for place in range(256):
    block = room[place * 4096:(place + 1) * 4096]
    print(-1 if block != block[:16] * 256 else int(block[:16]) if block[:16].isdigit() else 0)
"""

#: The same for a container, whose programs are busybox: it goes on with a file of numbered lines,
#: each with a sum over itself and the sum before it.
_CHAIN = """#!/bin/sh
set -- $(tail -n 1 /var/chain 2>/dev/null || echo 0 start)
number=$1 sum=$2
while :; do
    number=$((number + 1))
    sum=$(echo "$sum $number" | sha256sum | cut -c 1-64)
    echo "$number $sum" | dd of=/var/chain oflag=append conv=notrunc,fsync 2>/dev/null || exit
    echo "$number"
done
"""


class Writer:
    """A program on a node that prints the number of each write that is safe."""

    def __init__(self, node: Machine, command: str) -> None:
        self._node = node
        self._log = tempfile.TemporaryFile("a+")  # noqa: SIM115 - appended to while it is read
        self._process = subprocess.Popen(node.ssh(f"exec {command}"), stdout=self._log,
                                         stderr=subprocess.DEVNULL)
        wait_until(lambda: bool(self._numbers()), "the writer has written")

    def _numbers(self) -> list[int]:
        self._log.seek(0)
        return [int(line) for line in self._log.read().split("\n")[:-1] if line.isdigit()]

    def end(self) -> int:
        """Stop; returns the last number that was acknowledged."""
        stop_writers(self._node)
        return self.gone()

    def gone(self) -> int:
        """The same after the node, or the guest with the writer in it, has ended."""
        self._process.terminate()
        self._process.wait(30)
        with self._log:
            return max(self._numbers())


def ring_writer(lab: Lab, number: int, start: int = 1) -> Writer:
    """Write to the first mirror of a node, in the place of a guest."""
    lab.node(number).write("/tmp/writer.py", _RING)
    return Writer(lab.node(number), f"python3 /tmp/writer.py /dev/drbd0 {start} {FIRST}")


def inside(name: str) -> str:
    """The beginning of a command that is typed in a container."""
    return f"lxc-attach -P /var/run/ganeti/lxc -n {name} --"


def chain_writer(lab: Lab, number: int, name: str) -> Writer:
    """Let a container write to its root file system."""
    node = lab.node(number)
    node.run(f"{inside(name)} sh -c 'cat >/tmp/writer.sh'", stdin=_CHAIN)
    return Writer(node, f"{inside(name)} sh /tmp/writer.sh")


def stop_writers(node: Machine) -> None:
    if node.alive():
        node.try_run("kill $(pgrep -f '[/]tmp/writer')")


def in_ring(lab: Lab, number: int, path: str) -> list[int]:
    node = lab.node(number)
    node.write("/tmp/reader.py", _READER)
    return [int(word) for word in node.run(f"python3 /tmp/reader.py {path} {FIRST}").split()]


def require_acknowledged(found: list[int], last: int) -> None:
    """Each slot of the ring holds the newest acknowledged number that belongs there, or a later."""
    assert -1 not in found, "a torn block"
    for number in range(max(1, last - 200), last + 1):
        assert found[number % 256] >= number, f"block {number} was acknowledged and is lost"


def require_chain(text: str, last: int) -> None:
    """The container's file holds all lines up to the last acknowledged one as they were written."""
    before = "start"
    lines = text.splitlines()
    assert len(lines) >= last, f"line {len(lines) + 1} of {last} was acknowledged and is lost"
    for number, line in enumerate(lines, 1):
        before = hashlib.sha256(f"{before} {number}\n".encode()).hexdigest()
        assert line == f"{number} {before}"


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


def load_module(lab: Lab) -> None:
    for node in lab.nodes:
        node.run(f"modprobe drbd minor_count=128 usermode_helper={HELPER}")


def value(lab: Lab, field: str, name: str) -> str:
    return lab.gnt("gnt-instance", "list", "--no-headers", "-o", field, name).strip()
