"""Adopted block devices: real loop devices with lasting names, a guest, and what is refused."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from test.drivers.devicekits import why_no_loops
from test.drivers.hypervisors import BOOT_SECTOR
from test.vcluster import storylines
from test.vcluster.fixture import VirtualCluster
from test.vcluster.test_storage_ext import cluster

__all__ = ["cluster"]
WHY_NOT = why_no_loops() or (
    None if shutil.which("qemu-system-x86_64") else "qemu-system-x86_64 is not installed")
pytestmark = [pytest.mark.qemu, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "")]
KIND = "blockdev (loop devices)"


@pytest.fixture
def device(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A device of 4 MiB below /dev/disk that the small guest boots from."""
    directory = pathlib.Path(f"/dev/disk/test-{os.getpid()}")
    file = tmp_path / "device"
    boot_sector = BOOT_SECTOR.read_bytes()
    file.write_bytes(boot_sector + bytes(4 * 1024 * 1024 - len(boot_sector)))
    loop = subprocess.run(["losetup", "--find", "--show", str(file)], check=True,
                          capture_output=True, text=True).stdout.strip()
    directory.mkdir(parents=True)
    (directory / "lun0").symlink_to(loop)
    yield directory / "lun0"
    subprocess.run(["losetup", "--detach", loop], check=True)
    shutil.rmtree(directory)
    if not any(directory.parent.iterdir()):
        directory.parent.rmdir()


def test_a_guest_on_an_adopted_device(cluster: VirtualCluster, device: pathlib.Path) -> None:
    guest = storylines.create(cluster, KIND, f"adopt={device}", "blockdev")
    assert storylines.disk_size(cluster, "guest1") == 4
    storylines.migrate(cluster, KIND, guest, "node2")
    for command, text in [
            ("grow-disk guest1 0 1m", "can not grow"),
            ("replace-disks -p guest1", "no mirrors that could be replaced"),
            ("recreate-disks guest1", "was adopted")]:
        result = cluster.try_run(f"gnt-instance {command}")
        assert result.returncode == 1
        assert text in result.stderr
    again = cluster.try_run(f"gnt-instance add -t blockdev --disk 0:adopt={device}"
                            f" {storylines.SMALL} --no-start -n node1 guest2")
    assert "can not be adopted" in again.stderr
    storylines.remove(cluster, KIND, guest)
    assert device.read_bytes()[512:516] == b"BOOT", "the data stays when the instance goes"


@pytest.mark.parametrize("disk,text", [
    ("size=1m", "give adopt=VOLUME"),
    ("adopt=/dev/disk/by-id/none", "has no block device /dev/disk/by-id/none"),
    ("adopt=/dev/loop0", "only devices below /dev/disk/"),
    ("adopt=/dev/disk/../null", "only devices below /dev/disk/"),
    ("size=1m,adopt=/dev/disk/x", "size")])
def test_what_can_not_be_adopted(cluster: VirtualCluster, disk: str, text: str) -> None:
    result = cluster.try_run(f"gnt-instance add -t blockdev --disk 0:{disk} {storylines.SMALL}"
                             " --no-start -n node1 guest1")
    assert result.returncode == 1
    assert text in result.stderr
    assert "Traceback" not in result.stderr
