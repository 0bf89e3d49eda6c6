"""The lab itself: what the tests of storage and hypervisors rely on."""

from __future__ import annotations

from test.lab.vm.lab import Lab
from test.waiting import wait_until


def test_nodes_run_this_checkout_and_are_in_the_cluster(vm_cluster: Lab) -> None:
    rows = vm_cluster.gnt("gnt-node", "list", "--no-headers", "-o", "name,vm_capable").split()
    assert rows == ["master1", "N", "node1", "Y", "node2", "Y"]
    ours = vm_cluster.master.run("ganeti-noded --version", vm_cluster.master.name)
    assert vm_cluster.node(1).run("ganeti-noded --version") == ours


def test_nodes_have_devices_of_their_own_kernel(vm_cluster: Lab) -> None:
    for node in vm_cluster.nodes:
        assert node.run("vgs --noheadings -o vg_name").split() == [vm_cluster.vg]
        node.run("modprobe drbd && modprobe rbd && modprobe dm-snapshot")


def _reaches(lab: Lab, number: int, name: str) -> bool:
    return lab.node(number).try_run(f"ping -c1 -W1 {name}").returncode == 0


def test_the_way_between_two_nodes_is_closed_alone(vm_cluster: Lab) -> None:
    assert _reaches(vm_cluster, 1, "node2")
    vm_cluster.cut(1, 2)
    try:
        assert not _reaches(vm_cluster, 1, "node2")
        assert not _reaches(vm_cluster, 2, "node1")
        assert _reaches(vm_cluster, 1, "master1"), "the master still reaches both"
    finally:
        vm_cluster.heal(1, 2)
    wait_until(lambda: _reaches(vm_cluster, 1, "node2"), "node1 reaches node2 again")


def test_a_pulled_cable_and_a_pulled_plug(vm_cluster: Lab) -> None:
    vm_cluster.node(2).run("echo kept >/root/kept && sync && echo lost >/run/lost")
    vm_cluster.cut(2)
    assert not _reaches(vm_cluster, 1, "node2")
    vm_cluster.heal(2)
    vm_cluster.kill(2)
    assert not vm_cluster.node(2).alive()
    vm_cluster.start(2)
    assert vm_cluster.node(2).read("/root/kept") == "kept\n"
    assert vm_cluster.node(2).try_run("test -e /run/lost").returncode
    live = vm_cluster.gnt("gnt-node", "list", "--no-headers", "-o", "mtotal", "node2").split()
    assert live != ["?"], "its node daemon answers again"
