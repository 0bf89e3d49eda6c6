"""Placement as administrators ask for it: through the remote API, between groups, many at once."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ganeti import constants
from test.vcluster.fixture import VirtualCluster

ADD = ("gnt-instance add -t sharedfile -s 16m -H fake -o demo-linux+default --no-ip-check"
       " --no-name-check --no-nics")


def _nodes(cluster: VirtualCluster, *names: str) -> list[str]:
    return cluster.run("gnt-instance list --no-headers -o pnode " + " ".join(names)).split()


@pytest.fixture
def crowded(cluster: VirtualCluster) -> Iterator[VirtualCluster]:
    """Two instances on one node."""
    for name in ("far1", "far2"):
        cluster.run(f"{ADD} -n node1 {name}")
    yield cluster
    for name in ("far1", "far2"):
        cluster.run(f"gnt-instance remove -f --shutdown-timeout=0 {name}")


@pytest.fixture
def two_groups(crowded: VirtualCluster) -> Iterator[VirtualCluster]:
    """node2 and node3 in a group of their own."""
    crowded.run("gnt-group add other")
    crowded.run("gnt-group assign-nodes --force other node2 node3")
    yield crowded
    crowded.run("gnt-group assign-nodes --force default node2 node3")
    crowded.run("gnt-group remove other")


def test_the_remote_api_tells_the_programs_the_same(crowded: VirtualCluster) -> None:
    url = f"https://{crowded.address('node1')}:{constants.DEFAULT_RAPI_PORT}"
    here, there = (json.loads(crowded.run(f"hbal {source} --json --max-length=1"))["moves"]
                   for source in ("-L", f"-m {url}"))
    assert here and there[0]["instance"] == here[0]["instance"]
    assert "Cluster is N+1 happy" in crowded.run(f"hinfo -m {url}")
    assert crowded.run(f"hroller -m {url} --no-headers").split()
    directory = crowded.path("node1", "/var/tmp")
    directory.mkdir(parents=True, exist_ok=True)
    lines = crowded.run(f"hscan -d {directory} --no-headers").split("\n")
    assert lines[0].split()[:3] == ["LOCAL", "3", "2"]
    assert crowded.run(f"hscan -d {directory} --no-headers {url}").split()[1:3] == ["3", "2"]
    kept = crowded.run(f"hinfo -t {directory}/LOCAL.data")
    assert "Loaded 3 nodes, 2 instances" in kept
    assert crowded.try_run(f"hinfo -m {crowded.address('node1')}:1").returncode == 1


def test_instances_change_their_group(two_groups: VirtualCluster) -> None:
    two_groups.run("gnt-instance change-group --to other far1")
    (node,) = _nodes(two_groups, "far1")
    assert node in ("node2", "node3")
    two_groups.run("gnt-group evacuate --to default other")
    assert _nodes(two_groups, "far1", "far2") == ["node1", "node1"]
    two_groups.run("gnt-group evacuate default")
    assert set(_nodes(two_groups, "far1", "far2")) <= {"node2", "node3"}


def test_many_at_once_are_spread(cluster: VirtualCluster) -> None:
    names = ["many1", "many2", "many3"]
    wanted = [{"instance_name": name, "disk_template": "sharedfile", "disks": [{"size": 16}],
               "nics": [], "os_type": "demo-linux+default", "hypervisor": "fake",
               "ip_check": False, "name_check": False, "start": False,
               "mode": "create"} for name in names]
    file = cluster.path("node1", "/var/tmp") / "many.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(wanted))
    try:
        cluster.run(f"gnt-instance batch-create --iallocator=hail {file}")
        assert len(set(_nodes(cluster, *names))) == 3
    finally:
        for name in names:
            cluster.try_run(f"gnt-instance remove -f {name}")
