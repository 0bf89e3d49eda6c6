"""What every storage type promises: the same story for each kit in storages.KITS."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from ganeti import constants, errors, objects
from ganeti.storage import registry
from ganeti.storage.base import BlockDev
from test import noderoot
from test.drivers.storagekit import StorageKit
from test.drivers.storages import KITS

MIB = 1024 * 1024


HERE = [kit for kit in KITS if not kit.unavailable]
ELSEWHERE = [kit for kit in KITS if kit.unavailable]


@pytest.mark.parametrize("kit", ELSEWHERE, ids=lambda kit: kit.label())
def test_types_that_can_not_be_had_here(kit):
    pytest.skip(kit.unavailable)


def prepared(kind: type[StorageKit], tmp_path, monkeypatch) -> Iterator[StorageKit]:
    """A kit on a node of its own; afterwards nothing may be left."""
    noderoot.move_node_to(str(tmp_path / "node1"), monkeypatch)
    kit = kind()
    kit.scratch = tmp_path
    for name, value in kit.environment().items():
        monkeypatch.setenv(name, value)
    kit.set_up()
    try:
        yield kit
        assert kit.leftovers() == [], "a test left disks behind"
    finally:
        kit.tear_down()


@pytest.fixture(params=HERE, ids=lambda kit: kit.label())
def kit(request: pytest.FixtureRequest, tmp_path, monkeypatch) -> Iterator[StorageKit]:
    yield from prepared(request.param, tmp_path, monkeypatch)


@pytest.fixture
def disk(kit: StorageKit) -> Iterator[objects.Disk]:
    """A created and assembled disk of 4 MiB."""
    disk = kit.disk(4)
    kit.make(disk, 4)
    registry.device(disk).assemble()
    yield disk
    kit.unmake(disk)


def write(device: BlockDev, offset: int, data: bytes) -> None:
    with device.data() as path, open(path, "r+b") as fobj:
        fobj.seek(offset)
        fobj.write(data)


def read(device: BlockDev, offset: int, size: int) -> bytes:
    with device.data() as path, open(path, "rb") as fobj:
        fobj.seek(offset)
        return fobj.read(size)


def again(disk: objects.Disk) -> BlockDev:
    """The device as a restarted daemon finds it."""
    device = registry.device(disk)
    assert device.attach(), device.why_not
    return device


def refused(request: pytest.FixtureRequest) -> None:
    """Note for the table of results that the type refuses this, and does so by design."""
    request.node.user_properties.append(("refused", True))


def test_the_layout_holds_what_was_asked_for(kit):
    request = kit.request(100, index=3)
    disk = kit.template.layout(request)
    assert (disk.dev_type, disk.size, disk.iv_name) == (kit.template_name, 100, "disk/3")
    assert disk.uuid == request.uuid
    assert bool(disk.nodes) is not kit.template.shared


def test_layouts_of_two_disks_differ(kit):
    assert kit.disk(1, 0).logical_id != kit.disk(1, 1).logical_id


@pytest.mark.capability("attach")
def test_a_disk_that_was_never_made_is_not_found(kit):
    device = registry.device(kit.disk(1))
    assert not device.attach()
    with pytest.raises(errors.BlockDeviceError, match="not present"):
        device.assemble()
    device.remove()


@pytest.mark.capability("create")
def test_a_created_disk_has_its_size(kit, disk):
    assert again(disk).actual_size() == 4 * MIB


@pytest.mark.capability("create")
def test_a_disk_is_not_made_twice(kit, disk):
    write(again(disk), 0, b"precious")
    why = "made by the administrator" if kit.template.must_adopt else "exists"
    with pytest.raises(errors.BlockDeviceError, match=why):
        registry.device(disk).create(4)
    assert read(again(disk), 0, 8) == b"precious"


@pytest.mark.capability("pattern", "restart")
def test_data_survives_a_restart_of_the_daemon_and_of_the_node(kit, disk):
    write(again(disk), MIB, b"pattern")
    device = again(disk)
    device.shutdown()
    device = again(disk)
    device.assemble()
    device.open()
    assert read(device, MIB, 7) == b"pattern"
    device.close()


@pytest.mark.capability("remove")
def test_assembling_and_removing_may_be_repeated(kit, disk):
    again(disk).assemble()
    again(disk).assemble()
    write(again(disk), 0, b"precious")
    again(disk).remove()
    registry.device(disk).remove()
    if kit.template.must_adopt:
        assert read(again(disk), 0, 8) == b"precious", "what was adopted stays as it is"
    else:
        assert not registry.device(disk).attach()
        assert kit.leftovers() == []


@pytest.mark.capability("grow")
def test_growth_adds_room_and_keeps_data(kit, disk, request):
    if not kit.template.growable:
        refused(request)
        with pytest.raises(errors.BlockDeviceError, match="can not grow"):
            again(disk).grow(2)
        return
    write(again(disk), 0, b"pattern")
    again(disk).grow(2, dry_run=True)
    assert again(disk).actual_size() == 4 * MIB
    again(disk).grow(2)
    disk = disk.replace(size=6)
    device = again(disk)
    assert device.actual_size() == 6 * MIB
    assert read(device, 0, 7) == b"pattern"
    write(device, 6 * MIB - 4, b"last")
    assert read(device, 6 * MIB - 4, 4) == b"last"


def test_disks_do_not_shrink(kit, disk):
    with pytest.raises(errors.BlockDeviceError):
        again(disk).grow(-1)


@pytest.mark.capability("attach")
def test_a_healthy_disk_says_so(kit, disk):
    status = again(disk).sync_status()
    assert set(status) == {"dev_path", "major", "minor", "sync_percent", "estimated_time",
                           "is_degraded", "ldisk_status"}
    assert status["is_degraded"] is False
    assert status["ldisk_status"] == constants.LDS_OKAY
    assert os.path.exists(status["dev_path"]) is kit.has_path
    with again(disk).data() as path:
        assert os.path.exists(path)


@pytest.mark.capability("rename")
def test_renaming_keeps_data_and_may_be_repeated(kit, disk, request):
    write(again(disk), 0, b"pattern")
    new_id = kit.other_id(disk)
    if new_id is None:
        refused(request)
        with pytest.raises(errors.BlockDeviceError, match="can not be renamed"):
            again(disk).rename(["any", "name"])
        return
    again(disk).rename(new_id)
    registry.device(disk).rename(new_id)
    assert not registry.device(disk).attach()
    moved = disk.replace(logical_id=new_id)
    again(moved).assemble()
    assert read(again(moved), 0, 7) == b"pattern"
    again(moved).remove()


@pytest.mark.capability("rename")
def test_renaming_onto_another_disk_is_refused(kit, disk, request):
    if kit.other_id(disk) is None:
        refused(request)
        return
    other = kit.disk(1, 1)
    kit.make(other, 1)
    with pytest.raises(errors.BlockDeviceError, match="exists"):
        again(disk).rename(other.logical_id)
    again(disk).assemble()
    kit.unmake(other)


@pytest.mark.capability("snapshot")
def test_a_snapshot_keeps_the_old_data_or_is_refused(kit, disk, request):
    if not kit.template.can_snapshot:
        refused(request)
        with pytest.raises(errors.BlockDeviceError, match="snapshot"):
            again(disk).snapshot("snap", 4)
        return
    write(again(disk), 0, b"old")
    frozen = disk.replace(logical_id=again(disk).snapshot("snap", 4))
    write(again(disk), 0, b"new")
    again(frozen).assemble()
    assert read(again(frozen), 0, 3) == b"old"
    again(frozen).remove()
    assert read(again(disk), 0, 3) == b"new"


def test_pausing_synchronisation_needs_a_mirror(kit, disk):
    if kit.template.needs_secondary:
        pytest.skip("mirrors have their own tests")
    with pytest.raises(errors.BlockDeviceError, match="synchronisation"):
        again(disk).pause_sync(True)


def test_parameters_are_declared(kit):
    assert kit.template.parameters.names == constants.DISK_TABLES[kit.template_name].names
