"""The story that every kind of shared storage has to tell with a real guest.

Created, booted from what the OS script installed, migrated live, grown under the guest, started
again elsewhere, removed: used by the tests of external storage, Ceph and Gluster.
"""

from __future__ import annotations

import re

from test.drivers import results
from test.vcluster.fixture import VirtualCluster
from test.vcluster.test_guest import Guest

#: A line of the small guest, which it also writes to its disk: boots so far, ticks of this one
_LINE = re.compile(r"(BOOT [0-9a-f]+ TICK [0-9a-f]+)\r?\n")
#: The 512-byte guest: small, quick, and proof that the disk's contents are what runs
SMALL = "-B memory=16M -o demo-linux+bootsector --no-nics --no-ip-check --no-name-check"


def tick(guest: Guest) -> tuple[int, int]:
    """(boots so far, ticks since the last one), as the guest says now."""
    words = guest.listen(_LINE)[0].split()
    return int(words[1], 16), int(words[3], 16)


def create(cluster: VirtualCluster, kind: str, disk: str, template: str, name: str = "guest1",
           node: str = "node1") -> Guest:
    """An instance whose disk was installed by an OS script and is what boots."""
    cluster.run(f"gnt-instance add -t {template} --disk 0:{disk} {SMALL} -n {node} {name}",
                timeout=300)
    guest = Guest(cluster, name)
    assert tick(guest)[0] == 1
    results.record(kind, "create")
    results.record(kind, "boot")
    return guest


def migrate(cluster: VirtualCluster, kind: str, guest: Guest, target: str) -> None:
    """Live: the guest goes on counting on the other node and has not booted again."""
    before = tick(guest)
    cluster.run(f"gnt-instance migrate -f -n {target} {guest.name}", timeout=300)
    assert guest.primary() == target
    after = tick(guest)
    assert after[0] == before[0], "it did not boot again"
    assert after[1] >= before[1]
    assert len(guest.processes()) == 1, "the source's process is gone"
    results.record(kind, "migrate")


def grow(cluster: VirtualCluster, kind: str, guest: Guest, amount: str = "4m") -> None:
    """Under the running guest, which goes on; the sizes on record and on the storage agree."""
    before = disk_size(cluster, guest.name)
    cluster.run(f"gnt-instance grow-disk {guest.name} 0 {amount}", timeout=300)
    tick(guest)
    assert disk_size(cluster, guest.name) == before + int(amount.rstrip("m"))
    assert "disk/0" not in cluster.run("gnt-cluster repair-disk-sizes", timeout=300)
    results.record(kind, "grow")


def disk_size(cluster: VirtualCluster, name: str) -> int:
    return int(cluster.run(f"gnt-instance list --no-headers --units=m -o disk.size/0 {name}"))


def fail_over(cluster: VirtualCluster, kind: str, guest: Guest, target: str) -> None:
    """The next boot, on the other node, finds what the first one wrote."""
    boots = tick(guest)[0]
    cluster.run(f"gnt-instance failover -f -n {target} --shutdown-timeout=30 {guest.name}",
                timeout=300)
    assert guest.primary() == target
    assert tick(guest)[0] == boots + 1, "its disk came along"
    results.record(kind, "restart")


def remove(cluster: VirtualCluster, kind: str, guest: Guest) -> None:
    cluster.run(f"gnt-instance remove -f --shutdown-timeout=0 {guest.name}", timeout=300)
    assert guest.processes() == []
    results.record(kind, "remove")
