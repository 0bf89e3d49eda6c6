"""Gluster against a real server, nodes with networks of their own: mounted, and by address."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from ganeti import constants, objects, pathutils
from ganeti.storage import gluster as driver
from test.drivers import results, test_storage
from test.drivers.devicekits import why_no_fuse
from test.drivers.storagekit import StorageKit
from test.lab import servers
from test.vcluster import storylines
from test.vcluster.fixture import VirtualCluster

MOUNTED, DIRECT = "gluster (mounted, real server)", "gluster (by address, real server)"


def unmount_below(root: str) -> None:
    """Take away what nodes have mounted, which their daemons never do."""
    with open("/proc/self/mounts", encoding="utf-8") as table:
        points = [line.split()[1] for line in table]
    for point in points:
        if point.startswith(root):
            subprocess.run(["umount", "-l", point], check=True)


@pytest.fixture(scope="module")
def server() -> Iterator[servers.Gluster]:
    """Two nodes in namespaces, and a Gluster server beside them."""
    why_not = why_no_fuse() or servers.require() or (
        None if shutil.which("qemu-system-x86_64") else "qemu-system-x86_64 is not installed")
    if why_not:
        results.not_run(MOUNTED, f"not run: {why_not}")
        pytest.skip(why_not)
    with VirtualCluster(2, formed=False, netns=True) as cluster:
        made = servers.Gluster(cluster)
        try:
            yield made
            assert made.files() == [], "tests removed what they made"
        finally:
            unmount_below(str(cluster.root))
            made.stop()


@pytest.fixture(scope="module")
def cluster(server: servers.Gluster) -> VirtualCluster:
    made = server.cluster
    made.form()
    made.run("gnt-cluster modify --enabled-disk-templates=gluster,diskless"
             " --ipolicy-disk-templates=gluster,diskless"
             f" -D gluster:host={server.address},volume=gv0")
    return made


class MountedKit(StorageKit):
    template_name = constants.DT_GLUSTER
    variant = "mounted, real server"
    server: servers.Gluster

    def set_up(self) -> None:
        self.params = {"host": self.server.address}

    def tear_down(self) -> None:
        unmount_below(str(self.scratch))

    def other_id(self, disk: objects.Disk) -> list[object] | None:
        return [disk.logical_id[0], f"{disk.logical_id[1]}.renamed"]

    def leftovers(self) -> list[str]:
        return self.server.files()


@pytest.fixture
def kit(server: servers.Gluster, tmp_path, monkeypatch) -> Iterator[StorageKit]:
    MountedKit.server = server
    with servers.on_network(server.space):
        yield from test_storage.prepared(MountedKit, tmp_path, monkeypatch)


disk = test_storage.disk
test_size = test_storage.test_a_created_disk_has_its_size
test_not_twice = test_storage.test_a_disk_is_not_made_twice
test_restart = test_storage.test_data_survives_a_restart_of_the_daemon_and_of_the_node
test_growth = test_storage.test_growth_adds_room_and_keeps_data
test_renaming = test_storage.test_renaming_keeps_data_and_may_be_repeated


def test_the_volume_is_mounted_once(kit: StorageKit, disk: objects.Disk) -> None:
    point = pathutils.DEFAULT_GLUSTER_STORAGE_DIR
    volume = driver.Volume(str(kit.params["host"]), 24007, "gv0")
    assert volume.is_mounted()
    volume.mount()
    with open("/proc/self/mounts", encoding="utf-8") as table:
        assert len([line for line in table if line.split()[1] == point]) == 1


@pytest.mark.qemu
@pytest.mark.parametrize("access", ["kernelspace", "userspace"])
def test_the_life_of_a_guest(cluster: VirtualCluster, server: servers.Gluster, access: str
                             ) -> None:
    kind = MOUNTED if access == "kernelspace" else DIRECT
    cluster.run(f"gnt-cluster modify -D gluster:access={access}")
    guest = storylines.create(cluster, kind, "size=4m", "gluster")
    assert len(server.files()) == 1
    (process,) = guest.processes()
    assert (b'"driver":"gluster"' in (process / "cmdline").read_bytes().replace(b" ", b"")) is (
        access == "userspace")
    storylines.migrate(cluster, kind, guest, "node2")
    storylines.grow(cluster, kind, guest)
    storylines.fail_over(cluster, kind, guest, "node1")
    assert "ERROR" not in cluster.run("gnt-cluster verify-disks")
    storylines.remove(cluster, kind, guest)
    assert server.files() == []
