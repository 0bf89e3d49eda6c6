"""RBD: exact command lines, the forms of `rbd showmapped`, addresses, refusals."""

from __future__ import annotations

import json
import os
import pathlib

import pytest

from ganeti import constants, errors, objects
from ganeti.storage import rbd, registry
from test import noderoot
from test.drivers.devicekits import PROGRAMS, why_no_loops

#: `rbd showmapped --format json` of Ceph 12 (an object) and since Ceph 14 (a list)
OLD = {"0": {"pool": "rbd", "name": "a", "snap": "-", "device": "/dev/rbd0"},
       "1": {"pool": "fast", "name": "a", "snap": "s", "device": "/dev/rbd1"}}
NEW = [{"id": key, "namespace": "", **value} for key, value in OLD.items()] + [
    {"id": "2", "namespace": "other", "pool": "rbd", "name": "b", "snap": "-",
     "device": "/dev/rbd2"}]


@pytest.fixture
def home(tmp_path, monkeypatch) -> pathlib.Path:
    noderoot.move_node_to(str(tmp_path / "node1"), monkeypatch)
    monkeypatch.setenv("PATH", f"{PROGRAMS}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_RBD", str(tmp_path))
    (tmp_path / "images/fast").mkdir(parents=True)
    (tmp_path / "mapped").mkdir()
    return tmp_path


def disk(access: str = "kernelspace", **changes) -> objects.Disk:
    return objects.Disk(
        uuid="d", dev_type=constants.DT_RBD, size=4, logical_id=["rbd", "u.rbd.disk0"],
        params={"access": access, "pool": "fast", "user-id": "guests"}).replace(**changes)


def lines(home: pathlib.Path) -> list[str]:
    """Command lines since the last look."""
    found = (home / "log").read_text().splitlines()
    (home / "log").unlink()
    return found


@pytest.mark.parametrize("form", [OLD, NEW], ids=["before 14", "since 14"])
def test_both_forms_of_the_list_of_mapped_images(form):
    text = json.dumps(form)
    assert rbd.parse_mapped(text, "rbd", "a") == "/dev/rbd0"
    assert rbd.parse_mapped(text, "fast", "a@s") == "/dev/rbd1"
    assert rbd.parse_mapped(text, "fast", "a") is None
    assert rbd.parse_mapped(text, "rbd", "b") is None, "the other namespace's is not ours"


def test_nothing_mapped_and_garbage():
    assert rbd.parse_mapped("", "rbd", "a") is None
    assert rbd.parse_mapped("[]", "rbd", "a") is None
    for text in ("id pool image snap device", '"text"', "[1]"):
        with pytest.raises(errors.BlockDeviceError):
            rbd.parse_mapped(text, "rbd", "a")


@pytest.mark.skipif(bool(why_no_loops()), reason=why_no_loops() or "")
@pytest.mark.parametrize("old", [False, True], ids=["since 14", "before 14"])
def test_command_lines_through_the_kernel(home, monkeypatch, old):
    if old:
        monkeypatch.setenv("FAKE_RBD_OLD", "1")
    device = registry.device(disk())
    device.create(4)
    assert lines(home) == [
        "create --image-feature layering --size 4 fast/u.rbd.disk0 --id guests"]
    device.assemble()
    assert lines(home) == [
        "info --format json fast/u.rbd.disk0 --id guests", "showmapped --format json --id guests",
        "map fast/u.rbd.disk0 --id guests", "showmapped --format json --id guests"]
    assert device.path.startswith("/dev/loop")
    device.grow(2)
    assert lines(home)[-1] == "resize --no-progress --size 6 fast/u.rbd.disk0 --id guests"
    assert device.snapshot("s1", 4) == ["rbd", "u.rbd.disk0@s1"]
    assert lines(home) == ["snap create fast/u.rbd.disk0@s1 --id guests"]
    with pytest.raises(errors.BlockDeviceError, match="has the snapshots s1"):
        device.remove()
    registry.device(disk(logical_id=["rbd", "u.rbd.disk0@s1"])).remove()
    assert "snap rm fast/u.rbd.disk0@s1 --id guests" in lines(home)
    device.assemble()
    device.remove()
    assert [line.split()[0] for line in lines(home)][-4:] == ["showmapped", "unmap", "snap", "rm"]


def test_command_lines_in_user_space(home):
    device = registry.device(disk("userspace"))
    device.create(4)
    device.assemble()
    assert lines(home) == ["create --size 4 fast/u.rbd.disk0 --id guests",
                           "info --format json fast/u.rbd.disk0 --id guests"]
    assert device.uri(constants.HT_KVM) == "rbd:fast/u.rbd.disk0:id=guests"
    assert device.actual_size() == 4 * 1024 * 1024
    device.remove()
    assert "map" not in [line.split()[0] for line in lines(home)]


def test_a_killed_user_of_an_image_is_waited_for(home, monkeypatch):
    monkeypatch.setattr(rbd, "RELEASE_DELAY", 0.01)
    device = registry.device(disk("userspace"))
    device.create(4)
    (home / "busy").touch()
    device.remove()
    assert [line.split()[0] for line in lines(home)][-2:] == ["rm", "rm"]
    device.create(4)
    (home / "busy").touch()
    monkeypatch.setattr(rbd, "RELEASE_TIMEOUT", 0)
    with pytest.raises(errors.BlockDeviceError, match="still in use .*image still has watchers"):
        device.remove()


def test_an_address_without_user():
    device = registry.device(disk(params={"access": "userspace", "pool": "p", "user-id": ""}))
    assert device.uri(constants.HT_KVM) == "rbd:p/u.rbd.disk0"


def test_a_cluster_that_does_not_answer_is_no_missing_image(home, tmp_path, monkeypatch):
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "rbd").write_text(
        "#!/bin/sh\necho 'rbd: could not connect to the cluster!' >&2\nexit 1\n")
    (bin_ / "rbd").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")
    with pytest.raises(errors.BlockDeviceError, match="connect to the cluster"):
        registry.device(disk()).attach()
    for text in ("can't open ceph.conf: (2) No such file or directory",
                 "error opening pool 'fast': (2) No such file or directory"):
        (bin_ / "rbd").write_text(f'#!/bin/sh\necho "rbd: {text}" >&2\nexit 2\n')
        with pytest.raises(errors.BlockDeviceError, match="No such file"):
            registry.device(disk()).attach()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.BlockDeviceError, match="package ceph-common"):
        registry.device(disk()).attach()


def test_wrong_ids_are_refused():
    for logical_id in (["ceph", "x"], ["rbd"]):
        with pytest.raises(errors.BlockDeviceError, match="Wrong id"):
            registry.device(disk(logical_id=logical_id))
