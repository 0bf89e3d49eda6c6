"""The job queue and its filters as an administrator meets them."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import time
import urllib.error
from collections.abc import Iterator

import pytest

from test.vcluster.fixture import VirtualCluster
from test.vcluster.test_clients import rapi  # noqa: F401 - a fixture
from test.waiting import wait_until

FINAL = {"success", "error", "canceled"}
WATERMARK = """'[["jobid", [">", "id", "watermark"]]]'"""


def _delay(seconds: float = 0, **more: object) -> dict:
    """Holds the lock of the master node; can be canceled while it waits."""
    return {"OP_ID": "OP_TEST_DELAY", "duration": seconds, "on_master": True, **more}


def _rows(cluster: VirtualCluster, jobs: list[int], *fields: str) -> list[list]:
    with cluster.luxi() as client:
        return client.query_jobs(jobs, list(fields))


def _statuses(cluster: VirtualCluster, jobs: list[int]) -> list[str]:
    return [row[0] for row in _rows(cluster, jobs, "status")]


def _under_way(cluster: VirtualCluster, jobs: list[int]) -> int:
    """How many were picked up and have not ended."""
    return sum(status in ("waiting", "running") for status in _statuses(cluster, jobs))


def _submit(cluster: VirtualCluster, *ops: dict) -> int:
    with cluster.luxi() as client:
        return client.submit_job(list(ops))


def _submit_each(cluster: VirtualCluster, *ops: dict) -> list[int]:
    with cluster.luxi() as client:
        answers = client.submit_many_jobs([[op] for op in ops])
    assert all(good for good, _ in answers), answers
    return [job for _, job in answers]


def _ended(cluster: VirtualCluster, *jobs: int) -> list[str]:
    wait_until(lambda: set(_statuses(cluster, list(jobs))) <= FINAL, f"jobs {jobs} end", 60)
    return _statuses(cluster, list(jobs))


def _in_order_of_start(cluster: VirtualCluster, jobs: list[int]) -> list[int]:
    """By the moment at which the first opcode got its locks."""
    rows = _rows(cluster, jobs, "opexec", "id")
    return [row[1] for row in sorted(rows, key=lambda row: row[0][0])]


@pytest.fixture
def one_at_a_time(cluster: VirtualCluster) -> Iterator[VirtualCluster]:
    cluster.run("gnt-cluster modify --max-running-jobs=1 --max-tracked-jobs=1")
    yield cluster
    cluster.run("gnt-cluster modify --max-running-jobs=20 --max-tracked-jobs=25")


@pytest.fixture
def filters(cluster: VirtualCluster) -> Iterator[VirtualCluster]:
    yield cluster
    for uuid in cluster.run("gnt-filter list --no-headers -o uuid").split():
        cluster.run(f"gnt-filter delete {uuid}")


def test_limits_change_at_run_time(one_at_a_time: VirtualCluster) -> None:
    cluster = one_at_a_time
    jobs = _submit_each(cluster, *[_delay(60)] * 5)
    wait_until(lambda: _statuses(cluster, jobs)[0] == "running", "the first one runs")
    time.sleep(0.3)
    assert _statuses(cluster, jobs) == ["running", *["queued"] * 4]
    # the change is a job as well: the next one, as it is urgent
    with cluster.luxi() as client:
        change = client.submit_job([{"OP_ID": "OP_CLUSTER_SET_PARAMS", "max_running_jobs": 3,
                                     "max_tracked_jobs": 3, "priority": -10}])
    cluster.run(f"gnt-job cancel -f {jobs[0]}")
    assert _ended(cluster, change, jobs[0]) == ["success", "canceled"]
    wait_until(lambda: _under_way(cluster, jobs) == 3, "three are under way", 10)
    assert _statuses(cluster, jobs)[4] == "queued"
    for job in jobs[1:]:
        cluster.run(f"gnt-job cancel -f {job}")
    assert set(_ended(cluster, *jobs)) == {"canceled"}


def test_priorities_change_while_queued(one_at_a_time: VirtualCluster) -> None:
    cluster = one_at_a_time
    holder = _submit(cluster, _delay(2))
    low, normal, high = _submit_each(
        cluster, _delay(0.05, priority=10), _delay(0.05), _delay(0.05, priority=-10))
    last = _submit(cluster, _delay(0.05, priority=10))
    said = cluster.run(f"gnt-job change-priority --priority=high {last}")
    assert f"job {last}" in said and "-10" in said
    assert set(_ended(cluster, holder, low, normal, high, last)) == {"success"}
    assert _in_order_of_start(cluster, [low, normal, high, last]) == [high, last, normal, low]
    refused = cluster.try_run(f"gnt-job change-priority --priority=low {last}")
    assert refused.returncode == 1 and "finished" in refused.stderr


def test_priorities_change_while_waiting_for_locks(cluster: VirtualCluster) -> None:
    holder = _submit(cluster, _delay(120))
    wait_until(lambda: _statuses(cluster, [holder]) == ["running"], "the holder runs")
    first, second, third = _submit_each(cluster, *[_delay(0.05)] * 3)
    wait_until(lambda: _statuses(cluster, [first, second, third]) == ["waiting"] * 3, "they wait")
    cluster.run(f"gnt-job change-priority --priority=high {third}")
    cluster.run(f"gnt-job change-priority --priority=low {first}")
    cluster.run(f"gnt-job cancel -f {holder}")
    assert _ended(cluster, first, second, third) == ["success"] * 3
    assert _in_order_of_start(cluster, [first, second, third]) == [third, second, first]


@pytest.mark.parametrize("wanted, first, end", [
    ([], "error", "success"), (["success"], "success", "success"),
    (["success"], "error", "error"), (["success"], "canceled", "canceled"),
    (["error", "canceled"], "canceled", "success"),
])
def test_dependencies(cluster: VirtualCluster, wanted: list[str], first: str, end: str) -> None:
    op = {"OP_ID": "OP_TEST_DUMMY", "messages": [], "fail": "as told" if first == "error" else None}
    if first == "canceled":
        op = _delay(60)
    with cluster.luxi() as client:
        (_, one), (_, two) = client.submit_many_jobs(
            [[op], [_delay(0, depends=[[-1, wanted]])]])
    three = _submit(cluster, _delay(0, depends=[[one, wanted]]))
    if first == "canceled":
        wait_until(lambda: _statuses(cluster, [one]) == ["running"], "it runs")
        assert _statuses(cluster, [two, three]) == ["queued"] * 2
        cluster.run(f"gnt-job cancel -f {one}")
    assert _ended(cluster, one, two, three) == [first, end, end]


def test_cancel_in_every_state(one_at_a_time: VirtualCluster) -> None:
    cluster = one_at_a_time
    running = _submit(cluster, _delay(60))
    wait_until(lambda: _statuses(cluster, [running]) == ["running"], "it runs")
    queued = _submit(cluster, _delay())
    assert cluster.run(f"gnt-job cancel -f {queued}").strip() == f"Dequeued job {queued}"
    assert _statuses(cluster, [queued]) == ["canceled"]
    cluster.run(f"gnt-job cancel -f {running}")
    assert _ended(cluster, running) == ["canceled"]
    refused = cluster.try_run(f"gnt-job cancel -f {running}")
    assert refused.returncode == 1 and "finished" in refused.stderr


def test_log_serials_reasons_and_times(cluster: VirtualCluster) -> None:
    job = _submit(cluster, {"OP_ID": "OP_TEST_DUMMY", "messages": ["one", "two"]},
                  {"OP_ID": "OP_TEST_DUMMY", "messages": ["three"]})
    assert _ended(cluster, job) == ["success"]
    ((logs, received, start, end),) = _rows(cluster, [job], "oplog", "received_ts", "start_ts",
                                            "end_ts")
    entries = [entry for log in logs for entry in log]
    assert [entry[0] for entry in entries] == [1, 2, 3]
    assert [entry[3] for entry in entries] == ["one", "two", "three"]
    moments = [received, start, *(entry[1] for entry in entries), end]
    assert moments == sorted(moments)
    printed = cluster.run("gnt-debug delay --reason='night shift' --print-jobid 0")
    ((ops,),) = _rows(cluster, [int(printed.split()[0])], "ops")
    assert [entry[:2] for entry in ops[0]["reason"]] == [
        ["gnt:user", "night shift"], ["gnt:client:gnt-debug", "delay"],
        ["gnt:opcode:test_delay", f"job={printed.split()[0]};index=0"]]


def test_submit_and_dry_run(cluster: VirtualCluster) -> None:
    said = cluster.try_run("gnt-node modify --submit --print-jobid --drained=yes --dry-run node3")
    job = int(said.stdout.split()[0])
    assert said.returncode == 0 and said.stderr == f"JobID: {job}\n"
    assert _ended(cluster, job) == ["success"]
    assert cluster.run("gnt-node list --no-headers -o drained node3").strip() == "N"
    refused = cluster.try_run("gnt-node modify --dry-run --offline=yes --drained=yes node3")
    assert refused.returncode == 1, "what could not be done is told"
    for line in ("gnt-group add --dry-run nogroup", "gnt-cluster modify --dry-run -B vcpus=7",
                 "gnt-network add --dry-run --network=192.0.2.0/24 nonet"):
        cluster.run(line)
    assert "nogroup" not in cluster.run("gnt-group list")
    assert "nonet" not in cluster.run("gnt-network list")
    assert "vcpus: 7" not in cluster.run("gnt-cluster info")


def test_archiving_by_age_on_all_candidates(cluster: VirtualCluster) -> None:
    jobs = _submit_each(cluster, *[_delay()] * 5)
    _ended(cluster, *jobs)
    assert "Archived 0 jobs" in cluster.run("gnt-job autoarchive 1d")
    cluster.run("gnt-job autoarchive all")
    for node in ("node1", "node2", "node3"):
        queue = cluster.path(node, "/var/lib/ganeti/queue")
        assert not list(queue.glob("job-*")), node
        for job in jobs:
            assert (queue / f"archive/{job // 10000}/job-{job}").exists(), (node, job)
    assert f"{jobs[0]}" not in cluster.run("gnt-job list --no-headers -o id").split()
    listed = cluster.run("gnt-job list --no-headers --archived -o id,status").splitlines()
    assert [str(jobs[0]), "success"] in [line.split()[:2] for line in listed]


def test_filters_hold_back_and_let_go(filters: VirtualCluster) -> None:
    cluster = filters
    uuid = cluster.run(f"gnt-filter add --reason=maintenance --priority=5 --action=PAUSE "
                       f"--predicates={WATERMARK}").strip()
    held = _submit(cluster, _delay())
    cluster.run("gnt-filter add --priority=1 --action=ACCEPT --predicates="
                """'[["reason", ["=", "reason", "urgent"]]]'""")
    cluster.run("gnt-debug delay --reason=urgent 0")
    time.sleep(0.3)
    assert _statuses(cluster, [held]) == ["queued"]
    shown = cluster.run(f"gnt-filter info {uuid}")
    assert "maintenance" in shown and "Action: PAUSE" in shown
    assert [line.split()[0] for line in cluster.run(
        "gnt-filter list --no-headers -o priority").splitlines()] == ["1", "5"]
    for node in ("node1", "node2"):
        config = json.loads(cluster.path(node, "/var/lib/ganeti/config.data").read_text())
        assert config["filters"][uuid]["watermark"] < held, "persisted on the candidates too"
    assert cluster.run(f"gnt-filter replace --action=CONTINUE {uuid}").strip() == uuid
    assert _ended(cluster, held) == ["success"]


def test_filters_reject_and_limit(filters: VirtualCluster) -> None:
    cluster = filters
    wanted = """'[["opcode", ["&", ["=", "OP_ID", "OP_TEST_DELAY"], ["=", "duration", 0.25]]]]'"""
    uuid = cluster.run(f"gnt-filter add --action=REJECT --predicates={wanted}").strip()
    job = _submit(cluster, _delay(0.25))
    assert _ended(cluster, job) == ["canceled"]
    ((result,),) = _rows(cluster, [job], "opresult")
    assert uuid in str(result)
    cluster.run("gnt-debug delay 0")
    cluster.run(f"gnt-filter replace --action='RATE_LIMIT 2' --predicates={wanted} {uuid}")
    jobs = _submit_each(cluster, *[_delay(0.25)] * 6)
    most = 0
    while set(_statuses(cluster, jobs)) - FINAL:
        most = max(most, _under_way(cluster, jobs))
    assert most == 2 and set(_statuses(cluster, jobs)) == {"success"}
    for line, text in (("--action=NONSENSE", "NONSENSE"), ("--priority=-1", "-1"),
                       ("""--predicates='[["colour", []]]'""", "colour")):
        refused = cluster.try_run(f"gnt-filter add {line}")
        assert refused.returncode == 1 and text in refused.stderr
    assert cluster.try_run("gnt-filter delete 9e1b3f8c-5c6d-4b6f-8d0e-0f3a5b1c2d3e").returncode == 1


def test_filters_over_rapi(filters: VirtualCluster, rapi) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    uuid = rapi("POST", "/2/filters", {"priority": 3, "action": ["RATE_LIMIT", 4]})
    assert rapi("GET", "/2/filters") == [{"uuid": uuid, "uri": f"/2/filters/{uuid}"}]
    (row,) = rapi("GET", "/2/filters?bulk=1")
    assert row == rapi("GET", f"/2/filters/{uuid}")
    assert (row["priority"], row["action"], row["predicates"]) == (3, ["RATE_LIMIT", 4], [])
    assert rapi("PUT", f"/2/filters/{uuid}", {"action": "ACCEPT"}) == uuid
    assert rapi("GET", f"/2/filters/{uuid}")["action"] == "ACCEPT"
    with pytest.raises(urllib.error.HTTPError) as caught:
        rapi("POST", "/2/filters", {"colour": 1})
    assert caught.value.code == 400
    caught.value.close()
    assert rapi("DELETE", f"/2/filters/{uuid}") is None
    assert rapi("GET", "/2/filters") == []


def _cpu_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_the_queue_tests_itself_and_commands_are_noted(cluster: VirtualCluster) -> None:
    assert cluster.run("gnt-debug test-jobqueue").endswith("The job queue passes its test\n")
    log = cluster.path("node1", "/var/log/ganeti/commands.log").read_text()
    assert "runs: test-jobqueue" in log.splitlines()[-1]


def test_300_jobs_wait_for_one_lock(cluster: VirtualCluster) -> None:
    cluster.run("gnt-cluster modify --max-running-jobs=400 --max-tracked-jobs=400")
    try:
        holder = _submit(cluster, _delay(120))
        wait_until(lambda: _statuses(cluster, [holder]) == ["running"], "the holder runs")
        priorities = [(0, 10, -10)[number % 3] for number in range(300)]
        jobs = _submit_each(cluster, *[_delay(0, priority=priority) for priority in priorities])
        wait_until(lambda: set(_statuses(cluster, jobs)) == {"waiting"}, "all wait", 60)
        pid = cluster.daemon_pids("node1")["ganeti-masterd"]
        time.sleep(1)
        before = _cpu_seconds(pid)
        time.sleep(4)
        assert _cpu_seconds(pid) - before <= 0.08, "waiting costs nothing"
        with cluster.luxi() as client:
            rows = client.query("lock", ["name", "pending"], None)["data"]
        (pending,) = [row[1][1] for row in rows if row[1][1]]
        assert sum(len(owners) for _, owners in pending) == 300
        cluster.run(f"gnt-job cancel -f {holder}")
        assert set(_ended(cluster, *jobs)) == {"success"}
        wanted = [job for _, job in sorted(zip(priorities, jobs, strict=True))]
        assert _in_order_of_start(cluster, jobs) == wanted, "by priority, then by order"
    finally:
        cluster.run("gnt-cluster modify --max-running-jobs=20 --max-tracked-jobs=25")


def test_locks_again_and_again(cluster: VirtualCluster) -> None:
    holder = _submit(cluster, _delay(120))
    wait_until(lambda: _statuses(cluster, [holder]) == ["running"], "it runs")
    argv, environment = cluster.command("node1", "gnt-debug locks --interval=1 -o name,owner")
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        tables: list[list[str]] = [[]]
        while len(tables) < 3:
            line = process.stdout.readline()
            assert line, "it goes on until it is stopped"
            if line.strip():
                tables[-1].append(line)
            else:
                tables.append([])
        process.terminate()
    assert all(str(holder) in "".join(table) for table in tables[:2])
    cluster.run(f"gnt-job cancel -f {holder}")
    assert _ended(cluster, holder) == ["canceled"]
