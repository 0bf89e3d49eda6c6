"""RBD against a real Ceph (one monitor, one OSD), nodes with networks of their own.

Guests reach the images by address (access=userspace): the machine's kernel has no rbd. Through
the kernel the same runs in virtual machines (test_krbd.py) and with a program in rbd's place
(test/drivers).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from ganeti import constants, errors, objects
from ganeti.storage import registry
from test.drivers import results, test_storage
from test.drivers.devicekits import why_no_fuse
from test.drivers.storagekit import StorageKit
from test.lab import servers
from test.vcluster import storylines
from test.vcluster.fixture import VirtualCluster

KIND = "rbd (by address, real Ceph)"
PARAMS = "access=userspace,user-id=guests"


@pytest.fixture(scope="module")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Ceph]:
    """Two nodes in namespaces, and Ceph beside them."""
    why_not = why_no_fuse() or servers.require() or (
        None if shutil.which("qemu-system-x86_64") else "qemu-system-x86_64 is not installed")
    if why_not:
        results.not_run(KIND, f"not run: {why_not}")
        pytest.skip(why_not)
    with pytest.MonkeyPatch.context() as env:
        env.setenv("CEPH_CONF", str(tmp_path_factory.mktemp("ceph") / "ceph.conf"))
        with VirtualCluster(2, formed=False, netns=True) as cluster:
            server = servers.Ceph(cluster)
            try:
                yield server
                assert server.images() == [], "tests removed what they made"
            finally:
                server.stop()


@pytest.fixture(scope="module")
def cluster(ceph: servers.Ceph) -> VirtualCluster:
    """The nodes as a cluster whose RBD disks are reached by address, as the user `guests`."""
    made = ceph.cluster
    made.form()
    for node in ("node1", "node2"):
        # that of a node that joined was started over ssh, without our CEPH_CONF
        made.daemon_util(node, "stop", "ganeti-noded")
        made.daemon_util(node, "start", "ganeti-noded")
    made.run("gnt-cluster modify --enabled-disk-templates=rbd,sharedfile,diskless"
             f" --ipolicy-disk-templates=rbd,sharedfile,diskless -D rbd:{PARAMS}")
    return made


# What every storage type promises ------------------------------------------------------------

class CephKit(StorageKit):
    """Images of the real cluster, by address; this test runs on the server's network."""

    template_name = constants.DT_RBD
    variant = "by address, real Ceph"
    has_path = False
    params = {constants.IDISK_ACCESS: constants.DISK_USERSPACE, "user-id": "guests"}
    server: servers.Ceph

    def other_id(self, disk: objects.Disk) -> list[Any] | None:
        return ["rbd", f"{disk.logical_id[1]}.renamed"]

    def leftovers(self) -> list[str]:
        return self.server.images()


@pytest.fixture
def kit(ceph: servers.Ceph, tmp_path, monkeypatch) -> Iterator[StorageKit]:
    CephKit.server = ceph
    with servers.on_network(ceph.space):
        yield from test_storage.prepared(CephKit, tmp_path, monkeypatch)


disk = test_storage.disk
test_size = test_storage.test_a_created_disk_has_its_size
test_not_twice = test_storage.test_a_disk_is_not_made_twice
test_restart = test_storage.test_data_survives_a_restart_of_the_daemon_and_of_the_node
test_repeated = test_storage.test_assembling_and_removing_may_be_repeated
test_growth = test_storage.test_growth_adds_room_and_keeps_data
test_renaming = test_storage.test_renaming_keeps_data_and_may_be_repeated
test_snapshot = test_storage.test_a_snapshot_keeps_the_old_data_or_is_refused


def test_a_snapshot_is_in_the_way_of_removal(kit: StorageKit, disk: objects.Disk) -> None:
    frozen = disk.replace(logical_id=registry.device(disk).snapshot("s1", 4))
    with pytest.raises(errors.BlockDeviceError, match="has the snapshots s1"):
        registry.device(disk).remove()
    registry.device(frozen).remove()


# With a guest --------------------------------------------------------------------------------

@pytest.mark.qemu
def test_the_life_of_a_guest(cluster: VirtualCluster, ceph: servers.Ceph) -> None:
    guest = storylines.create(cluster, KIND, "size=4m", "rbd")
    (image,) = ceph.images()
    assert image.endswith(".rbd.disk0")
    (process,) = guest.processes()
    assert f'"image":"{image}"'.encode() in (process / "cmdline").read_bytes().replace(b" ", b"")
    storylines.migrate(cluster, KIND, guest, "node2")
    storylines.grow(cluster, KIND, guest)
    storylines.fail_over(cluster, KIND, guest, "node1")
    refused = cluster.try_run("gnt-instance replace-disks -p guest1")
    assert "no mirrors that could be replaced" in refused.stderr
    assert "ERROR" not in cluster.run("gnt-cluster verify-disks")
    storylines.remove(cluster, KIND, guest)
    assert ceph.images() == []


@pytest.mark.qemu
def test_conversion_and_recreation(cluster: VirtualCluster, ceph: servers.Ceph) -> None:
    cluster.run(f"gnt-instance add -t sharedfile --disk 0:size=4m {storylines.SMALL} --no-start"
                " -n node1 guest2")
    try:
        cluster.run("gnt-instance modify -t rbd guest2")
        (image,) = ceph.images()
        ceph.run("rbd", "rm", "--no-progress", f"rbd/{image}")
        told = cluster.try_run("gnt-instance activate-disks guest2")
        assert f"pool rbd has no image {image}" in told.stderr
        cluster.run("gnt-instance recreate-disks guest2")
        assert ceph.images() == [image]
    finally:
        cluster.run("gnt-instance remove -f guest2")
    results.record(KIND, "convert")
    assert os.listdir(cluster.path("node1", "/var/run/ganeti/disk-exports")) == []
