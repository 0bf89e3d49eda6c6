"""The life of a boot-sector guest in real QEMU on one node."""

from __future__ import annotations

import os
import pwd
import subprocess
import time
from pathlib import Path

import pytest

from test.drivers.kvm import lab

pytestmark = [pytest.mark.qemu,
              pytest.mark.skipif(not os.path.exists(lab.QEMU), reason="no QEMU on this machine")]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changing users needs root")
NAME = "inst1.example.org"


def pid_of(node: lab.Node) -> int:
    return int((node.root / f"var/run/ganeti/kvm-hypervisor/pid/{NAME}").read_text())


def test_a_paused_guest_does_not_run_until_its_console_is_opened(node: lab.Node, place: Path
                                                                 ) -> None:
    inst = lab.instance_dict(NAME)
    disk = lab.make_disk(place / "disk", "this is inst1")
    node.call("start", inst, [node.link(NAME, 0, disk)], paused=True)
    time.sleep(0.5)
    assert disk.read_bytes()[512:516] != b"BOOT", "a paused guest must not run"
    console = subprocess.Popen(
        [lab.REPOSITORY / "tools/kvm-console-wrapper", "/usr/bin/socat", NAME,
         f"/var/run/ganeti/kvm-hypervisor/ctrl/{NAME}.monitor", "STDIO",
         f"UNIX-CONNECT:/var/run/ganeti/kvm-hypervisor/ctrl/{NAME}.serial"],
        env={**os.environ, "GANETI_ROOTDIR": str(node.root)}, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert console.stdout and console.stderr and console.stdin
    while "GUEST-UP" not in (line := console.stdout.readline()):
        assert line or console.poll() is None
    assert "this is inst1" in line, "nothing that the guest says at the beginning is missed"
    node.call("stop", inst, force=True)
    console.communicate(timeout=30)


def test_guest_obeys_the_power_button_and_counts_its_boots(node: lab.Node, place: Path) -> None:
    inst = lab.instance_dict(NAME)
    disk = lab.make_disk(place / "disk", "this is inst1")
    for boot in (1, 2):
        node.call("start", inst, [node.link(NAME, 0, disk)])
        serial = lab.Serial(node.control(NAME, "serial"))
        serial.wait_ticks(2)
        assert serial.ticks()[0][0] == boot
        info = node.call("info", NAME)
        assert (info["memory"], info["vcpus"], info["state"]) == (16, 1, 0)
        assert info["time"] >= 0
        node.call("stop", inst)
        serial.wait(lambda serial: "POWER-OFF" in serial.text, "power-off")
        serial.close()
        lab.wait_gone(node, NAME)
        node.call("cleanup", NAME)
        assert node.traces(NAME) == []


def test_the_button_is_pressed_as_the_guest_was_started(node: lab.Node, place: Path) -> None:
    """Without ACPI a guest would be ended at once, and its system could write nothing down."""
    inst = lab.instance_dict(NAME)
    node.call("start", inst, [node.link(NAME, 0, lab.make_disk(place / "disk"))])
    serial = lab.Serial(node.control(NAME, "serial"))
    serial.wait_ticks(1)
    inst["hvparams"]["acpi"] = False
    node.call("stop", inst)
    serial.wait(lambda serial: "POWER-OFF" in serial.text, "power-off")
    serial.close()
    lab.wait_gone(node, NAME)
    node.call("cleanup", NAME)


def test_a_second_start_is_refused_and_harms_nothing(node: lab.Node, place: Path) -> None:
    inst = lab.instance_dict(NAME)
    links = [node.link(NAME, 0, lab.make_disk(place / "disk"))]
    node.call("start", inst, links)
    with pytest.raises(lab.CallFailed, match="runs already"):
        node.call("start", inst, links)
    with pytest.raises(lab.CallFailed, match="still runs"):
        node.call("cleanup", NAME)
    assert node.call("list") == [NAME]
    node.call("stop", inst, force=True)


def test_a_killed_guest_is_seen_as_gone_and_starts_again(node: lab.Node, place: Path) -> None:
    inst = lab.instance_dict(NAME)
    links = [node.link(NAME, 0, lab.make_disk(place / "disk"))]
    node.call("start", inst, links)
    os.kill(pid_of(node), 9)
    lab.wait_gone(node, NAME)
    assert node.call("list") == []
    node.call("start", inst, links)
    assert node.call("list") == [NAME]
    node.call("stop", inst, force=True)


def test_virtual_processors_stay_on_theirs(node: lab.Node, place: Path) -> None:
    if (os.cpu_count() or 1) < 2:
        pytest.skip("needs two processors")
    inst = lab.instance_dict(NAME, cpu_mask="1:all")
    inst["beparams"]["vcpus"] = 2
    node.call("start", inst, [node.link(NAME, 0, lab.make_disk(place / "disk"))])
    tasks = {}
    for task in Path(f"/proc/{pid_of(node)}/task").iterdir():
        tasks.setdefault(task.joinpath("comm").read_text().strip(), []).append(int(task.name))
    pinned = [thread for name, threads in tasks.items() if name.startswith("CPU ")
              for thread in threads]
    masks = [os.sched_getaffinity(thread) for thread in pinned]
    assert {1} in masks, tasks
    node.call("stop", inst, force=True)
    node.call("cleanup", NAME)
    inst["hvparams"]["cpu_mask"] = "0:1:0"
    with pytest.raises(lab.CallFailed, match="3 virtual processors, the instance has 2"):
        node.call("start", inst, [node.link(NAME, 0, place / "disk")])
    assert node.traces(NAME) == [], "a failed start leaves nothing"


@needs_root
def test_qemu_runs_as_a_user_in_an_empty_directory_and_still_takes_disks(
        node: lab.Node, place: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    inst = lab.instance_dict(NAME, security_model="user", security_domain="nobody",
                             use_chroot=True)
    node.call("validate", inst["hvparams"])
    node.call("start", inst, [node.link(NAME, 0, lab.make_disk(place / "disk"))])
    process = Path(f"/proc/{pid_of(node)}")
    assert process.stat().st_uid == nobody.pw_uid
    assert os.readlink(process / "root").endswith(f"kvm-hypervisor/chroot/{NAME}")
    serial = lab.Serial(node.control(NAME, "serial"))
    serial.wait_ticks(1)
    second = lab.make_disk(place / "second", mib=8)
    second.chmod(0o600)
    plugged = node.call("hotplug", inst, "hotadd", "disk", lab.disk_dict(8),
                        [node.link(NAME, 1, second), None], -1)
    assert plugged["hvinfo"]["driver"] == "virtio-blk-pci"
    serial.close()
    node.call("stop", inst, force=True)
    node.call("cleanup", NAME)
    assert node.traces(NAME) == []


@needs_root
def test_a_user_of_the_pool_is_taken_and_given_back(node: lab.Node, place: Path) -> None:
    data = node.root / "var/lib/ganeti"
    data.mkdir(parents=True, exist_ok=True)
    (data / "ssconf_uid_pool").write_text("61001-61001\n")
    inst = lab.instance_dict(NAME, security_model="pool")
    links = [node.link(NAME, 0, lab.make_disk(place / "disk"))]
    node.call("start", inst, links)
    assert Path(f"/proc/{pid_of(node)}").stat().st_uid == 61001
    other = lab.instance_dict("inst2.example.org", security_model="pool")
    with pytest.raises(lab.CallFailed, match="No user of the cluster's pool is free"):
        node.call("start", other, [node.link("inst2.example.org", 0, place / "disk")])
    node.call("stop", inst, force=True)
    node.call("cleanup", NAME)
    node.call("start", inst, links)
    node.call("stop", inst, force=True)


def test_errors_name_the_culprit(node: lab.Node, place: Path) -> None:
    inst = lab.instance_dict(NAME)
    with pytest.raises(lab.CallFailed, match=r"QEMU of instance .* ended at once: .*missing"):
        node.call("start", inst, [str(place / "missing")])
    long_name = "x" * 100
    with pytest.raises(lab.CallFailed, match=rf"{long_name}.monitor would have a path of"):
        node.call("start", lab.instance_dict(long_name), [str(place / "missing")])
    inst["hvparams"]["kvm_path"] = "/bin/true"
    with pytest.raises(lab.CallFailed, match="does not answer like QEMU"):
        node.call("start", inst, [str(place / "missing")])
    inst["hvparams"]["kvm_path"] = "/usr/bin/no-such-qemu"
    with pytest.raises(lab.CallFailed, match="no-such-qemu.*kvm_path"):
        node.call("start", inst, [str(place / "missing")])
    assert node.traces(NAME) == []


def test_node_is_described_with_qemus_version(node: lab.Node) -> None:
    hvparams = lab.instance_dict(NAME)["hvparams"]
    assert node.call("verify", hvparams) is None
    assert node.call("node_info", hvparams)["hv_version"][0] >= 5
    assert "kvm_path" in node.call("verify", hvparams | {"kvm_path": "/nowhere"})


def test_a_reboot_asked_for_is_one_also_where_the_guests_own_ends_it(node: lab.Node, place: Path
                                                                     ) -> None:
    inst = lab.instance_dict(NAME, reboot_behavior="exit")
    disk = lab.make_disk(place / "disk")
    node.call("start", inst, [node.link(NAME, 0, disk)])
    serial = lab.Serial(node.control(NAME, "serial"))
    serial.wait_ticks(2)
    node.call("reboot", inst)
    serial.wait(lambda serial: "POWER-OFF" in serial.text, "power-off")
    serial.close()
    serial = lab.Serial(node.control(NAME, "serial"))
    serial.wait_ticks(2)
    assert serial.ticks()[0][0] == 2
    serial.close()
    node.call("stop", inst, force=True)
