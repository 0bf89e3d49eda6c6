"""Devices plugged into running guests and out of them, and guests with interfaces on a bridge.

The guest is the demo's Linux, since plugging needs a system that reacts.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ganeti.tools import demo_guest
from test.drivers.kvm import lab

NAME = "inst1.example.org"
BRIDGE = "gkvm-test0"
RUN = "var/run/ganeti/kvm-hypervisor"
pytestmark = [
    pytest.mark.qemu,
    pytest.mark.skipif(not os.path.exists(lab.QEMU), reason="no QEMU on this machine"),
    pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists("/dev/net/tun"),
                       reason="tap devices need root and /dev/net/tun")]


@pytest.fixture(scope="module")
def bridge() -> Iterator[str]:
    made = subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], check=False,
                          capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no bridge can be made here: {made.stderr.strip()}")
    subprocess.run(["ip", "link", "set", BRIDGE, "up"], check=True)
    yield BRIDGE
    subprocess.run(["ip", "link", "del", BRIDGE], check=True)


@pytest.fixture(scope="module")
def guest() -> demo_guest.Guest:
    try:
        return demo_guest.build()
    except demo_guest.GuestError as err:
        pytest.skip(str(err))


def nic_dict(number: int) -> dict[str, Any]:
    return {"uuid": str(uuid.uuid4()), "mac": f"aa:00:00:00:00:{number:02x}", "nicparams": {
        "mode": "bridged", "link": BRIDGE, "vlan": ""}}


def bridge_ports() -> set[str]:
    return set(os.listdir(f"/sys/class/net/{BRIDGE}/brif"))


def ask(serial: lab.Serial, command: str, pattern: str) -> None:
    """Type a command on the guest's shell until it answers with what matches."""
    deadline = time.monotonic() + 20
    while True:
        before = len(serial.text)
        serial.type(command)
        time.sleep(0.5)
        if re.search(pattern, serial.text[before:], re.M):
            return
        assert time.monotonic() < deadline, (
            f"{command!r} did not answer {pattern!r}: {serial.text[-500:]!r}")


def boot(node: lab.Node, place: Path, guest: demo_guest.Guest, nics: list[dict[str, Any]],
         **hvparams: Any) -> tuple[dict[str, Any], lab.Serial]:
    inst = lab.instance_dict(NAME, kernel_path=str(guest.kernel), initrd_path=str(guest.initrd),
                             **hvparams)
    inst["beparams"]["maxmem"] = 128
    inst["nics"] = nics
    disk = lab.make_disk(place / "disk", f"name={NAME}")
    node.call("start", inst, [node.link(NAME, 0, disk)])
    serial = lab.Serial(node.control(NAME, "serial"))
    serial.wait(lambda serial: "TICK 2 " in serial.text, "ticks", 60)
    assert f"DISK name={NAME}" in serial.text
    return inst, serial


def test_disks_and_interfaces_come_and_go(node: lab.Node, other: lab.Node, place: Path,
                                          guest: demo_guest.Guest, bridge: str) -> None:
    inst, serial = boot(node, place, guest, [nic_dict(5)])
    assert len(bridge_ports()) == 1
    ask(serial, "cat /sys/class/net/eth0/address", "^aa:00:00:00:00:05")

    new_nic = nic_dict(6)
    plugged = node.call("hotplug", inst, "hotadd", "nic", new_nic, None, -1)
    assert plugged["hvinfo"]["addr"] == "0xe", "disk 0xc, first interface 0xd"
    assert len(bridge_ports()) == 2
    ask(serial, "cat /sys/class/net/eth1/address", "^aa:00:00:00:00:06")

    new_disk = lab.disk_dict(32)
    link = node.link(NAME, 1, lab.make_disk(place / "disk1", "the second disk", 32))
    node.call("hotplug", inst, "hotadd", "disk", new_disk, [link, None], -1)
    ask(serial, "dd if=/dev/vdb bs=512 skip=2 count=1 2>/dev/null | tr -d '\\000'; echo",
        "^the second disk")
    with pytest.raises(lab.CallFailed, match="already"):
        node.call("hotplug", inst, "hotadd", "disk", new_disk, [link, None], -1)

    os.truncate(place / "disk1", 48 << 20)
    node.call("resize_disk", inst, new_disk, 48)
    ask(serial, "cat /sys/block/vdb/size", f"^{48 << 11}")

    # what was plugged moves with the guest
    for index in (0, 1):
        other.link(NAME, index, place / ("disk" if index == 0 else "disk1"))
    info = node.call("migration_info", inst)
    other.call("accept_instance", inst, info, other.address)
    node.call("migrate", inst, other.address, True)
    while node.call("migration_status", inst)["status"] == "active":
        pass
    other.call("finalize_migration_dst", inst, info, True)
    node.call("finalize_migration_src", inst, True, True)
    assert len(bridge_ports()) == 2
    serial.close()
    serial = lab.Serial(other.control(NAME, "serial"))
    ask(serial, "cat /sys/class/net/eth1/address", "^aa:00:00:00:00:06")

    other.call("hotplug", inst, "hotremove", "nic", new_nic, None, 1)
    assert len(bridge_ports()) == 1
    other.call("hotplug", inst, "hotremove", "disk", new_disk, None, 1)
    ask(serial, "ls /sys/block /sys/class/net; echo END", "vda(?!.*vdb)(?s:.*)eth0(?!.*eth1)")
    with pytest.raises(lab.CallFailed, match="does not have disk"):
        other.call("hotplug", inst, "hotremove", "disk", new_disk, None, 1)
    with pytest.raises(lab.CallFailed, match="does not have nic"):
        other.call("hotplug", inst, "hotmod", "nic", new_nic, None, 1)

    assert other.call("info", NAME)["memory"] == 128
    other.call("balloon", inst, 96)
    serial.wait(lambda _: other.call("info", NAME)["memory"] == 96, "smaller memory")

    other.call("stop", inst)
    serial.wait(lambda serial: "POWER-OFF" in serial.text, "power-off")
    serial.close()
    lab.wait_gone(other, NAME)
    assert bridge_ports() == set()
    other.call("cleanup", NAME)
    assert other.traces(NAME) == []


def test_a_modified_interface_keeps_its_place(node: lab.Node, place: Path,
                                              guest: demo_guest.Guest, bridge: str) -> None:
    nic = nic_dict(7)
    inst, serial = boot(node, place, guest, [nic], virtio_net_queues=2)
    changed = nic | {"mac": "aa:00:00:00:00:77"}
    plugged = node.call("hotplug", inst, "hotmod", "nic", changed, None, 0)
    assert plugged["hvinfo"]["addr"] == "0xd"
    ask(serial, "cat /sys/class/net/eth0/address", "^aa:00:00:00:00:77")
    serial.close()
    node.call("stop", inst, force=True)


@pytest.mark.parametrize("hvparams,name", [
    ({"machine_version": "q35"}, "vdb"),
    ({"disk_type": "scsi-hd", "scsi_controller_type": "virtio-scsi-pci"}, "sdb"),
    ({"kvm_pci_reservations": 0}, "vdb")], ids=["q35", "scsi", "no-reserved-slots"])
def test_disks_can_be_plugged_on_other_buses(node: lab.Node, place: Path, guest: demo_guest.Guest,
                                             hvparams: dict[str, Any], name: str) -> None:
    inst, serial = boot(node, place, guest, [], **hvparams)
    disk = lab.disk_dict(8)
    link = node.link(NAME, 1, lab.make_disk(place / "disk1", "the second disk", 8))
    for _ in range(2):
        node.call("hotplug", inst, "hotadd", "disk", disk, [link, None], -1)
        ask(serial, f"dd if=/dev/{name} bs=512 skip=2 count=1 2>/dev/null | tr -d '\\000'; echo",
            "^the second disk")
        node.call("hotplug", inst, "hotremove", "disk", disk, None, 1)
        ask(serial, f"ls /dev/{name} 2>&1", "No such file")
    serial.close()
    node.call("stop", inst, force=True)


def test_soft_reboot_keeps_the_machine(node: lab.Node, place: Path, guest: demo_guest.Guest
                                       ) -> None:
    inst, serial = boot(node, place, guest, [])
    pid = (node.root / f"var/run/ganeti/kvm-hypervisor/pid/{NAME}").read_text()
    node.call("reboot", inst)
    assert "POWER-OFF" in serial.text, "the guest has to shut down by itself"
    serial.wait(lambda serial: "boot=2" in serial.text, "second boot", 60)
    assert (node.root / f"var/run/ganeti/kvm-hypervisor/pid/{NAME}").read_text() == pid
    boots = re.findall(r"GUEST-UP (\S+)", serial.text)
    assert len(set(boots)) == 2
    serial.close()
    node.call("stop", inst, force=True)


def test_a_reboot_from_inside_ends_the_guest_where_that_is_wanted(
        node: lab.Node, place: Path, guest: demo_guest.Guest) -> None:
    inst, serial = boot(node, place, guest, [], reboot_behavior="exit")
    serial.type("reboot -f")
    lab.wait_gone(node, NAME)
    serial.close()
    node.call("cleanup", NAME)
    assert node.traces(NAME) == []


def open_files(pid: int) -> set[str]:
    found = set()
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found.add(os.readlink(f"/proc/{pid}/fd/{number}"))
    return found


@pytest.mark.parametrize("driver", ["loop", "qcow2"])
def test_an_unplugged_disk_is_let_go_of_by_a_confined_qemu(
        node: lab.Node, place: Path, guest: demo_guest.Guest, driver: str) -> None:
    """Also while somebody listens to its events: only without monitors QEMU tidies up by itself."""
    inst, serial = boot(node, place, guest, [], security_model="user", security_domain="nobody",
                        user_shutdown=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.connect(str(node.control(NAME, "kvmd")))
        listener.sendall(b'{"execute": "qmp_capabilities"}')
        disk, pid = lab.disk_dict(8), int((node.root / f"{RUN}/pid/{NAME}").read_text())
        path = lab.make_disk(place / "disk1", "the second disk", mib=8)
        if driver == "qcow2":
            disk["logical_id"][0], raw = driver, path
            path = place / "image"
            subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", driver, raw, path],
                           check=True)
        for _ in range(2):
            node.call("hotplug", inst, "hotadd", "disk", disk, [node.link(NAME, 1, path), None], -1)
            assert str(path) in open_files(pid)
            ask(serial, "dd if=/dev/vdb bs=512 skip=2 count=1 2>/dev/null | tr -d '\\000'; echo",
                "^the second disk")
            node.call("hotplug", inst, "hotremove", "disk", disk, None, 1)
            assert str(path) not in open_files(pid)
    serial.close()
    node.call("stop", inst, force=True)
    node.call("cleanup", NAME)
