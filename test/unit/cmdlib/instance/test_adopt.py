"""Existing volumes become the disks of a new instance: what is asked, renamed and taken back."""

from __future__ import annotations

from typing import Any

import pytest

from ganeti import errors, opcodes
from test import masterside

NAME = "legacy.example.com"
PATH = "/dev/disk/by-id/wwn-1"


@pytest.fixture
def master(start_master):
    """LVM on three nodes; node1 has the volumes old1 and old2 and a busy one."""
    made = start_master(enabled_disk_templates=["plain", "blockdev"], volume_group_name="xenvg")
    made.nodes.answer("lv_list", {"xenvg/old1": ["100.00", False, False],
                                  "xenvg/old2": ["52.00", True, False],
                                  "xenvg/busy": ["10.00", False, True]})
    made.nodes.answer("bdev_sizes", {PATH: 2048})
    made.nodes.answer("hypervisor_validate_params", None)
    made.nodes.answer("os_validate", True)
    made.nodes.answer("blockdev_setinfo", None)
    made.nodes.answer("blockdev_assemble", ["/dev/x", "/l", None])
    made.nodes.answer("blockdev_shutdown", None)
    made.nodes.answer("blockdev_rename", None)
    return made


def create(master, *adopted: str, template: str = "plain", **more: Any):
    values = {"instance_name": NAME, "mode": "create", "disk_template": template,
              "disks": [{"adopt": name} for name in adopted], "nics": [], "os_type": "noop",
              "pnode": "node1", "start": False, "name_check": False, "ip_check": False,
              "hypervisor": "fake", "ignore_ipolicy": True, "osparams": {}}
    return master.run(opcodes.OpInstanceCreate(**{**values, **more}))


def test_volumes_get_the_names_of_disks(master):
    create(master, "old1", "old2")
    disks = master.config.instance_disks(master.config.instance_by_name(NAME))
    assert [disk.size for disk in disks] == [100, 52]
    assert all(disk.logical_id[1].endswith(f".disk{index}") for index, disk in enumerate(disks))
    ((node, (renames,)),) = master.nodes.called("blockdev_rename")
    assert node == "node1.example.com"
    assert [(old.logical_id, new) for (old, _), new in renames] == [
        (["xenvg", "old1"], disks[0].logical_id), (["xenvg", "old2"], disks[1].logical_id)]
    assert not master.nodes.called("blockdev_create")
    assert not master.nodes.called("instance_os_add")


def test_a_failure_gives_the_names_back_and_removes_nothing(master):
    master.nodes.answer("blockdev_assemble", RuntimeError("no such device"))
    with pytest.raises(errors.OpExecError, match="no such device"):
        create(master, "old1")
    assert master.config.instance_by_name(NAME) is None
    there, back = master.nodes.called("blockdev_rename")
    ((old, _), new), = there[1][0]
    ((renamed, _), name), = back[1][0]
    assert (old.logical_id, renamed.logical_id, name) == (["xenvg", "old1"], new, ["xenvg", "old1"])
    assert not master.nodes.called("blockdev_remove")


def test_a_device_keeps_its_name_and_is_the_same_on_all_nodes(master):
    create(master, PATH, template="blockdev")
    disk, = master.config.instance_disks(master.config.instance_by_name(NAME))
    assert (disk.size, disk.logical_id) == (2048, ["manual", PATH])
    assert not master.nodes.called("blockdev_rename")
    assert len(master.nodes.called("bdev_sizes")) == 3
    with pytest.raises(errors.OpPrereqError, match="can not be adopted"):
        create(master, PATH, template="blockdev", instance_name="other.example.com")


def test_a_device_that_differs_between_nodes_is_refused(master):
    uuid = masterside.new_uuid(2)
    master.nodes.answer("bdev_sizes", lambda node, paths: {PATH: 10 if node == uuid else 20})
    with pytest.raises(errors.OpPrereqError, match="not the same device.*10 MiB on node2"):
        create(master, PATH, template="blockdev")
    master.nodes.answer("bdev_sizes", lambda node, paths: {} if node == uuid else {PATH: 20})
    with pytest.raises(errors.OpPrereqError, match="Node node2.example.com has no block device"):
        create(master, PATH, template="blockdev")


def test_new_volumes_on_exclusive_storage_name_their_spindles(start_master):
    master = start_master(enabled_disk_templates=["plain", "drbd"], volume_group_name="xenvg",
                          ndparams={"exclusive_storage": True})
    master.nodes.answer("hypervisor_validate_params", None)
    with pytest.raises(errors.OpPrereqError, match="disk 1: .*spindles=N"):
        create(master, disks=[{"size": 9, "spindles": 1}, {"size": 9}])
    with pytest.raises(errors.OpPrereqError, match="whose storage is exclusive"):
        create(master, disks=[{"size": 9}], template="drbd", snode="node2")


@pytest.mark.parametrize(("disks", "more", "reason"), [
    ([{"adopt": "nope"}], {}, "no volume xenvg/nope to adopt"),
    ([{"adopt": "busy"}], {}, "is in use"),
    ([{"adopt": "old1"}, {"size": 5}], {}, "either all disks"),
    ([{"adopt": "old1"}, {"adopt": "old1"}], {}, "named for two disks"),
    ([{"adopt": "old1", "size": 5}], {}, "none can be given"),
    ([{"adopt": "old1"}], {"pnode": None, "iallocator": "hail"}, "named with --node"),
    ([{"adopt": "old1"}], {"pnode": None}, "named with --node"),
    ([{"adopt": "old1"}], {"forthcoming": True}, "no disks yet"),
])
def test_what_can_not_be_adopted(master, disks, more, reason):
    with pytest.raises(errors.OpPrereqError, match=reason) as caught:
        create(master, disks=disks, **more)
    assert caught.value.args[1] in (errors.ECODE_INVAL, errors.ECODE_NOENT,
                                    errors.ECODE_STATE)
    assert not master.nodes.called("blockdev_rename")
