"""Disks as qcow2 images: a guest's life on two nodes, and all that is done with file disks."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from test.drivers import results
from test.drivers.devicekits import why_no_fuse
from test.vcluster import storylines
from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until

WHY_NOT = why_no_fuse() or next(
    (f"{program} is not installed" for program in ("qemu-system-x86_64", "qemu-img")
     if shutil.which(program) is None), None)
pytestmark = [pytest.mark.qemu, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "")]
QCOW2 = "--file-driver qcow2"
STOPPED = f"{storylines.SMALL} --no-start"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def cluster() -> Iterator[VirtualCluster]:
    with VirtualCluster(2) as made:
        made.run("gnt-cluster modify --enabled-disk-templates=sharedfile,file,gluster,diskless"
                 " --ipolicy-disk-templates=sharedfile,file,gluster,diskless")
        yield made


@pytest.fixture(autouse=True)
def nothing_stays(cluster: VirtualCluster) -> Iterator[None]:
    yield
    for name in cluster.run("gnt-instance list --no-headers -o name").split():
        cluster.run(f"gnt-instance remove -f --shutdown-timeout=0 {name}")
    for node in ("node1", "node2"):
        assert files(cluster, node, "file-storage") == []
        assert files(cluster, node, "shared-file-storage") == []
        assert list(cluster.path(node, "/var/run/ganeti/disk-exports").glob("*")) == []


def files(cluster: VirtualCluster, node: str, kind: str) -> list[pathlib.Path]:
    top = cluster.path(node, f"/srv/ganeti/{kind}")
    return sorted(path for path in top.rglob("*") if path.is_file())


def image_info(path: pathlib.Path) -> dict[str, object]:
    """What QEMU says of an image, that a guest may hold."""
    told = subprocess.run(["qemu-img", "info", "-U", "--output=json", path], check=True,
                          capture_output=True, text=True)
    found: dict[str, object] = json.loads(told.stdout)
    return found


def contents(path: pathlib.Path, tmp_path: pathlib.Path) -> bytes:
    """What a guest would see of an image."""
    raw = tmp_path / "raw"
    subprocess.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", path, raw], check=True)
    return raw.read_bytes()


def test_the_life_of_a_guest(cluster: VirtualCluster) -> None:
    kind = "sharedfile (qcow2)"
    guest = storylines.create(cluster, kind, "size=4m", f"sharedfile {QCOW2}")
    (image,) = files(cluster, "node1", "shared-file-storage")
    assert image_info(image)["format"] == "qcow2"
    assert "'qcow2'" in cluster.run("gnt-instance info guest1")
    storylines.migrate(cluster, kind, guest, "node2")
    storylines.grow(cluster, kind, guest)
    assert image_info(image)["virtual-size"] == 8 * MIB
    # a plugged disk is of the same kind, and goes along
    cluster.run("gnt-instance modify --hotplug --disk add:size=4m guest1")
    first, second = sorted(files(cluster, "node2", "shared-file-storage"), key=lambda path: (
        path.name.endswith("disk1")))
    assert image_info(second)["format"] == "qcow2"
    storylines.migrate(cluster, kind, guest, "node1")
    storylines.fail_over(cluster, kind, guest, "node2")
    cluster.run("gnt-instance shutdown --timeout=0 guest1")
    for path in (first, second):
        subprocess.run(["qemu-img", "check", "-q", path], check=True)
    cluster.run("gnt-instance grow-disk guest1 1 4m")
    assert image_info(second)["virtual-size"] == 8 * MIB
    cluster.run("gnt-instance startup guest1")
    assert storylines.tick(guest)[0] == 3
    storylines.remove(cluster, kind, guest)


def test_a_raw_disk_stays_raw_whatever_the_guest_writes(
        cluster: VirtualCluster, tmp_path: pathlib.Path) -> None:
    """The header of an image in a raw disk, with a backing file, must show the guest nothing."""
    cluster.run(f"gnt-instance add -t sharedfile -s 4m {STOPPED} -n node1 guest1")
    (disk,) = files(cluster, "node1", "shared-file-storage")
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret" * 1000)
    forged = tmp_path / "forged"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", secret, forged,
                    "4M"], check=True)
    with open(disk, "r+b") as fobj:
        fobj.write(forged.read_bytes())
    cluster.run("gnt-instance startup guest1")
    try:
        told = (cluster.path("node1", "/var/run/ganeti/kvm-hypervisor/pid/guest1")
                .read_text().strip())
        opened = {os.readlink(fd) for fd in pathlib.Path(f"/proc/{told}/fd").iterdir()}
        assert str(disk.resolve()) in opened
        assert str(secret) not in opened
    finally:
        cluster.run("gnt-instance shutdown --timeout=0 guest1")


def test_an_image_that_needs_another_file_is_refused(
        cluster: VirtualCluster, tmp_path: pathlib.Path) -> None:
    cluster.run(f"gnt-instance add -t sharedfile {QCOW2} -s 4m {STOPPED} -n node1 guest1")
    (image,) = files(cluster, "node1", "shared-file-storage")
    base = tmp_path / "base"
    base.write_bytes(bytes(4 * MIB))
    good = image.read_bytes()
    subprocess.run(["qemu-img", "rebase", "-u", "-F", "raw", "-b", base, image], check=True)
    for command in ("startup", "activate-disks"):
        refused = cluster.try_run(f"gnt-instance {command} guest1")
        assert refused.returncode == 1
        assert "has a backing file, which is never opened" in refused.stderr
    image.write_bytes(good[:20])
    refused = cluster.try_run("gnt-instance startup guest1")
    assert "is no qcow2 image" in refused.stderr
    # which is what a killed creation leaves, and is mended like a lost disk
    image.unlink()
    cluster.run("gnt-instance shutdown guest1")
    cluster.run("gnt-instance recreate-disks guest1")
    assert image_info(image)["virtual-size"] == 4 * MIB
    image.write_bytes(good[:20])


def test_disks_are_converted_renamed_and_their_sizes_repaired(
        cluster: VirtualCluster, tmp_path: pathlib.Path) -> None:
    cluster.run(f"gnt-instance add -t sharedfile -s 20m {STOPPED} -n node1 guest1")
    (raw,) = files(cluster, "node1", "shared-file-storage")
    written = raw.read_bytes()
    assert written[510:512] == b"\x55\xaa"
    cluster.run(f"gnt-instance modify -t sharedfile {QCOW2} guest1")
    (image,) = files(cluster, "node1", "shared-file-storage")
    assert image_info(image)["format"] == "qcow2"
    assert contents(image, tmp_path) == written
    assert image.stat().st_blocks * 512 < 2 * MIB, "what was empty takes no room"
    again = cluster.try_run(f"gnt-instance modify -t sharedfile {QCOW2} guest1")
    assert "already, with the file driver 'qcow2'" in again.stderr
    cluster.run("gnt-instance rename -f --no-ip-check --no-name-check guest1 guest2")
    (image,) = files(cluster, "node1", "shared-file-storage")
    assert "/guest2/" in str(image)
    subprocess.run(["qemu-img", "resize", "-q", "-f", "qcow2", image, "22M"], check=True)
    cluster.run("gnt-cluster repair-disk-sizes guest2")
    assert storylines.disk_size(cluster, "guest2") == 22
    cluster.run("gnt-instance modify -t sharedfile --file-driver loop guest2")
    (raw,) = files(cluster, "node1", "shared-file-storage")
    # the OS's rename script has written the new name into the image, too
    assert raw.read_bytes() == written.replace(b"guest1", b"guest2") + bytes(2 * MIB)
    results.record("sharedfile (qcow2)", "convert")
    results.record("sharedfile (qcow2)", "rename")


def test_disks_are_moved_exported_and_imported(
        cluster: VirtualCluster, tmp_path: pathlib.Path) -> None:
    cluster.run(f"gnt-instance add -t file {QCOW2} -s 20m {STOPPED} -n node1 guest1")
    (image,) = files(cluster, "node1", "file-storage")
    written = contents(image, tmp_path)
    assert written[510:512] == b"\x55\xaa"
    cluster.run("gnt-instance move -f -n node2 guest1")
    assert files(cluster, "node1", "file-storage") == []
    (image,) = files(cluster, "node2", "file-storage")
    assert contents(image, tmp_path) == written
    assert image.stat().st_blocks * 512 < 2 * MIB
    results.record("file (qcow2)", "move")
    cluster.run("gnt-backup export -n node1 guest1", timeout=300)
    cluster.run("gnt-instance remove -f guest1")
    cluster.run(f"gnt-backup import -n node2 -t file {QCOW2} --src-node node1 --no-name-check"
                " --no-ip-check guest1", timeout=300)
    (image,) = files(cluster, "node2", "file-storage")
    assert image_info(image)["format"] == "qcow2"
    assert contents(image, tmp_path) == written
    cluster.run("gnt-backup remove guest1")
    results.record("file (qcow2)", "export")


def test_new_disks_are_wiped_without_taking_room(cluster: VirtualCluster) -> None:
    cluster.run("gnt-cluster modify --prealloc-wipe-disks=yes")
    try:
        told = cluster.run(
            f"gnt-instance add -t file {QCOW2} -s 20m {STOPPED} -n node1 guest1")
        assert "wiping disk" in told
        (image,) = files(cluster, "node1", "file-storage")
        assert image.stat().st_blocks * 512 < MIB
        cluster.run("gnt-instance startup guest1")
        cluster.run("gnt-instance grow-disk guest1 0 4m")
        assert image_info(image)["virtual-size"] == 24 * MIB
    finally:
        cluster.run("gnt-cluster modify --prealloc-wipe-disks=no")


def test_what_can_not_be_is_refused_before_anything_is_made(cluster: VirtualCluster) -> None:
    add = f"gnt-instance add -s 4m {STOPPED} -n node1 {QCOW2}"
    for more, text in [
            ("-t sharedfile -H fake", "the hypervisor 'fake' does not open as disks"),
            ("-t gluster", "does not have the file driver 'qcow2'; it has blktap, blktap2, loop"),
            ("-t diskless", "whose disks are no files")]:
        command = f"{add} {more} guest1".replace("-s 4m", "" if "diskless" in more else "-s 4m")
        refused = cluster.try_run(command)
        assert refused.returncode == 1
        assert text in refused.stderr, refused.stderr
        assert "Traceback" not in refused.stderr


def test_a_node_daemon_killed_while_an_image_is_open(cluster: VirtualCluster) -> None:
    """What it leaves must not keep the guest from its disk."""
    cluster.run(f"gnt-instance add -t sharedfile {QCOW2} -s 4m {STOPPED} -n node1 guest1")
    (image,) = files(cluster, "node1", "shared-file-storage")
    uuid = cluster.run("gnt-instance list --no-headers -o disk.uuids guest1").strip("[]'\n ")
    shown = cluster.path("node1", "/var/run/ganeti/disk-exports") / uuid
    shown.touch()
    server = subprocess.Popen([
        "qemu-storage-daemon", "--blockdev", json.dumps({
            "node-name": "d", "driver": "qcow2", "file": {
                "driver": "file", "filename": str(image)}}),
        "--export", json.dumps({"type": "fuse", "id": "d", "node-name": "d", "writable": True,
                                "mountpoint": str(shown)}), "--pidfile", f"{shown}.pid"])
    try:
        wait_until(lambda: os.path.ismount(shown), "the export of the image")
        cluster.kill_daemon("node1", "ganeti-noded")
        cluster.daemon_util("node1", "start", "ganeti-noded")
        cluster.run("gnt-instance startup guest1")
        assert server.wait(timeout=30) is not None
        assert not shown.exists()
    finally:
        server.kill()
