"""What the watcher of a group does about what it sees."""

import json
import logging
import time

import pytest

from ganeti import constants, errors, pathutils
from ganeti.luxi import protocol
from ganeti.luxi.client import Client
from ganeti.watcher.group import GroupWatcher
from ganeti.watcher.state import CLEANUP, GroupState

GROUP = "0a0a0a0a-1111-4222-8333-444444444444"


class Cluster:
    """Instances and nodes as the double shows them, and jobs that always succeed."""

    def __init__(self, master):
        self.master = master
        self.instances = {}
        self.boot_ids = {"node1": "boot-1", "node2": "boot-1"}
        self.verify = [{}, [], {}]
        self.status = "success"
        master.answers.update({
            protocol.REQ_QUERY: self._query,
            protocol.REQ_SUBMIT_MANY_JOBS: lambda jobs: [
                [True, number] for number, _ in enumerate(jobs, 1)],
            protocol.REQ_WAIT_FOR_JOB_CHANGE: self._wait,
        })

    def add(self, name, status, *nodes, active=True):
        self.instances[name] = [status, nodes or ("node1",), active]

    def _query(self, what, wanted, qfilter):
        if what == "node":
            assert qfilter == ["=", "group.uuid", GROUP]
            rows = [[[0, name], [0, boot] if boot else [4, None], [0, boot is None]]
                    for name, boot in self.boot_ids.items()]
        else:
            assert (what, qfilter) == ("instance", ["=", "pnode.group.uuid", GROUP])
            rows = [[[0, name], [0, status], [0, nodes[0]], [0, list(nodes[1:])], [0, active]]
                    for name, (status, nodes, active) in self.instances.items()]
        return {"fields": [], "data": rows}

    def _wait(self, job, *_args):
        result = self.verify if job == 42 else None
        failure = ["OpExecError", ["no luck"]]
        return [[self.status, [result if self.status == "success" else failure]], []]

    def watch(self, **options):
        """One run; the operations that it submitted, without the verification."""
        self.master.calls.clear()
        options.setdefault("verify_disks", False)
        with Client() as client:
            GroupWatcher(client, GROUP, **options).run()
        ops = [op for (jobs,) in self.master.called(protocol.REQ_SUBMIT_MANY_JOBS)
               for (op,) in jobs]
        assert all(op["reason"][0][0] == "gnt:watcher" for op in ops)
        return [(op["OP_ID"].removeprefix("OP_INSTANCE_"), op["instance_name"]) for op in ops]


@pytest.fixture
def cluster(master):
    return Cluster(master)


def state_file():
    with open(pathutils.WATCHER_GROUP_STATE_FILE % GROUP, encoding="ascii") as stream:
        return json.load(stream)


def test_only_what_should_run_is_started(cluster):
    for status in constants.INSTST_ALL:
        cluster.add(status.lower(), status)
    assert cluster.watch() == [("STARTUP", "error_down"), ("SHUTDOWN", "user_down")]


def test_states_are_written_for_others(cluster):
    cluster.add("web", constants.INSTST_RUNNING)
    cluster.add("db", constants.INSTST_ADMINDOWN)
    cluster.watch()
    with open(pathutils.WATCHER_GROUP_INSTANCE_STATUS_FILE % GROUP, encoding="ascii") as stream:
        assert stream.read() == "db ADMIN_down\nweb running\n"


def test_five_tries_are_enough_until_it_has_run_again(cluster, caplog):
    cluster.add("web", constants.INSTST_ERRORDOWN)
    for _ in range(constants.WATCHER_MAX_RESTARTS):
        assert cluster.watch() == [("STARTUP", "web")]
    assert state_file()["instance"]["web"]["restart_count"] == 5
    assert cluster.watch() == []
    assert "web is left alone after 5 tries" in caplog.text
    cluster.add("web", constants.INSTST_RUNNING)
    assert cluster.watch() == []
    assert state_file()["instance"] == {}
    cluster.add("web", constants.INSTST_ERRORDOWN)
    assert cluster.watch() == [("STARTUP", "web")]


def test_tries_are_forgotten_after_hours(cluster, monkeypatch):
    cluster.add("web", constants.INSTST_ERRORDOWN)
    for _ in range(6):
        cluster.watch()
    assert cluster.watch() == []
    now = time.time() + constants.WATCHER_FORGET_AFTER + 60
    monkeypatch.setattr(time, "time", lambda: now)
    assert cluster.watch() == [("STARTUP", "web")]


def test_removed_instances_are_forgotten(cluster):
    cluster.add("web", constants.INSTST_ERRORDOWN)
    cluster.watch()
    del cluster.instances["web"]
    cluster.watch()
    assert state_file()["instance"] == {}


def test_users_shutdown_is_recorded_as_the_users(cluster, master):
    cluster.add("web", constants.INSTST_USERDOWN)
    cluster.add("done", constants.INSTST_USERDOWN, active=False)
    assert cluster.watch() == [("SHUTDOWN", "web")]
    (((op,),),) = master.called(protocol.REQ_SUBMIT_MANY_JOBS)[0]
    assert op["admin_state_source"] == "user"
    assert state_file()["instance"]["web"]["cleanup_count"] == 1


def test_disks_come_back_after_a_nodes_start(cluster):
    cluster.add("web", constants.INSTST_RUNNING, "node1", "node2")
    cluster.add("local", constants.INSTST_RUNNING, "node1")
    cluster.add("off", constants.INSTST_ADMINDOWN, "node2", active=False)
    cluster.add("down", constants.INSTST_ERRORDOWN, "node2")
    assert ("ACTIVATE_DISKS", "web") not in cluster.watch()  # seen for the first time
    cluster.boot_ids["node2"] = "boot-2"
    assert cluster.watch() == [("STARTUP", "down"), ("ACTIVATE_DISKS", "web")]
    assert state_file()["node"]["node2"] == {"bootid": "boot-2"}
    cluster.add("down", constants.INSTST_RUNNING, "node2")
    assert cluster.watch() == []


def test_offline_node_keeps_its_boot_id(cluster):
    cluster.watch()
    cluster.boot_ids["node2"] = None
    cluster.watch()
    assert state_file()["node"]["node2"] == {"bootid": "boot-1"}


def test_incomplete_disks_are_activated(cluster, master, caplog):
    cluster.add("web", constants.INSTST_RUNNING)
    cluster.add("db", constants.INSTST_RUNNING)
    cluster.verify = [{"node2": "no answer"}, ["web"], {"db": [["node1", "xenvg/lv"]]}]
    assert cluster.watch(verify_disks=True, strict=False) == [("ACTIVATE_DISKS", "web")]
    (op,) = master.job
    assert (op["OP_ID"], op["group_name"], op["is_strict"]) == (
        "OP_GROUP_VERIFY_DISKS", GROUP, False)
    assert "node2 could not be verified: no answer" in caplog.text
    assert "db misses volumes: node1:xenvg/lv" in caplog.text


def test_failing_jobs_are_told(cluster, master, caplog):
    cluster.add("web", constants.INSTST_ERRORDOWN)
    cluster.status = "error"
    cluster.watch(verify_disks=True)
    assert "Starting instance web: job 1 ended as 'error': no luck" in caplog.text
    assert "The disks could not be verified: no luck" in caplog.text
    master.answers[protocol.REQ_SUBMIT_MANY_JOBS] = [[False, "the queue is drained"]]
    cluster.watch()
    assert "was refused: the queue is drained" in caplog.text


def test_what_was_counted_is_kept_when_the_run_breaks(cluster, master):
    cluster.add("web", constants.INSTST_ERRORDOWN)
    master.answers[protocol.REQ_SUBMIT_MANY_JOBS] = errors.OpPrereqError("no", "wrong_state")
    with pytest.raises(errors.OpPrereqError):
        cluster.watch()
    assert state_file()["instance"]["web"]["restart_count"] == 1


@pytest.mark.parametrize("content", ["{", "[]", '{"instance": 5}', '{"node": {"a": 1}}', ""])
def test_damaged_state_is_set_aside(cluster, content, caplog, node):
    path = pathutils.WATCHER_GROUP_STATE_FILE % GROUP
    with open(path, "w", encoding="ascii") as stream:
        stream.write(content)
    cluster.add("web", constants.INSTST_ERRORDOWN)
    with caplog.at_level(logging.ERROR):
        assert cluster.watch() == [("STARTUP", "web")]
    assert "counting begins anew" in caplog.text
    (backup,) = (node / "var/lib/ganeti").glob("*.backup-*")
    assert backup.read_text() == content


def test_a_group_is_watched_by_one_at_a_time():
    state = GroupState(GROUP)
    with pytest.raises(errors.LockError):
        GroupState(GROUP)
    state.note_try("web", CLEANUP)
    state.forget("web")
    assert state.tries("web", CLEANUP) == 1
    state.close()
    GroupState(GROUP).close()
