"""Every LUXI method, asked of a real master daemon."""

import contextlib
import os
import socket
import stat
import threading
import time

import pytest

from ganeti import constants, errors, serializer
from ganeti.luxi import protocol
from test import daemons
from test.waiting import wait_until

DELAY = {"OP_ID": "OP_TEST_DELAY", "duration": 0, "on_master": False}
SLOW = {**DELAY, "duration": 60, "on_master": True}


@pytest.fixture(scope="module")
def cluster():
    with daemons.Cluster() as made:
        made.start()
        yield made


@pytest.fixture
def luxi(cluster):
    with cluster.client() as client:
        yield client


def run(luxi, *ops):
    return daemons.wait_for_job(luxi, luxi.call("SubmitJob", [list(ops)]))


def test_every_method_of_the_protocol_is_answered(cluster, luxi):
    for method in sorted(protocol.METHODS):
        try:
            luxi.call(method, [])
        except errors.OpPrereqError as err:
            assert err.args[1] == errors.ECODE_INVAL and method in err.args[0], method


def test_the_sockets_have_their_names_and_modes(cluster):
    for name in ("ganeti-query", "ganeti-master"):
        path = os.path.join(cluster.master.root, "var/run/ganeti/socket", name)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(path)


def test_a_job_runs(cluster, luxi):
    status, results, logs = run(luxi, {"OP_ID": "OP_TEST_DUMMY", "messages": ["one", "two"]})
    assert (status, results) == ("success", [None])
    assert [entry[3] for entry in logs[0]] == ["one", "two"]


def test_job_results_are_checked_against_the_declared_type(luxi):
    status, results, _ = run(luxi, {"OP_ID": "OP_TEST_DUMMY", "result": 5})
    assert status == "error" and results[0][0] == "OpResultError"


def test_dry_run_stops_before_the_work(luxi):
    status, results, logs = run(luxi, {"OP_ID": "OP_TEST_DUMMY", "fail": "no", "dry_run": True})
    assert (status, results) == ("success", [None]) and "Dry run" in logs[0][0][3]


def test_jobs_submit_jobs(luxi):
    job_id = luxi.call("SubmitJob", [[{"OP_ID": "OP_TEST_DUMMY", "submit_jobs": [[DELAY]]}]])
    _, _, logs = daemons.wait_for_job(luxi, job_id)
    assert "Submitted: [True, " in logs[0][0][3]


@pytest.mark.parametrize("job, code, text", [
    ([{"OP_ID": "OP_NO_SUCH"}], "OpCodeUnknown", "OP_NO_SUCH"),
    ([{**DELAY, "duration": "long"}], "OpPrereqError", "OP_TEST_DELAY.duration"),
    ([{**DELAY, "colour": 1}], "OpPrereqError", "no parameter 'colour'"),
    ([{"OP_ID": "OP_TEST_DELAY"}], "OpPrereqError", "it is required"),
    ([{"duration": 1}], "OpPrereqError", "OP_ID"),
    (["text"], "OpPrereqError", "An opcode is an object"),
    ([], "OpPrereqError", "at least one opcode"),
    (5, "OpPrereqError", "list of opcodes"),
    ([{**DELAY, "depends": [[-1, []]]}], "OpPrereqError", "Relative job id"),
])
def test_bad_jobs_are_refused_with_one_clear_line(luxi, job, code, text):
    with pytest.raises(errors.GenericError) as caught:
        luxi.call("SubmitJob", [job])
    assert type(caught.value).__name__ == code
    assert text in str(caught.value.args[0]) and "\n" not in str(caught.value.args[0])


def test_an_opcode_without_logical_unit_is_refused_by_name(luxi):
    from ganeti import opcodes
    from ganeti.cmdlib import registry
    missing = [op_id for op_id in opcodes.op_ids() if not registry.is_supported(op_id)
               and not any(spec.required for spec in opcodes.get_class(op_id).FIELDS.values())]
    for op_id in missing:
        with pytest.raises(errors.OpPrereqError) as caught:
            luxi.call("SubmitJob", [[{"OP_ID": op_id}]])
        assert op_id in caught.value.args[0]
        assert caught.value.args[1] == errors.ECODE_STATE


def test_a_bad_job_of_many_leaves_the_others(luxi):
    answers = luxi.call("SubmitManyJobs", [[[DELAY], [{"OP_ID": "OP_NO_SUCH"}],
                                            [{**DELAY, "depends": [[-2, ["success"]]]}]]])
    assert [good for good, _ in answers] == [True, False, True]
    assert daemons.wait_for_job(luxi, answers[2][1])[0] == "success"


def test_query_jobs(luxi):
    job_id = luxi.call("SubmitJob", [[DELAY]])
    daemons.wait_for_job(luxi, job_id)
    fields = ["id", "status", "summary", "received_ts", "ops"]
    row, unknown, text = luxi.call("QueryJobs", [[job_id, 99999, str(job_id)], fields])
    assert row[:3] == [job_id, "success", ["TEST_DELAY(0)"]] and unknown is None and text == row
    assert row[4][0]["OP_ID"] == "OP_TEST_DELAY"
    assert row in luxi.call("QueryJobs", [None, fields])
    with pytest.raises(errors.OpPrereqError, match="no job field 'statu'"):
        luxi.call("QueryJobs", [[job_id], ["statu"]])
    with pytest.raises(errors.OpPrereqError, match="is not a job id"):
        luxi.call("QueryJobs", [["abc"], ["id"]])


def test_waiting_for_changes(luxi, cluster):
    job_id = luxi.call("SubmitJob", [[SLOW]])
    row = None
    while row != ["running"]:
        row, _ = luxi.call("WaitForJobChange", [job_id, ["status"], row, None, 10])
    start = time.monotonic()
    assert luxi.call("WaitForJobChange", [job_id, ["status"], row, 0, 0.3]) == [row, []]
    assert 0.25 < time.monotonic() - start < 2
    with pytest.raises(errors.JobLost):
        luxi.call("WaitForJobChange", [99999, ["status"], None, None, 1])
    with cluster.client() as other:
        done, text = other.call("CancelJob", [job_id])
        assert done
    assert daemons.wait_for_job(luxi, job_id)[0] == "canceled"


def test_a_thousand_idle_waiters_cost_nothing(cluster, luxi):
    job_id = luxi.call("SubmitJob", [[SLOW]])
    row = None
    while row != ["running"]:
        row, _ = luxi.call("WaitForJobChange", [job_id, ["status"], row, None, 10])
    pid = cluster.master.processes["ganeti-masterd"].pid
    path = os.path.join(cluster.master.root, "var/run/ganeti/socket/ganeti-query")

    def cpu_seconds():
        with open(f"/proc/{pid}/stat") as stream:
            fields = stream.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    request = protocol.encode_request("WaitForJobChange", [job_id, ["status"], row, None, 80])
    with contextlib.ExitStack() as stack:
        waiters = []
        for _ in range(1000):
            waiter = stack.enter_context(socket.socket(socket.AF_UNIX))
            waiter.connect(path)  # blocks while the daemon's backlog is full
            waiter.sendall(request)
            waiters.append(waiter)
        wait_until(lambda: luxi_open(pid) >= 1000)
        time.sleep(1.5)  # the last ones are read on a busy machine
        before = cpu_seconds()
        time.sleep(1.0)
        idle = cpu_seconds() - before
        luxi.call("CancelJob", [job_id])
        replies = [waiter.recv(65536) for waiter in waiters]
    assert idle <= 0.05
    for reply in replies:
        assert serializer.load(reply[:-1])["result"][0] != row


def luxi_open(pid):
    """Open file descriptors of the daemon."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_priorities_and_cancelling(luxi):
    job_id = luxi.call("SubmitJob", [[SLOW]])
    assert luxi.call("ChangeJobPriority", [job_id, -10])[0]
    assert luxi.call("QueryJobs", [[job_id], ["priority"]]) == [[-10]]
    with pytest.raises(errors.OpPrereqError, match="not between"):
        luxi.call("ChangeJobPriority", [job_id, 50])
    assert luxi.call("CancelJob", [job_id, True])[0]
    assert daemons.wait_for_job(luxi, job_id)[0] == "canceled"
    assert luxi.call("CancelJob", [99999]) == [False, "Job 99999 not found"]
    assert luxi.call("ChangeJobPriority", [job_id, 0])[0] is False


def test_archiving(luxi, cluster):
    job_id = luxi.call("SubmitJob", [[DELAY]])
    daemons.wait_for_job(luxi, job_id)
    assert luxi.call("ArchiveJob", [job_id]) is True
    assert os.path.exists(cluster.master.path(f"queue/archive/0/job-{job_id}"))
    assert luxi.call("QueryJobs", [[job_id], ["id"]]) == [None]
    assert luxi.call("QueryJobs", [[job_id], ["id", "archived"]]) == [[job_id, True]]
    other = luxi.call("SubmitJob", [[DELAY]])
    daemons.wait_for_job(luxi, other)
    archived, left = luxi.call("AutoArchiveJobs", [-1, 10])
    assert archived >= 1 and left == 0
    assert luxi.call("ArchiveJob", [99999]) is False


def test_draining(luxi, cluster):
    flag = cluster.master.path("queue/drain")
    assert luxi.call("SetDrainFlag", [True]) is True
    assert os.path.exists(flag)
    assert luxi.call("QueryConfigValues", [["drain_flag", "no_such"]]) == [True, None]
    with pytest.raises(errors.GenericError) as caught:
        luxi.call("SubmitJob", [[DELAY]])
    assert type(caught.value) is errors.GenericError and "drained" in str(caught.value)
    job_id = luxi.call("SubmitJobToDrainedQueue", [[DELAY]])
    assert daemons.wait_for_job(luxi, job_id)[0] == "success"
    assert luxi.call("SetDrainFlag", [False]) is True
    assert not os.path.exists(flag)


def test_queries_of_the_configuration(luxi):
    answer = luxi.call("Query", ["node", ["name", "role", "no_such"], None])
    assert answer["data"] == [[[0, "n1.test"], [0, "M"], [1, None]]]
    assert luxi.call("QueryNodes", [[], ["name"], False]) == [["n1.test"]]
    assert luxi.call("QueryNodes", [["n1"], ["name", "offline"], False]) == [["n1.test", False]]
    assert luxi.call("QueryGroups", [[], ["name", "node_cnt"], False]) == [["default", 1]]
    assert luxi.call("QueryInstances", [[], ["name"], False]) == []
    assert luxi.call("QueryNetworks", [[], ["name"], False]) == []
    with pytest.raises(errors.OpPrereqError, match="locking"):
        luxi.call("QueryNodes", [[], ["name"], True])
    with pytest.raises(errors.OpPrereqError) as caught:
        luxi.call("QueryNodes", [["nobody"], ["name"], False])
    assert caught.value.args[1] == errors.ECODE_NOENT
    fields = luxi.call("QueryFields", ["lock", None])["fields"]
    assert [field["name"] for field in fields] == ["mode", "name", "owner", "pending"]
    assert luxi.call("QueryTags", ["cluster", ""]) == []
    with pytest.raises(errors.OpPrereqError, match="no tags"):
        luxi.call("QueryTags", ["planet", "mars"])


def test_live_data_comes_from_the_node(luxi):
    ((name, total, boot),) = luxi.call("QueryNodes", [[], ["name", "mtotal", "bootid"], False])
    with open("/proc/sys/kernel/random/boot_id") as stream:
        assert boot == stream.read().strip()
    assert isinstance(total, int) and total > 0
    assert luxi.call("QueryExports", [[], False]) == {"n1.test": []}


def test_cluster_info_has_the_keys_of_the_catalogue(luxi):
    info = luxi.call("QueryClusterInfo", [])
    assert info["name"] == "cluster.test" and info["master"] == "n1.test"
    assert info["config_version"] == constants.CONFIG_VERSION
    assert {"hvparams", "beparams", "ipolicy", "max_tracked_jobs", "ssh_key_bits"} <= set(info)


def test_locks_show_owners_and_those_who_wait(luxi):
    first = luxi.call("SubmitJob", [[SLOW]])
    second = luxi.call("SubmitJob", [[SLOW]])
    row = None
    while row != ["waiting"]:
        row, _ = luxi.call("WaitForJobChange", [second, ["status"], row, None, 10])
    name = f"node/{daemons.node_uuid(1)}"

    def entry():
        data = luxi.call("Query", ["lock", ["name", "mode", "owner", "pending"], None])["data"]
        return next((row[1:] for row in data if row[0] == [0, name]), None)

    wanted = [[0, "exclusive"], [0, [str(first)]], [0, [["exclusive", [str(second)]]]]]
    wait_until(lambda: entry() == wanted, lambda: str(entry()))
    for job_id in (second, first):
        luxi.call("CancelJob", [job_id])
        assert daemons.wait_for_job(luxi, job_id)[0] == "canceled"
    assert entry() is None


def test_filters_are_kept_in_the_configuration(luxi, cluster):
    uuid = luxi.call("ReplaceFilter", [
        None, 5, [["opcode", ["=", "OP_ID", "OP_TEST_DUMMY"]]], "REJECT",
        [["gnt:user", "maintenance", 1]]])
    fields = ["uuid", "priority", "action"]
    assert luxi.call("QueryFilters", [None, fields]) == [[uuid, 5, "REJECT"]]
    with open(cluster.master.path("config.data"), "rb") as stream:
        assert uuid in serializer.load(stream.read())["filters"]
    status, results, _ = run(luxi, {"OP_ID": "OP_TEST_DUMMY"})
    assert status == "canceled" and uuid in results[0]
    assert luxi.call("ReplaceFilter", [uuid, 5, [], "ACCEPT", []]) == uuid
    assert run(luxi, {"OP_ID": "OP_TEST_DUMMY"})[0] == "success"
    luxi.call("DeleteFilter", [uuid])
    assert luxi.call("QueryFilters", [None, fields]) == []
    with pytest.raises(errors.OpPrereqError) as caught:
        luxi.call("DeleteFilter", [uuid])
    assert caught.value.args[1] == errors.ECODE_NOENT
    with pytest.raises(errors.OpPrereqError, match="not an action"):
        luxi.call("ReplaceFilter", [None, 5, [], "EXPLODE", []])


def test_the_watcher_can_be_paused(luxi):
    until = int(time.time()) + 600
    assert luxi.call("SetWatcherPause", [until]) == until
    assert luxi.call("QueryConfigValues", [["watcher_pause"]]) == [until]
    luxi.call("SetWatcherPause", [None])
    assert luxi.call("QueryConfigValues", [["watcher_pause"]]) == [None]


@pytest.mark.parametrize("data", [
    b"garbage\x03", b"\xff\xfe\x00\x03", b"[]\x03", b'{"method": 5, "args": []}\x03',
    b'{"method": "Query"}\x03', b"x" * 100000,
])
def test_garbage_gets_an_error_and_the_daemon_lives(cluster, luxi, data):
    path = os.path.join(cluster.master.root, "var/run/ganeti/socket/ganeti-query")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(path)
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        reply = b""
        while chunk := sock.recv(65536):
            reply += chunk
    assert serializer.load(reply.rstrip(b"\x03"))["success"] is False
    assert run(luxi, DELAY)[0] == "success"


def test_many_clients_at_once(cluster):
    failures = []

    def client():
        try:
            with cluster.client() as luxi:
                for _ in range(5):
                    assert run(luxi, DELAY)[0] == "success"
        except (AssertionError, errors.GenericError) as err:
            failures.append(err)

    threads = [threading.Thread(target=client) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
