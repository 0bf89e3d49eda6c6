"""Runtime files: written, read again, sent to another root, and those of older releases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ganeti import errors, pathutils
from ganeti.hypervisor.kvm import runtime
from ganeti.hypervisor.kvm.paths import Files
from ganeti.hypervisor.kvm.runtime import Runtime

UUID = "11111111-2222-3333-4444-555555555555"
DISK = {"uuid": UUID, "dev_type": "plain", "logical_id": ["vg", "lv"], "size": 5,
        "serial_no": 1, "params": {}}
NIC = {"uuid": UUID, "mac": "aa:00:00:11:22:33", "nicparams": {"mode": "bridged"}}
HVINFO = {"driver": "virtio-blk-pci", "id": "disk-11111111-2222-3333", "bus": "pci.0",
          "addr": "0xc"}
COMMAND = ["/usr/bin/kvm", "-name", "inst1", "-m", "512", "-smp", "2,sockets=1",
           "-machine", "pc-i440fx-7.2,accel=kvm"]


def text(**changes: object) -> str:
    parts = {"command": COMMAND, "nics": [NIC | {"hvinfo": HVINFO | {"addr": "0xd"}}],
             "hvp": {"acpi": True}, "disks": [[DISK | {"hvinfo": HVINFO}, "/dev/x", None]]}
    return json.dumps(list((parts | changes).values()))


def test_what_the_command_says() -> None:
    run = Runtime.loads(text(), "test")
    assert (run.memory, run.vcpus, run.accelerator) == (512, 2, "kvm")
    assert run.hvp["migration_port"] == 8102, "parameters that are new since have their default"


def test_writing_and_reading_keeps_everything(tmp_path: Path) -> None:
    run = Runtime.loads(text(), "test")
    again = Runtime.loads(run.dumps(), "test")
    assert again == run
    assert json.loads(run.dumps())[3][0][0]["hvinfo"] == HVINFO
    assert again.disks[0].link == "/dev/x"


def test_a_runtime_without_disks_is_of_an_older_release() -> None:
    run = Runtime.loads(json.dumps([COMMAND, [NIC | {"pci": 5}], {}]), "test")
    assert run.disks == []
    assert run.nics[0].hvinfo == {"driver": "virtio-net-pci", "id": "nic-11111111-2222-3333",
                                  "bus": "pci.0", "addr": "0x5"}


def test_a_disk_with_a_bare_slot_and_no_address() -> None:
    run = Runtime.loads(text(disks=[[DISK | {"pci": 6}, "/dev/x"]]), "test")
    assert run.disks[0].hvinfo["addr"] == "0x6"
    assert run.disks[0].uri is None


def test_commands_of_older_releases_do_not_detach_by_themselves() -> None:
    old = ["/usr/bin/kvm", "-name", "inst1", "-daemonize", "-pidfile", "/run/x", "-m", "512"]
    assert Runtime.loads(text(command=old), "test").command == [
        "/usr/bin/kvm", "-name", "inst1", "-m", "512"]


@pytest.mark.parametrize("content", [
    "", "{", "[]", "null", "[1, 2, 3, 4]", '[["kvm"], [], {}, [[{"uuid": 5}, "x", null]]]',
    '[["kvm"], "no list", {}, []]', '{"command": []}'])
def test_damage_is_told_with_the_files_name(content: str) -> None:
    with pytest.raises(errors.HypervisorError, match=r"/run/x.runtime can not be read"):
        Runtime.loads(content, "/run/x.runtime")


def test_missing_file_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pathutils, "KVM_DIR", str(tmp_path))
    with pytest.raises(errors.HypervisorError, match="inst1 has no runtime file"):
        runtime.load(Files("inst1"))


@pytest.mark.parametrize("source,target", [
    ("/tmp/a/node1", "/tmp/a/node2"), ("", "/tmp/a/node2"), ("/tmp/a/node1", ""), ("", "")])
def test_paths_are_those_of_the_node_that_receives(monkeypatch: pytest.MonkeyPatch, source: str,
                                                   target: str) -> None:
    monkeypatch.setattr(pathutils, "ROOT", source)
    kernel = "/cache/vmlinuz"
    command = [*COMMAND, "-chardev", f"socket,path={source}/var/run/x.qmp", "-kernel", kernel]
    run = Runtime.loads(text(command=command, disks=[
        [DISK | {"hvinfo": HVINFO}, f"{source}/var/run/disk:0", None]]), "test")
    sent = run.portable()
    monkeypatch.setattr(pathutils, "ROOT", target)
    got = Runtime.from_portable(sent, "test")
    if source or not target:
        assert got.command[-3] == f"socket,path={target}/var/run/x.qmp"
        assert got.disks[0].link == f"{target}/var/run/disk:0"
    assert got.command[-1] == kernel
