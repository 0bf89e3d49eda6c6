"""Where file based disks may live."""

from __future__ import annotations

import os

import pytest

from ganeti import errors, pathutils
from ganeti.storage import filepaths
from test import noderoot


@pytest.fixture(autouse=True)
def node(tmp_path, monkeypatch):
    noderoot.move_node_to(str(tmp_path / "node1"), monkeypatch)


def allow(text: str) -> None:
    with open(pathutils.FILE_STORAGE_PATHS_FILE, "w", encoding="utf-8") as fobj:
        fobj.write(text)


def test_comments_and_blanks_are_left_out():
    allow("# disks\n\n/srv/one  # fast\n/srv/two/\n")
    assert filepaths.allowed_paths() == ["/srv/one", "/srv/two"]


def test_without_the_file_nothing_is_allowed():
    os.unlink(pathutils.FILE_STORAGE_PATHS_FILE)
    with pytest.raises(errors.FileStoragePathError, match="allows none"):
        filepaths.check("/srv/ganeti/file-storage/a")


def test_real_and_logical_paths_are_the_same_place():
    assert filepaths.check(pathutils.local("/srv/ganeti/file-storage/a")) == (
        "/srv/ganeti/file-storage/a")
    assert filepaths.local("/srv/ganeti/file-storage/a").startswith(pathutils.ROOT)


@pytest.mark.parametrize("path", [
    "/srv/ganeti/file-storage/../x", "/srv/ganeti/file-storage-not", "/srv", "/", "x/y"])
def test_what_is_not_below_an_allowed_directory_is_refused(path):
    with pytest.raises(errors.FileStoragePathError, match="below a directory|not absolute"):
        filepaths.check(path)


@pytest.mark.parametrize("path", [
    "/", "/etc", "/etc/ganeti/disks", "/usr/share/disks", "/bin", "/lib64/x", "/proc", "/root/x",
    "/srv", "/var", "/var/lib", "/usr/local", "/usr", "relative/path", "/srv/../etc/x"])
def test_paths_of_the_system_are_forbidden(path):
    assert filepaths.forbidden_reason(path) is not None


@pytest.mark.parametrize("path", [
    "/srv/ganeti", "/srv/disks", "/var/lib/ganeti-disks", "/usr/local/disks", "/data", "/opt/x",
    "/mnt/nfs/disks", "/etcetera"])
def test_directories_of_ones_own_are_not(path):
    assert filepaths.forbidden_reason(path) is None


def test_a_forbidden_entry_allows_nothing_and_is_reported():
    allow("/etc\n/srv/disks\n")
    assert filepaths.forbidden(filepaths.allowed_paths()) == ["/etc"]
    with pytest.raises(errors.FileStoragePathError):
        filepaths.check("/etc/ganeti/disk")
    assert filepaths.check("/srv/disks/disk") == "/srv/disks/disk"


def test_an_unusable_directory_is_explained():
    assert filepaths.usable_problem("/srv/ganeti/file-storage") is None
    allow("/srv/none\n")
    assert "not a directory" in filepaths.usable_problem("/srv/none")
    assert "allows" in filepaths.usable_problem("/srv/ganeti/file-storage")
