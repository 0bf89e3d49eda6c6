"""A candidate's copy of the job queue."""

import os

import pytest

from ganeti import errors, pathutils
from ganeti.backend import queue
from test import noderoot


@pytest.fixture
def node(tmp_path, monkeypatch):
    noderoot.move_node_to(str(tmp_path), monkeypatch)
    monkeypatch.setattr(queue, "_journals", {})


def files():
    found = {}
    for base, _, names in os.walk(pathutils.QUEUE_DIR):
        for name in names:
            if not name.startswith("journal"):
                with open(os.path.join(base, name)) as stream:
                    path = os.path.relpath(os.path.join(base, name), pathutils.QUEUE_DIR)
                    found[path] = stream.read()
    return found


def test_changes_are_carried_out(node):
    queue.jobqueue_apply([["write", "job-1", "a"], ["write", "job-2", "b"],
                          ["write", "serial", "2\n"]])
    queue.jobqueue_apply([["rename", "job-1", "archive/0/job-1"]])
    assert files() == {"archive/0/job-1": "a", "job-2": "b", "serial": "2\n"}
    assert os.stat(f"{pathutils.QUEUE_DIR}/job-2").st_mode & 0o777 == 0o640


def test_a_complete_copy_replaces_other_jobs(node):
    queue.jobqueue_apply([["write", "job-1", "a"], ["write", "job-2", "b"]])
    queue.jobqueue_apply([["keep", "2 3"], ["write", "job-2", "B"], ["write", "job-3", "c"]])
    assert files() == {"job-2": "B", "job-3": "c"}


def test_a_restarted_daemon_cleans_up_its_journals(node, monkeypatch):
    queue.jobqueue_apply([["write", "job-1", "a"]])
    monkeypatch.setattr(queue, "_journals", {})
    os.unlink(f"{pathutils.QUEUE_DIR}/job-1")
    queue.jobqueue_apply([["write", "job-2", "b"]])
    assert files() == {"job-1": "a", "job-2": "b"}
    assert len([n for n in os.listdir(pathutils.QUEUE_DIR) if n.startswith("journal")]) == 1


def test_the_single_file_calls(node):
    queue.jobqueue_update(pathutils.virtual(f"{pathutils.QUEUE_DIR}/job-5"), "five")
    queue.jobqueue_rename([[f"{pathutils.QUEUE_DIR}/job-5",
                            f"{pathutils.QUEUE_DIR}/archive/0/job-5"]])
    assert files() == {"archive/0/job-5": "five"}
    with pytest.raises(errors.ParameterError, match="not a file of the job queue"):
        queue.jobqueue_update(f"{pathutils.DATA_DIR}/config.data", "x")


def test_purging_and_draining(node):
    queue.jobqueue_apply([["write", "job-1", "a"], ["write", "version", "1\n"]])
    queue.jobqueue_set_drain_flag(True)
    assert os.path.exists(pathutils.JOB_QUEUE_DRAIN_FILE)
    queue.jobqueue_set_drain_flag(False)
    assert not os.path.exists(pathutils.JOB_QUEUE_DRAIN_FILE)
    queue.jobqueue_purge()
    assert files() == {"version": "1\n"}
    queue.jobqueue_apply([["write", "job-9", "z"]])
    assert files()["job-9"] == "z"


@pytest.mark.parametrize("changes", [None, "x", [["keep"]], [["keep", 5]],
                                     [["write", "../../etc/passwd", "x"]], [[]]])
def test_garbage_is_refused(node, changes):
    with pytest.raises(errors.ParameterError):
        queue.jobqueue_apply(changes)
