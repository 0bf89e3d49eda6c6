"""The demo's guest: packing, choosing, and the OS definition's scripts."""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ganeti.backend import osdefinition
from ganeti.tools import demo_guest
from ganeti.tools.demo_guest import fetch, initrd
from ganeti.tools.demo_guest.fetch import Kernel

DEFINITION = Path(__file__).parents[3] / "tools/os/demo-linux"


def module(directory: Path, name: str, depends: str = "", packed: bool = False) -> None:
    content = b"\x7fELF\0name=" + name.encode() + b"\0depends=" + depends.encode() + b"\0"
    path = directory / f"{name}.ko{'.xz' if packed else ''}"
    path.write_bytes(lzma.compress(content) if packed else content)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    modules = tmp_path / "modules"
    modules.mkdir()
    module(modules, "virtio_blk", "virtio,virtio_ring", packed=True)
    module(modules, "virtio-ring", "virtio")
    module(modules, "virtio")
    module(modules, "unrelated")
    return Kernel(tmp_path / "vmlinuz", modules)


def archived(image: Path, where: Path) -> list[str]:
    """Names in the packed file, as cpio reads them."""
    where.mkdir()
    subprocess.run(["cpio", "-idm", "--quiet"], cwd=where, check=True,
                   input=gzip.decompress(image.read_bytes()), capture_output=True)
    return sorted(str(path.relative_to(where)) for path in where.rglob("*"))


@pytest.mark.skipif(shutil.which("cpio") is None or os.geteuid() != 0,
                    reason="reading it back needs cpio and root (it holds a device)")
def test_modules_are_packed_after_those_they_need(kernel: Kernel, tmp_path: Path) -> None:
    busybox = tmp_path / "busybox"
    busybox.write_bytes(b"program")
    image = initrd.make(tmp_path, kernel, busybox)
    names = archived(image, tmp_path / "out")
    assert [name for name in names if name.endswith(".ko")] == [
        "modules/00-virtio.ko", "modules/01-virtio_ring.ko", "modules/02-virtio_blk.ko"]
    assert os.access(tmp_path / "out/init", os.X_OK)
    assert (tmp_path / "out/bin/busybox").read_bytes() == b"program"
    assert (tmp_path / "out/dev/console").is_char_device()


def test_it_is_packed_anew_only_when_something_changed(kernel: Kernel, tmp_path: Path) -> None:
    busybox = tmp_path / "busybox"
    busybox.write_bytes(b"one")
    image = initrd.make(tmp_path, kernel, busybox)
    first = image.stat().st_ino
    assert initrd.make(tmp_path, kernel, busybox).stat().st_ino == first
    busybox.write_bytes(b"two")
    assert initrd.make(tmp_path, kernel, busybox).stat().st_ino != first


def test_a_kernel_without_modules_is_told(tmp_path: Path) -> None:
    with pytest.raises(demo_guest.GuestError, match="no kernel modules"):
        initrd.make(tmp_path, Kernel(tmp_path / "k", tmp_path), tmp_path / "b")


def test_a_filled_cache_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = tmp_path / "kernel/lib/modules/6.1.0-1"
    modules.mkdir(parents=True)
    module(modules, "virtio_blk")
    (tmp_path / "kernel/boot").mkdir()
    (tmp_path / "kernel/boot/vmlinuz-6.1.0-1").touch()
    (tmp_path / "busybox/bin").mkdir(parents=True)
    (tmp_path / "busybox/bin/busybox").write_bytes(b"\x7fELF static")
    monkeypatch.setenv("PATH", "")
    guest = demo_guest.build(tmp_path)
    assert guest.kernel.name == "vmlinuz-6.1.0-1"
    assert guest.initrd.exists()


def test_no_kernel_anywhere_is_told_with_the_remedy(tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_host_kernel", lambda: None)
    monkeypatch.setattr(fetch, "_KERNEL_PACKAGE", "linux-image-of-nobody")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(demo_guest.GuestError, match="apt knows no package|no kernel in /boot"):
        fetch.kernel(tmp_path)


# The OS definition ----------------------------------------------------------------------------


def script(name: str, *args: str, stdin: bytes = b"", **env: str
           ) -> subprocess.CompletedProcess[bytes]:
    base = {"PATH": "/bin:/usr/bin:/sbin:/usr/sbin", "INSTANCE_NAME": "inst1.example.org",
            "INSTANCE_OS": "demo-linux+bootsector", "OS_VARIANT": "bootsector"}
    return subprocess.run([DEFINITION / name, *args], env=base | env, check=False,
                          input=stdin, capture_output=True, cwd=DEFINITION)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk"
    path.write_bytes(b"\xaa" * (1 << 20))
    return path


def test_the_definition_is_valid() -> None:
    found = osdefinition.read("demo-linux", str(DEFINITION))
    assert found.problems == []
    assert found.variants == ["default", "bootsector"]
    assert [name for name, _ in found.parameters] == ["message", "address"]
    assert found.trusted


def test_create_writes_code_and_text(disk: Path) -> None:
    result = script("create", DISK_COUNT="1", DISK_0_PATH=str(disk), NIC_0_IP="192.0.2.5",
                    OSP_MESSAGE="hello there")
    assert result.returncode == 0, result.stderr
    data = disk.read_bytes()
    assert data[:512] == (DEFINITION / "bootsector.bin").read_bytes()
    assert data[512:1024] == bytes(512)
    assert data[1024:1536].rstrip(b"\0").decode() == (
        "name=inst1.example.org os=demo-linux+bootsector ip=192.0.2.5/24 hello there")
    assert len(data) == 1 << 20 and data[1536:] == b"\xaa" * (len(data) - 1536)


def test_create_for_linux_leaves_no_code_and_renaming_changes_the_text(disk: Path) -> None:
    env = {"DISK_COUNT": "1", "DISK_0_PATH": str(disk), "OS_VARIANT": "default"}
    assert script("create", **env).returncode == 0
    assert disk.read_bytes()[:512] == bytes(512)
    env |= {"INSTANCE_NAME": "new", "OLD_INSTANCE_NAME": "inst1.example.org"}
    assert script("rename", **env).returncode == 0
    assert disk.read_bytes()[1024:1536].rstrip(b"\0") == b"name=new os=demo-linux+bootsector"


def test_create_without_disks_and_with_an_unknown_variant(disk: Path) -> None:
    assert script("create", DISK_COUNT="0").returncode == 0
    result = script("create", DISK_COUNT="1", DISK_0_PATH=str(disk), OS_VARIANT="windows")
    assert result.returncode == 1 and b"'windows'" in result.stderr


def test_a_text_that_does_not_fit_is_refused(disk: Path) -> None:
    result = script("create", DISK_COUNT="1", DISK_0_PATH=str(disk), OSP_MESSAGE="x" * 600)
    assert result.returncode == 1 and b"a sector holds 511" in result.stderr


def test_export_and_import(disk: Path, tmp_path: Path) -> None:
    disk.write_bytes(os.urandom(1 << 20))
    dump = script("export", EXPORT_DEVICE=str(disk), EXPORT_INDEX="0")
    assert dump.returncode == 0
    other = tmp_path / "other"
    other.write_bytes(bytes(2 << 20))
    result = script("import", stdin=dump.stdout, IMPORT_DEVICE=str(other), IMPORT_INDEX="0")
    assert result.returncode == 0, result.stderr
    assert other.read_bytes() == disk.read_bytes() + bytes(1 << 20)
    broken = script("import", stdin=b"no dump", IMPORT_DEVICE=str(tmp_path / "none/x"),
                    IMPORT_INDEX="0")
    assert broken.returncode == 1


@pytest.mark.parametrize("env,good", [
    ({}, True), ({"OSP_ADDRESS": "192.0.2.5/24"}, True), ({"OSP_ADDRESS": "2001:db8::5/64"}, True),
    ({"OSP_ADDRESS": "192.0.2.5"}, False), ({"OSP_MESSAGE": "x" * 201}, False)])
def test_parameters_are_verified(env: dict[str, str], good: bool) -> None:
    assert (script("verify", "parameters", **env).returncode == 0) is good


@pytest.mark.skipif(not (shutil.which("as") and shutil.which("ld")), reason="needs binutils")
def test_the_boot_sector_is_what_its_source_says(tmp_path: Path) -> None:
    subprocess.run(["as", "--32", DEFINITION / "bootsector.S", "-o", tmp_path / "o"], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary",
                    tmp_path / "o", "-o", tmp_path / "bin"], check=True)
    assert (tmp_path / "bin").read_bytes() == (DEFINITION / "bootsector.bin").read_bytes()
