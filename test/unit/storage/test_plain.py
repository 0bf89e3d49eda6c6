"""The command lines of logical volumes, by programs that note how they are called.

What real LVM makes of them is seen in test/lab/test_plain.py.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ganeti import constants, errors, objects
from ganeti.storage import plain
from ganeti.storage.base import DiskRequest

#: lvs --noheadings --nosuffix --units b --unbuffered --separator '|' -o lv_attr,lv_size,
#: lv_kernel_major,lv_kernel_minor,vg_extent_size,stripes,origin,lv_tags,devices xenvg/u.disk0
STRIPED = ("  -wi-a-----|8388608|253|4|4194304|2||backup,originstname+old"
           "|/dev/sda3(0),/dev/sdb1(0)\n")
PVS = ("  /dev/sda3|xenvg|1000.00|100.00|a--\n  /dev/sdb1|xenvg|1000.00|900.00|a--\n"
       "  /dev/sdc1|xenvg|1000.00|1000.00|u--\n  /dev/sdd1|other|9.00|9.00|a--\n")
VGS = "  xenvg|3000.00|1000.00|wz--n-\n"
_CHANGES = ("lvcreate", "lvextend", "lvremove", "lvrename", "lvchange")
_PROGRAM = """#!/bin/sh
echo "$(/usr/bin/basename $0) $*" >>{log}
[ -e {here}/fail-$(/usr/bin/basename $0) ] && {{ echo "no" >&2; exit 5; }}
/bin/cat {here}/$(/usr/bin/basename $0).says
"""


@pytest.fixture
def lvm(tmp_path, monkeypatch) -> Callable[..., list[str]]:
    """Stand-ins for LVM's programs; a call gives the changes that were made since the last."""
    log = tmp_path / "log"
    for name in ("lvs", "pvs", "vgs", *_CHANGES):
        program = tmp_path / name
        program.write_text(_PROGRAM.format(log=log, here=tmp_path))
        program.chmod(0o755)
    says = {"lvs": STRIPED, "pvs": PVS, "vgs": VGS, **dict.fromkeys(_CHANGES, "")}
    monkeypatch.setenv("PATH", str(tmp_path))

    def calls(fail: str = "", **changed: str) -> list[str]:
        for name, text in {**says, **changed}.items():
            (tmp_path / f"{name}.says").write_text(text)
        for mark in tmp_path.glob("fail-*"):
            mark.unlink()
        for name in fail.split():
            (tmp_path / f"fail-{name}").touch()
        lines = log.read_text().splitlines() if log.exists() else []
        log.write_text("")
        return [line for line in lines if line.startswith(_CHANGES)]

    calls()
    return calls


def device(stripes: int = 1) -> plain.LvmDevice:
    return plain.LvmDevice(objects.Disk(
        uuid="u", dev_type="plain", logical_id=["xenvg", "u.disk0"], size=8,
        params={"stripes": stripes}))


def test_creation_tries_fewer_stripes(lvm):
    lvm(fail="lvcreate", lvs="")
    with pytest.raises(errors.BlockDeviceError, match="2 stripes.*1 stripes"):
        device(3).create(8)
    assert lvm() == [
        "lvcreate -Wn -L8m -nu.disk0 -i2 xenvg /dev/sdb1 /dev/sda3",
        "lvcreate -Wn -L8m -nu.disk0 -i1 xenvg /dev/sdb1 /dev/sda3"]


def test_growth_is_whole_rows_and_looks_for_near_room_first(lvm):
    lvm(fail="lvextend")
    with pytest.raises(errors.BlockDeviceError, match="Can not grow /dev/xenvg/u.disk0 by 9 MiB"):
        device().grow(9)
    assert lvm() == [f"lvextend -L +16384k --alloc {how} xenvg/u.disk0"
                     for how in ("contiguous", "cling", "normal")]
    device().grow(1, dry_run=True, exclusive=True)
    assert lvm() == [
        "lvextend -L +8192k --alloc contiguous --test xenvg/u.disk0 /dev/sda3 /dev/sdb1"]
    device().grow(0)
    device().grow(5, backing_store=False)
    assert lvm() == []


def test_the_other_changes(lvm):
    device().remove()
    assert lvm() == ["lvremove -f xenvg/u.disk0"]
    device().set_info("originstname+web.example.org")
    assert lvm() == ["lvchange --deltag originstname+old --addtag originstname+web.example.org"
                     " xenvg/u.disk0"]
    device().assemble()
    assert lvm(lvs=STRIPED.replace("-a-", "---")) == []
    with pytest.raises(errors.BlockDeviceError, match="exists and is no snapshot"):
        device().snapshot(None, None)
    lvm(lvs=STRIPED.replace("-a-", "---"))
    device().assemble()
    assert lvm() == ["lvchange -ay xenvg/u.disk0"]


def test_a_snapshot_replaces_its_own_forerunner(lvm):
    lvm(lvs=STRIPED.replace("|2||", "|2|u.disk0|"))
    assert device().snapshot(None, None) == ["xenvg", "u.disk0.snap"]
    assert lvm() == ["lvremove -f xenvg/u.disk0.snap",
                     "lvcreate -L8m -s -nu.disk0.snap xenvg/u.disk0"]


def test_a_broken_lvm_is_not_taken_for_a_removed_volume(lvm):
    lvm(fail="lvs vgs")
    with pytest.raises(errors.StorageError):
        device().remove()
    lvm(lvs="", vgs="  other|1.00|1.00|wz--n-\n")
    with pytest.raises(errors.BlockDeviceError, match="no volume group xenvg"):
        device().remove()
    assert lvm() == []


@pytest.mark.parametrize(("attributes", "state"), [
    ("-wi-ao----", constants.LDS_OKAY), ("-wi-ao--p-", constants.LDS_FAULTY),
    ("-wi-XX--X-", constants.LDS_FAULTY)])
def test_a_volume_with_a_lost_part_is_faulty(lvm, attributes, state):
    lvm(lvs=STRIPED.replace("-wi-a-----", attributes))
    status = device().sync_status()
    assert (status["ldisk_status"], status["major"], status["minor"]) == (state, 253, 4)
    assert status["is_degraded"] is (state != constants.LDS_OKAY)


def test_what_is_told_about_a_volume(lvm):
    found = device()
    assert found.attach()
    assert (found.path, found.actual_size(), found.spindles()) == (
        "/dev/xenvg/u.disk0", 8 << 20, 2)
    lvm(lvs=STRIPED.replace("-wi", "vwi"))
    assert not found.attach()
    assert "no volume that holds data" in found.why_not


def test_layout():
    disk = plain.PlainTemplate().layout(DiskRequest(
        uuid="d", unique_id="u", instance_name="i", instance_uuid="iu", index=3, size=5,
        primary_node="n1", vg="fast", adopt="old"))
    assert (disk.logical_id, disk.nodes, disk.iv_name) == (["fast", "u.disk3"], ["n1"], "disk/3")
    assert plain.PlainTemplate().present_id(disk, "old") == ["fast", "old"]
    with pytest.raises(errors.BlockDeviceError, match="'-f' can not be the name"):
        plain.PlainTemplate().present_id(disk, "-f")


def test_programs_are_not_run_by_what_a_name_says(lvm):
    with pytest.raises(errors.BlockDeviceError):
        plain.LvmDevice(objects.Disk(uuid="u", dev_type="plain", size=1,
                                     logical_id=["xenvg", "--help"]))
    assert lvm() == []
