"""Pulled plugs: kill -9 of daemons and nodes; nothing acknowledged is lost."""

from __future__ import annotations

import json

from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until

FINAL = {"success", "error", "canceled"}


def _statuses(cluster: VirtualCluster, numbers: list[int]) -> dict[int, str]:
    rows = cluster.run("gnt-job list --no-headers --separator=: -o id,status").split()
    table = dict(row.split(":") for row in rows)
    return {number: table[str(number)] for number in numbers}


def _job_file(cluster: VirtualCluster, node: str, number: int) -> dict:
    return json.loads(cluster.path(node, f"/var/lib/ganeti/queue/job-{number}").read_text())


def test_master_daemon_killed_with_jobs_queued_and_running(own_cluster: VirtualCluster) -> None:
    cluster = own_cluster
    client = cluster.luxi()
    cluster.run("gnt-cluster modify --max-running-jobs=3")
    # Longer than it takes to submit and kill: the running ones are caught in the middle. Each
    # locks a node of its own.
    slow = [[{"OP_ID": "OP_TEST_DELAY", "duration": 20.0, "on_master": False,
              "on_nodes": [node.name]}] for node in cluster.layout.nodes]
    quick = [[{"OP_ID": "OP_TEST_DELAY", "duration": 0.01}] for _ in range(50)]
    running = [number for _, number in client.submit_many_jobs(slow)]
    wait_until(lambda: set(_statuses(cluster, running).values()) == {"running"}, "three run")
    queued = [number for ok, number in client.submit_many_jobs(quick) if ok]
    assert len(queued) == 50
    client.close()
    assert "queued" in _statuses(cluster, queued).values()

    cluster.kill_daemon("node1", "ganeti-masterd")
    cluster.daemon_util("node1", "start-master")

    ended = {}

    def all_ended() -> bool:
        ended.update(_statuses(cluster, running + queued))
        return set(ended.values()) <= FINAL

    wait_until(all_ended, "every job ends", 60)
    assert {ended[number] for number in queued} == {"success"}
    assert {ended[number] for number in running} == {"error"}
    for number in running:
        job = _job_file(cluster, "node1", number)
        assert "master daemon was stopped" in json.dumps(job["ops"][0]["result"])
    for number in running + queued:
        assert (_job_file(cluster, "node1", number)["ops"]
                == _job_file(cluster, "node2", number)["ops"]), "candidates hold the same"
    newest = client_submit(cluster)
    assert newest > max(running + queued), "ids never repeat"
    assert "ERROR" not in cluster.run("gnt-cluster verify")
    locks = cluster.run("gnt-debug locks --no-headers -o owner").split()
    assert set(locks) <= {"-"}, "no lock is left behind"


def client_submit(cluster: VirtualCluster) -> int:
    client = cluster.luxi()
    try:
        return client.submit_job([{"OP_ID": "OP_TEST_DELAY", "duration": 0}])
    finally:
        client.close()


def test_clean_stop_waits_for_running_jobs(own_cluster: VirtualCluster) -> None:
    number = int(own_cluster.run("gnt-debug delay --submit --print-jobid 1.5").split()[0])
    wait_until(lambda: _statuses(own_cluster, [number])[number] == "running", "it runs")
    own_cluster.daemon_util("node1", "stop-master")
    assert _job_file(own_cluster, "node1", number)["ops"][0]["status"] == "success"
    own_cluster.daemon_util("node1", "start-master")
    assert _statuses(own_cluster, [number]) == {number: "success"}


def test_node_daemon_killed(own_cluster: VirtualCluster) -> None:
    cluster = own_cluster
    cluster.run("gnt-instance add -t diskless -H fake -o demo-linux+default -n node2 "
                "--no-nics --no-ip-check --no-name-check inst1")
    cluster.kill_daemon("node2", "ganeti-noded")
    result = cluster.try_run("gnt-instance reboot inst1")
    assert result.returncode == 1
    assert "node2" in result.stderr
    assert "Traceback" not in result.stderr
    assert cluster.run("gnt-instance list --no-headers -o status").strip() == "ERROR_nodedown"
    cluster.daemon_util("node2", "start", "ganeti-noded")
    assert cluster.run("gnt-instance list --no-headers -o status").strip() == "running"
    cluster.run("gnt-instance reboot inst1")


def test_node_powered_off_and_failover(own_cluster: VirtualCluster) -> None:
    cluster = own_cluster
    cluster.run("gnt-instance add -t sharedfile -s 16m -H fake "
                "-o demo-linux+default -n node3 --no-nics --no-ip-check --no-name-check inst1")
    cluster.power_off("node3")
    assert cluster.run("gnt-node list --no-headers -o mfree node3").strip() == "?"
    cluster.run("gnt-node modify --offline=yes --force node3")
    cluster.run("gnt-instance failover -f --ignore-consistency -n node2 inst1")
    assert cluster.run("gnt-instance list --no-headers -o pnode,status").split() == [
        "node2", "running"]
    cluster.power_on("node3")
    cluster.run("gnt-node add --readd --no-ssh-key-check node3")
    assert "ERROR" not in cluster.run("gnt-cluster verify")


def test_truncated_configuration_is_refused(own_cluster: VirtualCluster) -> None:
    cluster = own_cluster
    cluster.daemon_util("node1", "stop-master")
    config = cluster.path("node1", "/var/lib/ganeti/config.data")
    whole = config.read_bytes()
    config.write_bytes(whole[:len(whole) // 2])
    result = cluster.try_run(f"{cluster.layout.node('node1').root}/usr/lib/ganeti/daemon-util "
                             "start ganeti-masterd")
    assert result.returncode != 0
    assert "config.data" in result.stderr
    assert "Traceback" not in result.stderr
    assert config.read_bytes() == whole[:len(whole) // 2], "never overwritten by a guess"
    config.write_bytes(whole)
    cluster.daemon_util("node1", "start-master")
    cluster.run("gnt-cluster verify")


def test_garbage_job_file(own_cluster: VirtualCluster) -> None:
    cluster = own_cluster
    good = client_submit(cluster)
    cluster.run(f"gnt-job wait {good}")
    cluster.daemon_util("node1", "stop-master")
    queue = cluster.path("node1", "/var/lib/ganeti/queue")
    (queue / f"job-{good + 1}").write_bytes(b"\x00\xff{not a job")
    cluster.daemon_util("node1", "start-master")
    assert _statuses(cluster, [good]) == {good: "success"}
    assert client_submit(cluster) > good, "the queue goes on"
    log = cluster.path("node1", "/var/log/ganeti/master-daemon.log").read_text()
    assert f"Job {good + 1}: " in log, "what is wrong with which file"
