"""What every storage type promises: the same story for each kit in storages.KITS."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from ganeti import constants, errors, objects
from ganeti.storage import registry
from ganeti.storage.base import BlockDev
from test import noderoot
from test.drivers.storages import KITS, StorageKit

MIB = 1024 * 1024


HERE = [kit for kit in KITS if not kit.unavailable]
ELSEWHERE = [kit for kit in KITS if kit.unavailable]


@pytest.mark.parametrize("kit", ELSEWHERE, ids=lambda kit: kit.template_name)
def test_types_that_can_not_be_had_here(kit):
    pytest.skip(kit.unavailable)


@pytest.fixture(params=HERE, ids=lambda kit: kit.template_name)
def kit(request: pytest.FixtureRequest, tmp_path, monkeypatch) -> Iterator[StorageKit]:
    noderoot.move_node_to(str(tmp_path / "node1"), monkeypatch)
    kit = request.param()
    kit.set_up()
    yield kit
    assert kit.leftovers() == [], "a test left disks behind"


@pytest.fixture
def disk(kit: StorageKit) -> Iterator[objects.Disk]:
    """A created and assembled disk of 4 MiB."""
    disk = kit.disk(4)
    registry.device(disk).create(4)
    registry.device(disk).assemble()
    yield disk
    device = registry.device(disk)
    if device.attach():
        device.remove()


def write(device: BlockDev, offset: int, data: bytes) -> None:
    with open(device.path, "r+b") as fobj:
        fobj.seek(offset)
        fobj.write(data)


def read(device: BlockDev, offset: int, size: int) -> bytes:
    with open(device.path, "rb") as fobj:
        fobj.seek(offset)
        return fobj.read(size)


def again(disk: objects.Disk) -> BlockDev:
    """The device as a restarted daemon finds it."""
    device = registry.device(disk)
    assert device.attach()
    return device


def test_the_layout_holds_what_was_asked_for(kit):
    request = kit.request(100, index=3)
    disk = kit.template.layout(request)
    assert (disk.dev_type, disk.size, disk.iv_name) == (kit.template_name, 100, "disk/3")
    assert disk.uuid == request.uuid
    assert bool(disk.nodes) is not kit.template.shared


def test_layouts_of_two_disks_differ(kit):
    assert kit.disk(1, 0).logical_id != kit.disk(1, 1).logical_id


def test_a_disk_that_was_never_made_is_not_found(kit):
    device = registry.device(kit.disk(1))
    assert not device.attach()
    with pytest.raises(errors.BlockDeviceError, match="not present"):
        device.assemble()
    device.remove()


def test_a_created_disk_has_its_size(kit, disk):
    assert again(disk).actual_size() == 4 * MIB


def test_a_disk_is_not_made_twice(kit, disk):
    write(again(disk), 0, b"precious")
    with pytest.raises(errors.BlockDeviceError, match="exists"):
        registry.device(disk).create(4)
    assert read(again(disk), 0, 8) == b"precious"


def test_data_survives_a_restart_of_the_daemon_and_of_the_node(kit, disk):
    write(again(disk), MIB, b"pattern")
    device = again(disk)
    device.shutdown()
    device = again(disk)
    device.assemble()
    device.open()
    assert read(device, MIB, 7) == b"pattern"
    device.close()


def test_assembling_and_removing_may_be_repeated(kit, disk):
    again(disk).assemble()
    again(disk).assemble()
    again(disk).remove()
    registry.device(disk).remove()
    assert kit.leftovers() == []


def test_growth_adds_room_and_keeps_data(kit, disk):
    if not kit.template.growable:
        pytest.skip(f"{kit.template_name} can not grow")
    write(again(disk), 0, b"pattern")
    again(disk).grow(2, dry_run=True)
    assert again(disk).actual_size() == 4 * MIB
    again(disk).grow(2)
    device = again(disk)
    assert device.actual_size() == 6 * MIB
    assert read(device, 0, 7) == b"pattern"
    write(device, 6 * MIB - 4, b"last")
    assert read(device, 6 * MIB - 4, 4) == b"last"


def test_disks_do_not_shrink(kit, disk):
    with pytest.raises(errors.BlockDeviceError):
        again(disk).grow(-1)


def test_a_healthy_disk_says_so(kit, disk):
    status = again(disk).sync_status()
    assert set(status) == {"dev_path", "major", "minor", "sync_percent", "estimated_time",
                           "is_degraded", "ldisk_status"}
    assert status["is_degraded"] is False
    assert status["ldisk_status"] == constants.LDS_OKAY
    assert os.path.exists(status["dev_path"])


def test_renaming_keeps_data_and_may_be_repeated(kit, disk):
    write(again(disk), 0, b"pattern")
    new_id = kit.other_id(disk)
    again(disk).rename(new_id)
    registry.device(disk).rename(new_id)
    assert not registry.device(disk).attach()
    moved = again(disk.replace(logical_id=new_id))
    assert read(moved, 0, 7) == b"pattern"
    moved.remove()


def test_renaming_onto_another_disk_is_refused(kit, disk):
    other = kit.disk(1, 1)
    registry.device(other).create(1)
    with pytest.raises(errors.BlockDeviceError, match="exists"):
        again(disk).rename(other.logical_id)
    again(other).remove()


def test_a_snapshot_keeps_the_old_data_or_is_refused(kit, disk):
    if not kit.template.can_snapshot:
        with pytest.raises(errors.BlockDeviceError, match="snapshot"):
            again(disk).snapshot("snap", 4)
        return
    write(again(disk), 0, b"old")
    frozen = disk.replace(logical_id=again(disk).snapshot("snap", 4))
    write(again(disk), 0, b"new")
    assert read(again(frozen), 0, 3) == b"old"
    again(frozen).remove()


def test_pausing_synchronisation_needs_a_mirror(kit, disk):
    if kit.template.needs_secondary:
        pytest.skip("mirrors have their own tests")
    with pytest.raises(errors.BlockDeviceError, match="synchronisation"):
        again(disk).pause_sync(True)


def test_parameters_are_declared(kit):
    assert kit.template.parameters.names == constants.DISK_TABLES[kit.template_name].names
