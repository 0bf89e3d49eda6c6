"""lvmstrap: which disks count as used, which are refused. The lab's machines test creation."""

from __future__ import annotations

import os
import pathlib

import pytest

from ganeti import errors
from ganeti.storage import lvm
from ganeti.tools import lvmstrap

#: disk or disk/partition -> its files below /sys/block
DISKS = {
    "sda": {"size": "4194304", "dev": "8:0"},
    "sda/sda1": {"size": "2097152", "dev": "8:1", "partition": "1"},
    "sdb": {"size": "2097152", "dev": "8:16", "holders/dm-0": ""},
    "sdc": {"size": "2097152", "dev": "8:32", "removable": "1"},
    "sdd": {"size": "2097152", "dev": "8:48"},
    "sde": {"size": "2097152", "dev": "8:64", "ro": "1"},
    "sdf": {"size": "2097152", "dev": "8:80"},
    "nvme0n1": {"size": "8388608", "dev": "259:0"},
    "cciss!c0d0": {"size": "2048", "dev": "104:0"},
    "loop0": {"size": "2048", "dev": "7:0"},
    "dm-0": {"size": "2048", "dev": "253:0"},
    "sr0": {"size": "2048", "dev": "11:0"},
    "sdz": {"size": "0", "dev": "65:0"},
}


@pytest.fixture
def here(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> list[lvmstrap.Disk]:
    """The survey of a machine that has DISKS."""
    for name, files in DISKS.items():
        for file, text in files.items():
            path = tmp_path / "sys" / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text(
        "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n")
    (tmp_path / "proc/swaps").write_text(
        "Filename Type Size Used Priority\n/dev/sdd partition 1 0 -2\n")
    monkeypatch.setattr(lvm, "physical_volumes", lambda: [
        lvm.PhysicalVolume("/dev/sdf", "xenvg", 1024, 0, "a--")])
    return lvmstrap.survey(str(tmp_path / "sys"), str(tmp_path / "proc"))


def test_disks_are_listed_with_what_uses_them(here):
    assert {disk.name: disk.used for disk in here} == {
        "sda": ("/dev/sda1 is mounted on /", "it has 1 partition"),
        "sdb": ("/dev/sdb is used by dm-0",),
        "sdc": (),
        "sdd": ("/dev/sdd is swap space",),
        "sde": ("read-only",),
        "sdf": ("/dev/sdf is in volume group xenvg",),
        "nvme0n1": (),
        "cciss!c0d0": (),
    }
    sizes = {disk.name: disk.size for disk in here}
    assert (sizes["sda"], sizes["nvme0n1"], sizes["cciss!c0d0"]) == (2048, 4096, 1)
    assert next(disk for disk in here if disk.removable).name == "sdc"
    assert next(disk for disk in here if disk.name.startswith("cciss")).device == "/dev/cciss/c0d0"


def test_used_and_unknown_disks_are_refused(here):
    with pytest.raises(errors.OpPrereqError, match="sda is not free: .*mounted on /; it has 1"):
        lvmstrap.chosen(here, ["sda"])
    with pytest.raises(errors.OpPrereqError, match="no disk 'sdq'"):
        lvmstrap.chosen(here, ["nvme0n1", "sdq"])
    names = [disk.name for disk in lvmstrap.chosen(here, ["/dev/nvme0n1", "nvme0n1",
                                                          "/dev/cciss/c0d0"])]
    assert names == ["nvme0n1", "cciss!c0d0"]
    assert [disk.name for disk in lvmstrap.chosen(here, None)] == ["cciss!c0d0", "nvme0n1", "sdc"]
    with pytest.raises(errors.OpPrereqError, match="no unused disk"):
        lvmstrap.chosen([disk for disk in here if disk.used], None)


def test_a_removable_disk_needs_permission(here, monkeypatch):
    monkeypatch.setattr(lvmstrap, "survey", lambda: here)
    monkeypatch.setattr(lvmstrap, "contents", lambda device: ["it holds ext4"])
    refused = {disk.name: disk.used for disk in lvmstrap.inspected(False)}
    assert refused["sdc"] == ("removable (--allow-removable)",)
    assert refused["nvme0n1"] == ("it holds ext4",)
    allowed = {disk.name: disk.used for disk in lvmstrap.inspected(True)}
    assert allowed["sdc"] == ("it holds ext4",)


def test_data_on_a_disk_is_seen(tmp_path):
    blank, filled = tmp_path / "blank", tmp_path / "filled"
    for file in (blank, filled):
        file.write_bytes(bytes(4 << 20))
    with open(filled, "r+b") as fobj:
        fobj.seek(510)
        fobj.write(b"\x55\xaa")
        fobj.seek(446)
        fobj.write(bytes([0, 0, 2, 0, 0x83, 0, 3, 0, 8, 0, 0, 0, 8, 0, 0, 0]))
    assert lvmstrap.contents(str(blank)) == []
    assert lvmstrap.contents(str(filled)) == ["it holds dos"]
    assert "can not be taken" in lvmstrap.contents(str(tmp_path / "none"))[0]


def test_the_command_line(capsys, monkeypatch):
    assert lvmstrap.main(["create"]) == 1
    assert "--alldisks" in capsys.readouterr().err
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    assert lvmstrap.main(["diskinfo"]) == 1
    assert "Only root" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        lvmstrap.main(["create", "--alldisks", "-d", "sda"])
    assert "not allowed with" in capsys.readouterr().err
