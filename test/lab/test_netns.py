"""Nodes with a network each: the cluster's address moves in earnest, links are cut and mended."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

from ganeti.tools.vcluster import netns
from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until


def _why_not() -> str:
    if os.getuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "the program 'ip' is missing (iproute2)"
    probe = f"vcprobe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True,
                          check=False)
    if made.returncode:
        return f"this machine allows no network namespaces: {made.stderr.strip()}"
    link = subprocess.run(["ip", "-n", probe, "link", "add", "br0", "type", "bridge"],
                          capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "del", probe], check=True)
    return f"no bridges here: {link.stderr.strip()}" if link.returncode else ""


WHY_NOT = _why_not()
pytestmark = [pytest.mark.vcluster, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[VirtualCluster]:
    """Three nodes, each in its own namespace behind a common bridge."""
    with VirtualCluster(3, netns=True) as made:
        yield made
    assert not [name for name in os.listdir("/run/netns")
                if name.startswith(netns.namespace(made.layout, ""))], "no namespace is left"


def _addresses(cluster: VirtualCluster, node: str) -> str:
    return cluster.run("ip -o -4 address show dev eth0", node)


def _free_memory(cluster: VirtualCluster) -> dict[str, str]:
    rows = cluster.run("gnt-node list --no-headers --separator=: -o name,mfree").split()
    return dict(row.split(":") for row in rows)


def _verify_errors(cluster: VirtualCluster) -> list[str]:
    return [line for line in cluster.try_run("gnt-cluster verify").stdout.splitlines()
            if "ERROR" in line]


def test_the_cluster_address_is_on_the_masters_interface(cluster: VirtualCluster) -> None:
    address = f"inet {cluster.layout.address}/32"
    wait_until(lambda: address in _addresses(cluster, "node1"), "the master has the address")
    assert address not in _addresses(cluster, "node2")
    cluster.run("gnt-cluster deactivate-master-ip --yes")
    assert address not in _addresses(cluster, "node1")
    cluster.run("gnt-cluster activate-master-ip")
    assert address in _addresses(cluster, "node1")
    assert _verify_errors(cluster) == []


def test_a_cut_link_and_its_healing(cluster: VirtualCluster) -> None:
    assert "?" not in _free_memory(cluster).values()
    cluster.connect("node3", False)
    try:
        begun = time.monotonic()
        found = _free_memory(cluster)
        assert time.monotonic() - begun < 12, "a dead link is noticed within seconds"
        assert (found["node3"], "?" in (found["node1"], found["node2"])) == ("?", False)
        begun = time.monotonic()
        cluster.run("gnt-instance add -t diskless -H fake -o demo-linux+default -n node2 "
                    "--no-nics --no-ip-check --no-name-check inst1")
        assert time.monotonic() - begun < 20, "jobs on the other nodes go on"
        begun = time.monotonic()
        cluster.run("gnt-instance add-tags inst1 made-while-cut")
        assert time.monotonic() - begun < 3, "a node left behind holds up the first job only"
        result = cluster.try_run("gnt-instance migrate -f -n node3 inst1")
        assert result.returncode == 1
        assert "node3" in result.stderr
        assert "Traceback" not in result.stderr
    finally:
        cluster.connect("node3", True)
    wait_until(lambda: "?" not in _free_memory(cluster).values(), "all nodes are seen again")
    cluster.run("gnt-cluster redist-conf")
    assert _verify_errors(cluster) == []
    copies = [cluster.path(node, "/var/lib/ganeti/config.data").read_bytes()
              for node in ("node1", "node3")]
    assert copies[0] == copies[1]
    cluster.run("gnt-instance migrate -f -n node3 inst1")
    cluster.run("gnt-instance remove -f --shutdown-timeout=0 inst1")


def test_a_job_whose_node_vanishes_meanwhile(cluster: VirtualCluster) -> None:
    number = int(cluster.run("gnt-debug delay --submit --print-jobid -n node3 --no-master 2")
                 .split()[0])
    wait_until(lambda: cluster.run(f"gnt-job list --no-headers -o status {number}").strip()
               == "running", "it runs")
    cluster.connect("node3", False)
    try:
        cluster.run("gnt-debug delay 0.1", timeout=30)
    finally:
        cluster.connect("node3", True)
    result = cluster.try_run(f"gnt-job watch {number}", timeout=90)
    assert "Traceback" not in result.stdout + result.stderr
    status = cluster.run(f"gnt-job list --no-headers -o status {number}").strip()
    assert status in ("success", "error"), "the job comes to an end"
    assert set(cluster.run("gnt-debug locks --no-headers -o owner").split()) <= {"-"}


@pytest.mark.slow
def test_the_master_is_cut_off(cluster: VirtualCluster) -> None:
    """The others elect a new master; the old one, back on the network, steps down."""
    cluster.run("gnt-cluster redist-conf")
    cluster.connect("node1", False)
    try:
        output = cluster.run("gnt-cluster master-failover --yes-do-it", "node2", timeout=120)
        assert "Traceback" not in output
        wait_until(lambda: f"inet {cluster.layout.address}/32" in _addresses(cluster, "node2"),
                   "the new master takes the address")
        assert cluster.run("gnt-cluster getmaster", "node2").strip() == "node2"
        cluster.kill_daemon("node1", "ganeti-masterd")
    finally:
        cluster.connect("node1", True)
    # Before anybody told it: the others' votes are against it.
    refused = cluster.try_run(
        f"{cluster.layout.node('node1').root}/usr/lib/ganeti/daemon-util start ganeti-masterd",
        "node1", timeout=90)
    assert refused.returncode != 0, "no second master"
    assert "node2" in refused.stderr
    cluster.run("gnt-cluster redist-conf", "node2")
    assert cluster.run("gnt-cluster getmaster", "node1").strip() == "node2"
    assert "ganeti-masterd" not in cluster.daemon_pids("node1")
