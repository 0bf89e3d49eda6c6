"""Plugging into a QEMU that refuses, or hangs up on the way; what is taken back then."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ganeti import constants, errors, objects
from ganeti.hypervisor.kvm import hotplug
from ganeti.hypervisor.kvm.blockdev import DiskDevice
from ganeti.hypervisor.kvm.netdev import NicDevice
from ganeti.hypervisor.kvm.qmp import CommandRefused, QmpError, Session
from test.unit.hypervisor.kvm.fakeqemu import HANG_UP, FakeQemu, event, refuses, returns, wait

HVP = constants.HV_TABLES[constants.HT_KVM].defaults() | {"vhost_net": False}
CONFINED = HVP | {"security_model": "user", "security_domain": "nobody"}
PLACE = {"bus": "pci.0", "addr": "0xc"}
DONE = [returns({})]


@pytest.fixture
def disk(tmp_path: Path) -> DiskDevice:
    link = tmp_path / "disk"
    link.write_bytes(bytes(512))
    return DiskDevice(objects.Disk(
        uuid="1-2-3-4-5", dev_type="file", logical_id=["loop", "/x"], size=1,
        hvinfo={"driver": "virtio-blk-pci", "id": "disk-1-2-3", **PLACE}), str(link), None)


@pytest.fixture
def nic() -> NicDevice:
    return NicDevice(objects.Nic(uuid="1-2-3-4-5", mac="aa:00:00:00:00:01", nicparams={},
                                 hvinfo={"driver": "virtio-net-pci", "id": "nic-1-2-3", **PLACE}))


def names(qemu: FakeQemu) -> list[str]:
    return [command["execute"] for command in qemu.commands[1:]]


def test_a_refused_disk_is_taken_back(tmp_path: Path, disk: DiskDevice) -> None:
    script = {"add-fd": [returns({"fdset-id": 7, "fd": 30})], "blockdev-add": DONE,
              "device_add": [event("RTC_CHANGE"), refuses("bus full")], "blockdev-del": DONE,
              "remove-fd": DONE}
    with FakeQemu(tmp_path / "qmp", script) as qemu, Session(str(tmp_path / "qmp"), "i") as session:
        with pytest.raises(CommandRefused, match="bus full"):
            hotplug.add_disk(session, disk, CONFINED)
    assert names(qemu) == ["add-fd", "blockdev-add", "device_add", "blockdev-del", "remove-fd"]
    assert qemu.named("blockdev-add")[0]["file"]["filename"] == "/dev/fdset/7"
    assert qemu.named("remove-fd") == [{"fdset-id": 7}]


def test_a_qemu_that_hangs_up_is_an_error_and_not_the_undoings(tmp_path: Path, disk: DiskDevice
                                                               ) -> None:
    script = {"blockdev-add": DONE, "device_add": [HANG_UP]}
    with FakeQemu(tmp_path / "qmp", script), Session(str(tmp_path / "qmp"), "i") as session:
        with pytest.raises(QmpError, match="broke during 'device_add'"):
            hotplug.add_disk(session, disk, HVP)


@pytest.mark.parametrize("answer", [returns({}), refuses("fdset 7 not found")])
def test_an_unplugged_disk_is_closed(tmp_path: Path, disk: DiskDevice, answer: Any) -> None:
    script = {
        "device_del": [event("DEVICE_DELETED", device="other"), returns({}), wait(0.05),
                       event("DEVICE_DELETED", device=disk.id)],
        "query-named-block-nodes": [returns([
            {"node-name": "disk-9-9-9", "file": "/dev/fdset/6"},
            {"node-name": disk.id, "file": 'json:{"filename": "/dev/fdset/7"}'}])],
        "blockdev-del": DONE, "remove-fd": [answer]}
    with FakeQemu(tmp_path / "qmp", script) as qemu, Session(str(tmp_path / "qmp"), "i") as session:
        hotplug.remove_disk(session, disk, CONFINED)
    assert qemu.named("blockdev-del") == [{"node-name": disk.id}]
    assert qemu.named("remove-fd") == [{"fdset-id": 7}]


def test_a_guest_that_does_not_let_go_is_told(tmp_path: Path, disk: DiskDevice,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hotplug, "_RELEASE_TIMEOUT", 0.05)
    script = {"device_del": [[returns({})],
                             [event("DEVICE_UNPLUG_GUEST_ERROR", device=disk.id), returns({})]]}
    with FakeQemu(tmp_path / "qmp", script) as qemu, Session(str(tmp_path / "qmp"), "i") as session:
        with pytest.raises(errors.HotplugError, match="did not let go of disk-1-2-3"):
            hotplug.remove_disk(session, disk, HVP)
        with pytest.raises(errors.HotplugError, match="refuses to let go"):
            hotplug.remove_disk(session, disk, HVP)
    assert names(qemu) == ["device_del", "device_del"]


def test_a_refused_interface_gives_its_tap_device_up(tmp_path: Path, nic: NicDevice) -> None:
    script = {"getfd": DONE, "netdev_add": [refuses("no such type")],
              "closefd": [DONE, [refuses("not found")]]}
    with open(os.devnull, "rb") as one, open(os.devnull, "rb") as two, \
            FakeQemu(tmp_path / "qmp", script) as qemu, \
            Session(str(tmp_path / "qmp"), "i") as session:
        with pytest.raises(CommandRefused, match="no such type"):
            hotplug.add_nic(session, nic, HVP | {"virtio_net_queues": 2},
                            [one.fileno(), two.fileno()])
    assert qemu.named("closefd") == qemu.named("getfd") == [
        {"fdname": "nic-1-2-3-0"}, {"fdname": "nic-1-2-3-1"}]
