"""harep and hsqueeze on real daemons: tags permit and record repairs, spare nodes go to sleep."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until

ADD = ("gnt-instance add -s 16m -H fake -o demo-linux+default --no-ip-check --no-name-check"
       " --no-nics")
TAG = "ganeti:watcher:autorepair:"


@pytest.fixture
def offline_node(battered: VirtualCluster) -> Iterator[VirtualCluster]:
    """node3 has lost its power with an instance on it, and the administrator has said so."""
    cluster = battered
    cluster.run(f"{ADD} -t sharedfile -n node3 rep1")
    cluster.power_off("node3")
    cluster.run("gnt-node modify --offline=yes --auto-promote --force node3")
    yield cluster
    cluster.power_on("node3")
    cluster.run("gnt-node modify --offline=no node3")
    cluster.run("gnt-instance remove -f --shutdown-timeout=0 --ignore-failures rep1")
    cluster.try_run(f"gnt-cluster remove-tags {TAG}fix-storage {TAG}failover")


def _tags(cluster: VirtualCluster) -> list[str]:
    return cluster.run("gnt-instance list-tags rep1").split()


def _repair(cluster: VirtualCluster) -> str:
    return json.loads(cluster.run("harep --json --job-delay=0.1 --reason=night"))[
        "instances"][0]["state"]


def test_an_instance_of_a_dead_node_is_repaired_by_tags(offline_node: VirtualCluster) -> None:
    cluster = offline_node
    assert "Not repairing rep1: repairs are not enabled" in cluster.run("harep -L")
    cluster.run(f"gnt-cluster add-tags {TAG}fix-storage")
    assert _repair(cluster) == "Needs repair"
    (refused,) = _tags(cluster)
    assert refused.startswith(f"{TAG}result:failover:") and refused.endswith(":enoperm:")
    assert _repair(cluster) == "Needs repair" and _tags(cluster) == [refused]
    cluster.run(f"gnt-cluster remove-tags {TAG}fix-storage")
    cluster.run(f"gnt-cluster add-tags {TAG}failover")
    assert "pending:failover:" in cluster.run("harep --dry-run") and _tags(cluster) == [refused]
    assert _repair(cluster) == "Pending repair"
    (pending,) = _tags(cluster)
    job = pending.rpartition(":")[2]
    assert pending.startswith(f"{TAG}pending:failover:")
    assert "night" in cluster.run(f"gnt-job info {job}")
    wait_until(lambda: cluster.run(f"gnt-job list --no-headers -o status {job}").strip()
               == "success", "the repair")
    assert _repair(cluster) == "Healthy"
    (done,) = _tags(cluster)
    assert f":success:{job}" in done and done.startswith(f"{TAG}result:failover:")
    assert cluster.run("gnt-instance list --no-headers -o pnode,status rep1").split()[0] != "node3"
    assert _repair(cluster) == "Healthy" and _tags(cluster) == [done]


def test_a_node_that_is_not_needed_goes_to_standby_and_comes_back(
        battered: VirtualCluster) -> None:
    cluster = battered
    cluster.run(f"{ADD} -t sharedfile -n node2 rep1")
    plan = json.loads(cluster.run("hsqueeze -L --json"))
    assert plan["action"] == "offline" and set(plan["nodes"]) == {"node2", "node3"}
    text = cluster.run("hsqueeze -L -X -C")
    assert "gnt-node add-tags node3 htools:standby:auto" in text and "success" in text

    def resting() -> list[tuple[str, bool]]:
        """Offline or not, and marked or not; the nodes may have other tags of other tests."""
        rows = cluster.run("gnt-node list --no-headers --separator=: -o offline,tags node2 node3")
        return [(row[0], "htools:standby:auto" in row[2:].split(",")) for row in rows.split()]

    assert resting() == [("Y", True)] * 2
    assert cluster.run("gnt-instance list --no-headers -o pnode,status rep1").split() == [
        "node1", "running"]
    cluster.run("hsqueeze -L -X --minimal-resources=100000")
    assert resting() == [("N", True)] * 2
    cluster.run("gnt-node remove-tags node2 htools:standby:auto")
    cluster.run("gnt-node remove-tags node3 htools:standby:auto")
    cluster.run("gnt-instance remove -f --shutdown-timeout=0 rep1")
