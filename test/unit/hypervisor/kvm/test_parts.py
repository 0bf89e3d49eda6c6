"""Slots, disks, addresses, paths, binaries, processors: the small parts by themselves."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from ganeti import constants, errors, objects, pathutils
from ganeti.hypervisor.base import BlockDevice
from ganeti.hypervisor.kvm import blockdev, command, cpu, pci, usb
from ganeti.hypervisor.kvm.blockdev import DiskDevice
from ganeti.hypervisor.kvm.paths import Files
from ganeti.hypervisor.kvm.pci import Slots
from test.golden.kvm.test_command import recorded_binary

HVP = constants.HV_TABLES[constants.HT_KVM].defaults()


def disk(**changes: Any) -> objects.Disk:
    return objects.Disk(**{"uuid": str(uuid.uuid4()), "dev_type": "plain", "size": 1,
                           "logical_id": ["vg", "lv"], **changes})


# Slots -----------------------------------------------------------------------------------------


def test_slots_are_given_out_in_order_after_the_reserved_ones() -> None:
    slots = Slots.at_start(12, 3)
    assert [slots.take("x")["addr"] for _ in range(2)] == ["0xc", "0xd"]
    assert Slots.at_start(0, 3).take("x")["addr"] == "0x5"


def test_a_full_bus_is_told() -> None:
    slots = Slots.at_start(31, 0)
    assert slots.take("x")["addr"] == "0x1f"
    with pytest.raises(errors.HotplugError, match="No PCI slot is free for nic-1"):
        slots.take("nic-1")


def test_a_running_guest_is_asked_for_what_is_in_use() -> None:
    buses = [{"bus": 0, "devices": [{"slot": 0}, {"slot": 2, "qdev_id": "x"}]}]
    slots = Slots.running(0, buses, [{"addr": "0x1"}, {"bus": "scsi.0"}])
    assert slots.take("x")["addr"] == "0x3"


def test_a_q35_has_a_root_port_for_each_device() -> None:
    ports = pci.at_start(30, 7, True)
    assert [ports.take("x")["bus"] for _ in range(2)] == ["port0", "port1"]
    with pytest.raises(errors.HotplugError, match="No PCI Express port is free for nic-1"):
        ports.take("nic-1")


def test_free_root_ports_of_a_running_q35() -> None:
    command = ["qemu", "-device", "pcie-root-port,id=port0,bus=pcie.0"]
    buses = [{"bus": 0, "devices": [
        {"slot": 31, "qdev_id": ""}, {"slot": 1, "qdev_id": "port-of-call"},
        {"slot": 16, "qdev_id": "port10", "pci_bridge": {}},
        {"slot": 16, "qdev_id": "port2", "pci_bridge": {"devices": []}},
        {"slot": 16, "qdev_id": "port1", "pci_bridge": {"devices": [{"slot": 0}]}},
        {"slot": 16, "qdev_id": "port0", "pci_bridge": {}}]}]
    ports = pci.running(command, 0, buses, [{"bus": "port0", "addr": "0x0"}, {"bus": "scsi.0"}])
    assert [ports.take("x") for _ in range(2)] == [
        {"bus": "port2", "addr": "0x0"}, {"bus": "port10", "addr": "0x0"}]


def test_on_a_q35_of_an_older_release_the_bridges_slots_count() -> None:
    bridge = {"slot": 1, "qdev_id": "pci.0", "pci_bridge": {"devices": [{"slot": 1}]}}
    buses = [{"bus": 0, "devices": [{"slot": 2}, {"slot": 3}, bridge]}]
    command = ["qemu", "-device", "pcie-pci-bridge,id=pci.0"]
    assert pci.running(command, 0, buses, []).take("x")["addr"] == "0x2"


# Disks -----------------------------------------------------------------------------------------


def test_names_of_devices_have_three_groups_of_the_uuid() -> None:
    assert blockdev.device_id("disk", "11111111-2222-3333-4444-5") == "disk-11111111-2222-3333"


@pytest.mark.parametrize("changes,direct", [
    ({}, False), ({"disk_cache": "none"}, True), ({"disk_aio": "native"}, True),
    ({"disk_cache": "writeback"}, False), ({"disk_cache": "writethrough"}, False)])
def test_when_the_page_cache_is_passed_by(tmp_path: Path, changes: dict[str, str], direct: bool
                                          ) -> None:
    (tmp_path / "image").touch()
    hvp = HVP | changes
    device = DiskDevice.place(BlockDevice(disk(), str(tmp_path / "image")), 0, 2, hvp, Slots([]))
    node = device.node(hvp)
    assert node["file"]["driver"] == "file"
    assert node["cache"] == node["file"]["cache"] == {"direct": direct, "no-flush": False}
    assert device.device(hvp)["write-cache"] == (
        "off" if hvp["disk_cache"] == "writethrough" else "on")


def test_boot_and_hotplug_use_the_same_properties() -> None:
    device = DiskDevice.place(BlockDevice(disk(), "/dev/x"), 0, 2, HVP, Slots([]))
    words = device.arguments(0, HVP)
    assert command.blockdev_option(device.node(HVP)) in words
    assert command.device_option(device.device(HVP)) in words


@pytest.mark.parametrize("kind,controller,can", [
    ("paravirtual", "lsi", True), ("scsi-hd", "virtio-scsi-pci", True), ("scsi-hd", "lsi", False),
    ("ide", "lsi", False)])
def test_which_disks_can_be_plugged(kind: str, controller: str, can: bool) -> None:
    hvp = HVP | {"disk_type": kind, "scsi_controller_type": controller}
    device = DiskDevice.place(BlockDevice(disk(), "/dev/x"), 0, 2, hvp, Slots([]))
    assert device.can_hotplug(hvp) is can


@pytest.mark.parametrize("uri,node", [
    ("rbd:pool/image", {"driver": "rbd", "pool": "pool", "image": "image"}),
    ("rbd:p/i:id=me:conf=/etc/c", {"driver": "rbd", "pool": "p", "image": "i", "user": "me",
                                   "conf": "/etc/c"}),
    ("nbd://h:10810/exp", {"driver": "nbd", "export": "exp", "server": {
        "type": "inet", "host": "h", "port": "10810"}}),
    ("gluster+tcp://h/vol/a/b", {"driver": "gluster", "volume": "vol", "path": "a/b", "server": [
        {"type": "inet", "host": "h", "port": "24007"}]}),
    ("rbd:p/i@old", {"driver": "rbd", "pool": "p", "image": "i", "snapshot": "old"}),
    ("nbd+unix:///exp?socket=/run/x", {"driver": "nbd", "export": "exp", "server": {
        "type": "unix", "path": "/run/x"}}),
    ("file:/srv/a%20b", {"driver": "file", "filename": "/srv/a b"}),
    ('json:{"driver": "nvme", "device": "01:00.0"}', {"driver": "nvme", "device": "01:00.0"}),
    ("https://h/x", {"driver": "https", "url": "https://h/x"})])
def test_addresses_of_storage(uri: str, node: dict[str, Any]) -> None:
    assert blockdev.uri_node(uri) == node


@pytest.mark.parametrize("uri", ["sheepdog:x", "rbd:p/i:key=secret", "nbd+unix:///exp",
                                 "json:driver", "json:[]", "plain"])
def test_unknown_addresses_are_named(uri: str) -> None:
    with pytest.raises(errors.HypervisorError, match=re.escape(uri.split(":")[-1])):
        blockdev.uri_node(uri)


# Options, paths, binaries ---------------------------------------------------------------------


def test_commas_are_doubled_and_nothing_is_left_out() -> None:
    assert command.option("x", {"a": "1,2", "b": True, "c": False, "d": None, "e": 0}) == \
        "x,a=1,,2,b=on,c=off,e=0"


def test_socket_paths_that_the_kernel_could_not_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pathutils, "KVM_DIR", "/" + "d" * 60)
    name = "n" * (107 - len("/" + "d" * 60 + "/ctrl/" + ".shutdown") + 2)
    Files(name[:-2]).check_sockets()
    with pytest.raises(errors.HypervisorError, match=r"\.monitor would have a path of \d+ bytes"):
        Files(name).check_sockets()


def test_qemus_answers_are_understood() -> None:
    qemu = recorded_binary()
    assert qemu.version == (7, 2, 22)
    assert qemu.machine_of("pc") == qemu.default_machine == "pc-i440fx-7.2"
    assert qemu.machine_of("q35,usb=on") == "pc-q35-7.2,usb=on"
    assert qemu.has_machine("pc-i440fx-2.12,x=y") and not qemu.has_machine("virt")
    assert qemu.has_cpu("host") and qemu.has_cpu("Nehalem") and not qemu.has_cpu("486DX")
    assert qemu.has_device("lsi") and qemu.has_device("lsi53c895a") and qemu.has_spice


# Processors, USB, verdicts ----------------------------------------------------------------------


def test_masks() -> None:
    assert cpu.masks("all") == [None]
    assert cpu.masks("0-2,4") == [{0, 1, 2, 4}]
    assert cpu.masks("0:all:1-2") == [{0}, None, {1, 2}]


@pytest.mark.parametrize("word", ["host:xyz", "disk:/x", "serial"])
def test_usb_words_that_mean_nothing(word: str) -> None:
    with pytest.raises(errors.OpPrereqError, match=word):
        usb.device(word)
