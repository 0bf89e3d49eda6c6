"""Every kind of device that a parameter can ask for is one that real QEMU takes, on pc and q35."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ganeti import constants
from ganeti.hypervisor.kvm import sound
from test.drivers.kvm import lab
from test.drivers.kvm.test_hotplug import bridge, nic_dict  # noqa: F401

NAME = "inst1.example.org"
pytestmark = [pytest.mark.qemu,
              pytest.mark.skipif(not os.path.exists(lab.QEMU), reason="no QEMU on this machine")]
#: What needs a board, or a disk, that is not here
NOT_HERE = {"mtd", "scsi-block", "scsi-generic"}
DISKS = constants.HT_KVM_VALID_DISK_TYPES - NOT_HERE - {"scsi-cd"}


def kinds(place: Path) -> Iterator[dict[str, Any]]:
    """Parameters, one device each."""
    image = str(place / "image")
    for kind in sorted(DISKS):
        yield {"disk_type": kind}
    for controller in sorted(constants.HT_KVM_VALID_SCSI_CONTROLLER_TYPES):
        yield {"disk_type": "scsi-hd", "scsi_controller_type": controller,
               "cdrom_image_path": image}
    for drive in ("ide", "scsi", "scsi-cd", "paravirtual"):
        yield {"cdrom_image_path": image, "cdrom2_image_path": image, "cdrom_disk_type": drive,
               "boot_order": "cdrom"}
    yield {"floppy_image_path": str(place / "floppy"), "boot_order": "floppy"}
    for card in sorted(sound.CARDS):
        yield {"soundhw": card}
    for card in ("std", "cirrus", "vmware", "virtio", "none"):
        yield {"vga": card, "vnc_bind_address": str(place)}
    yield {"usb_mouse": "mouse", "usb_devices": "keyboard wacom-tablet,ccid"}
    for aio in sorted(constants.HT_KVM_VALID_AIO_TYPES):
        for cache in ("none", "default"):
            yield {"disk_aio": aio, "disk_cache": cache, "disk_discard": "unmap"}
    yield {"use_guest_agent": True, "use_localtime": True, "user_shutdown": True,
           "reboot_behavior": "exit", "mem_path": str(place), "cpu_mask": "0", "acpi": False}


def start_and_stop(node: lab.Node, place: Path, nics: list[dict[str, Any]], **hvparams: Any
                   ) -> None:
    disks = [lab.make_disk(place / f"disk{number}") for number in range(2)]
    count = 1 if hvparams.get("disk_type") == "pflash" else 2
    inst = lab.instance_dict(NAME, disks=count, **hvparams)
    inst["nics"] = nics
    node.call("validate", inst["hvparams"])
    node.call("start", inst, [node.link(NAME, number, disks[number]) for number in range(count)],
              paused=True)
    node.call("stop", inst, force=True)
    node.call("cleanup", NAME)
    assert node.traces(NAME) == []


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_all_kinds_start(node: lab.Node, place: Path, machine: str) -> None:
    (place / "image").write_bytes(bytes(1 << 20))
    (place / "floppy").write_bytes(bytes(1474560))
    refused = {}
    for hvparams in kinds(place):
        try:
            start_and_stop(node, place, [], machine_version=machine, **hvparams)
        except lab.CallFailed as err:
            refused[str(hvparams)] = str(err)
    assert not refused, "\n".join(f"{key}: {value}" for key, value in refused.items())


@pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists("/dev/net/tun"),
                    reason="tap devices need root and /dev/net/tun")
@pytest.mark.parametrize("machine", ["pc", "q35"])
@pytest.mark.usefixtures("bridge")
def test_all_network_cards_start(node: lab.Node, place: Path, machine: str) -> None:
    refused = {}
    for kind in sorted(constants.HT_KVM_VALID_NIC_TYPES):
        try:
            start_and_stop(node, place, [nic_dict(1)], machine_version=machine, nic_type=kind,
                           vhost_net=False)
        except lab.CallFailed as err:
            refused[kind] = str(err)
    assert not refused, "\n".join(f"{key}: {value}" for key, value in refused.items())
