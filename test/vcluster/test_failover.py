"""The master dies, another candidate takes over, the old one returns; nothing is lost."""

from __future__ import annotations

import os
import pathlib
import re
import time

import pytest

from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until

SCRIPT = """#!/bin/sh
echo "$1 $MASTER_NETDEV $MASTER_IP $MASTER_NETMASK $CLUSTER_IP_VERSION" >> {log}
"""
EXIT_NOTMASTER = 11


def _jobs(cluster: VirtualCluster, node: str) -> dict[int, str]:
    rows = cluster.run("gnt-job list --no-headers --separator=: -o id,status", node).split()
    return {int(job): status for job, status in (row.split(":") for row in rows)}


def _mip_log(cluster: VirtualCluster, node: str) -> list[str]:
    path = cluster.path(node, "/mip.log")
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def mip_scripts(own_cluster: VirtualCluster) -> VirtualCluster:
    """A cluster whose master IP is moved by scripts that write down how they were called."""
    for node in own_cluster.layout.nodes:
        script = own_cluster.path(node.name, "/etc/ganeti/scripts/master-ip-setup")
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(SCRIPT.format(log=own_cluster.path(node.name, "/mip.log")))
        script.chmod(0o755)
    own_cluster.run("gnt-cluster modify --use-external-mip-script=yes")
    return own_cluster


def test_the_script_moves_the_master_ip(mip_scripts: VirtualCluster) -> None:
    cluster = mip_scripts
    cluster.path("node1", "/mip.log").unlink(missing_ok=True)
    cluster.run("gnt-cluster deactivate-master-ip --yes")
    cluster.run("gnt-cluster activate-master-ip")
    stop, start = (line.split() for line in _mip_log(cluster, "node1"))
    assert (stop[0], start[0]) == ("stop", "start")
    address = cluster.path("node1", "/var/lib/ganeti/ssconf_master_ip").read_text().strip()
    assert start[1:] == ["lo", address, "32", "4"] and stop[1:] == start[1:]

    # the same script takes the address off the old master and gives it to the new one
    cluster.run("gnt-cluster master-failover", "node2")
    assert _mip_log(cluster, "node1")[2].split() == stop
    wait_until(lambda: _mip_log(cluster, "node2"), "the new master has the address")
    assert _mip_log(cluster, "node2")[0].split() == start
    assert not _mip_log(cluster, "node3")
    assert cluster.run("gnt-cluster getmaster", "node1").strip() == "node2"


def test_the_master_dies_and_returns(own_cluster: VirtualCluster) -> None:
    cluster = own_cluster
    cluster.run("gnt-instance add -t sharedfile -s 16m -H fake -o demo-linux+default -n node3 "
                "--no-nics --no-ip-check --no-name-check inst1")
    client = cluster.luxi()
    running = client.submit_job([{"OP_ID": "OP_TEST_DELAY", "duration": 60.0,
                                  "on_master": False, "on_nodes": ["node3"]}])
    wait_until(lambda: _jobs(cluster, "node1")[running] == "running", "it runs")
    queued = [job for _, job in client.submit_many_jobs(
        [[{"OP_ID": "OP_TEST_DELAY", "duration": 0, "depends": [[running, ["success", "error"]]]}]]
        * 20)]
    cluster.run("gnt-cluster add-tags acknowledged")
    client.close()
    before = _jobs(cluster, "node1")

    cluster.power_off("node1")
    assert cluster.try_run("gnt-cluster master-ping", "node2").returncode == 1
    refused = cluster.try_run("gnt-job list", "node2")
    assert refused.returncode == EXIT_NOTMASTER and "node1" in refused.stderr
    cluster.run("gnt-cluster master-failover", "node2")

    cluster.run("gnt-cluster master-ping", "node2")
    assert cluster.run("gnt-cluster getmaster", "node3").strip() == "node2"
    assert cluster.run("gnt-cluster list-tags", "node2").split() == ["acknowledged"]
    assert cluster.run("gnt-instance list --no-headers -o name,pnode,status",
                       "node2").split() == ["inst1", "node3", "running"]

    def ends() -> dict[int, str]:
        return _jobs(cluster, "node2")

    wait_until(lambda: {ends()[job] for job in queued} == {"success"}, "queued jobs run", 60)
    after = ends()
    assert after.pop(running) == "error" and before.pop(running) == "running"
    assert before.keys() <= after.keys(), "no acknowledged job is missing"
    assert all(after[job] == status for job, status in before.items() if job not in queued)
    client = cluster.luxi("node2")
    assert client.submit_job([{"OP_ID": "OP_TEST_DELAY", "duration": 0}]) > max(after)
    client.close()

    # the old master comes back: it still believes that it is the master, the others know better
    cluster.power_on("node1")
    started = cluster.try_run(f"{cluster.layout.node('node1').root}/usr/lib/ganeti/daemon-util "
                              "start ganeti-masterd")
    assert started.returncode == EXIT_NOTMASTER, started
    assert "node2" in started.stderr and "Traceback" not in started.stderr
    assert "ganeti-masterd" not in cluster.daemon_pids("node1")
    cluster.run("gnt-cluster redist-conf", "node2")
    assert cluster.run("gnt-cluster getmaster", "node1").strip() == "node2"
    wait_until(lambda: cluster.path("node1", "/var/lib/ganeti/config.data").read_bytes()
               == cluster.path("node2", "/var/lib/ganeti/config.data").read_bytes(),
               "node1 is a candidate like any other")
    assert "ERROR" not in cluster.run("gnt-cluster verify", "node2")


def test_older_data_are_not_brought_back(own_cluster: VirtualCluster) -> None:
    cluster = own_cluster
    cluster.kill_daemon("node2", "ganeti-noded")
    cluster.run("gnt-cluster add-tags only-on-1-and-3")
    newest = max(_jobs(cluster, "node1"))
    cluster.power_off("node1")
    cluster.daemon_util("node2", "start", "ganeti-noded")

    refused = cluster.try_run("gnt-cluster master-failover", "node2")
    assert refused.returncode == 1
    assert "node3 has configuration" in refused.stderr and "--accept-older-data" in refused.stderr
    assert cluster.run("gnt-cluster getmaster", "node3").strip() == "node1", "nothing was changed"

    told = cluster.try_run("gnt-cluster master-failover --accept-older-data", "node2")
    assert told.returncode == 0 and "given up" in told.stderr
    assert cluster.run("gnt-cluster list-tags", "node2").split() == []
    client = cluster.luxi("node2")
    assert client.submit_job([{"OP_ID": "OP_TEST_DELAY", "duration": 0}]) > newest, \
        "no id stands for two jobs"
    client.close()
    serial = re.compile(rb'"serial_no": ?(\d+)')
    assert serial.search(cluster.path("node2", "/var/lib/ganeti/config.data").read_bytes())


def test_an_old_configuration_does_not_start(own_cluster: VirtualCluster) -> None:
    cluster = own_cluster
    path = cluster.path("node1", "/var/lib/ganeti/config.data")
    old = path.read_bytes()
    cluster.run("gnt-cluster add-tags newer")
    cluster.daemon_util("node1", "stop-master")
    newer = path.read_bytes()
    path.write_bytes(old)
    daemon_util = f"{cluster.layout.node('node1').root}/usr/lib/ganeti/daemon-util"
    refused = cluster.try_run(f"{daemon_util} start ganeti-masterd")
    assert refused.returncode == 1
    assert "roll the cluster back" in refused.stderr and "node2" in refused.stderr
    assert path.read_bytes() == old
    path.write_bytes(newer)
    cluster.daemon_util("node1", "start-master")
    assert cluster.run("gnt-cluster list-tags").split() == ["newer"]


@pytest.mark.skipif(os.getuid() != 0, reason="networks of their own for nodes need root")
def test_nobody_waits_for_a_dead_master_twice() -> None:
    """A master whose machine is gone answers nothing, so that each call to it lasts."""
    with VirtualCluster(3, netns=True) as cluster:
        cluster.run("gnt-cluster add-tags kept")
        cluster.connect("node1", False)
        start = time.monotonic()
        told = cluster.try_run("gnt-cluster master-failover", "node2")
        took = time.monotonic() - start
        assert told.returncode == 0 and "make sure that it is down" in told.stderr, told
        assert cluster.run("gnt-cluster list-tags", "node2").split() == ["kept"]
        print(f"the fail-over took {took:.1f} s")
        assert "node1 does not know yet: does not answer" in told.stderr
        cluster.connect("node1", True)
        wait_until(lambda: "ganeti-masterd" not in cluster.daemon_pids("node1"),
                   "the old master daemon has noticed", 60)


@pytest.mark.slow
def test_a_master_that_was_cut_off_leaves_by_itself(own_cluster: VirtualCluster) -> None:
    cluster = own_cluster
    cluster.kill_daemon("node1", "ganeti-noded")  # nobody can tell node1 anything
    told = cluster.try_run("gnt-cluster master-failover", "node2")
    assert told.returncode == 0 and "make sure that it is down" in told.stderr
    start = time.monotonic()
    wait_until(lambda: "ganeti-masterd" not in cluster.daemon_pids("node1"),
               "the old master daemon has noticed", 60)
    assert time.monotonic() - start < 50
    log = cluster.path("node1", "/var/log/ganeti/master-daemon.log").read_text()
    assert "The master is node2 now" in log
    cluster.run("gnt-cluster master-ping", "node2")


def test_the_pool_of_candidates_is_kept_full(own_cluster: VirtualCluster) -> None:
    cluster = own_cluster

    def candidates() -> list[str]:
        return pathlib.Path(cluster.path(
            "node1", "/var/lib/ganeti/ssconf_master_candidates")).read_text().split()

    cluster.run("gnt-cluster modify --candidate-pool-size=2")
    cluster.run("gnt-node modify --master-candidate=no node3")
    assert candidates() == ["node1", "node2"]
    assert not list(cluster.path("node3", "/var/lib/ganeti/queue").glob("job-*"))
    cluster.run("gnt-node modify --offline=yes --auto-promote node2")
    assert candidates() == ["node1", "node3"]
    wait_until(lambda: cluster.path("node3", "/var/lib/ganeti/config.data").read_bytes()
               == cluster.path("node1", "/var/lib/ganeti/config.data").read_bytes(),
               "the new candidate has the configuration")
    wait_until(lambda: {path.name for path in
                        cluster.path("node3", "/var/lib/ganeti/queue").glob("job-*")}
               == {path.name for path in
                   cluster.path("node1", "/var/lib/ganeti/queue").glob("job-*")},
               "the new candidate has the queue")
    cluster.run("gnt-node modify --offline=no node2")
    assert candidates() == ["node1", "node3"], "the pool is full"
    cluster.run("gnt-cluster modify --candidate-pool-size=3")
    assert candidates() == ["node1", "node2", "node3"]
