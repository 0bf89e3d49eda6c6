"""Which accelerator is taken, with programs that play a QEMU whose KVM works, fails or hangs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ganeti import errors, pathutils
from ganeti.hypervisor.kvm import accel


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pathutils, "RUN_DIR", str(tmp_path))
    device = tmp_path / "kvm"
    device.touch()
    monkeypatch.setattr(accel, "_DEVICE", str(device))
    return tmp_path


def program(node: Path, body: str) -> str:
    path = node / "qemu"
    path.write_text(f"#!/bin/sh\necho x >>{node}/runs\n{body}\n")
    path.chmod(0o755)
    return str(path)


def runs(node: Path) -> int:
    return len((node / "runs").read_text().split())


def test_working_virtualisation_is_tried_once(node: Path) -> None:
    path = program(node, "exit 33")
    assert [accel.choose("", path) for _ in range(3)] == ["kvm"] * 3
    assert accel.choose("enabled", path) == "kvm"
    assert runs(node) == 1


def test_failing_virtualisation(node: Path) -> None:
    path = program(node, "echo failed to initialize kvm >&2; exit 1")
    assert accel.choose("", path) == "tcg"
    with pytest.raises(errors.HypervisorError, match="kvm_flag=enabled.*failed to initialize kvm"):
        accel.choose("enabled", path)
    assert runs(node) == 1


def test_a_guest_that_hangs(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accel, "_TIMEOUT", 0.2)
    assert accel.choose("", program(node, "exec sleep 60")) == "tcg"
    assert "did not end within 0.2 s" in str(accel.why_not(str(node / "qemu")))


def test_forbidden_is_not_even_tried(node: Path) -> None:
    assert accel.choose("disabled", program(node, "exit 33")) == "tcg"
    assert not (node / "runs").exists()


def test_without_the_device_nothing_is_tried(node: Path) -> None:
    path = program(node, "exit 33")
    (node / "kvm").unlink()
    assert accel.choose("", path) == "tcg"
    assert not (node / "runs").exists()


def test_after_a_reboot_and_for_another_program_it_is_tried_again(node: Path) -> None:
    path = program(node, "exit 33")
    accel.choose("", path)
    record = node / "kvm-accelerator"
    content = json.loads(record.read_text())
    content["for"][0] = "an-earlier-boot"
    record.write_text(json.dumps(content))
    accel.choose("", path)
    assert runs(node) == 2


def test_a_damaged_record_is_made_anew(node: Path) -> None:
    path = program(node, "exit 33")
    (node / "kvm-accelerator").write_text("{")
    assert accel.choose("", path) == "kvm"
    assert accel.choose("", path) == "kvm"
    assert runs(node) == 1
