"""A candidate's copy of the configuration follows differences."""

import os
import pathlib

import pytest

from ganeti import errors, pathutils, ssconf
from ganeti.backend import candidate, confcopy, verify
from ganeti.utils import net, patch, patchedfile
from test import noderoot

OLD = (b'{"serial_no":1,"cluster":{"uuid":"abc"},\n'
       + b"".join(b'"line %d":"which is long enough",\n' % n for n in range(99)) + b'"a":1}\n')
NEW = OLD.replace(b'"serial_no":1', b'"serial_no":2')


@pytest.fixture
def copy(tmp_path, monkeypatch):
    noderoot.move_node_to(str(tmp_path), monkeypatch)
    path = pathlib.Path(pathutils.CLUSTER_CONF_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    ssconf.SimpleStore().write({"master_node": "master.test"})
    confcopy.replace(OLD, mode=0o640, uid=-1, gid=-1, mtime=None)
    yield path
    confcopy.finish()
    assert not confcopy._timers


def state():
    return patchedfile.PatchedFile(pathutils.CLUSTER_CONF_FILE).head


def names(copy):
    return sorted(path.name for path in copy.parent.glob("config.data*"))


def test_a_difference_counts_at_once_and_the_file_is_whole_later(copy):
    confcopy.config_append(state(), patch.make(OLD, NEW, 1000))
    assert patchedfile.read(str(copy)) == NEW
    assert candidate.candidate_state()["config_serial"] == 2
    digests = verify._filelist([pathutils.CLUSTER_CONF_FILE], None)
    confcopy.config_settle()
    assert copy.read_bytes() == NEW and copy.stat().st_mode & 0o777 == 0o640
    assert names(copy) == ["config.data"]
    assert verify._filelist([pathutils.CLUSTER_CONF_FILE], None) == digests


def test_a_copy_that_differs_is_left_alone(copy):
    before = state()
    copy.write_bytes(OLD.replace(b"which", b"WHICH", 1))
    with pytest.raises(errors.OpExecError, match="not in state"):
        confcopy.config_append(before, patch.make(OLD, NEW, 1000))
    assert names(copy) == ["config.data"]
    copy.unlink()
    with pytest.raises(errors.OpExecError, match="no copy"):
        confcopy.config_append(before, patch.make(OLD, NEW, 1000))


def test_the_end_of_the_daemon_leaves_a_whole_copy(copy):
    confcopy.config_append(state(), patch.make(OLD, NEW, 1000))
    confcopy.finish()
    assert copy.read_bytes() == NEW and names(copy) == ["config.data"]


def test_a_copy_that_can_not_be_written_at_the_end_stays_safe_in_its_journal(copy, monkeypatch):
    confcopy.config_append(state(), patch.make(OLD, NEW, 1000))

    def full(*args, **kwargs):
        raise OSError(28, "full")
    with monkeypatch.context() as patched:
        patched.setattr(patchedfile.PatchedFile, "settle", full)
        confcopy.finish()
    assert patchedfile.read(str(copy)) == NEW and copy.read_bytes() == OLD


def test_a_whole_version_makes_an_end_of_differences(copy):
    confcopy.config_append(state(), patch.make(OLD, NEW, 1000))
    confcopy.replace(OLD + b"\n", mode=0o640, uid=-1, gid=-1, mtime=5.0)
    assert copy.read_bytes() == OLD + b"\n" and copy.stat().st_mtime == 5.0
    assert names(copy) == ["config.data"]


def test_a_crash_is_mended_at_the_start_of_the_daemon(copy):
    confcopy.config_append(state(), patch.make(OLD, NEW, 1000))
    confcopy.recover()
    assert copy.read_bytes() == NEW and names(copy) == ["config.data"]


def test_the_file_of_a_master_is_left_to_its_daemon(copy):
    other = patchedfile.PatchedFile(str(copy))
    other.append(other.head, patch.make(OLD, NEW, 1000))
    ssconf.SimpleStore().write({"master_node": net.hostname()})
    confcopy.recover()
    assert copy.read_bytes() == OLD
    with pytest.raises(errors.OpExecError, match="is the master"):
        confcopy.config_append(other.head, [])


def test_the_copy_of_a_former_candidate_is_put_aside_with_its_changes(copy):
    confcopy.config_append(state(), patch.make(OLD, NEW, 1000))
    confcopy.put_aside()
    (kept,) = copy.parent.glob("config.data*")
    assert kept.name.startswith("config.data.backup") and kept.read_bytes() == NEW
    assert not os.path.exists(copy)
