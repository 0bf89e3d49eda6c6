"""Another candidate becomes the master after the first one has died."""

import subprocess
import sys

import pytest

from test import daemons
from test.waiting import wait_until

DELAY = {"OP_ID": "OP_TEST_DELAY", "duration": 0, "on_master": False}
SLOW = {**DELAY, "duration": 60, "on_master": True}


def fail_over(node, *, no_voting=False):
    """What the command does, up to the start of the daemons."""
    script = f"""
from ganeti.masterd import failover
from ganeti.config import files
from ganeti.rpc import runner
from ganeti import errors
import sys
try:
    config = files.read(files.default_path())
    me = failover.require_candidate(config)
    with runner.RpcRunner.bootstrap(config=lambda: config) as rpc:
        if not {no_voting}:
            failover.require_agreement(rpc, config, me)
        failover.stop_old_master(rpc, config, print)
        failover.take_over(rpc, files.default_path(), me, print)
except errors.GenericError as err:
    sys.exit(errors.text(err))
"""
    return subprocess.run([sys.executable, "-c", script], env=node.env, capture_output=True,
                          text=True, timeout=90, check=False)


@pytest.fixture
def cluster():
    with daemons.Cluster(3) as made:
        made.start()
        yield made


def test_jobs_go_on_at_the_new_master(cluster):
    with cluster.client() as luxi:
        done = luxi.call("SubmitJob", [[{"OP_ID": "OP_TEST_DUMMY", "messages": "kept"}]])
        daemons.wait_for_job(luxi, done)
        running = luxi.call("SubmitJob", [[SLOW]])
        row = None
        while row != ["running"]:
            row, _ = luxi.call("WaitForJobChange", [running, ["status"], row, None, 10])
        answers = luxi.call("SubmitManyJobs", [[[{**DELAY, "on_master": True}]] * 20])
        filter_uuid = luxi.call("ReplaceFilter", [None, 1, [], "ACCEPT", []])
    old, new, third = cluster.nodes
    old.kill("ganeti-masterd")
    old.kill("ganeti-noded")
    result = fail_over(new)
    assert result.returncode == 0, result.stderr
    assert "master role of n1.test could not be taken away" in result.stdout
    with open(third.path("ssconf_master_node")) as stream:
        assert stream.read() == "n2.test\n"
    cluster.nodes = [new, old, third]
    cluster.start_master()
    with cluster.client() as luxi:
        assert luxi.call("QueryConfigValues", [["master_node"]]) == ["n2.test"]
        assert luxi.call("QueryFilters", [None, ["uuid"]]) == [[filter_uuid]]
        for _, job_id in answers:
            assert daemons.wait_for_job(luxi, job_id)[0] == "success"
        status, results, _ = daemons.wait_for_job(luxi, running)
        assert status == "error" and "failed over" in results[0][1][0]
        assert daemons.wait_for_job(luxi, done)[2][0][0][3] == "kept"
        assert luxi.call("SubmitJob", [[DELAY]]) == answers[-1][1] + 1
    # the old master comes back and demotes itself
    old.start("ganeti-noded", "-b", old.address, "--no-mlock")
    wait_until(lambda: daemons._listens(old.address, 1811))
    again = old.run("ganeti-masterd")
    assert again.returncode == 11 and "n2.test" in again.stderr


def test_only_a_candidate_and_only_with_a_majority(cluster):
    assert "is the master already" in fail_over(cluster.nodes[0]).stderr
    cluster.master.kill("ganeti-masterd")
    for node in (cluster.nodes[0], cluster.nodes[2]):
        node.kill("ganeti-noded")
        with open(node.path("ssconf_master_node")) as stream:
            assert stream.read() == "n1.test\n"
    refused = fail_over(cluster.nodes[1])
    assert refused.returncode == 1
    assert "Only 1 of 2 nodes confirm that n1.test is the master" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert fail_over(cluster.nodes[1], no_voting=True).returncode == 0
