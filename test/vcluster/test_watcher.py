"""The watcher and the cleaner on a whole cluster."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until


@pytest.fixture
def instance(cluster: VirtualCluster) -> Iterator[str]:
    """A running instance of the fake hypervisor on node1."""
    cluster.run("gnt-instance add -t diskless -H fake --no-install --no-nics --ignore-ipolicy"
                " --no-ip-check --no-name-check -n node1 watched")
    cluster.run("gnt-instance startup watched")
    yield "watched"
    cluster.run("gnt-instance remove -f --shutdown-timeout=0 watched")


def _status(cluster: VirtualCluster, name: str) -> str:
    return cluster.run(f"gnt-instance list --no-headers -o status {name}").strip()


def test_instance_that_should_run_is_started(cluster: VirtualCluster, instance: str) -> None:
    assert _status(cluster, instance) == "running"
    cluster.path("node1", f"/var/run/ganeti/ganeti-fake-hypervisor/{instance}").unlink()
    assert _status(cluster, instance) == "ERROR_down"
    cluster.run("ganeti-watcher")
    assert _status(cluster, instance) == "running"
    cluster.run("ganeti-watcher")
    status = cluster.path("node1", "/var/run/ganeti/instance-status").read_text()
    assert status == f"{instance} running\n"


def test_stopped_instance_stays_stopped(cluster: VirtualCluster, instance: str) -> None:
    cluster.run(f"gnt-instance shutdown --timeout=0 {instance}")
    cluster.run("ganeti-watcher")
    assert _status(cluster, instance) == "ADMIN_down"


def test_dead_daemons_are_started(cluster: VirtualCluster) -> None:
    dead = [("node1", "ganeti-rapi"), ("node1", "ganeti-confd"), ("node1", "ganeti-masterd"),
            ("node2", "ganeti-noded")]
    for node, daemon in dead:
        os.kill(cluster.daemon_pids(node)[daemon], signal.SIGKILL)
    cluster.run("ganeti-watcher")
    other = cluster.try_run("ganeti-watcher", "node2")
    assert (other.returncode, other.stdout, other.stderr) == (11, "", "")
    for node, daemon in dead:
        wait_until(lambda node=node, daemon=daemon: daemon in cluster.daemon_pids(node),
                   f"{daemon} runs on {node}")
    assert cluster.run("gnt-node list --no-headers -o name").split() == [
        "node1", "node2", "node3"]


def test_pause_is_kept(cluster: VirtualCluster, instance: str) -> None:
    cluster.run("gnt-cluster watcher pause 1h")
    cluster.path("node1", f"/var/run/ganeti/ganeti-fake-hypervisor/{instance}").unlink()
    cluster.run("ganeti-watcher")
    assert _status(cluster, instance) == "ERROR_down"
    cluster.run("gnt-cluster watcher continue")
    cluster.run("ganeti-watcher")
    assert _status(cluster, instance) == "running"


def test_cleaner_runs_everywhere(cluster: VirtualCluster) -> None:
    for node in ("node1", "node2"):
        cluster.run("ganeti-cleaner node", node)
        cluster.run("ganeti-cleaner master", node)
    logs = list(cluster.path("node2", "/var/log/ganeti/master-cleaner").iterdir())
    assert len(logs) == 1 and "not the master" in logs[0].read_text()
