"""UEFI and TPM of a real guest, and what they keep: over stops, moves and migrations.

The guest (efiguest.S) counts its boots in a variable of the NVRAM, and asks the TPM for its reset
count at every tick.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from test.drivers.kvm import efi, lab
from test.drivers.kvm.test_migrate import migrate, wait_migration

NAME = "inst1.example.org"
SWTPM = "/usr/bin/swtpm"
CODE = "/usr/share/OVMF/OVMF_CODE_4M"
TICK = re.compile(r"BOOT (\d{8}) TICK (\d{8}) TPM (\d{8})")
NO_TPM = 99999999
pytestmark = [
    pytest.mark.qemu,
    pytest.mark.skipif(not os.path.exists(lab.QEMU), reason="no QEMU on this machine"),
    pytest.mark.skipif(not os.path.exists(f"{CODE}.fd"), reason="no OVMF (package ovmf)"),
    pytest.mark.skipif(not os.path.exists(SWTPM), reason="no swtpm (package swtpm)")]


def instance(**hvparams: Any) -> dict[str, Any]:
    """A guest of UEFI; the kernel stays set, as it is by the cluster's default."""
    inst = lab.instance_dict(NAME, **{"boot_type": "uefi", "kernel_path": "/boot/none",
                                      **hvparams})
    inst["beparams"]["maxmem"] = 64
    return inst


def boot(node: lab.Node, inst: dict[str, Any], disk: Path) -> lab.Serial:
    node.call("validate", inst["hvparams"])
    node.call("start", inst, [node.link(NAME, 0, disk)])
    return lab.Serial(node.control(NAME, "serial"))


def counts(serial: lab.Serial) -> tuple[int, int]:
    """Boots that the NVRAM has counted, and resets that the TPM has."""
    have = len(TICK.findall(serial.text))
    serial.wait(lambda serial: len(TICK.findall(serial.text)) > have + 1, "ticks", 60)
    boots, _, resets = TICK.findall(serial.text)[-1]
    return int(boots), int(resets)


def kept(node: lab.Node, inst: dict[str, Any]) -> Path:
    return node.root / "var/lib/ganeti/kvm-state" / inst["uuid"]


def swtpms(inst: dict[str, Any]) -> list[str]:
    """Process ids of the emulators that have a state directory of this instance."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words.startswith(SWTPM) and inst["uuid"] in words:
            found.append(path.parent.name)
    return found


def test_variables_and_tpm_follow_the_guest(node: lab.Node, other: lab.Node, place: Path
                                            ) -> None:
    disk = efi.make_disk(place / "disk")
    inst = instance(machine_version="q35", vtpm=True)
    serial = boot(node, inst, disk)
    assert counts(serial) == (1, 1)
    assert "GUEST-UP efi SECURE 0" in serial.text
    assert len(swtpms(inst)) == 1
    before = serial.text

    # a live migration: the guest goes on, its TPM still answers, and both are at home there
    migrate(node, other, inst, disk)
    serial.close()
    serial = lab.Serial(other.control(NAME, "serial"))
    assert counts(serial) == (1, 1)
    assert int(TICK.findall(serial.text)[0][1]) > int(TICK.findall(before)[-1][1])
    assert node.traces(NAME) == [] and len(swtpms(inst)) == 1
    other.call("stop", inst, force=True)
    serial.close()
    lab.wait_gone(other, NAME)
    other.call("cleanup", NAME)
    assert other.traces(NAME) == [] and swtpms(inst) == []
    serial = boot(other, inst, disk)
    assert counts(serial) == (2, 2), "what was written on the first node is here"
    assert (kept(other, inst) / "nvram.fd").stat().st_mode & 0o777 == 0o600

    # back to where an older copy is, which gives way
    migrate(other, node, inst, disk)
    serial.close()
    node.call("stop", inst, force=True)
    lab.wait_gone(node, NAME)
    serial = boot(node, inst, disk)
    assert counts(serial) == (3, 3)

    # a move while it is off: the master takes the state from one node to the other
    with pytest.raises(lab.CallFailed, match="runs on this node"):
        node.call("put_state", inst, None)
    node.call("stop", inst, force=True)
    serial.close()
    lab.wait_gone(node, NAME)
    other.call("put_state", inst, node.call("get_state", inst))
    node.call("put_state", inst, None)
    assert not kept(node, inst).exists() and node.call("get_state", inst) is None
    serial = boot(other, inst, disk)
    assert counts(serial) == (4, 4)
    other.call("stop", inst, force=True)
    serial.close()


def test_a_killed_guest_takes_its_tpm_along_and_starts_again(node: lab.Node, place: Path) -> None:
    disk = efi.make_disk(place / "disk")
    confined = {"security_model": "user", "security_domain": "nobody", "use_chroot": True}
    inst = instance(vtpm=True, **(confined if os.geteuid() == 0 else {}))
    serial = boot(node, inst, disk)
    assert counts(serial) == (1, 1)
    os.kill(int((node.root / f"var/run/ganeti/kvm-hypervisor/pid/{NAME}").read_text()), 9)
    serial.close()
    lab.wait_gone(node, NAME)
    serial = boot(node, inst, disk)
    assert counts(serial) == (2, 2)
    node.call("stop", inst, force=True)
    serial.close()
    node.call("cleanup", NAME)
    assert swtpms(inst) == []


def test_a_migration_that_fails_leaves_no_empty_state(node: lab.Node, other: lab.Node, place: Path
                                                      ) -> None:
    disk = efi.make_disk(place / "disk")
    inst = instance()
    serial = boot(node, inst, disk)
    assert counts(serial) == (1, NO_TPM)
    other.link(NAME, 0, disk)
    info = node.call("migration_info", inst)
    other.call("accept_instance", inst, info, other.address)
    assert other.call("get_state", inst) is None, "an announced guest's state is no copy"
    node.call("migrate", inst, "127.87.77.9", True)  # nobody listens there
    assert wait_migration(node, inst)["status"] == "failed"
    other.call("finalize_migration_dst", inst, info, False)
    node.call("finalize_migration_src", inst, False, True)
    assert not kept(other, inst).exists() and other.traces(NAME) == []
    assert counts(serial) == (1, NO_TPM)
    node.call("stop", inst, force=True)
    serial.close()
    lab.wait_gone(node, NAME)
    assert swtpms(inst) == []


def test_secure_boot_refuses_a_program_that_nobody_signed(node: lab.Node, place: Path) -> None:
    disk = efi.make_disk(place / "disk")
    inst = instance(machine_version="q35", secure_boot=True)
    serial = boot(node, inst, disk)
    serial.wait(lambda serial: "Access Denied" in serial.text, "refusal", 60)
    assert "GUEST-UP" not in serial.text
    node.call("stop", inst, force=True)
    serial.close()


def test_a_tpm_that_can_not_start_is_told_and_leaves_nothing(node: lab.Node, place: Path) -> None:
    disk = efi.make_disk(place / "disk")
    inst = instance(vtpm=True, swtpm_path="/bin/false")
    with pytest.raises(lab.CallFailed, match="TPM of instance inst1.example.org does not start"):
        node.call("start", inst, [node.link(NAME, 0, disk)])
    assert node.traces(NAME) == []
    with pytest.raises(lab.CallFailed, match="swtpm_path"):
        node.call("validate", inst["hvparams"] | {"swtpm_path": "/nonexistent"})


SNAKEOIL = Path("/usr/share/ovmf/PkKek-1-snakeoil.key")


@pytest.mark.skipif(shutil.which("sbsign") is None or not SNAKEOIL.exists(),
                    reason="nothing can be signed here (packages sbsigntool and ovmf)")
def test_secure_boot_runs_what_is_signed(node: lab.Node, place: Path) -> None:
    """With firmware and keys of the administrator's own: Debian's key for trying."""
    key, signed = place / "key.pem", place / "signed.efi"
    subprocess.run(["openssl", "rsa", "-in", SNAKEOIL, "-passin", "pass:snakeoil", "-out", key],
                   check=True, capture_output=True)
    subprocess.run(["sbsign", "--key", key, "--cert", SNAKEOIL.with_suffix(".pem"), "--output",
                    signed, efi.GUEST], check=True, capture_output=True)
    inst = instance(machine_version="q35", secure_boot=True,
                    uefi_code_path=f"{CODE}.secboot.fd",
                    uefi_vars_path="/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd")
    serial = boot(node, inst, efi.make_disk(place / "disk", signed.read_bytes()))
    serial.wait(lambda serial: "GUEST-UP efi SECURE 1" in serial.text, "guest", 60)
    node.call("stop", inst, force=True)
    serial.close()
