"""Node locks are free for others while a new instance's mirrors come into step."""

from __future__ import annotations

import pytest

from ganeti.cmdlib.instance import disks
from ganeti.locking import levels, manager
from ganeti.masterd import context
from test.fakedrbd import Mirrors
from test.incluster import InCluster, node_uuid
from test.unit.cmdlib.instance.test_instance_drbd import add, small_policy

OTHER_JOB = 4711


@pytest.fixture
def cluster(tmp_path, monkeypatch) -> InCluster:
    Mirrors().install(monkeypatch)
    monkeypatch.setattr("ganeti.cmdlib.instance.disk_specs.require_space", lambda *a, **k: None)
    made = InCluster(str(tmp_path), count=3, volume_group_name="xenvg",
                     enabled_disk_templates=["drbd", "diskless"],
                     drbd_usermode_helper="/bin/true", ipolicy=small_policy())
    yield made
    made.close()


def free(cluster: InCluster, level: levels.Level) -> list[bool]:
    """Whether another job could have the first two nodes for itself at this moment."""
    found = []
    for number in (1, 2):
        other = manager.Holdings(cluster.locks, OTHER_JOB,
                                 lambda kind: context.names_of_level(cluster.config, kind))
        found.append(other.acquire(level, [node_uuid(number)], shared=False, timeout=0,
                                   priority=lambda: 0, opportunistic=False))
        other.release_all()
    return found


def test_other_jobs_get_the_nodes_while_disks_synchronise(cluster, monkeypatch):
    seen = {}

    def look(when: str) -> None:
        seen.setdefault(when, [free(cluster, level) for level in (
            levels.Level.NODE, levels.Level.NODE_RES)])

    progress = iter([10.0, 60.0, None])
    real = disks.mirror_status

    def mirror_status(*args):
        percent = next(progress)
        look(f"at {percent}")
        return [{**state, "sync_percent": percent, "estimated_time": None, "is_degraded": bool(
            percent)} for state in real(*args)]

    monkeypatch.setattr(disks, "mirror_status", mirror_status)
    monkeypatch.setattr(disks.time, "sleep", lambda _seconds: None)
    cluster.nodes.before["blockdev_create"] = lambda: look("while they are made")
    cluster.nodes.before["instance_os_add"] = lambda: look("while the system is installed")
    add(cluster, wait_for_sync=True)
    nothing, everything = [False, False], [True, True]
    assert seen == {
        "while they are made": [nothing, nothing],
        "at 10.0": [everything, nothing], "at 60.0": [everything, nothing],
        "at None": [everything, nothing],
        "while the system is installed": [everything, everything]}
    assert any("60.00 % done" in line for line in cluster.log)
