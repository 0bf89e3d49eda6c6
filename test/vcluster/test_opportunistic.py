"""Instances are created side by side when each takes the nodes that are free at that moment."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until

HOOK = """#!/bin/sh
touch {place}/at-$GANETI_INSTANCE_NAME
count=0
while [ ! -e {place}/go ] && [ $count -lt 600 ]; do sleep 0.1; count=$((count + 1)); done
"""
ADD = ("gnt-instance add --submit -I hail --opportunistic-locking -t sharedfile -s 16m -H fake"
       " -o demo-linux+default --no-nics --no-ip-check --no-name-check ")


@pytest.fixture
def place(cluster: VirtualCluster, tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A hook holds each creation up, once its node is chosen, until there is the file `go`."""
    hook = cluster.path("node1", "/etc/ganeti/hooks/instance-add-pre.d/hold")
    hook.parent.mkdir(parents=True, exist_ok=True)
    hook.write_text(HOOK.format(place=tmp_path))
    hook.chmod(0o755)
    yield tmp_path
    (tmp_path / "go").touch()
    hook.unlink()
    for name in cluster.run("gnt-instance list --no-headers -o name").split():
        if name.startswith("side"):
            cluster.run(f"gnt-instance remove -f {name}")


def test_creations_side_by_side(cluster: VirtualCluster, place: pathlib.Path) -> None:
    def submit(name: str) -> int:
        told = cluster.try_run(ADD + name)
        assert told.returncode == 0
        return int(told.stderr.split()[-1])

    numbers = []
    for name in ("side1", "side2", "side3"):
        numbers.append(submit(name))
        wait_until((place / f"at-{name}").exists, f"{name} has its node")
    locks = cluster.run("gnt-debug locks --no-headers --separator=/ -o name,mode,owner").split("\n")
    held = [line for line in locks if line.startswith("node/") and "exclusive" in line]
    assert len(held) == 3, locks
    late = submit("side4")
    assert cluster.try_run(f"gnt-job wait {late}").returncode == 1
    assert "try again later" in cluster.run(f"gnt-job list --no-headers -o opresult {late}")
    (place / "go").touch()
    for number in numbers:
        cluster.run(f"gnt-job wait {number}")
    nodes = cluster.run("gnt-instance list --no-headers -o pnode side1 side2 side3").split()
    assert sorted(nodes) == ["node1", "node2", "node3"]
    cluster.run(f"gnt-job wait {submit('side5')}")
