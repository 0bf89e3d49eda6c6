"""RBD through the kernel: images of a real Ceph, mapped by real nodes whose kernel has rbd.

By address, without the kernel, is test_ceph.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from test.drivers import results
from test.drivers.devicekits import RbdKernelKit
from test.lab import servers
from test.lab.vm import conformance
from test.lab.vm.lab import Lab
from test.waiting import wait_until

KIND = RbdKernelKit.label()
#: What the guest's life does not show
LIFE = "kernel and (survives or healthy or renaming_keeps or snapshot_keeps)"
GUEST = ("-H", "kvm", "-B", "memory=16", "-o", "demo-linux+bootsector", "--no-ip-check",
         "--no-name-check")


@pytest.fixture(scope="module")
def ceph(vm_cluster: Lab) -> Iterator[servers.Ceph]:
    """Ceph on the nodes' network; the nodes are its clients, as the documentation has it."""
    why_not = servers.require()
    if why_not:
        results.not_run(KIND, f"not run: {why_not}")
        pytest.skip(why_not)
    with pytest.MonkeyPatch.context() as env:
        env.setenv("CEPH_CONF", str(vm_cluster.root / "ceph.conf"))
        server = servers.Ceph(vm_cluster.master)
        try:
            server.pool(RbdKernelKit.pool)
            for node in vm_cluster.nodes:
                node.write("/etc/ceph/ceph.conf",
                           f"[global]\nmon_host = v1:{server.address}:6789\n")
                for user in ("guests", RbdKernelKit.pool):
                    keyring = (server.directory / f"client.{user}.keyring").read_text()
                    node.write(f"/etc/ceph/ceph.client.{user}.keyring", keyring, 0o600)
            vm_cluster.gnt("gnt-cluster", "modify", "-D", "rbd:access=kernelspace,user-id=guests")
            yield server
        finally:
            server.stop()
    vm_cluster.gnt("gnt-cluster", "modify", "-D", "rbd:user-id=")


@pytest.fixture(scope="module")
def suite(vm_cluster: Lab, ceph: servers.Ceph) -> Iterator[Future[dict[str, str]]]:
    """The driver's own suite, on node2 while the guest is on node1."""
    with ThreadPoolExecutor() as pool:
        yield pool.submit(conformance.run, vm_cluster.node(2), "test_storage.py", LIFE, KIND)


def mapped(lab: Lab, number: int) -> str:
    """What the kernel of a node has of the guests' pool."""
    return lab.node(number).run("rbd showmapped | awk '$2 == \"rbd\"'")


def test_the_life_of_a_guest(vm_cluster: Lab, ceph: servers.Ceph,
                             suite: Future[dict[str, str]]) -> None:
    lab = vm_cluster

    def ticks(number: int) -> tuple[int, int]:
        device = mapped(lab, number).split()[-1]
        text = lab.node(number).run(f"dd if={device} bs=512 skip=1 count=1 iflag=direct 2>&1")
        found = re.search(r"BOOT (\w+) TICK (\w+)", text)
        return (int(found[1], 16), int(found[2], 16)) if found else (0, 0)

    lab.gnt("gnt-instance", "add", "-t", "rbd", *GUEST, "-s", "4m", "-n", "node1", "guest1")
    (image,) = ceph.images()
    assert image in mapped(lab, 1)
    results.record(KIND, "create")
    wait_until(lambda: ticks(1)[1] > 0, "the guest has booted from its image", 90)
    results.record(KIND, "boot")
    lab.gnt("gnt-instance", "grow-disk", "guest1", "0", "4m")
    device = mapped(lab, 1).split()[-1]
    assert int(lab.node(1).run(f"blockdev --getsize64 {device}")) == 8 << 20
    results.record(KIND, "grow")
    lab.gnt("gnt-instance", "migrate", "-f", "-n", "node2", "guest1")
    before = ticks(2)
    wait_until(lambda: ticks(2)[1] > before[1], "the guest goes on")
    assert ticks(2)[0] == before[0] == 1, "it was not started anew"
    assert mapped(lab, 1) == ""
    results.record(KIND, "migrate")
    assert "ERROR" not in lab.gnt("gnt-cluster", "verify-disks")
    lab.gnt("gnt-instance", "remove", "-f", "--shutdown-timeout=0", "guest1")
    assert mapped(lab, 2) == ""
    assert ceph.images() == []
    results.record(KIND, "remove")


def test_the_driver_on_real_images(suite: Future[dict[str, str]], vm_cluster: Lab) -> None:
    outcomes = suite.result()
    assert set(outcomes.values()) == {"PASSED"}
    assert len(outcomes) == 4
    for node in vm_cluster.nodes:
        assert node.run("rbd showmapped") == ""
