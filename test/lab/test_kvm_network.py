"""A guest that answers on the network while it moves between nodes with a network each."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

from ganeti.tools import demo_guest
from ganeti.tools.vcluster import netns
from test.lab.test_netns import WHY_NOT
from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until

QEMU = "/usr/bin/qemu-system-x86_64"
NAME, ADDRESS, OUTSIDE = "inst1", "10.99.77.10", "10.99.77.254"
BRIDGE = "gbr0"
PAUSE = 0.02
pytestmark = [
    pytest.mark.qemu, pytest.mark.timeout(300),
    pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT),
    pytest.mark.skipif(not os.path.exists(QEMU), reason=f"there is no {QEMU}"),
    pytest.mark.skipif(shutil.which("ping") is None, reason="no ping (iputils-ping)"),
    pytest.mark.skipif(not os.path.exists("/dev/net/tun"), reason="no tap devices here")]


def ip(space: str, *words: str) -> None:
    subprocess.run(["ip", "-n", space, *words], check=True)


def guest_network(cluster: VirtualCluster) -> str:
    """A bridge for guests on every node, joined by the hub, where we are; the hub's namespace."""
    hub = netns.namespace(cluster.layout, "hub")
    ip(hub, "addr", "add", f"{OUTSIDE}/24", "dev", "br0")
    for number, node in enumerate(cluster.layout.nodes, 1):
        space = netns.namespace(cluster.layout, node.name)
        ip(space, "link", "add", BRIDGE, "type", "bridge")
        ip(space, "link", "set", BRIDGE, "up")
        ip(hub, "link", "add", f"guests{number}", "type", "veth", "peer", "name", "guests",
           "netns", space)
        ip(hub, "link", "set", f"guests{number}", "master", "br0", "up")
        ip(space, "link", "set", "guests", "master", BRIDGE, "up")
    return hub


@pytest.fixture(scope="module")
def image() -> demo_guest.Guest:
    try:
        return demo_guest.build()
    except demo_guest.GuestError as err:
        pytest.skip(f"no guest image: {err}")


@pytest.fixture(scope="module")
def place(image: demo_guest.Guest) -> Iterator[tuple[VirtualCluster, str]]:
    """The cluster with a guest that answers, and the namespace from which it is asked."""
    with VirtualCluster(2, netns=True) as cluster:
        hub = guest_network(cluster)
        cluster.run("gnt-cluster modify -H kvm:migration_bandwidth=0")
        cluster.run("gnt-instance add -t sharedfile -s 16m -B memory=128M -o demo-linux+default "
                    f"--net 0:mode=bridged,link={BRIDGE},ip={ADDRESS} -n node1 --no-ip-check "
                    f"--no-name-check -H kvm:kvm_path={QEMU},kernel_path={image.kernel},"
                    f"initrd_path={image.initrd},vhost_net=false,migration_downtime=300 {NAME}")
        yield cluster, hub
        cluster.run(f"gnt-instance remove -f --shutdown-timeout=0 {NAME}")


def answers(hub: str) -> bool:
    return subprocess.run(["ip", "netns", "exec", hub, "ping", "-c1", "-W1", ADDRESS],
                          capture_output=True, check=False).returncode == 0


class Pings:
    """Asks the guest all the time, and tells what was not answered."""

    def __init__(self, hub: str) -> None:
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", hub, "ping", "-n", "-D", "-i", str(PAUSE), ADDRESS],
            stdout=subprocess.PIPE, text=True)

    def end(self) -> tuple[int, int, float]:
        """Answers, lost ones among them, and the longest silence in seconds."""
        self._process.send_signal(2)
        text = self._process.communicate(timeout=20)[0]
        seen = {int(number): float(moment) for moment, number in
                re.findall(r"\[([\d.]+)\] \d+ bytes from .* icmp_seq=(\d+)", text)}
        moments = sorted(seen.values())
        silence = max(later - sooner for sooner, later in
                      zip(moments, moments[1:], strict=False))
        return len(seen), max(seen) - min(seen) + 1 - len(seen), silence


def primary(cluster: VirtualCluster) -> str:
    return cluster.run(f"gnt-instance list --no-headers -o pnode {NAME}").strip()


def qemus(cluster: VirtualCluster, node: str) -> list[str]:
    directory = cluster.path(node, "/var/run/ganeti/kvm-hypervisor/conf")
    return sorted(path.name for path in directory.glob("*.runtime")) if directory.exists() else []


def test_the_guest_goes_on_answering(place: tuple[VirtualCluster, str]) -> None:
    cluster, hub = place
    wait_until(lambda: answers(hub), "the guest answers", 90)
    pings = Pings(hub)
    time.sleep(0.5)
    output = cluster.run(f"gnt-instance migrate -f -n node2 {NAME}")
    wait_until(lambda: answers(hub), "the guest answers on its new node")
    count, lost, silence = pings.end()
    told = re.search(r"memory transfer complete \((.*), downtime (\d+) ms\)", output)
    assert told, output
    print(f"\nlive migration: {told[1]}, downtime {told[2]} ms as QEMU says; {lost} of"
          f" {count + lost} pings lost, longest silence {1000 * silence:.0f} ms")
    assert primary(cluster) == "node2"
    assert count > lost, "it answered most of the time"
    assert silence < 10, "a restart would have taken longer"
    assert qemus(cluster, "node1") == []


def test_a_migration_that_is_cancelled(place: tuple[VirtualCluster, str]) -> None:
    """It tells how far it is; cancelling the job leaves the guest where it was."""
    cluster, hub = place
    wait_until(lambda: answers(hub), "the guest answers", 90)
    home = primary(cluster)
    other = "node1" if home == "node2" else "node2"
    cluster.run("gnt-cluster modify -H kvm:migration_bandwidth=1")
    number = cluster.run(
        f"gnt-instance migrate -f -n {other} --submit --print-jobid {NAME}").split()[0]
    wait_until(lambda: "memory transfer progress" in cluster.run(f"gnt-job info {number}"),
               "progress in the job's log", 60)
    cluster.run(f"gnt-job cancel --yes-do-it {number}")
    cluster.try_run(f"gnt-job watch {number}")
    assert cluster.run(f"gnt-job list --no-headers -o status {number}").strip() == "canceled"
    assert primary(cluster) == home
    assert qemus(cluster, other) == [] and len(qemus(cluster, home)) == 1
    wait_until(lambda: answers(hub), "it answers, and it never stopped")
    cluster.run("gnt-cluster modify -H kvm:migration_bandwidth=0")
