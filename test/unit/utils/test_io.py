"""Files written whole, and locks."""

import os
import subprocess
import sys

import pytest

from ganeti import errors
from ganeti.utils import io


def test_write_replaces_with_mode_and_leaves_no_litter(tmp_path):
    path = str(tmp_path / "file")
    io.write_file(path, "one", mode=0o640)
    io.write_file(path, b"two", mode=0o400)
    assert io.read_file(path) == "two"
    assert os.stat(path).st_mode & 0o777 == 0o400
    assert os.listdir(tmp_path) == ["file"]


def test_failure_keeps_the_old_content(tmp_path):
    path = str(tmp_path / "file")
    io.write_file(path, "old")

    def broken(fd):
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        io.write_file(path, "new", prewrite=broken)
    assert io.read_file(path) == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_dry_run_and_backup(tmp_path):
    path = str(tmp_path / "file")
    io.write_file(path, "old", mode=0o644)
    io.write_file(path, "new", dry_run=True)
    assert io.read_file(path) == "old"
    io.write_file(path, "new", backup=True)
    backup = next(name for name in os.listdir(tmp_path) if name.startswith("file.backup-"))
    assert (tmp_path / backup).read_text() == "old"
    assert (tmp_path / backup).stat().st_mode & 0o777 == 0o644
    assert io.create_backup(str(tmp_path / "none")) is None


def test_readers_see_the_old_or_the_new_file_whole(tmp_path):
    path = str(tmp_path / "file")
    io.write_file(path, "a" * 100000)
    code = ("import sys\nfrom ganeti.utils import io\n"
            "for n in range(200): io.write_file(sys.argv[1], 'ab'[n % 2] * 100000, sync=False)")
    with subprocess.Popen([sys.executable, "-c", code, path]) as writer:
        while writer.poll() is None:
            text = io.read_file(path)
            assert len(text) == 100000 and len(set(text)) == 1
    assert writer.returncode == 0


def test_text_that_is_none(tmp_path):
    (tmp_path / "x").write_bytes(b"\xff")
    with pytest.raises(errors.ParseError, match="no UTF-8"):
        io.read_file(str(tmp_path / "x"))


def test_first_line(tmp_path):
    path = tmp_path / "x"
    path.write_text(" word \nmore\n")
    assert io.read_first_line(str(path)) == "word"
    with pytest.raises(errors.ParseError, match="exactly one line, it has 2"):
        io.read_first_line(str(path), strict=True)


def test_lock_excludes_and_ends(tmp_path):
    path = str(tmp_path / "dir" / "lock")
    with io.lock_file(path):
        with pytest.raises(errors.LockError, match="locked by another"):
            io.lock_file(path)
        with pytest.raises(errors.LockError):
            io.lock_file(path, shared=True, timeout=0.05)
    with io.lock_file(path, shared=True), io.lock_file(path, shared=True):
        with pytest.raises(errors.LockError):
            io.lock_file(path)
    io.lock_file(path, timeout=None).release()


def test_pid_file_tells_the_process_and_excludes_a_second(tmp_path):
    path = str(tmp_path / "x.pid")
    assert io.read_pid_file(path) == io.locked_pid(path) == 0
    lock = io.write_pid_file(path)
    assert io.read_pid_file(path) == io.locked_pid(path) == os.getpid()
    with pytest.raises(errors.PidFileLockError, match=str(os.getpid())):
        io.write_pid_file(path)
    lock.release()
    assert io.locked_pid(path) == 0
    (tmp_path / "x.pid").write_text("garbage\n")
    assert io.read_pid_file(path) == 0


def test_small_things(tmp_path):
    io.make_dirs(str(tmp_path / "a" / "b"), 0o700)
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    (tmp_path / "a" / ".hidden").touch()
    assert io.list_visible(str(tmp_path / "a")) == ["b"]
    assert io.list_visible(str(tmp_path / "none")) == []
    assert io.remove_file(str(tmp_path / "a" / ".hidden")) is True
    assert io.remove_file(str(tmp_path / "a" / ".hidden")) is False
    (tmp_path / "log").write_text("\n".join(map(str, range(100))))
    assert io.tail(str(tmp_path / "log"), 2) == ["98", "99"]
    assert io.tail(str(tmp_path / "nolog")) == []
