"""What differs between versions of QEMU: by the answers of 5.2, 7.2, 8.2 and 10.0.

The README beside each version's answers says what was recorded. A wanted change of the lines:
UPDATE_GOLDEN=1 pytest test/golden/kvm.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ganeti.hypervisor.kvm import binary, build, firmware, security
from ganeti.hypervisor.kvm.guest import Guest
from ganeti.hypervisor.kvm.paths import Files
from test.golden.kvm.cases import CASES
from test.golden.kvm.test_command import lines, make

HERE = Path(__file__).parent
VERSIONS = {"5.2": (5, 2), "7.2": (7, 2), "8.2": (8, 2), "10.0": (10, 0)}
#: Where a version shows on the command line
TOLD = ("base", "q35", "uefi-secure-boot-tpm", "machine-with-options")
#: Devices that come with another option than -device
_BY_OPTION = {"std": "VGA", "cirrus": "cirrus-vga", "qxl": "qxl-vga"}
_CONFINED = {"security_model": "user", "security_domain": "nobody", "use_chroot": True}


def answers(version: str) -> binary.Binary:
    directory = HERE / f"qemu-{version}"
    return binary.parse("/usr/bin/kvm", *((directory / f"{name}.txt").read_text()
                                          for name in ("version", "machine", "device", "cpu",
                                                       "spice")))


def command(version: str, name: str) -> str:
    instance, devices = make(CASES[name])
    guest = firmware.equip(Guest.of(instance, answers(version), "tcg"))
    return lines(build.runtime(guest, instance, devices))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_answers_are_of_that_version(version: str) -> None:
    known = answers(version)
    assert known.version[:2] == VERSIONS[version]
    assert known.machine_of("pc") == known.default_machine == f"pc-i440fx-{version}"
    assert known.machine_of("q35,usb=off") == f"pc-q35-{version},usb=off"
    assert known.has_spice and known.has_cpu("Nehalem") and known.has_device("tpm-crb")


@pytest.mark.parametrize("version", VERSIONS)
def test_lines_of_each_version(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"## {name}\n{command(version, name)}\n" for name in TOLD)
    monkeypatch.setattr(security, "_make_chroot", lambda files: "/empty")
    confined = security.arguments(_CONFINED, answers(version), Files("inst1.example.org"))
    text += f"## confined\n{' '.join(confined)}\n"
    kept = HERE / f"qemu-{version}/lines.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        kept.write_text(text)
    assert text == kept.read_text()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", CASES)
def test_every_version_has_the_devices(name: str, version: str) -> None:
    known = answers(version)
    text = command(version, name)
    used = set(re.findall(r"^-device ([^,\n]+)", text, re.M))
    used |= {_BY_OPTION[card] for card in re.findall(r"^-vga (\S+)", text, re.M)}
    assert [device for device in sorted(used) if not known.has_device(device)] == []
