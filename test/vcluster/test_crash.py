"""kill -9 of the master daemon at moments drawn by lot, under load of every kind.

SOAK=N plays N rounds instead of 5; FAULT_SEED repeats a run whose seed a failure has printed.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import random
import threading
import time

import pytest

from ganeti import errors
from ganeti.luxi.client import Client
from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until

ROUNDS = int(os.environ.get("SOAK", "5"))
SEED = int(os.environ.get("FAULT_SEED", "0")) or random.randrange(1, 10**9)
FINAL = {"success", "error", "canceled"}
QUEUE = "/var/lib/ganeti/queue"
CONFIG = "/var/lib/ganeti/config.data"


class Load:
    """Clients that submit, change the configuration and archive until the daemon dies.

    What the daemon acknowledged is written down; whatever else happened is nobody's loss.
    """

    def __init__(self, cluster: VirtualCluster, round_: int) -> None:
        self.cluster = cluster
        self.round = round_
        self.lot = random.Random(SEED + round_)
        self.jobs: list[int] = []
        self.tags: list[str] = []
        self._died = threading.Event()
        self._threads = [threading.Thread(target=self._until_death, args=(work,))
                         for work in (self._submit, self._submit_many, self._tag, self._archive)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._died.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive(), "a client of a dead daemon hangs"

    def _until_death(self, work) -> None:  # type: ignore[no-untyped-def]
        path = str(self.cluster.path("node1", "/var/run/ganeti/socket/ganeti-query"))
        client = Client(path, is_master=lambda: False)
        with contextlib.suppress(errors.LuxiError, OSError), client:
            number = 0
            while not self._died.is_set():
                number += 1
                work(client, number)

    def _submit(self, client: Client, number: int) -> None:
        """Jobs whose hook leaves a line each time they run."""
        self.jobs.append(client.submit_job([{
            "OP_ID": "OP_NETWORK_ADD", "network_name": f"net{self.round}-{number}",
            "network": f"10.{self.round % 250}.{number % 250}.0/28"}]))
        time.sleep(self.lot.random() / 50)

    def _submit_many(self, client: Client, number: int) -> None:
        for good, job in client.submit_many_jobs([[
                {"OP_ID": "OP_TEST_DELAY", "duration": 0.02, "on_master": False,
                 "on_nodes": [self.lot.choice(self.cluster.layout.nodes).name]}]] * 7):
            assert good, job
            self.jobs.append(job)
        time.sleep(self.lot.random() / 10)

    def _tag(self, client: Client, number: int) -> None:
        """A change of the configuration counts when its job was reported as done."""
        tag = f"round{self.round}-{number}"
        job = client.submit_job([{"OP_ID": "OP_TAGS_SET", "kind": "cluster", "name": None,
                                  "tags": [tag]}])
        self.jobs.append(job)
        status = [""]
        while status[0] not in FINAL:
            answer = client.call("WaitForJobChange", [job, ["status"], status, None, 5])
            status = answer[0] if answer else status
        assert status == ["success"]
        self.tags.append(tag)

    def _archive(self, client: Client, _number: int) -> None:
        client.call("AutoArchiveJobs", [-1, 5])
        time.sleep(self.lot.random() / 5)


def _all_jobs(client: Client) -> dict[int, str]:
    rows = client.call("Query", ["job", ["id", "status", "archived"], ["|", ["?", "archived"],
                                                                    ["!", ["?", "archived"]]]])
    return {int(row[0][1]): row[1][1] for row in rows["data"]}


def _job_files(cluster: VirtualCluster, node: str) -> dict[str, bytes]:
    queue = cluster.path(node, QUEUE)
    return {str(file.relative_to(queue)): file.read_bytes() for file in queue.rglob("job-*")}


def _count_executions(cluster: VirtualCluster) -> pathlib.Path:
    """A hook that writes the name of each network that a job adds into the file given back."""
    hook = cluster.path("node1", "/etc/ganeti/hooks/network-add-pre.d/count")
    counted = cluster.path("node1", "/tmp/counted")
    hook.parent.mkdir(parents=True)
    hook.write_text(f"#!/bin/sh\necho \"$GANETI_NETWORK_NAME\" >> {counted}\n")
    hook.chmod(0o755)
    return counted


def _wrong_ends(cluster: VirtualCluster, jobs: list[int]) -> list[str]:
    """Jobs that ended in another way than well, or by the death of the daemon."""
    with cluster.luxi() as client:
        rows = client.call("QueryJobs", [jobs, ["id", "status", "opresult", "archived"]])
    return [str(row) for row in rows if row[1] != "success"
            and not (row[1] == "error" and "master daemon was stopped" in str(row[2]))]


@pytest.mark.timeout(60 + 30 * ROUNDS)
def test_killed_at_any_moment(own_cluster: VirtualCluster) -> None:
    cluster = own_cluster
    print(f"FAULT_SEED={SEED} SOAK={ROUNDS}")
    lot = random.Random(SEED)
    counted = _count_executions(cluster)
    serials = [json.loads(cluster.path("node1", CONFIG).read_text())["serial_no"]]
    jobs: list[int] = []
    tags: list[str] = []
    for round_ in range(ROUNDS):
        with Load(cluster, round_) as load:
            time.sleep(0.1 + lot.random() * 1.5)
            cluster.kill_daemon("node1", "ganeti-masterd")
        assert not set(load.jobs) & set(jobs), "an id was given out twice"
        assert not jobs or not load.jobs or min(load.jobs) > max(jobs)
        jobs += load.jobs
        tags += load.tags
        on_disk = json.loads(cluster.path("node1", CONFIG).read_text())
        assert on_disk["serial_no"] >= serials[-1], "the serial number never goes back"
        assert set(tags) <= set(on_disk["cluster"]["tags"]), "an acknowledged change is on disk"
        serials.append(on_disk["serial_no"])
        cluster.daemon_util("node1", "start-master")
        with cluster.luxi() as client:
            known = _all_jobs(client)
            assert set(jobs) <= set(known), "an acknowledged job is known"
    assert len(jobs) > 5 * ROUNDS, f"the load was no load: {jobs}"
    assert tags, "nothing was acknowledged"
    with cluster.luxi() as client:
        wait_until(lambda: set(_all_jobs(client).values()) <= FINAL, "all jobs end", 60)
    assert _wrong_ends(cluster, jobs) == []
    runs = counted.read_text().split()
    assert len(runs) == len(set(runs)), "a job ran twice"
    assert "ERROR" not in cluster.run("gnt-cluster verify")
    cluster.run("gnt-cluster redist-conf")
    cluster.run("gnt-job autoarchive all")
    first = _job_files(cluster, "node1")
    assert set(jobs) <= {int(name.rpartition("-")[2]) for name in first}
    for node in ("node2", "node3"):
        assert cluster.path(node, CONFIG).read_bytes() == cluster.path(
            "node1", CONFIG).read_bytes(), node
        live = {name: data for name, data in _job_files(cluster, node).items()
                if "archive" not in name}
        wait_until(lambda node=node: {
            name for name in _job_files(cluster, node) if "archive" not in name}
            == {name for name in _job_files(cluster, "node1") if "archive" not in name},
            f"{node} has the queue: {sorted(live)[:9]}")
    assert set(cluster.run("gnt-debug locks --no-headers -o owner").split()) <= {"-"}
