"""Logical volumes over several physical ones: stripes, exclusive storage, allocation, tags.

They need device-mapper: test/lab/test_plain.py runs them on a machine of the lab.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import uuid
from collections.abc import Iterator

import pytest

from ganeti import errors, objects
from ganeti.backend import volumes
from ganeti.storage import lvm, plain

VG = "lvmtest"
WHY_NOT = ("" if os.getuid() == 0 and shutil.which("vgs") and os.path.exists("/dev/mapper/control")
           else "LVM needs root, lvm2 and device-mapper: test/lab/test_plain.py runs this in a VM")
if WHY_NOT:
    pytest.skip(WHY_NOT, allow_module_level=True)


def sh(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def devices(tmp_path_factory) -> Iterator[list[str]]:
    """A volume group of three physical volumes of 32 MiB (31 to use), on files."""
    loops = []
    for number in range(3):
        file = pathlib.Path(tmp_path_factory.mktemp("pv"), str(number))
        with open(file, "wb") as fobj:
            fobj.truncate(32 << 20)
        loops.append(sh("losetup", "--find", "--show", str(file)).strip())
    sh("vgcreate", "-q", "-s", "1m", VG, *loops)
    yield loops
    sh("vgremove", "-q", "-f", VG)
    for loop in loops:
        sh("losetup", "-d", loop)


@pytest.fixture(autouse=True)
def empty(devices) -> Iterator[None]:
    yield
    sh("lvremove", "-q", "-f", VG)


def volume(stripes: int = 1, size: int = 6, spindles: int | None = None,
           exclusive: bool = False) -> plain.LvmDevice:
    made = plain.LvmDevice(objects.Disk(
        uuid=str(uuid.uuid4()), dev_type="plain", logical_id=[VG, f"{uuid.uuid4()}.disk0"],
        size=size, params={"stripes": stripes}))
    made.create(size, spindles=spindles, exclusive=exclusive)
    return made


def test_lvm_spreads_a_volume_over_as_many_disks_as_stripes(devices):
    made = volume(stripes=3)
    assert made.details.stripes == 3
    assert sorted(made.details.devices) == sorted(devices)
    made.grow(2)
    assert made.actual_size() == 9 << 20, "growth is a whole row of stripes"
    assert made.details.stripes == 3


def test_lvm_takes_fewer_stripes_where_there_are_not_so_many_disks(devices):
    assert volume(stripes=8).details.stripes == 3
    sh("pvchange", "-q", "--allocatable", "n", devices[0])
    try:
        made = volume(stripes=3)
        assert made.details.stripes == 2
        assert devices[0] not in made.details.devices
    finally:
        sh("pvchange", "-q", "--allocatable", "y", devices[0])


def test_lvm_falls_back_when_stripes_do_not_fit(devices):
    filler = volume(size=29)
    made = volume(stripes=3, size=30)
    assert made.details.stripes < 3
    assert filler.spindles() == 1


def test_lvm_refuses_more_than_there_is(devices):
    with pytest.raises(errors.BlockDeviceError, match="200 MiB are needed, 93 MiB are free"):
        volume(size=200)
    made = volume()
    with pytest.raises(errors.BlockDeviceError, match="grow"):
        made.grow(200)
    with pytest.raises(errors.BlockDeviceError, match="snapshot"):
        made.snapshot(None, 200)


def test_lvm_gives_a_disk_its_spindles_alone(devices):
    made = volume(size=40, spindles=2, exclusive=True)
    assert made.spindles() == 2
    other = volume(size=6, spindles=1, exclusive=True)
    assert not set(made.details.devices) & set(other.details.devices)
    assert volumes.space("lvm-pv", VG, [True]) == (0, 3)
    with pytest.raises(errors.BlockDeviceError, match="1 are needed, 0 are unused"):
        volume(spindles=1, exclusive=True)
    made.grow(6, exclusive=True)
    assert made.spindles() == 2, "growth stays on the disk's own spindles"
    with pytest.raises(errors.BlockDeviceError, match="grow"):
        made.grow(30, exclusive=True)


def test_lvm_wants_spindles_that_suffice(devices):
    with pytest.raises(errors.BlockDeviceError, match="spindles=N"):
        volume(exclusive=True)
    with pytest.raises(errors.BlockDeviceError, match="give more spindles"):
        volume(size=40, spindles=1, exclusive=True)


def test_lvm_notes_one_owner_and_keeps_foreign_tags(devices):
    made = volume()
    sh("lvchange", "-q", "--addtag", "backup", f"{VG}/{made.disk.logical_id[1]}")
    made.attach()
    made.set_info("originstname+web 1/2")
    made.set_info("originstname+other")
    made.set_info("originstname+other")
    assert set(made.details.tags) == {"backup", "originstname+other"}


def test_lvm_activates_what_is_not_active_and_replaces_a_stale_snapshot(devices):
    made = volume()
    vg, name = made.disk.logical_id
    assert made.snapshot(None, None) == made.snapshot(None, 3)
    assert lvm.logical_volume(vg, f"{name}.snap").origin == name
    sh("lvremove", "-q", "-f", f"{vg}/{name}.snap")
    sh("lvchange", "-q", "-an", f"{vg}/{name}")
    again = plain.LvmDevice(made.disk)
    assert again.attach()
    again.assemble()
    assert os.path.exists(again.path)
    assert again.minor >= 0


def test_lvm_tells_a_damaged_volume_from_one_that_is_gone(devices):
    made = volume(stripes=3)
    sh("dmsetup", "suspend", "--noflush", made.path)
    sh("dmsetup", "resume", made.path)
    assert not made.sync_status()["is_degraded"]
    gone = plain.LvmDevice(made.disk.replace(logical_id=["nogroup", "x"]))
    assert not gone.attach()
    with pytest.raises(errors.BlockDeviceError, match="no volume group nogroup"):
        gone.remove()


@pytest.mark.parametrize("logical_id", [["vg"], ["vg", "-x"], ["vg", "a/b"], ["..", "x"],
                                        ["vg", "snapshot1"], ["vg", "x_rmeta_1"], ["vg", ""]])
def test_lvm_names_are_names(logical_id):
    with pytest.raises(errors.BlockDeviceError):
        plain.LvmDevice(objects.Disk(uuid="u", dev_type="plain", logical_id=logical_id, size=1))
