"""Choosing UEFI firmware by the node's descriptions, and keeping what it writes."""

from __future__ import annotations

import base64
import json
import os
import zlib
from pathlib import Path
from typing import Any

import pytest

from ganeti import constants, errors, pathutils
from ganeti.hypervisor.kvm import boot, firmware
from ganeti.hypervisor.kvm.state import Kept

HVP = constants.HV_TABLES[constants.HT_KVM].defaults() | {"boot_type": "uefi"}
PC, Q35 = "pc-i440fx-7.2", "pc-q35-7.2,usb=off"


# Choice ----------------------------------------------------------------------------------------


@pytest.fixture
def descriptions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Firmware as Debian describes it: with enrolled keys, with secure boot, plain."""
    monkeypatch.setattr(firmware, "DIRECTORIES", (str(tmp_path / "etc"), str(tmp_path / "usr")))
    for name in ("etc", "usr"):
        (tmp_path / name).mkdir()
    for number, (name, machines, features) in enumerate([
            ("ms", ["pc-q35-*"], ["enrolled-keys", "requires-smm", "secure-boot"]),
            ("secboot", ["pc-q35-*"], ["requires-smm", "secure-boot"]),
            ("plain", ["pc-i440fx-*", "pc-q35-*"], ["acpi-s3"])]):
        describe(tmp_path / "usr" / f"{40 + number}-{name}.json", tmp_path, name, machines,
                 features)
    return tmp_path


def describe(path: Path, directory: Path, name: str, machines: list[str], features: list[str]
             ) -> None:
    mapping: dict[str, Any] = {"device": "flash"}
    for key in ("executable", "nvram-template"):
        file = directory / f"{name}-{key}.fd"
        file.write_bytes(b"\xff" * 10)
        mapping[key] = {"filename": str(file), "format": "raw"}
    path.write_text(json.dumps({
        "interface-types": ["uefi"], "mapping": mapping, "features": features, "tags": [],
        "targets": [{"architecture": "x86_64", "machines": machines}]}))


def chosen(machine: str, **changes: Any) -> str:
    found = firmware.choose({**HVP, **changes}, machine)
    assert found
    return Path(found.code).name.partition("-")[0]


def test_the_first_that_fits_is_taken(descriptions: Path) -> None:
    assert chosen(PC) == chosen(Q35) == "plain"
    assert chosen(Q35, secure_boot=True) == "ms"
    found = firmware.choose({**HVP, "uefi_code_path": "/a", "uefi_vars_path": "/b"}, PC)
    assert (found.code, found.template) == ("/a", "/b") if found else False
    assert firmware.choose({**HVP, "boot_type": "bios"}, PC) is None


def test_the_administrators_description_comes_first(descriptions: Path) -> None:
    describe(descriptions / "etc/42-plain.json", descriptions, "own", ["pc-*"], [])
    assert chosen(PC) == "own"
    (descriptions / "etc/40-ms.json").write_text("")  # hides it
    assert chosen(Q35, secure_boot=True) == "secboot"


@pytest.mark.parametrize("damage", ["{", "[]", '"x"', "{}", '{"targets": 5}'])
def test_damaged_descriptions_are_passed_by(descriptions: Path, damage: str) -> None:
    (descriptions / "etc/00-bad.json").write_text(damage)
    assert chosen(PC) == "plain"


def test_missing_firmware_is_told(descriptions: Path) -> None:
    (descriptions / "plain-executable.fd").unlink()
    with pytest.raises(errors.HypervisorError, match="no UEFI firmware for machine type pc-i440"):
        firmware.choose(HVP, PC)
    with pytest.raises(errors.HypervisorError, match="with secure boot"):
        firmware.choose({**HVP, "secure_boot": True}, PC)


@pytest.mark.parametrize("boot_type,kernel,kind", [
    ("", "/k", "direct_kernel"), ("", "", "bios"), ("bios", "/k", "bios"), ("uefi", "/k", "uefi")])
def test_what_boots(boot_type: str, kernel: str, kind: str) -> None:
    hvp = {**HVP, "boot_type": boot_type, "kernel_path": kernel}
    assert boot.kind(hvp) == kind
    assert (boot.index(hvp, "disk") is None) == (kind == "direct_kernel")


# Keeping ---------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.setattr(pathutils, "KVM_STATE_DIR", str(tmp_path / "kvm-state"))
    return Kept("5f6e")


def test_variables_begin_with_the_template_and_are_not_written_over(kept: Kept, tmp_path: Path
                                                                    ) -> None:
    template = tmp_path / "template"
    template.write_bytes(b"as new")
    kept.ensure_nvram(str(template))
    Path(kept.nvram).write_bytes(b"in use")
    kept.ensure_nvram(str(template))
    assert Path(kept.nvram).read_bytes() == b"in use"
    assert os.stat(kept.directory).st_mode & 0o777 == 0o700


def test_a_state_travels_whole(kept: Kept, tmp_path: Path) -> None:
    kept.make_directory(kept.tpm)
    Path(kept.nvram).write_bytes(b"variables")
    Path(kept.tpm, "tpm2-00.permall").write_bytes(b"secrets")
    Path(kept.tpm, ".lock").write_bytes(b"")
    os.utime(kept.nvram, (1000, 1000))
    os.utime(Path(kept.tpm, "tpm2-00.permall"), (2000, 2000))
    packed = json.loads(json.dumps(kept.pack()))
    assert packed["saved"] == 2000 and len(packed["files"]) == 2
    other = Kept("other")
    other.make_directory(other.tpm)
    Path(other.tpm, "tpm2-00.volatilestate").write_bytes(b"of former days")
    other.unpack(packed)
    assert other.pack() == packed | {"saved": 2000}
    other.forget()
    other.forget()
    assert other.pack() is None


@pytest.mark.parametrize("name", [
    "../nvram.fd", "/etc/passwd", "tpm/../x.permall", "tpm/x.sh", "nvram.fd/x", "tpm/", ""])
def test_only_known_names_are_written(kept: Kept, name: str) -> None:
    text = base64.b64encode(zlib.compress(b"x")).decode()
    with pytest.raises(errors.HypervisorError, match="unknown part"):
        kept.unpack({"saved": 1, "files": {name: text}})
    assert not kept.exists


@pytest.mark.parametrize("text", [
    "!", "eA==", base64.b64encode(zlib.compress(bytes(65 << 20))).decode(),
    base64.b64encode(zlib.compress(b"0123456789")[:-6]).decode()])
def test_a_damaged_state_replaces_nothing(kept: Kept, text: str) -> None:
    kept.make_directory(kept.directory)
    Path(kept.nvram).write_bytes(b"good")
    with pytest.raises(errors.HypervisorError, match="damaged"):
        kept.unpack({"saved": 1, "files": {"nvram.fd": text}})
    assert Path(kept.nvram).read_bytes() == b"good"


def test_an_announced_guest_that_does_not_come_leaves_nothing(kept: Kept) -> None:
    kept.expect(100)
    assert os.path.getsize(kept.nvram) == 100 and kept.pack() is None
    kept.arrived(False)
    assert not os.path.exists(kept.directory)
    kept.expect(None)
    kept.arrived(True)
    assert kept.exists
    kept.expect(100)  # an older copy is here: a failure keeps it
    kept.arrived(False)
    assert kept.exists
