"""Storage of the node as the administrator lists it."""

from __future__ import annotations

import os

import pytest

from ganeti import constants, errors
from ganeti.backend import info, volumes
from ganeti.storage import file, lvm

from .conftest import FILE_DIR

without_lvm = pytest.mark.skipif(lvm.available(), reason="this machine has LVM")


def test_file_storage_is_listed_in_the_order_of_the_fields():
    fields = ["name", "size", "free", "used", "allocatable"]
    [[name, size, free, used, allocatable]] = volumes.storage_list(
        constants.ST_FILE, [FILE_DIR], None, fields)
    assert name == FILE_DIR
    assert size == free + used
    assert allocatable is True
    assert volumes.storage_list(constants.ST_FILE, [[FILE_DIR]], "other", fields) == []


def test_shared_directories_are_listed_and_gluster_only_where_it_is_mounted():
    fields = ["name", "allocatable"]
    assert volumes.storage_list(constants.ST_SHARED_FILE, [[FILE_DIR]], None, fields) == [
        [FILE_DIR, True]]
    assert volumes.storage_list(constants.ST_GLUSTER, [[FILE_DIR]], None, fields) == []
    with pytest.raises(errors.StorageError, match="directory /no/such: No such file"):
        volumes.storage_list(constants.ST_SHARED_FILE, [["/no/such"]], None, fields)


def test_what_can_not_be_listed_is_named():
    with pytest.raises(errors.StorageError, match="'tape'.*file"):
        volumes.storage_list("tape", [], None, ["name"])
    with pytest.raises(errors.StorageError, match="colour"):
        volumes.storage_list(constants.ST_FILE, [FILE_DIR], None, ["colour"])


def test_only_physical_volumes_can_be_changed():
    with pytest.raises(errors.StorageError, match="can not change size"):
        volumes.storage_modify(constants.ST_FILE, [], FILE_DIR, {"size": 1})
    with pytest.raises(errors.StorageError, match="can not change size"):
        volumes.storage_modify(constants.ST_LVM_PV, [], "/dev/sda1", {"size": 1})
    with pytest.raises(errors.StorageError, match="no operation 'explode'"):
        volumes.storage_execute(constants.ST_LVM_VG, [], "xenvg", "explode")


@without_lvm
def test_a_node_without_lvm_says_so():
    assert volumes.vg_list() == {}
    with pytest.raises(errors.StorageError, match="no LVM"):
        volumes.lv_list("xenvg")
    with pytest.raises(errors.StorageError, match="no LVM"):
        volumes.node_volumes()
    with pytest.raises(errors.StorageError, match="no LVM"):
        volumes.storage_list(constants.ST_LVM_VG, [], None, ["name"])


def test_volumes_on_two_devices_are_listed_twice(tmp_path, monkeypatch):
    program = tmp_path / "lvs"
    program.write_text("#!/bin/sh\necho '  xenvg|a|10.00|-wi-ao----|/dev/sda3(0),/dev/sdb1(7)'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert volumes.node_volumes() == [
        {"name": "a", "size": "10.00", "dev": "/dev/sda3", "vg": "xenvg"},
        {"name": "a", "size": "10.00", "dev": "/dev/sdb1", "vg": "xenvg"}]
    assert volumes.lv_list(None) == {"xenvg/a": ["10.00", False, True]}


# node_info ----------------------------------------------------------------------------------

def test_the_boot_id_is_that_of_the_kernel():
    boot_id, storage, hypervisors = info.node_info(None, None)
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as fobj:
        assert boot_id == fobj.read().strip()
    assert (storage, hypervisors) == (None, None)


@without_lvm
def test_storage_and_hypervisors_are_reported_in_order():
    _, storage, hypervisors = info.node_info(
        [[constants.ST_FILE, FILE_DIR, []], [constants.ST_SHARED_FILE, "/srv/none", []],
         [constants.ST_LVM_VG, "xenvg", [False]], [constants.ST_DISKLESS, "", []]],
        [[constants.HT_FAKE, {}]])
    assert storage[0]["name"] == FILE_DIR
    assert set(storage[0]) == {"type", "name", "storage_free", "storage_size"}
    assert storage[0]["storage_size"] >= storage[0]["storage_free"] > 0
    assert storage[1:] == [None, None, None]
    assert hypervisors[0]["memory_total"] > 0


def test_unknown_hypervisors_are_refused():
    with pytest.raises(errors.HypervisorError, match="'nonsense'"):
        info.node_info(None, [["nonsense", {}]])


def test_space_is_what_the_file_system_says():
    found = file.FileTemplate().space("/", [])
    stat = os.statvfs("/")
    assert found.size == stat.f_blocks * stat.f_frsize // (1024 * 1024)
    with pytest.raises(errors.StorageError, match="/no/such"):
        file.FileTemplate().space("/no/such/directory", [])
