"""Exports and imports: what is asked, what is refused, what an export fills in.

The contents' way between nodes is in test/vcluster/test_backup.py.
"""

from __future__ import annotations

import os

import pytest

from ganeti import constants, errors, pathutils
from test.incluster import OS_NAME

NAME = "inst1.example.org"
CONFIG = """[export]
version = 0
timestamp = 1700000000
source = 00000000-0000-4000-8000-000000000001
os = {os}
compression = none

[instance]
name = {name}
maxmem = 256
minmem = 128
memory = 256
vcpus = 2
disk_template = file
hypervisor = fake
tags = red blue
nic0_mac = aa:00:00:11:22:33
nic0_ip = 10.0.0.5
nic0_network = None
nic0_name = None
nic0_mode = routed
nic0_link = main
nic0_vlan =
nic_count = 1
disk0_ivname = disk/0
disk0_dump = aaaaaaaa-0000-4000-8000-000000000001
disk0_size = 1024
disk0_name = root
disk_count = 1

[hypervisor]
migration_mode = live
of_another_release = 1

[backend]
always_failover = True
maxmem = 256
minmem = 128
vcpus = 2

[os]
flavour = plain

[os_private]
"""


@pytest.fixture
def guest(cluster):
    return cluster.add(nics=[{"ip": "10.0.0.1"}], disk_template="file")


def put_export(cluster, text=CONFIG, number=2, name=NAME):
    with cluster.on(number):
        path = os.path.join(pathutils.EXPORT_DIR, name)
        os.makedirs(path)
        with open(os.path.join(path, "config.ini"), "w", encoding="ascii") as fobj:
            fobj.write(text.format(os=OS_NAME, name=NAME))
    return path


def import_(cluster, **params):
    return cluster.run("INSTANCE_CREATE", **{
        "instance_name": NAME, "mode": "import", "pnode": "node1", "dry_run": True,
        "start": False, "disks": [], "nics": [], **params})


def test_an_export_is_found_wherever_it_is(cluster):
    put_export(cluster, number=3)
    assert import_(cluster) == ["node1.example.org"]
    assert import_(cluster, src_node="node3") == ["node1.example.org"]
    with pytest.raises(errors.OpPrereqError, match="Can not read the export"):
        import_(cluster, src_node="node2")


@pytest.mark.parametrize(("params", "text"), [
    ({"src_path": "/srv/x"}, "needs its node"),
    ({"src_path": "none-such"}, "No node has an export"),
    ({"source_handshake": [1]}, "means nothing"),
    ({"no_install": True}, "makes no sense"),
    ({"forthcoming": True}, "makes no sense"),
    ({"compress": "rar"}, "not among those of the cluster"),
    ({"source_shutdown_timeout": 5}, "another cluster"),
    ({"disks": []}, None),
])
def test_what_does_not_fit_is_refused(cluster, params, text):
    put_export(cluster)
    if text is None:
        assert import_(cluster, **params)
        return
    with pytest.raises(errors.OpPrereqError, match=text):
        import_(cluster, **params)


@pytest.mark.parametrize(("before", "after", "text"), [
    ("version = 0", "version = 9", "version 9"),
    ("version = 0", "version = x", "can not be used"),
    ("disk_count = 1", "disk_count = many", "no number"),
    ("disk0_dump = ", "disk0_dump = ../../", "no file name"),
    ("name = {name}", "", "can not be used"),
    ("disk_template = file", "disk_template = none-such", "none-such"),
])
def test_a_damaged_export_is_refused(cluster, before, after, text):
    assert before in CONFIG
    put_export(cluster, CONFIG.replace(before, after, 1))
    with pytest.raises(errors.OpPrereqError, match=text):
        import_(cluster)


def test_fewer_disks_than_exported_are_refused(cluster):
    put_export(cluster, CONFIG.replace("disk_count = 1", "disk1_size = 4\ndisk_count = 2"))
    with pytest.raises(errors.OpPrereqError, match="has 2 disks, only 1"):
        import_(cluster, disks=[{"size": 8}])


@pytest.mark.parametrize(("params", "text"), [
    ({"target_node": ["x"]}, "has to be a node"),
    ({"remove_instance": True, "shutdown": False}, "has to be stopped to be removed"),
    ({"shutdown": False}, "can not be frozen"),
    ({"zeroing_timeout_fixed": 5}, "zero_free_space only"),
    ({"x509_key_name": ["a"]}, "another cluster"),
    ({"mode": "remote"}, "list of disk destinations"),
    ({"mode": "remote", "target_node": []}, "name of the key"),
])
def test_exports_that_can_not_be(cluster, guest, params, text):
    with pytest.raises(errors.OpPrereqError, match=text):
        cluster.run("BACKUP_EXPORT", **{
            "instance_name": NAME, "target_node": "node2", "dry_run": True, **params})


def test_an_export_is_checked_without_being_made(cluster, guest):
    assert cluster.run("BACKUP_EXPORT", instance_name=NAME, target_node="node2",
                       dry_run=True) is None
    assert cluster.instance(NAME).admin_state == constants.ADMINST_UP


def test_exports_are_removed_from_all_nodes(cluster):
    paths = [put_export(cluster, number=number) for number in (2, 3)]
    cluster.run("BACKUP_REMOVE", instance_name=NAME)
    assert not any(os.path.exists(path) for path in paths)
    cluster.run("BACKUP_REMOVE", instance_name=NAME)
    assert "No node has an export" in " ".join(cluster.log)


def test_preparing_a_local_export_needs_nothing(cluster, guest):
    assert cluster.run("BACKUP_PREPARE", instance_name=NAME, mode="local") is None


@pytest.mark.parametrize(("template", "target", "text"), [
    ("file", "node1", "already"), ("sharedfile", "node2", "'gnt-instance migrate'")])
def test_moves_that_can_not_be(cluster, template, target, text):
    cluster.add(nics=[{"ip": "10.0.0.1"}], disk_template=template)
    with pytest.raises(errors.OpPrereqError, match=text):
        cluster.run("INSTANCE_MOVE", instance_name=NAME, target_node=target)
