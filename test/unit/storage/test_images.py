"""Images: what is refused, what is left of a failure, and what a raw disk may hold."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess

import pytest

from ganeti import constants, errors, objects, pathutils
from ganeti.backend import blockdev
from ganeti.storage import images, registry
from test import noderoot

pytestmark = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is missing")
MIB = 1024 * 1024
DIRECTORY = "/srv/ganeti/file-storage/inst1.example.org"


@pytest.fixture
def disk(tmp_path, monkeypatch) -> objects.Disk:
    """A disk that is not made yet, on a node of its own."""
    noderoot.move_node_to(str(tmp_path / "node1"), monkeypatch)
    os.makedirs(pathutils.local(DIRECTORY))
    return objects.Disk(uuid="d-uuid", dev_type=constants.DT_FILE, size=4, iv_name="disk/0",
                        logical_id=[constants.FD_QCOW2, f"{DIRECTORY}/disk0"])


@pytest.fixture
def made(disk) -> objects.Disk:
    registry.device(disk).create(4)
    return disk


def real(disk: objects.Disk) -> str:
    return pathutils.local(disk.logical_id[1])


def qemu_img(*words: str) -> None:
    subprocess.run(["qemu-img", *words], check=True, capture_output=True)


def test_an_image_takes_no_room_and_keeps_its_mode(made):
    info = os.stat(real(made))
    assert info.st_blocks * 512 < MIB
    assert stat.S_IMODE(info.st_mode) & 0o007 == 0
    with open(real(made), "rb") as fobj:
        head = fobj.read(104)
    assert int.from_bytes(head[4:8], "big") == 3
    assert int.from_bytes(head[80:88], "big") == 0, "reference counts are not lazy"


@pytest.mark.parametrize(("make", "text"), [
    (["-F", "raw", "-b", "BASE"], "has a backing file"),
    (["-o", "data_file=BASE,data_file_raw=on", "SIZE"], "keeps its data in another file"),
    (["--object", "secret,id=key,data=hush", "-o",
      "encrypt.format=aes,encrypt.key-secret=key", "SIZE"], "is encrypted")])
def test_images_that_need_more_than_their_file_are_refused(made, tmp_path, make, text):
    base = tmp_path / "base"
    base.write_bytes(bytes(4 * MIB))
    size = ["4M"] if "SIZE" in make else []
    words = [word.replace("BASE", str(base)) for word in make if word != "SIZE"]
    qemu_img("create", "-q", "-f", "qcow2", *words, real(made), *size)
    with pytest.raises(errors.BlockDeviceError, match=text):
        blockdev.require(made)
    assert blockdev.find(made) is None
    blockdev.blockdev_remove(made)
    assert not os.path.exists(real(made))


@pytest.mark.parametrize(("place", "value", "text"), [
    (0, b"\0\0\0\0", "is no qcow2 image"),
    (4, (4).to_bytes(4, "big"), "has version 4"),
    (72, (1 << 40).to_bytes(8, "big"), "features of qcow2 that are not known here")])
def test_headers_that_are_not_understood_are_refused(made, place, value, text):
    with open(real(made), "r+b") as fobj:
        fobj.seek(place)
        fobj.write(value)
    with pytest.raises(errors.BlockDeviceError, match=text):
        registry.device(made).actual_size()


def test_a_creation_that_was_killed_is_undone_by_removing(disk):
    """Whatever is there then: an empty file, or a part of the header."""
    for left in (b"", b"QFI\xfb\0\0"):
        with open(real(disk), "wb") as fobj:
            fobj.write(left)
        device = registry.device(disk)
        assert not device.attach()
        assert "is no qcow2 image" in str(device.why_not)
        with pytest.raises(errors.BlockDeviceError, match="exists already"):
            registry.device(disk).create(4)
        blockdev.blockdev_remove(disk)
        assert not os.path.exists(real(disk))


def test_a_failed_creation_leaves_nothing(disk, monkeypatch):
    monkeypatch.setattr(images.Qcow2, "options", "compat=9")
    with pytest.raises(errors.BlockDeviceError, match="Can not make .*4 MiB.*does not accept"):
        registry.device(disk).create(4)
    assert os.listdir(pathutils.local(DIRECTORY)) == []


def test_a_node_without_the_program_says_so(disk, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(errors.BlockDeviceError, match=r"qemu-img is missing.*qemu-utils"):
        registry.device(disk).create(4)
    assert os.listdir(pathutils.local(DIRECTORY)) == []


def test_a_held_image_tells_its_size_and_is_not_grown_behind_the_holder(made, tmp_path):
    pid = tmp_path / "pid"
    qemu = subprocess.Popen(["qemu-storage-daemon", "--pidfile", str(pid), "--blockdev",
                             "driver=qcow2,node-name=d,file.driver=file,"
                             f"file.filename={real(made)}",
                             "--nbd-server", f"addr.type=unix,addr.path={tmp_path}/nbd",
                             "--export", "type=nbd,id=d,node-name=d,writable=on"])
    try:
        while not pid.exists():
            assert qemu.poll() is None
        device = blockdev.require(made)
        assert device.actual_size() == 4 * MIB
        with pytest.raises(errors.BlockDeviceError, match="lock"):
            device.grow(4)
    finally:
        qemu.terminate()
        qemu.wait()
    blockdev.require(made).grow(4)
    assert blockdev.require(made).actual_size() == 8 * MIB


def test_a_raw_disk_with_the_header_of_an_image_is_still_raw(disk, made, tmp_path):
    raw = disk.replace(uuid="r-uuid", logical_id=[constants.FD_LOOP, f"{DIRECTORY}/disk1"])
    registry.device(raw).create(4)
    with open(real(made), "rb") as image, open(real(raw), "r+b") as fobj:
        head = image.read(512)
        fobj.write(head)
    device = blockdev.require(raw)
    assert device.actual_size() == 4 * MIB
    with device.data() as path, open(path, "rb") as fobj:
        assert fobj.read(512) == head
    assert registry.template(raw.dev_type).image(raw).name == "raw"


@pytest.mark.parametrize("hypervisor", sorted(
    constants.HYPER_TYPES - {constants.HT_KVM}))
def test_hypervisors_that_open_raw_files_alone_never_get_an_image(made, hypervisor):
    with pytest.raises(errors.BlockDeviceError, match=r"does not open disks in qcow2.*-t file"):
        blockdev.address(blockdev.require(made), hypervisor)
    assert blockdev.address(blockdev.require(made), constants.HT_KVM) is None
