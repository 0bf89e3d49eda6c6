"""Reading LVM's reports, and refusing clearly where there is no LVM."""

from __future__ import annotations

import os

import pytest

from ganeti import errors
from ganeti.storage import lvm

# Form of: lvs --noheadings --nosuffix --units m --separator '|' -o vg_name,lv_name,...
LVS = """\
  xenvg|aaa.disk0|1024.00|-wi-ao----|/dev/sda3(0)
  xenvg|bbb.disk0|2048.00|-wi-------|/dev/sda3(256),/dev/sdb1(0)
  xenvg|pool|4096.00|vwi---tz--|
"""


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """A PATH with only the given LVM programs, which print a text."""
    def install(**programs: str) -> None:
        for name, text in programs.items():
            path = tmp_path / name
            path.write_text(f"#!/bin/sh\n/bin/cat <<'END'\n{text}END\n")
            path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return install


def test_volumes_are_read(tools):
    tools(lvs=LVS)
    first, second = lvm.logical_volumes("xenvg")
    assert (first.vg_name, first.name, first.size) == ("xenvg", "aaa.disk0", 1024.0)
    assert (first.inactive, first.online) == (False, True)
    assert (second.inactive, second.online) == (True, False)


def test_physical_volumes_and_groups_are_read(tools):
    tools(pvs="  /dev/sda3|xenvg|100.00|40.00|a--\n  /dev/sdb1|other|50.00|50.00|u--\n",
          vgs="  xenvg|100.00|40.00|wz--n-\n")
    [volume] = lvm.physical_volumes(["xenvg"])
    assert volume.allocatable
    assert not lvm.physical_volumes(["other"])[0].allocatable
    [group] = lvm.volume_groups()
    assert (group.name, group.size, group.free) == ("xenvg", 100.0, 40.0)


@pytest.mark.parametrize("text", ["  WARNING: something\n", "a|b\n", "xenvg|a|much|-wi|x\n"])
def test_a_report_of_another_form_is_refused(tools, text):
    tools(lvs=text)
    with pytest.raises(errors.StorageError, match="Can not read|no number"):
        lvm.logical_volumes()


def test_a_failing_program_is_told(tmp_path, tools):
    (tmp_path / "vgs").write_text("#!/bin/sh\necho 'device is busy' >&2; exit 5\n")
    os.chmod(tmp_path / "vgs", 0o755)
    with pytest.raises(errors.StorageError, match="exit status 5.*device is busy"):
        lvm.volume_groups()


def test_without_lvm_everything_says_so(tools):
    assert not lvm.available()
    for action in (lvm.volume_groups, lvm.logical_volumes, lvm.physical_volumes,
                   lambda: lvm.set_allocatable("/dev/sda3", False),
                   lambda: lvm.remove_missing("xenvg")):
        with pytest.raises(errors.StorageError, match="no LVM.*is missing.*lvm2"):
            action()
