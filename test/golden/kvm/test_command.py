"""The exact command lines of many parameter combinations: a diff shows what a change does.

A change of what exists on old lines may break live migration from older versions. After a
wanted change: UPDATE_GOLDEN=1 pytest test/golden/kvm, and look at the diff.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import pytest

from ganeti import constants, objects
from ganeti.hypervisor.base import BlockDevice
from ganeti.hypervisor.kvm import binary, build, firmware, tap
from ganeti.hypervisor.kvm.driver import KvmHypervisor
from ganeti.hypervisor.kvm.guest import Guest
from ganeti.hypervisor.kvm.runtime import Runtime
from test.golden.kvm.cases import CASES

HERE = Path(__file__).parent
RECORDED = HERE / "qemu-7.2"
#: In a case, but no hypervisor parameter
OTHERS = {"disks", "nics", "vcpus", "memory", "disk_mode", "file_driver", "uri"}


def recorded_binary() -> binary.Binary:
    answers = [(RECORDED / f"{name}.txt").read_text()
               for name in ("version", "machine", "device", "cpu", "spice")]
    return binary.parse("/usr/bin/kvm", *answers)


def make(case: dict[str, Any]) -> tuple[objects.Instance, list[BlockDevice]]:
    hvp = constants.HV_TABLES[constants.HT_KVM].defaults() | {"kernel_path": ""}
    hvp |= {key: value for key, value in case.items() if key not in OTHERS}
    disks = [objects.Disk(uuid=str(uuid.UUID(int=(0xd << 96) + (number << 64))),
                          dev_type="sharedfile", size=1,
                          logical_id=[case.get("file_driver", "loop"), f"/x/{number}"],
                          mode=case.get("disk_mode", "rw"))
             for number in range(case.get("disks", 1))]
    nics = [objects.Nic(uuid=str(uuid.UUID(int=(0xe << 96) + (number << 64))),
                        mac=f"aa:00:00:00:00:{number:02x}",
                        nicparams={"mode": "bridged", "link": "br0", "vlan": ""})
            for number in range(case.get("nics", 1))]
    instance = objects.Instance(
        name="inst1.example.org", uuid=str(uuid.UUID(int=1)), primary_node="n1",
        hypervisor="kvm", hvparams=hvp, nics=nics, network_port=11000,
        beparams={constants.BE_MAXMEM: case.get("memory", 128),
                  constants.BE_VCPUS: case.get("vcpus", 1)})
    links = [f"/run/ganeti/instance-disks/inst1.example.org:{number}"
             for number in range(len(disks))]
    return instance, [BlockDevice(disk, link, case.get("uri"))
                      for disk, link in zip(disks, links, strict=True)]


@pytest.fixture(autouse=True)
def with_vhost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap, "vhost_usable", lambda: True)


def lines(runtime: Runtime) -> str:
    """One option with its argument a line."""
    fds = [[10 + queue for queue in range(nic.queues(runtime.hvp))] for nic in runtime.nics]
    text = ""
    for word in build.arguments(runtime, fds):
        text += ("\n" if word.startswith("-") else " " if text else "") + word
    return text.lstrip("\n") + "\n"


@pytest.mark.parametrize("name", CASES)
def test_command_line(name: str) -> None:
    instance, devices = make(CASES[name])
    KvmHypervisor.check_syntax(instance.hvparams)
    accelerator = "kvm" if instance.hvparams["kvm_flag"] == "enabled" else "tcg"
    runtime = build.runtime(firmware.equip(Guest.of(instance, recorded_binary(), accelerator)),
                            instance, devices)
    again = Runtime.loads(runtime.dumps(), "its own text")
    assert lines(again) == lines(runtime), "what is saved must start the same guest"
    kept = HERE / f"command/{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        kept.write_text(lines(runtime))
    assert lines(runtime) == kept.read_text()


def test_nothing_is_kept_of_cases_that_are_gone() -> None:
    assert {path.stem for path in (HERE / "command").iterdir()} == set(CASES)


def test_every_parameter_of_a_start_changes_the_command_line() -> None:
    """A parameter that no case sets could be accepted and ignored."""
    elsewhere = {"kvm_path", "cpu_mask", "security_model", "security_domain", "use_chroot",
                 "spice_tls_ciphers", "migration_port", "migration_bandwidth",
                 "migration_downtime", "migration_mode", "migration_caps"}
    used = {key for case in CASES.values() for key in case} - OTHERS
    assert constants.HV_TABLES[constants.HT_KVM].names - used == elsewhere
