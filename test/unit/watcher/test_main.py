"""The whole program: what it does where, and its exit status."""

import os
import subprocess
import sys

import pytest

from ganeti import pathutils, ssconf
from ganeti.luxi import protocol
from ganeti.utils import io
from ganeti.watcher import local, main

GROUP = "0a0a0a0a-1111-4222-8333-444444444444"


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """Leave pytest's own logging alone."""
    monkeypatch.setattr(main.log, "setup", lambda *args, **kwargs: None)


@pytest.fixture
def answering_rapi(monkeypatch):
    monkeypatch.setattr(local, "rapi_answers", lambda address: True)


def started(node):
    path = node / "started"
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def cluster(master, answering_rapi):
    master.answers.update({
        protocol.REQ_AUTO_ARCHIVE_JOBS: [3, 0],
        protocol.REQ_QUERY_GROUPS: [[GROUP]],
        protocol.REQ_QUERY: {"fields": [], "data": []},
    })
    return master


def test_run_of_the_master(cluster, node):
    assert main.main([]) == 0
    assert "start-all" in started(node)
    assert cluster.called(protocol.REQ_AUTO_ARCHIVE_JOBS) == [[21600, 30.0]]
    (asked, *_) = cluster.called(protocol.REQ_QUERY)
    assert asked[2] == ["=", "pnode.group.uuid", GROUP]  # by the child for the group
    assert (node / "var/run/ganeti/instance-status").read_text() == ""
    assert (node / f"var/lib/ganeti/watcher.{GROUP}.data").exists()


def test_job_age_and_children_that_are_not_waited_for(cluster):
    assert main.main(["-A", "2d", "--no-wait-children"]) == 0
    assert cluster.called(protocol.REQ_AUTO_ARCHIVE_JOBS)[0][0] == 172800


def test_states_of_all_groups_are_merged(cluster, node):
    path = node / f"var/lib/ganeti/watcher.{GROUP}.instance-status"
    path.write_text("b running\na ERROR_down\n")
    main._merge_status([GROUP, "none"])
    assert (node / "var/run/ganeti/instance-status").read_text() == "a ERROR_down\nb running\n"


def test_other_nodes_only_see_to_their_daemons(node):
    ssconf.SimpleStore().write({"master_node": "node2"})
    assert main.main([]) == 11
    assert "start-all" in started(node)


def test_machine_without_cluster(node):
    os.unlink(pathutils.ssconf_file("cluster_name"))
    assert main.main([]) == 0
    assert started(node) == []


@pytest.mark.parametrize(("content", "rests"), [
    (str(2**40), True), ("1000", False), ("rubbish", False), ("true", False),
    ('"x"', False), ("", False)])
def test_pause(cluster, node, content, rests):
    pause = node / "var/lib/ganeti/watcher.pause"
    pause.write_text(content)
    assert main.main(["--no-wait-children"]) == 0
    assert (started(node) == []) is rests
    assert pause.exists() is (content != "1000")
    if rests:
        assert main.main(["--ignore-pause", "--no-wait-children"]) == 0
        assert started(node) != []


def test_nobody_at_the_socket(answering_rapi, node, capsys, monkeypatch):
    monkeypatch.setattr(main.luxi, "CONNECT_TIMEOUT", 0.1)
    monkeypatch.setattr(main.luxi.Client.__init__, "__kwdefaults__", {
        **main.luxi.Client.__init__.__kwdefaults__, "connect_timeout": 0.1,
        "sleep": lambda seconds: None})
    assert main.main([]) == 1
    assert "No master daemon listens" in capsys.readouterr().err


def test_locked_out(node, capsys):
    with io.lock_file(pathutils.WATCHER_LOCK_FILE):
        assert main.main([]) == 0
    assert started(node) == []


def test_hooks_run(cluster, node):
    hooks = node / "etc/ganeti/hooks/watcher"
    hooks.mkdir(parents=True)
    for name, status in (("good", 0), ("bad", 1)):
        script = hooks / name
        script.write_text(f"#!/bin/sh\necho $GANETI_CLUSTER $GANETI_HOOKS_PATH >> {node}/hook\n"
                          f"exit {status}\n")
        script.chmod(0o755)
    assert main.main(["--no-wait-children"]) == 0
    assert (node / "hook").read_text() == "cluster watcher\n" * 2


def test_daemons_that_do_not_start_are_told(cluster, node, caplog):
    (node / "broken").touch()
    main.main(["--no-wait-children"])
    assert "daemon-util start-all: exit status 1: no luck" in caplog.text


def test_silent_rest_interface_is_restarted(cluster, node, monkeypatch):
    answers = iter([False, True])
    monkeypatch.setattr(local, "rapi_answers", lambda address: next(answers))
    assert main.main(["--no-wait-children"]) == 0
    assert started(node)[-2:] == ["stop ganeti-rapi", "start ganeti-rapi"]


def test_rest_interface_that_is_not_there():
    assert local.rapi_answers("127.0.77.77") is False
    assert local.rapi_answers("not an address") is False


def test_options_are_checked():
    done = subprocess.run([sys.executable, "-m", "ganeti.watcher.main", "-A", "soon"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "'soon' is no duration" in done.stderr
