"""A user's day with containers, as root: every command typed on a virtual cluster of real nodes."""

from __future__ import annotations

import contextlib
import os
import pathlib
import select
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from ganeti.utils import process
from test.drivers.hypervisors import ChrootKit, LxcKit
from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until

pytestmark = pytest.mark.skipif(bool(LxcKit.unavailable), reason=LxcKit.unavailable or "")

ADD = ("gnt-instance add -H {} -t sharedfile -s 12m -B memory=64M,minmem=48M,vcpus=2"
       " -o demo-container+default --no-nics -n node1 --no-ip-check --no-name-check {}")


def first_process(cluster: VirtualCluster, node: str, name: str) -> int:
    """The container's first process, as LXC itself tells it."""
    told = cluster.run(f"lxc-info -P {cluster.path(node, '/var/run/ganeti/lxc')} -n {name} -p -H",
                       node)
    return int(told)


def fields(cluster: VirtualCluster, names: str, instance: str) -> list[str]:
    return cluster.run(f"gnt-instance list --no-headers -o {names} {instance}").split()


@pytest.fixture(scope="module")
def cluster() -> Iterator[VirtualCluster]:
    """Its containers share one machine, so this cluster is also that of colliding names."""
    with VirtualCluster(2) as made:
        made.run("gnt-cluster modify --enabled-hypervisors=kvm,lxc,chroot")
        yield made
        groups = [directory for directory, _, _ in os.walk("/sys/fs/cgroup")
                  if os.path.basename(directory).startswith("lxc.") and ".box" in directory]
        assert groups == [], "no control group is left"
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        assert str(made.root) not in mounts.read()


@pytest.fixture
def box(cluster: VirtualCluster) -> Iterator[str]:
    cluster.run(ADD.format("lxc", "box1"))
    yield "box1"
    cluster.run("gnt-instance remove -f --shutdown-timeout=0 box1")
    for node in ("node1", "node2"):
        assert os.listdir(cluster.path(node, "/var/run/ganeti/lxc")) == []


def console(cluster: VirtualCluster, name: str, typed: str, wanted: str, leave: str) -> None:
    """Type something at the console until the answer is seen, then leave it."""
    argv, environment = cluster.command(
        "node1", f"script -qec 'gnt-instance console {name}' /dev/null")
    with subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          start_new_session=True) as user:
        assert user.stdin is not None and user.stdout is not None
        os.set_blocking(user.stdout.fileno(), False)
        heard = b""

        def types(keys: str) -> bytes:
            # what is typed before the terminal is the console's may be thrown away
            user.stdin.write(keys.encode())
            user.stdin.flush()
            select.select([user.stdout], [], [], 1)
            return user.stdout.read() or b""
        try:
            deadline = time.monotonic() + 60
            while wanted.encode() not in heard:
                assert time.monotonic() < deadline, heard
                heard += types(typed + "\r")
            while user.poll() is None:
                assert time.monotonic() < deadline, heard
                # it may go between the look and the key
                with contextlib.suppress(BrokenPipeError):
                    types(leave)
        finally:
            with contextlib.suppress(BrokenPipeError):
                user.stdin.close()
            user.kill()


def test_a_containers_day(cluster: VirtualCluster, box: str) -> None:
    assert fields(cluster, "status,hypervisor,oper_ram,oper_vcpus", box) == [
        "running", "lxc", "64M", "2"]
    assert "lxc-console-wrapper" in cluster.run(f"gnt-instance console --show-cmd {box}")
    console(cluster, box, "cat /etc/guest", "name=box1", "\x01q")
    cluster.run(f"gnt-instance modify -m 48M {box}")
    assert fields(cluster, "oper_ram", box) == ["48M"]
    before = first_process(cluster, "node1", box)
    cluster.run(f"gnt-instance reboot -t soft {box}")
    assert first_process(cluster, "node1", box) != before
    info = cluster.run(f"gnt-instance info {box}")
    assert "actual state is up" in info and "cpu_mask: default ()" in info
    refused = cluster.try_run(f"gnt-instance migrate -f -n node2 {box}")
    assert refused.returncode == 1 and "lxc can not migrate" in refused.stderr
    cluster.run(f"gnt-instance failover -f --shutdown-timeout=0 -n node2 {box}")
    assert fields(cluster, "status,pnode", box) == ["running", "node2"]
    boots = pathlib.Path(f"/proc/{first_process(cluster, 'node2', box)}/root/var/boots")
    wait_until(lambda: boots.exists() and boots.read_text().strip() == "3",
               "its disk came along: this is its third boot")
    cluster.run(f"gnt-instance shutdown {box}")
    assert fields(cluster, "status", box) == ["ADMIN_down"]
    cluster.run(f"gnt-instance startup {box}")


def test_a_node_daemon_that_dies_leaves_containers_alone(cluster: VirtualCluster,
                                                         box: str) -> None:
    before = first_process(cluster, "node1", box)
    cluster.kill_daemon("node1", "ganeti-noded")
    cluster.daemon_util("node1", "start", "ganeti-noded")
    assert fields(cluster, "status,oper_ram", box) == ["running", "64M"]
    assert first_process(cluster, "node1", box) == before
    verified = cluster.try_run("gnt-cluster verify")
    assert "ERROR" not in verified.stdout, verified.stdout


def test_a_crash_is_seen_and_mended(cluster: VirtualCluster, box: str) -> None:
    os.kill(first_process(cluster, "node1", box), signal.SIGKILL)
    wait_until(lambda: fields(cluster, "status", box) == ["ERROR_down"], "the crash is seen")
    cluster.run(f"gnt-instance startup {box}")
    assert fields(cluster, "status", box) == ["running"]


def test_a_node_without_power_forgets_its_guests(cluster: VirtualCluster, box: str) -> None:
    """And what lies on the disks outlives it, for the chroot that was mounted too."""
    cluster.run(f"gnt-instance failover -f --shutdown-timeout=0 -n node2 {box}")
    if not ChrootKit.unavailable:
        cluster.run(ADD.format("chroot", "box2").replace("node1", "node2"))
    init = first_process(cluster, "node2", box)
    cluster.power_off("node2")
    wait_until(lambda: not process.alive(init), "the container died with its node")
    assert str(cluster.path("node2", "")) not in pathlib.Path("/proc/self/mounts").read_text()
    cluster.power_on("node2")
    wait_until(lambda: fields(cluster, "status", box) == ["ERROR_down"], "the node is back")
    cluster.run(f"gnt-instance startup {box}")
    assert fields(cluster, "status", box) == ["running"]
    if not ChrootKit.unavailable:
        cluster.run("gnt-instance startup box2")
        assert fields(cluster, "status", "box2") == ["running"]
        cluster.run("gnt-instance remove -f --shutdown-timeout=0 box2")


def test_parameters_are_inherited_and_checked(cluster: VirtualCluster, box: str) -> None:
    """Cluster, then operating system, then instance; on the master and on the nodes."""
    def ttys() -> list[str]:
        return fields(cluster, "hv/num_ttys", box)
    cluster.run("gnt-cluster modify -H lxc:num_ttys=3")
    assert ttys() == ["3"]
    cluster.run("gnt-os modify -H lxc:num_ttys=4 demo-container+default")
    assert ttys() == ["4"]
    cluster.run(f"gnt-instance modify -H num_ttys=2 {box}")
    assert ttys() == ["2"]
    cluster.run(f"gnt-instance reboot -t hard --shutdown-timeout=0 {box}")
    devices = pathlib.Path(f"/proc/{first_process(cluster, 'node1', box)}/root/dev")
    assert (devices / "tty2").exists() and not (devices / "tty3").exists()
    cluster.run(f"gnt-instance modify -H num_ttys=default {box}")
    assert ttys() == ["4"]
    cluster.run("gnt-os modify -H lxc:num_ttys=default demo-container+default")
    assert ttys() == ["3"]
    for value, complaint in (("num_ttys=-1", "num_ttys"), ("devices=everything", "joined by"),
                             ("no_such=1", "no_such"), ("cpu_mask=4000", "does not have: 4000")):
        refused = cluster.try_run(f"gnt-instance modify -H {value} {box}")
        assert refused.returncode == 1 and complaint in refused.stderr, refused.stderr
        refused = cluster.try_run(f"gnt-cluster modify -H lxc:{value}")
        assert refused.returncode == 1 and complaint in refused.stderr, refused.stderr
    cluster.run("gnt-cluster modify -H lxc:num_ttys=6")


@pytest.mark.skipif(bool(ChrootKit.unavailable), reason=ChrootKit.unavailable or "")
def test_a_chroots_day(cluster: VirtualCluster) -> None:
    cluster.run(ADD.format("chroot", "box2"))
    try:
        assert fields(cluster, "status,hypervisor", "box2") == ["running", "chroot"]
        console(cluster, "box2", "cat /etc/guest", "name=box2", "exit\r")
        cluster.run("gnt-instance reboot -t soft box2")
        cluster.run("gnt-instance failover -f --shutdown-timeout=0 -n node2 box2")
        assert fields(cluster, "status,pnode", "box2") == ["running", "node2"]
        cluster.run("gnt-instance shutdown box2")
        cluster.run("gnt-instance rename -f --no-ip-check --no-name-check box2 box3")
        cluster.run("gnt-instance startup box3")
        guest = cluster.path("node2", "/var/run/ganeti/chroot-hypervisor/box3/etc/guest")
        assert guest.read_text().startswith("name=box3 ")
    finally:
        names = cluster.run("gnt-instance list --no-headers -o name").split()
        for name in names:
            cluster.run(f"gnt-instance remove -f --shutdown-timeout=0 {name}")
