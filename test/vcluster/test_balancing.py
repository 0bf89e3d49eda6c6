"""Placing and balancing on real daemons: the default allocator, hail as a program, hbal -L."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from test.vcluster.fixture import VirtualCluster

ADD = ("gnt-instance add -t sharedfile -s 16m -H fake -o demo-linux+default --no-ip-check"
       " --no-name-check --no-nics")
NAMES = ["bal1", "bal2", "bal3", "bal4"]


@pytest.fixture
def placed(cluster: VirtualCluster) -> Iterator[VirtualCluster]:
    """Four instances that the default allocator has placed."""
    for name in NAMES:
        cluster.run(f"{ADD} {name}")
    yield cluster
    for name in NAMES:
        cluster.run(f"gnt-instance remove -f --shutdown-timeout=0 {name}")


def _primaries(cluster: VirtualCluster) -> list[str]:
    return cluster.run("gnt-instance list --no-headers -o pnode " + " ".join(NAMES)).split()


def test_the_default_allocator_spreads_and_hbal_balances(placed: VirtualCluster) -> None:
    assert "default instance allocator: hail" in placed.run("gnt-cluster info")
    assert len(set(_primaries(placed))) == 3
    where = dict(zip(NAMES, _primaries(placed), strict=True))
    for name, node in where.items():
        if node != "node1":
            placed.run(f"gnt-instance migrate -f -n node1 {name}")
    assert set(_primaries(placed)) == {"node1"}
    before = json.loads(placed.run("hbal -L --json"))
    assert before["moves"]
    text = placed.run("hbal -L -X -C")
    assert "gnt-instance migrate -f -n node" in text and "success" in text
    assert len(set(_primaries(placed))) == 3
    assert not json.loads(placed.run("hbal -L --json"))["moves"]


def test_hail_is_found_as_a_program_and_answers(placed: VirtualCluster) -> None:
    text = placed.run("gnt-debug iallocator --dir out --mode allocate -I hail --disk-template"
                      " sharedfile --disks 16m --memory 128 -o demo-linux+default fresh")
    assert "Request successful: Selected group: default" in text


def test_a_node_is_evacuated_by_the_allocator(placed: VirtualCluster) -> None:
    node = _primaries(placed)[0]
    placed.run(f"gnt-node evacuate -f -p -I hail {node}")
    assert node not in _primaries(placed)


def test_the_other_programs_read_the_live_cluster(placed: VirtualCluster) -> None:
    assert "Cluster score: " in placed.run("hinfo -L")
    assert "HTS_OK=1" in placed.run("hspace -L --machine-readable -l 2")
    assert "Cluster statistics initially" in placed.try_run("hcheck -L").stdout
