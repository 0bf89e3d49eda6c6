"""A candidate's copy of the configuration follows differences."""

import hashlib
import os
import pathlib

import pytest

from ganeti import errors, pathutils
from ganeti.backend import confcopy
from ganeti.utils import patch
from test import noderoot

OLD = b'{"serial_no":1,\n' + b'"some line":"which is long enough"\n' * 99 + b"}\n"
NEW = OLD.replace(b'"serial_no":1', b'"serial_no":2')


def digest(data):
    return hashlib.sha1(data).hexdigest()


@pytest.fixture
def copy(tmp_path, monkeypatch):
    noderoot.move_node_to(str(tmp_path), monkeypatch)
    path = pathlib.Path(pathutils.CLUSTER_CONF_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(OLD)
    path.chmod(0o640)
    yield path
    confcopy.discard()


def test_a_version_counts_when_it_is_taken_over(copy):
    confcopy.config_prepare(patch.make(OLD, NEW, 1000), digest(NEW))
    assert copy.read_bytes() == OLD
    confcopy.config_adopt(digest(NEW))
    assert copy.read_bytes() == NEW and copy.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in copy.parent.glob("config.data*")] == ["config.data"]
    with pytest.raises(errors.OpExecError, match="not prepared"):
        confcopy.config_adopt(digest(NEW))


def test_a_copy_that_differs_is_left_alone(copy):
    copy.write_bytes(OLD.replace(b"which", b"WHICH", 1))
    damaged = copy.read_bytes()
    with pytest.raises(errors.OpExecError, match="another version"):
        confcopy.config_prepare(patch.make(OLD, NEW, 1000), digest(NEW))
    with pytest.raises(errors.OpExecError, match="does not fit"):
        confcopy.config_prepare([[0, 10 ** 6]], digest(NEW))
    with pytest.raises(errors.OpExecError):
        confcopy.config_adopt(digest(NEW))
    assert copy.read_bytes() == damaged


def test_what_was_not_taken_over_is_forgotten(copy):
    confcopy.config_prepare(patch.make(OLD, NEW, 1000), digest(NEW))
    confcopy.discard()
    with pytest.raises(errors.OpExecError, match="not prepared"):
        confcopy.config_adopt(digest(NEW))
    assert os.listdir(copy.parent).count("config.data.next") == 0
    copy.unlink()
    with pytest.raises(errors.OpExecError, match="no copy"):
        confcopy.config_prepare([], digest(b""))
