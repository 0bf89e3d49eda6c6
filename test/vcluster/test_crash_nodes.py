"""kill -9 of node daemons: during calls, under a candidate's copies, while jobs run."""

from __future__ import annotations

import json
import threading
import time

from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until

FINAL = {"success", "error", "canceled"}


def _status(cluster: VirtualCluster, number: int) -> str:
    return cluster.run(f"gnt-job list --no-headers -o status {number}").strip()


def _delay(cluster: VirtualCluster, words: str) -> int:
    return int(cluster.run(f"gnt-debug delay --submit --print-jobid {words}").split()[0])


def test_killed_while_it_carries_out_a_call(battered: VirtualCluster) -> None:
    cluster = battered
    number = _delay(cluster, "--no-master -n node2 60")
    wait_until(lambda: _status(cluster, number) == "running", "the call is under way")
    time.sleep(0.2)
    begun = time.monotonic()
    cluster.kill_daemon("node2", "ganeti-noded")
    result = cluster.try_run(f"gnt-job watch {number}", timeout=30)
    assert time.monotonic() - begun < 10, "a broken connection is noticed at once"
    assert result.returncode == 1
    assert "node2" in result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    cluster.daemon_util("node2", "start", "ganeti-noded")
    cluster.run("gnt-debug delay --no-master -n node2 0.01")


def test_a_candidates_daemon_killed_again_and_again(battered: VirtualCluster) -> None:
    """The queue goes on, nothing acknowledged is lost, and the candidate catches up."""
    cluster = battered
    numbers: list[int] = []
    slowest = 0.0
    with cluster.luxi() as client:
        over = threading.Event()

        def torment() -> None:
            while not over.wait(0.4):
                cluster.kill_daemon("node2", "ganeti-noded")
                cluster.daemon_util("node2", "start", "ganeti-noded")

        tormentor = threading.Thread(target=torment)
        tormentor.start()
        deadline = time.monotonic() + 5
        try:
            while time.monotonic() < deadline:
                begun = time.monotonic()
                answers = client.submit_many_jobs(
                    [[{"OP_ID": "OP_TAGS_SET", "kind": "node", "name": "node3",
                       "tags": [f"t{len(numbers)}"]}],
                     [{"OP_ID": "OP_TEST_DELAY", "duration": 0.01}]])
                slowest = max(slowest, time.monotonic() - begun)
                assert all(good for good, _ in answers)
                numbers += [number for _, number in answers]
                time.sleep(0.05)
        finally:
            over.set()
            tormentor.join(60)
    assert slowest < 10, "a dying candidate does not stop submissions"
    wait_until(lambda: {_status(cluster, number) for number in numbers[-4:]} <= FINAL,
               "the queue goes on")
    statuses = cluster.run("gnt-job list --no-headers -o id,status --separator=:").split()
    assert {f"{number}:success" for number in numbers} <= set(statuses)
    queue = [cluster.path(node, "/var/lib/ganeti/queue") for node in ("node1", "node2")]

    def equal() -> bool:
        return all((queue[1] / f"job-{number}").exists() and
                   json.loads((queue[0] / f"job-{number}").read_text())["ops"]
                   == json.loads((queue[1] / f"job-{number}").read_text())["ops"]
                   for number in numbers)

    wait_until(equal, "the candidate catches up", 45)
    cluster.run("gnt-cluster redist-conf")
    config = "/var/lib/ganeti/config.data"
    assert cluster.path("node1", config).read_bytes() == cluster.path("node2", config).read_bytes()


def test_master_and_candidate_killed_together(battered: VirtualCluster) -> None:
    cluster = battered
    with cluster.luxi() as client:
        numbers = [number for _, number in client.submit_many_jobs(
            [[{"OP_ID": "OP_TEST_DELAY", "duration": 0.05}]] * 30)]
    for node, name in (("node2", "ganeti-noded"), ("node1", "ganeti-masterd"),
                       ("node1", "ganeti-noded")):
        cluster.kill_daemon(node, name)
    for node in ("node1", "node2"):
        cluster.daemon_util(node, "start-all")
    def settled() -> bool:
        with cluster.luxi() as client:
            rows = client.call("QueryJobs", [numbers, ["status"]])
        return {row[0] for row in rows} <= {"success", "error"}

    wait_until(settled, "all jobs end", 60)
    with cluster.luxi() as client:
        rows = client.call("QueryJobs", [numbers, ["status", "opresult"]])
    assert sum(row[0] == "error" for row in rows) <= 20, "only those that ran were lost"
