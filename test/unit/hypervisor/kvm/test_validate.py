"""Parameters checked against each other, and against a node."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ganeti import constants, errors
from ganeti.hypervisor.kvm import accel
from ganeti.hypervisor.kvm.driver import KvmHypervisor

HVP = constants.HV_TABLES[constants.HT_KVM].defaults() | {"kernel_path": ""}


@pytest.mark.parametrize("changes", [
    {}, {"kernel_path": "/boot/vmlinuz"}, {"boot_order": "cdrom", "cdrom_image_path": "/a.iso"},
    {"cdrom_image_path": "http://h/a.iso"}, {"security_model": "user", "security_domain": "x"},
    {"vnc_bind_address": "eth0", "vnc_tls": True, "vnc_x509_path": "/x", "vnc_x509_verify": True},
    {"spice_bind": "127.0.0.1", "spice_ip_version": 4}, {"soundhw": "all"},
    {"migration_caps": "xbzrle:postcopy-ram"}, {"cpu_mask": "0-1:2:all"},
    {"disk_aio": "native", "disk_cache": "none"}])
def test_sound_parameters(changes: dict[str, Any]) -> None:
    KvmHypervisor.check_syntax(HVP | changes)


@pytest.mark.parametrize("changes,text", [
    ({"no_such": 1}, "no parameter 'no_such'"),
    ({"kernel_path": "/boot/vmlinuz", "root_path": ""}, "root_path"),
    ({"kernel_path": "relative"}, "kernel_path"),
    ({"boot_order": "cdrom"}, "cdrom_image_path"),
    ({"boot_order": "floppy"}, "floppy_image_path"),
    ({"boot_order": "usb"}, "boot_order"),
    ({"cdrom_image_path": "a.iso"}, "cdrom_image_path: 'a.iso'"),
    ({"security_model": "user"}, "security_domain"),
    ({"security_model": "pool", "security_domain": "x"}, "security_domain"),
    ({"security_domain": "x"}, "security_domain"),
    ({"vnc_bind_address": "::", "vnc_x509_verify": True, "vnc_tls": True}, "vnc_x509_path"),
    ({"vnc_x509_path": "/x"}, "vnc_tls"),
    ({"spice_bind": "::", "vnc_bind_address": "::"}, "same port"),
    ({"spice_use_tls": True}, "spice_use_tls needs spice_bind"),
    ({"spice_image_compression": "glz"}, "spice_bind"),
    ({"spice_bind": "127.0.0.1", "spice_ip_version": 6}, "IPv4 address"),
    ({"disk_aio": "native", "disk_cache": "writeback"}, "disk_aio=native"),
    ({"soundhw": "theremin"}, "'theremin'"),
    ({"usb_devices": "host:zz"}, "host:zz"),
    ({"kvm_extra": "-name 'open"}, "kvm_extra"),
    ({"migration_caps": "xbzrle,multifd"}, "migration_caps"),
    ({"cpu_mask": "a-b"}, "cpu_mask"),
    ({"virtio_net_queues": 2, "nic_type": "e1000"}, "virtio_net_queues"),
    ({"virtio_net_queues": 33}, "virtio_net_queues"),
    ({"serial_speed": 1}, "serial_speed"),
    ({"migration_port": 70000}, "migration_port"),
    ({"kvm_path": ""}, "kvm_path")])
def test_wrong_parameters_are_refused_by_name(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(errors.OpPrereqError, match=text) as info:
        KvmHypervisor.check_syntax(HVP | changes)
    assert info.value.args[1] == errors.ECODE_INVAL


@pytest.mark.parametrize("changes,vcpus,text", [
    ({}, 7, None), ({"cpu_mask": "0-1"}, 3, None), ({"cpu_mask": "0:all"}, 2, None),
    ({"cpu_mask": "0:all"}, 3, "for 2 virtual processors.* 'vcpus' is 3"),
    ({"cpu_sockets": 2, "cpu_cores": 2, "cpu_threads": 1}, 4, None),
    ({"cpu_sockets": 2, "cpu_cores": 2, "cpu_threads": 1}, 8, "topology of cpu_sockets.*(4)"),
    ({"cpu_cores": 2}, 8, None), ({"cpu_cores": 3}, 8, "8 virtual processors do not make up")])
def test_what_is_told_for_each_processor(changes: dict[str, Any], vcpus: int, text: str | None
                                         ) -> None:
    if text is None:
        KvmHypervisor.check_size(HVP | changes, vcpus)
        return
    with pytest.raises(errors.OpPrereqError, match=text):
        KvmHypervisor.check_size(HVP | changes, vcpus)


@pytest.fixture
def qemu(tmp_path: Path) -> Path:
    """A program that gives the recorded answers."""
    recorded = Path(__file__).parents[3] / "golden/kvm/qemu-7.2"
    program = tmp_path / "qemu"
    program.write_text(f"#!/bin/sh\nexec cat {recorded}/\"${{1##*-}}\".txt\n")
    program.chmod(0o755)
    return program


def test_a_node_that_has_everything(qemu: Path) -> None:
    KvmHypervisor().validate(HVP | {"kvm_path": str(qemu), "soundhw": "hda", "cpu_type": "host",
                                    "machine_version": "pc-q35-7.1", "spice_bind": "127.0.0.1"})


def test_everything_that_is_missing_is_told_at_once(qemu: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.HypervisorError) as info:
        KvmHypervisor().validate(HVP | {
            "kvm_path": str(qemu), "kernel_path": "/no/kernel", "mem_path": "/no/pages",
            "machine_version": "pc-9.9", "cpu_type": "Cyrix", "security_model": "user",
            "security_domain": "no-such-user", "vnc_bind_address": "noeth9",
            "vnc_password_file": "/no/password", "cpu_mask": f"0,{os.cpu_count()}"})
    for word in ("/no/kernel", "/no/pages", "pc-9.9", "Cyrix", "no-such-user", "noeth9",
                 "/no/password", f"no processor {os.cpu_count()}"):
        assert word in str(info.value)


def test_the_program_has_to_be_there_and_to_be_qemu(tmp_path: Path) -> None:
    with pytest.raises(errors.HypervisorError, match="kvm_path: no file /no/kvm"):
        KvmHypervisor().validate(HVP | {"kvm_path": "/no/kvm"})
    plain = tmp_path / "plain"
    plain.write_text("")
    with pytest.raises(errors.HypervisorError, match="plain is not executable"):
        KvmHypervisor().validate(HVP | {"kvm_path": str(plain)})
    with pytest.raises(errors.HypervisorError, match="does not answer like QEMU"):
        KvmHypervisor().validate(HVP | {"kvm_path": "/bin/true"})


def test_demanded_virtualisation_that_does_not_work(qemu: Path, monkeypatch: pytest.MonkeyPatch
                                                    ) -> None:
    monkeypatch.setattr(accel, "_DEVICE", "/dev/no-kvm")
    with pytest.raises(errors.HypervisorError, match="kvm_flag: .*there is no /dev/no-kvm"):
        KvmHypervisor().validate(HVP | {"kvm_path": str(qemu), "kvm_flag": "enabled"})
