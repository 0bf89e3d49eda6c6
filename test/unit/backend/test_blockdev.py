"""Creating, assembling and changing disks as the master asks for it."""

from __future__ import annotations

import os

import pytest

from ganeti import constants, errors, objects, pathutils
from ganeti.backend import blockdev, diskdata, volumes

from .conftest import FILE_DIR, create_disks, link, make_disk, make_instance

MIB = 1024 * 1024


@pytest.fixture
def disk() -> objects.Disk:
    disk = make_disk()
    create_disks(make_instance(disks=[disk]))
    return disk


def real(disk: objects.Disk) -> str:
    return pathutils.local(disk.logical_id[1])


def unmade() -> objects.Disk:
    return make_disk(7)


def test_creation_returns_the_logical_id_and_makes_a_sparse_file(disk):
    other = make_disk(1, size=1024)
    assert blockdev.blockdev_create(other, 1024, "inst1.example.org", True, "i", False) == list(
        other.logical_id)
    info = os.stat(real(other))
    assert info.st_size == 1024 * MIB
    assert info.st_blocks * 512 < MIB


def test_creation_notes_the_owner(disk):
    [name] = os.listdir(pathutils.BDEV_CACHE_DIR)
    with open(os.path.join(pathutils.BDEV_CACHE_DIR, name), encoding="utf-8") as fobj:
        assert fobj.read() == "inst1.example.org primary disk/0\n"
    blockdev.blockdev_remove(disk)
    assert os.listdir(pathutils.BDEV_CACHE_DIR) == []


def test_assembling_tells_path_and_link(disk):
    inst = make_instance(disks=[disk])
    path, found, uri = blockdev.blockdev_assemble(disk, inst, True, 0)
    assert path == disk.logical_id[1]
    assert pathutils.local(found) == link(inst, 0)
    assert os.readlink(link(inst, 0)) == real(disk)
    assert uri is None
    assert blockdev.blockdev_assemble(disk, inst, True, 0) == [path, found, uri]


def test_a_secondary_has_nothing_to_assemble(disk):
    inst = make_instance(disks=[disk])
    assert blockdev.blockdev_assemble(disk, inst, False, 0) == [True, True]
    assert not os.path.lexists(link(inst, 0))


def test_a_link_to_another_place_is_corrected(disk):
    inst = make_instance(disks=[disk])
    os.makedirs(pathutils.DISK_LINKS_DIR)
    os.symlink("/nowhere", link(inst, 0))
    blockdev.blockdev_assemble(disk, inst, True, 0)
    assert os.readlink(link(inst, 0)) == real(disk)


def test_shutting_down_may_be_repeated_and_keeps_data(disk):
    blockdev.blockdev_shutdown(disk)
    blockdev.blockdev_shutdown(disk)
    blockdev.blockdev_shutdown(unmade())
    assert os.path.exists(real(disk))


def test_closing_takes_the_links_of_this_instance_only(disk):
    inst = make_instance(disks=[disk])
    blockdev.blockdev_assemble(disk, inst, True, 0)
    os.symlink("/x", link(make_instance("inst1.example.org:x"), 0))
    os.symlink("/x", link(make_instance("other.example.org"), 0))
    blockdev.blockdev_close(inst.name, [disk])
    assert sorted(os.listdir(pathutils.DISK_LINKS_DIR)) == [
        "inst1.example.org:x:0", "other.example.org:0"]


def test_finding_tells_status_or_nothing(disk):
    assert blockdev.blockdev_find(unmade()) is None
    status = blockdev.blockdev_find(disk)
    assert status["dev_path"] == disk.logical_id[1]
    assert status["ldisk_status"] == constants.LDS_OKAY
    assert blockdev.blockdev_getmirrorstatus([disk]) == [status]
    good, bad = blockdev.blockdev_getmirrorstatus_multi([disk, unmade()])
    assert good == [True, status]
    assert bad[0] is False
    assert "not present" in bad[1]


def test_dimensions_of_what_is_there(disk):
    assert blockdev.blockdev_getdimensions([disk, unmade()]) == [[4 * MIB, None], None]


def test_growth(disk):
    blockdev.blockdev_grow(disk, 3, True, True, False)
    assert os.path.getsize(real(disk)) == 4 * MIB
    blockdev.blockdev_grow(disk, 3, False, True, False)
    assert os.path.getsize(real(disk)) == 7 * MIB
    with pytest.raises(errors.BlockDeviceError, match="not present"):
        blockdev.blockdev_grow(unmade(), 1, False, True, False)


def test_renames_are_all_tried(disk):
    target = [constants.FD_LOOP, f"{FILE_DIR}/inst1.example.org/other"]
    with pytest.raises(errors.BlockDeviceError, match="not present"):
        blockdev.blockdev_rename([(unmade(), [constants.FD_LOOP, f"{FILE_DIR}/x"]),
                                  (disk, target)])
    assert os.path.exists(pathutils.local(target[1]))


def test_file_disks_have_no_snapshots_and_no_mirrors(disk):
    with pytest.raises(errors.BlockDeviceError, match="snapshotted"):
        blockdev.blockdev_snapshot(disk, None, None)
    [[good, text]] = blockdev.blockdev_pause_resume_sync([disk], True)
    assert good is False
    assert "synchronisation" in text


def test_removal_may_be_repeated(disk):
    blockdev.blockdev_remove(disk)
    blockdev.blockdev_remove(disk)
    assert not os.path.exists(real(disk))


def test_a_type_without_driver_is_refused_with_the_usable_ones():
    tape = objects.Disk(uuid="u", dev_type="tape", logical_id=["tape", "image"], size=1)
    with pytest.raises(errors.BlockDeviceError, match="'tape': no installed package.*file, "):
        blockdev.blockdev_create(tape, 1, "inst1", True, "", False)


@pytest.mark.parametrize("logical_id", [
    ["loop"], ["floppy", f"{FILE_DIR}/a"], ["loop", "/etc/passwd"],
    ["loop", f"{FILE_DIR}/../../../etc/passwd"], ["loop", "relative"]])
def test_wrong_ids_and_foreign_paths_are_refused(logical_id):
    disk = objects.Disk(uuid="u", dev_type=constants.DT_FILE, logical_id=logical_id, size=1)
    with pytest.raises(errors.GenericError):
        blockdev.blockdev_create(disk, 1, "inst1", True, "", False)
    with pytest.raises(errors.GenericError):
        blockdev.blockdev_remove(disk)
    assert os.path.exists("/etc/passwd")


# Contents -----------------------------------------------------------------------------------

def fill(disk: objects.Disk, byte: bytes = b"x") -> None:
    with open(real(disk), "r+b") as fobj:
        fobj.write(byte * 4 * MIB)


def test_wiping_touches_exactly_its_range(disk):
    fill(disk)
    diskdata.blockdev_wipe(disk, 1, 2)
    with open(real(disk), "rb") as fobj:
        data = fobj.read()
    assert data == b"x" * MIB + bytes(2 * MIB) + b"x" * MIB


@pytest.mark.parametrize(("offset", "size"), [(3, 2), (-1, 1), (0, -1), (5, 1)])
def test_wiping_outside_the_disk_is_refused(disk, offset, size):
    with pytest.raises(errors.BlockDeviceError, match="Can not wipe"):
        diskdata.blockdev_wipe(disk, offset, size)
    assert os.path.getsize(real(disk)) == 4 * MIB


def test_an_image_is_written(disk, tmp_path):
    fill(disk)
    image = tmp_path / "image"
    image.write_bytes(b"boot" * 1000)
    diskdata.blockdev_image(disk, str(image), 4)
    with open(real(disk), "rb") as fobj:
        assert fobj.read(4001) == b"boot" * 1000 + b"x"
    assert os.path.getsize(real(disk)) == 4 * MIB


def test_an_image_that_is_too_large_is_refused(disk, tmp_path):
    image = tmp_path / "image"
    image.write_bytes(b"b" * (4 * MIB + 1))
    with pytest.raises(errors.BlockDeviceError, match="larger than the disk"):
        diskdata.blockdev_image(disk, str(image), 4)


def test_a_missing_image_is_named(disk):
    with pytest.raises(errors.OpExecError, match="/no/such/image"):
        diskdata.blockdev_image(disk, "/no/such/image", 4)
    with pytest.raises(errors.OpExecError, match="http://127.0.0.1:9/image"):
        diskdata.blockdev_image(disk, "http://127.0.0.1:9/image", 4)


def test_contents_are_copied_between_disks(disk):
    fill(disk)
    other = make_disk(1)
    blockdev.blockdev_create(other, 4, "inst1.example.org", True, "", False)
    diskdata.blockdev_convert(disk, other)
    with open(real(other), "rb") as fobj:
        assert fobj.read() == b"x" * 4 * MIB


def test_only_block_devices_have_sizes_here(disk):
    assert diskdata.bdev_sizes([real(disk), "/no/such/device", "/dev/null"]) == {}


# Directories --------------------------------------------------------------------------------

def test_directories_of_disks_are_made_renamed_and_removed():
    old, new = f"{FILE_DIR}/old", f"{FILE_DIR}/new"
    volumes.file_storage_dir_create(old)
    volumes.file_storage_dir_create(old)
    volumes.file_storage_dir_rename(old, new)
    volumes.file_storage_dir_rename(old, new)
    assert os.path.isdir(pathutils.local(new))
    volumes.file_storage_dir_remove(new)
    volumes.file_storage_dir_remove(new)
    assert not os.path.exists(pathutils.local(new))


def test_a_directory_in_use_is_not_removed(disk):
    with pytest.raises(errors.FileStoragePathError, match="not empty"):
        volumes.file_storage_dir_remove(f"{FILE_DIR}/inst1.example.org")


@pytest.mark.parametrize("path", ["/etc/ganeti/x", "/srv/other", "relative", "/"])
def test_directories_elsewhere_are_refused(path):
    with pytest.raises(errors.FileStoragePathError):
        volumes.file_storage_dir_create(path)
