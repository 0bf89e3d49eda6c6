"""Contents of disks reached by address: at hand for as long as needed, and nothing left."""

from __future__ import annotations

import os
import signal

import pytest

from ganeti import errors, pathutils
from ganeti.storage import userspace
from ganeti.utils import io, process
from test import noderoot
from test.drivers.devicekits import why_no_fuse

pytestmark = pytest.mark.skipif(bool(why_no_fuse()), reason=why_no_fuse() or "")
MIB = 1024 * 1024


@pytest.fixture
def image(tmp_path, monkeypatch) -> str:
    """The address of an image of 2 MiB."""
    noderoot.move_node_to(str(tmp_path / "node1"), monkeypatch)
    (tmp_path / "image").write_bytes(bytes(2 * MIB))
    yield f"file:{tmp_path}/image"
    userspace.forget("u")
    assert os.listdir(pathutils.DISK_EXPORTS_DIR) == []


def test_what_is_written_there_is_on_the_disk(image):
    with userspace.contents(image, "u") as path:
        assert os.path.getsize(path) == 2 * MIB
        with open(path, "r+b") as fobj:
            fobj.seek(MIB)
            fobj.write(b"pattern")
    assert not os.path.exists(path)
    with open(image.removeprefix("file:"), "rb") as fobj:
        assert fobj.read()[MIB:MIB + 7] == b"pattern"
    assert userspace.virtual_size(image) == 2 * MIB


def test_uses_of_one_disk_may_lie_in_each_other(image):
    with userspace.contents(image, "u") as outer:
        with userspace.contents(image, "u") as inner:
            assert inner == outer
            userspace.forget("u")
        with open(outer, "r+b") as fobj:
            fobj.write(b"still there")
    assert not os.path.exists(outer)


def test_an_export_left_by_a_killed_daemon_is_taken_down(image):
    path = userspace.path_of("u")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    userspace._start(image, path)
    pid = io.read_pid_file(f"{path}.pid")
    with userspace.contents(image, "u"):
        assert not process.alive(pid), "the forgotten one is ended first"
    userspace._start(image, path)
    os.kill(io.read_pid_file(f"{path}.pid"), signal.SIGKILL)
    with userspace.contents(image, "u"), open(path, "rb") as fobj:
        assert fobj.read(1) == b"\0", "its dead mount is not in the way"


def test_an_unreachable_address_is_named(image):
    with pytest.raises(errors.BlockDeviceError, match="No such file"), \
            userspace.contents("file:/nowhere/image", "u"):
        pass
    with pytest.raises(errors.BlockDeviceError, match="known are rbd:"), \
            userspace.contents("tape:1", "u"):
        pass
    with pytest.raises(errors.BlockDeviceError, match="Can not tell the size"):
        userspace.virtual_size("file:/nowhere/image")
