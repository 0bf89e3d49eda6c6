"""Gluster: which mount is ours, paths and addresses; real servers are in test/lab."""

from __future__ import annotations

import pytest

from ganeti import constants, errors, objects, pathutils
from ganeti.backend import verify
from ganeti.storage import gluster, registry
from ganeti.storage.base import DiskRequest
from test import noderoot

#: Lines as /proc/self/mounts has them for two Gluster volumes (written by hand after Gluster 10.3)
MOUNTS = """\
/dev/vda / ext4 rw,relatime 0 0
127.0.0.1:/gv0 /var/run/ganeti/gluster fuse.glusterfs rw,relatime,user_id=0,group_id=0 0 0
fs1:/my\\040vol /mnt/a\\040b fuse.glusterfs rw,relatime 0 0
tmpfs /mnt/other tmpfs rw 0 0
"""


@pytest.fixture(autouse=True)
def node(tmp_path, monkeypatch):
    noderoot.move_node_to(str(tmp_path / "node1"), monkeypatch)


def disk(**params) -> objects.Disk:
    return objects.Disk(uuid="d", dev_type=constants.DT_GLUSTER, size=1, params=params,
                        logical_id=["loop", "ganeti/i-uuid.0"])


def mounts(monkeypatch, at: str, source: str, kind: str = "fuse.glusterfs") -> None:
    monkeypatch.setattr(gluster.io, "read_file", lambda path: f"{source} {at} {kind} rw 0 0\n")


def test_what_is_mounted_where():
    assert gluster.mounted("/var/run/ganeti/gluster", MOUNTS) == ("127.0.0.1:/gv0",
                                                                "fuse.glusterfs")
    assert gluster.mounted("/mnt/a b", MOUNTS) == ("fs1:/my vol", "fuse.glusterfs")
    assert gluster.mounted("/mnt", MOUNTS) is None


def test_another_file_system_in_its_place_is_refused(monkeypatch):
    volume = gluster.Volume("fs1", 24007, "gv0")
    point = pathutils.DEFAULT_GLUSTER_STORAGE_DIR
    assert volume.mount_point == point
    mounts(monkeypatch, point, "fs1:/gv0")
    assert volume.is_mounted()
    mounts(monkeypatch, point, "fs1:/gv1")
    with pytest.raises(errors.BlockDeviceError, match="fs1:/gv1 .* where the Gluster volume fs1"):
        volume.is_mounted()
    mounts(monkeypatch, point, "tmpfs", "tmpfs")
    with pytest.raises(errors.BlockDeviceError, match="--gluster-storage-dir"):
        volume.is_mounted()
    if gluster.can_mount():
        assert "tmpfs" in str(gluster.mount_problem(point))


def test_verify_tells_of_nodes_that_can_not_mount(monkeypatch):
    monkeypatch.setattr(gluster, "can_mount", lambda: False)
    asked = {constants.NV_GLUSTER_STORAGE_PATH: "/var/run/ganeti/gluster"}
    answer = verify.node_verify(asked, "cluster", {})
    assert "glusterfs-client" in answer[constants.NV_GLUSTER_STORAGE_PATH]


@pytest.mark.parametrize("params,uri", [
    ({"access": "userspace"}, "gluster://127.0.0.1:24007/gv0/ganeti/i-uuid.0"),
    ({"access": "userspace", "host": "2001:db8::1", "port": 24100, "volume": "v"},
     "gluster://[2001:db8::1]:24100/v/ganeti/i-uuid.0"),
    ({"access": "kernelspace", "host": "h"}, None)])
def test_addresses(params, uri):
    assert registry.device(disk(**params)).uri(constants.HT_KVM) == uri


def test_paths_that_leave_the_volume_are_refused():
    for path in ("/etc/passwd", "../x", "ganeti/../../x", "."):
        with pytest.raises(errors.BlockDeviceError, match="not a path on a Gluster volume"):
            registry.device(disk().replace(logical_id=["loop", path]))


def test_a_new_disk_never_gets_the_file_of_a_remaining_one():
    """After disk 0 of two is removed, the next new disk has index 1, like the one that stayed."""
    request = DiskRequest(uuid="u", unique_id="x", instance_name="i", instance_uuid="iu", index=1,
                          size=1, primary_node="n", held_ids=[["loop", "ganeti/iu.1"]])
    assert registry.template(constants.DT_GLUSTER).layout(request).logical_id == [
        "loop", "ganeti/iu.2"]
