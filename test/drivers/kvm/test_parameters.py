"""Every combination of the golden command lines is one that real QEMU starts with.

Paths and addresses are replaced by such that exist here; combinations that need hardware or
servers are skipped by name, with the reason.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from test.drivers.kvm import lab
from test.golden.kvm.cases import CASES

pytestmark = [pytest.mark.qemu,
              pytest.mark.skipif(not os.path.exists(lab.QEMU), reason="no QEMU on this machine")]
NAME = "inst1.example.org"
FLASH = "a machine type with flash memory chips, which PCs have not"
NEEDS = {
    "kvm-enabled": "working hardware virtualisation", "disk-rbd": "a Ceph cluster",
    "disk-gluster": "a Gluster volume", "disk-scsi-block-megasas": "a SCSI disk",
    "disk-mtd": FLASH, "disk-qcow2-flash": FLASH,
    "usb": "devices on the USB",
}
OTHERS = {"disks", "nics", "vcpus", "memory", "disk_mode", "uri"}
ADDRESSES = {"192.0.2.1": "127.0.0.1", "2001:db8::1": "::1"}


def on_this_machine(case: dict[str, Any], place: Path) -> dict[str, Any]:
    """The hypervisor parameters of a case with files and addresses that exist."""
    hvp = {key: ADDRESSES.get(value, value) if isinstance(value, str) else value
           for key, value in case.items() if key not in OTHERS}
    for key, value in hvp.items():
        if key.endswith("_image_path") or key in ("kernel_path", "initrd_path"):
            name = "vmlinuz" if key == "kernel_path" else f"{key}.img"
            hvp[key] = str(place / name)
            if key != "kernel_path":
                (place / name).write_bytes(bytes(1474560))
            else:
                from ganeti.tools import demo_guest
                (place / name).symlink_to(demo_guest.build().kernel)
        elif key.endswith("password_file"):
            (place / key).write_text("secret\n")
            hvp[key] = str(place / key)
        elif key == "vnc_x509_path":
            lab.make_vnc_certificates(place / "tls")
            hvp[key] = str(place / "tls")
        elif key == "mem_path":
            hvp[key] = str(place)  # files of any file system back the memory as well
        elif key == "swtpm_path":
            hvp[key] = "/usr/bin/swtpm"
        elif value == "/run/vnc":
            hvp[key] = str(place)
    return hvp


@pytest.mark.parametrize("name", CASES)
def test_qemu_takes_the_command_line(name: str, node: lab.Node, place: Path) -> None:
    if name in NEEDS:
        pytest.skip(f"needs {NEEDS[name]}")
    case = CASES[name]
    if case.get("boot_type") == "uefi" and not os.path.exists(case["uefi_code_path"]):
        pytest.skip("needs OVMF (package ovmf)")
    if case.get("vtpm") and not os.path.exists("/usr/bin/swtpm"):
        pytest.skip("needs swtpm (package swtpm)")
    if case.get("spice_use_tls"):
        lab.make_spice_certificate(node)
    inst = lab.instance_dict(NAME, disks=case.get("disks", 1), **on_this_machine(case, place))
    inst["beparams"] |= {"vcpus": case.get("vcpus", 1)}
    inst["network_port"] = 11000 + os.getpid() % 20000
    for disk in inst["disks_info"]:
        disk["mode"] = case.get("disk_mode", "rw")
    links = [node.link(NAME, number, lab.make_disk(place / f"disk{number}"))
             for number in range(len(inst["disks"]))]
    node.call("validate", inst["hvparams"])
    node.call("start", inst, links, paused=True)
    assert node.call("info", NAME)["vcpus"] == case.get("vcpus", 1)
    node.call("stop", inst, force=True)
    node.call("cleanup", NAME)
    assert node.traces(NAME) == []
