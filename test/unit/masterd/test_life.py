"""Starting, stopping, killing and replacing the master daemon."""

import os
import signal
import time

import pytest

from ganeti import constants, errors, serializer
from ganeti.config import files, verify
from test import daemons
from test.waiting import wait_until

DELAY = {"OP_ID": "OP_TEST_DELAY", "duration": 0, "on_master": False}
SLOW = {**DELAY, "duration": 60, "on_master": True}


@pytest.fixture
def cluster():
    with daemons.Cluster() as made:
        yield made


def wait_status(luxi, job_id, status):
    row = None
    while row != [status]:
        row, _ = luxi.call("WaitForJobChange", [job_id, ["status"], row, None, 10])


def test_kill_9_loses_nothing(cluster):
    cluster.start()
    with cluster.client() as luxi:
        done = luxi.call("SubmitJob", [[{"OP_ID": "OP_TEST_DUMMY", "messages": "kept"}]])
        daemons.wait_for_job(luxi, done)
        running = luxi.call("SubmitJob", [[SLOW, DELAY]])
        wait_status(luxi, running, "running")
        # all want the lock that the running job has, so that none begins before the kill
        answers = luxi.call("SubmitManyJobs", [[[{**DELAY, "on_master": True}]] * 50])
        queued = [job_id for _, job_id in answers]
        cluster.master.kill("ganeti-masterd")
    cluster.start_master()
    with cluster.client() as luxi:
        for job_id in queued:
            assert daemons.wait_for_job(luxi, job_id)[0] == "success"
        status, results, _ = daemons.wait_for_job(luxi, running)
        assert status == "error"
        assert all("stopped or failed over" in result[1][0] for result in results)
        status, _, logs = daemons.wait_for_job(luxi, done)
        assert status == "success" and logs[0][0][3] == "kept"
        data = luxi.call("Query", ["lock", ["name"], None])["data"]
        assert data == []
        assert luxi.call("SubmitJob", [[DELAY]]) == queued[-1] + 1
    assert verify.verify(files.read(cluster.master.path("config.data"))) == []


def test_kill_9_in_the_middle_of_submissions(cluster):
    cluster.start()
    given = []
    with cluster.client() as luxi:
        for number in range(60):
            if number == 40:
                cluster.master.processes["ganeti-masterd"].send_signal(signal.SIGKILL)
            try:
                given.append(luxi.call("SubmitJob", [[DELAY]]))
            except errors.GenericError:
                break
    cluster.master.kill("ganeti-masterd")
    assert len(given) >= 40
    cluster.start_master()
    with cluster.client() as luxi:
        ends = [daemons.wait_for_job(luxi, job_id)[:2] for job_id in given]
    # what was running at that moment can not be success, and nothing else may fail
    failed = [results for status, results in ends if status != "success"]
    assert len(failed) <= 20
    assert all("stopped or failed over" in results[0][1][0] for results in failed)


def test_a_clean_stop_waits_for_what_runs(cluster):
    cluster.start()
    with cluster.client() as luxi:
        running = luxi.call("SubmitJob", [[{**DELAY, "duration": 1, "on_master": True}]])
        wait_status(luxi, running, "running")
        waiting = luxi.call("SubmitJob", [[{**DELAY, "on_master": True}]])
        assert cluster.master.kill("ganeti-masterd", signal.SIGTERM) == 0
    assert cluster.job_file(running)["ops"][0]["status"] == "success"
    assert cluster.job_file(waiting)["ops"][0]["status"] == "queued"
    assert not [name for name in os.listdir(cluster.master.path("queue"))
                if name.startswith("journal")]
    cluster.start_master()
    with cluster.client() as luxi:
        assert daemons.wait_for_job(luxi, waiting)[0] == "success"


def test_a_second_master_daemon_is_refused(cluster):
    cluster.start()
    again = cluster.master.run("ganeti-masterd")
    assert again.returncode == 1 and "It runs already" in again.stderr
    assert "Traceback" not in again.stderr


@pytest.mark.parametrize("damage, text", [
    (lambda data: data[:len(data) // 2], "is truncated"),
    (lambda data: b"garbage", "is damaged"),
    (lambda data: b"", "is empty"),
    (lambda data: data.replace(b'"version":3010000', b'"version":9000000'), "has version 9000000"),
])
def test_a_damaged_configuration_is_refused_in_one_line(cluster, damage, text):
    path = cluster.master.path("config.data")
    with open(path, "rb") as stream:
        data = stream.read()
    with open(path, "wb") as stream:
        stream.write(damage(data))
    result = cluster.master.run("ganeti-masterd")
    last = result.stderr.strip().splitlines()[-1]
    assert result.returncode == 1 and text in last
    assert "Traceback" not in result.stderr


def test_outside_of_a_cluster_and_on_other_nodes_it_does_not_start(cluster):
    with daemons.Cluster(2) as two:
        result = two.nodes[1].run("ganeti-masterd")
        assert result.returncode == constants.EXIT_NOTMASTER
        assert "the master is n1.test" in result.stderr
    for name in os.listdir(cluster.master.path("")):
        if name.startswith("ssconf"):
            os.unlink(cluster.master.path(name))
    result = cluster.master.run("ganeti-masterd")
    assert result.returncode == constants.EXIT_NOTCLUSTER
    assert "gnt-cluster init" in result.stderr


def test_no_voting_wants_confirmation(cluster):
    result = cluster.master.run("ganeti-masterd", "--no-voting")
    assert result.returncode == constants.EXIT_CONFIRMATION and "--yes-do-it" in result.stderr


def test_a_deposed_master_does_not_start_again():
    with daemons.Cluster(3) as cluster:
        for node in cluster.nodes[1:]:
            os.unlink(node.path("ssconf_master_node"))
            node.write("ssconf_master_node", b"n2.test\n", 0o444)
        for node in cluster.nodes:
            node.start("ganeti-noded", "-b", node.address, "--no-mlock")
        for node in cluster.nodes:
            wait_until(lambda node=node: daemons._listens(node.address, 1811))
        result = cluster.master.run("ganeti-masterd")
        assert result.returncode == constants.EXIT_NOTMASTER
        assert "Voting cannot be won by n1.test" in result.stderr
        assert "2 for n2.test" in result.stderr
        cluster.start_master("--no-voting", "--yes-do-it")
        with cluster.client() as luxi:
            assert luxi.call("QueryConfigValues", [["master_node"]]) == ["n1.test"]


def test_candidates_have_every_job_before_its_id_is_known():
    with daemons.Cluster(3) as cluster:
        cluster.start()
        with cluster.client() as luxi:
            for _ in range(10):
                job_id = luxi.call("SubmitJob", [[SLOW]])
                for node in (1, 2, 3):
                    assert cluster.job_file(job_id, node)["id"] == job_id
            for number in range(1, 11):
                luxi.call("CancelJob", [number])
                daemons.wait_for_job(luxi, number)
                for node in (2, 3):
                    assert cluster.job_file(number, node)["ops"][0]["status"] == "canceled"
            luxi.call("AutoArchiveJobs", [-1, 10])
        for node in cluster.nodes[1:]:
            assert os.path.exists(node.path("queue/archive/0/job-10"))
            with open(node.path("queue/serial")) as stream:
                assert stream.read() == "10\n"


def test_a_dead_candidate_delays_once_and_catches_up():
    with daemons.Cluster(3) as cluster:
        cluster.start()
        third = cluster.nodes[2]
        third.kill("ganeti-noded")
        with cluster.client() as luxi:
            ids = [luxi.call("SubmitJob", [[DELAY]]) for _ in range(5)]
            for job_id in ids:
                assert daemons.wait_for_job(luxi, job_id)[0] == "success"
        third.start("ganeti-noded", "-b", third.address, "--no-mlock")

        def caught_up():
            try:
                return bool(cluster.job_file(ids[-1], 3)["ops"][0]["status"] == "success")
            except FileNotFoundError:
                return False

        wait_until(caught_up, lambda: third.output("ganeti-noded"), 40)


def test_the_configuration_reaches_candidates_and_ssconf_all_nodes():
    def demote(config):
        node = config.nodes[daemons.node_uuid(3)]
        return config.with_changes([node.replace(master_candidate=False)])

    with daemons.Cluster(3, demote) as cluster:
        cluster.start()
        with cluster.client() as luxi:
            uuid = luxi.call("ReplaceFilter", [None, 1, [], "ACCEPT", []])
        with open(cluster.nodes[1].path("config.data"), "rb") as stream:
            assert uuid in serializer.load(stream.read())["filters"]
        with open(cluster.nodes[2].path("config.data"), "rb") as stream:
            assert uuid not in serializer.load(stream.read())["filters"]
        with open(cluster.nodes[2].path("ssconf_master_candidates")) as stream:
            assert stream.read() == "n1.test\nn2.test\n"


def test_a_damaged_configuration_names_the_newest_good_copy():
    with daemons.Cluster(3) as cluster:
        newer = cluster.config.with_changes(serial_no=42)
        cluster.nodes[2].write("config.data", newer.encode(), 0o640)
        for node in cluster.nodes[1:]:
            node.start("ganeti-confd", "-b", node.address)
            wait_until(
                lambda node=node: os.path.exists(os.path.join(
                    node.root, "var/run/ganeti/ganeti-confd.pid")), node.__str__)
        with open(cluster.master.path("config.data"), "r+b") as stream:
            stream.truncate(100)
        wait_until(
            lambda: "on n3.test (serial 42)" in cluster.master.run("ganeti-masterd").stderr,
            lambda: cluster.master.run("ganeti-masterd").stderr, 15)


def test_a_hanging_candidate_does_not_hold_up_jobs_for_long():
    with daemons.Cluster(2) as cluster:
        cluster.start()
        hanging = cluster.nodes[1].processes["ganeti-noded"]
        hanging.send_signal(signal.SIGSTOP)
        try:
            with cluster.client() as luxi:
                start = time.monotonic()
                job_id = luxi.call("SubmitJob", [[DELAY]])
                assert daemons.wait_for_job(luxi, job_id)[0] == "success"
                assert time.monotonic() - start < 15
                start = time.monotonic()
                job_id = luxi.call("SubmitJob", [[DELAY]])
                assert daemons.wait_for_job(luxi, job_id)[0] == "success"
                assert time.monotonic() - start < 1
        finally:
            hanging.send_signal(signal.SIGCONT)
