"""DRBD on machines with a real kernel: the stories that a mirror is for.

The nodes' writers stand for guests where only the data matters; a real guest is moved live. Every
block that was acknowledged after fsync has to be there at the end of each story. The loss of a node
is in test_drbd_guests.py.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from test.lab.mirrors import (
    HELPER,
    checksum,
    data_volumes,
    in_ring,
    in_sync,
    load_module,
    require_acknowledged,
    ring_writer,
    states,
    stop_writers,
    value,
)
from test.lab.vm.lab import Lab
from test.waiting import wait_until

FAKE = ("-H", "fake", "-B", "memory=16", "--no-install", "--no-name-check", "--no-ip-check")
#: What is on a SCSI bus can be unplugged without the guest's help; this one knows nothing of it.
KVM = ("-H", "kvm:disk_type=scsi-hd,scsi_controller_type=virtio-scsi-pci", "-B", "memory=16",
       "-o", "demo-linux+bootsector", "--no-name-check", "--no-ip-check")


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


def test_a_real_guest_gets_a_disk_and_moves_live(lab: Lab) -> None:
    def ticks(number: int) -> tuple[int, int]:
        text = lab.node(number).run("dd if=/dev/drbd0 bs=512 skip=1 count=1 iflag=direct 2>&1")
        found = re.search(r"BOOT (\w+) TICK (\w+)", text)
        return (int(found[1], 16), int(found[2], 16)) if found else (0, 0)

    def opened(number: int) -> str:
        return lab.node(number).run("ls -l /proc/$(pgrep -f '[-]name guest1')/fd")

    lab.gnt("gnt-instance", "add", "-t", "drbd", *KVM, "-n", "node1:node2", "-s", "8m", "guest1")
    try:
        shown = lab.gnt("gnt-instance", "info", "guest1")
        assert "in sync, status ok" in shown and "secret" not in shown
        assert lab.gnt("gnt-node", "list-drbd", "--no-headers", "node2").split() == [
            "node2", "0", "guest1", "disk/0", "secondary", "node1"]
        wait_until(lambda: ticks(1)[1] > 0, "the guest has booted from its mirror")
        lab.gnt("gnt-instance", "modify", "--disk", "add:size=4m", "--hotplug", "guest1")
        assert "/dev/drbd1" in opened(1)
        lab.gnt("gnt-instance", "migrate", "-f", "guest1")
        assert value(lab, "pnode,snodes", "guest1").split() == ["node2", "node1"]
        before = ticks(2)
        wait_until(lambda: ticks(2)[1] > before[1], "the guest goes on")
        assert states(lab, 2).count("ro:Primary/Secondary") == 2
        assert "two-primaries" not in lab.node(2).run("drbdsetup show")
        lab.gnt("gnt-instance", "modify", "--disk", "1:remove", "--hotplug", "guest1")
        assert "/dev/drbd0" in opened(2) and "/dev/drbd1" not in opened(2)
        for number in (1, 2):
            assert states(lab, number).count("cs:") == len(data_volumes(lab, number)) == 1
        assert ticks(2)[0] == before[0] == 1, "it was not started anew"
    finally:
        lab.gnt("gnt-instance", "remove", "-f", "--shutdown-timeout=0", "guest1")


def test_a_cut_under_writes_heals_by_itself(lab: Lab, inst: str) -> None:
    place(lab, inst, 2)
    writer = ring_writer(lab, 1)
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
    writer = ring_writer(lab, 1)
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
