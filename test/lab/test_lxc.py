"""Containers on a kernel of their own: on a logical volume, bridged, with cgroups of version 2."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from test.lab.vm.lab import Lab

TOP = "/sys/fs/cgroup"
#: Controllers go to the hierarchy of version 2 when nothing of version 1 is mounted any more
VERSION_2 = f"umount {TOP}/* && umount {TOP} && mount -t cgroup2 cgroup2 {TOP}"
#: The lab's kernel has AppArmor, its nodes have no profiles for it
UNCONFINED = "lxc.apparmor.profile=unconfined"
VERSION_1 = (f"umount {TOP}; mount -t tmpfs -o mode=755 cg {TOP};"
             " for c in cpu cpuacct cpuset memory devices freezer blkio pids; do"
             f" mkdir {TOP}/$c; mount -t cgroup -o $c cg {TOP}/$c; done;"
             f" mkdir {TOP}/systemd; mount -t cgroup -o none,name=systemd cg {TOP}/systemd")


@pytest.fixture
def lab(vm_cluster: Lab) -> Iterator[Lab]:
    """The cluster with lxc; node1 has version 2 of control groups, node2 version 1."""
    found = re.search(r"Enabled hypervisors: (.*)", vm_cluster.gnt("gnt-cluster", "info"))
    assert found is not None
    enabled = found[1].replace(" ", "")
    vm_cluster.gnt("gnt-cluster", "modify", f"--enabled-hypervisors={enabled},lxc")
    vm_cluster.node(1).run(VERSION_2)
    yield vm_cluster
    for name in vm_cluster.gnt("gnt-instance", "list", "--no-headers", "-o", "name").split():
        vm_cluster.gnt("gnt-instance", "remove", "-f", "--shutdown-timeout=0", name)
    vm_cluster.node(1).run(VERSION_1)
    vm_cluster.gnt("gnt-cluster", "modify", f"--enabled-hypervisors={enabled}")


def test_a_container_on_a_volume(lab: Lab) -> None:
    node = lab.node(1)
    assert "hypervisor lxc is not usable" not in lab.try_gnt("gnt-cluster", "verify").stdout
    lab.gnt("gnt-instance", "add", "-H", f"lxc:cpu_mask=0,extra_config={UNCONFINED}",
            "-t", "plain", "-s", "16m", "-B", "minmem=48,maxmem=64,vcpus=2",
            "-o", "demo-container+default", "--no-ip-check", "--no-name-check", "-n", "node1",
            "box")
    group = f"{TOP}/lxc.payload.box"
    assert node.run(f"cd {group}; cat memory.max cpu.max cpuset.cpus").split() == [
        str(64 << 20), "200000", "100000", "0"]
    assert node.run(f"cat {group}/memory.swap.max 2>/dev/null || echo 0").strip() == "0"
    listed = ("gnt-instance", "list", "--no-headers", "-o", "status,oper_ram,oper_vcpus", "box")
    assert lab.gnt(*listed).split() == ["running", "64M", "2"]
    assert "veth" in node.run("ls /sys/class/net/xen-br0/brif")
    lab.gnt("gnt-instance", "modify", "-m", "48", "box")
    assert lab.gnt(*listed).split() == ["running", "48M", "2"]
    inside = "lxc-attach -P /var/run/ganeti/lxc -n box --"
    assert "xenvg" in node.run(f"{inside} cat /proc/1/mounts") or "mapper" in node.run(
        f"{inside} cat /proc/1/mounts")
    refused = node.try_run(f"{inside} head -c 1 /dev/kmsg; {inside} mknod /tmp/vda b 254 0 &&"
                           f" {inside} head -c 1 /tmp/vda")
    assert refused.returncode != 0, "no device but those that are listed"
    lab.gnt("gnt-instance", "reboot", "-t", "soft", "box")
    assert lab.gnt(*listed).split()[0] == "running"
    lab.gnt("gnt-instance", "shutdown", "box")
    assert node.run(f"ls {TOP} | grep lxc; ls /var/run/ganeti/lxc; losetup -a; true") == ""
    assert node.run("ls /sys/class/net/xen-br0/brif | grep veth; true") == ""
    lab.gnt("gnt-instance", "startup", "box")
    node.run("kill -9 $(cat /var/run/ganeti/lxc/box/pid)")
    assert lab.gnt(*listed).split()[0] == "ERROR_down"
    lab.gnt("gnt-instance", "startup", "box")
    assert lab.gnt(*listed).split()[0] == "running"
