"""Power, restricted commands, volumes and storage units of nodes."""

from __future__ import annotations

import pytest

from ganeti import constants, errors, opcodes
from test import masterside

OOB = {"ndparams": {"oob_program": "/bin/oob"}}


def test_powercycle(master):
    master.nodes.answer("node_powercycle", "in 5 s")
    assert master.run(opcodes.OpNodePowercycle(node_name="node2")) == "in 5 s"
    with pytest.raises(errors.OpPrereqError, match="is the master"):
        master.run(opcodes.OpNodePowercycle(node_name="node1"))
    assert master.run(opcodes.OpNodePowercycle(node_name="node1", force=True))
    master.run(opcodes.OpNodeSetParams(node_name="node3", offline=True))
    with pytest.raises(errors.OpPrereqError, match="is offline"):
        master.run(opcodes.OpNodePowercycle(node_name="node3"))


def oob(master, command, *names, **params):
    return [[list(cell) for cell in row] for row in master.run(opcodes.OpOobCommand(
        command=command, node_names=list(names), power_delay=0.0, **params))]


def test_health_of_all(start_master):
    master = start_master(**OOB)
    master.nodes.answer("run_oob", lambda key, program, command, name, timeout: (
        '[["fan", "CRITICAL"], ["psu", "OK"]]' if name.startswith("node2") else "[]"))
    rows = oob(master, "health")
    assert rows[1] == [[0, "node2.example.com"], [0, [["fan", "CRITICAL"], ["psu", "OK"]]]]
    assert any("'fan'" in line and "CRITICAL" in line for line in master.log)
    assert {node for node, _ in master.nodes.called("run_oob")} == {"node1.example.com"}


def test_power_is_recorded(start_master):
    nodes = [masterside.make_node(1), masterside.make_node(2, offline=True,
                                                            master_candidate=False)]
    master = start_master(nodes=nodes, **OOB)
    master.nodes.answer("run_oob", "")
    assert oob(master, "power-off", "node2") == [[[0, "node2.example.com"], [0, None]]]
    assert not master.config.node_by_name("node2.example.com").powered
    oob(master, "power-on", "node2")
    assert master.config.node_by_name("node2.example.com").powered
    master.nodes.answer("run_oob", '{"powered": false}')
    assert oob(master, "power-status", "node2")[0][1] == [0, {"powered": False}]
    assert any("the helper says off" in line for line in master.log)


def test_nodes_are_named_by_uuid_too(start_master):
    master = start_master(**OOB)
    master.nodes.answer("run_oob", '{"powered": true}')
    node1, node2 = (master.config.node_by_name(f"node{i}.example.com").uuid for i in (1, 2))
    assert [row[0][1] for row in oob(master, "power-status", node_uuids=[node2])] == [
        "node2.example.com"]
    assert len(oob(master, "power-status", "node2", node_uuids=[node2])) == 1
    with pytest.raises(errors.OpPrereqError, match="it was replaced by another one"):
        oob(master, "power-status", "node2", node_uuids=[node1])
    with pytest.raises(errors.OpPrereqError, match="1 names of nodes, but 2 UUIDs"):
        oob(master, "power-status", "node2", node_uuids=[node1, node2])
    with pytest.raises(errors.OpPrereqError, match="would switch itself off"):
        oob(master, "power-off", node_uuids=[node1])


@pytest.mark.parametrize("output", ["no json", '{"powered": "yes"}', "[]"])
def test_answers_of_the_helper_are_checked(start_master, output):
    master = start_master(**OOB)
    master.nodes.answer("run_oob", output)
    assert oob(master, "power-status", "node2")[0][1] == [constants.RS_NODATA, None]
    assert any("can not be used" in line for line in master.log)


def test_nodes_without_helper(master):
    assert oob(master, "health", "node2")[0][1] == [constants.RS_UNAVAIL, None]


def test_who_is_not_switched_off(start_master):
    master = start_master(**OOB)
    master.nodes.answer("run_oob", "")
    with pytest.raises(errors.OpPrereqError, match="not marked offline"):
        oob(master, "power-off", "node2")
    with pytest.raises(errors.OpPrereqError, match="/bin/oob power-cycle node1.example.com"):
        oob(master, "power-cycle", "node1")
    rows = oob(master, "power-off", ignore_status=True)
    assert [row[0][1] for row in rows] == ["node2.example.com", "node3.example.com"]


def test_restricted_commands(master):
    master.nodes.answer("restricted_command", lambda key, cmd: OSError("not allowed")
                        if key == masterside.new_uuid(3) else f"{cmd} ran")
    rows = master.run(opcodes.OpRestrictedCommand(nodes=["node3", "node2"], command="df"))
    assert [list(row) for row in rows] == [
        [False, "Running the command on node node3.example.com failed: not allowed"],
        [True, "df ran"]]


def test_volumes_and_their_owners(start_master):
    disk = masterside.make_drbd("i1")
    master = start_master(instances=[masterside.make_instance("i1", disks=[disk.uuid])],
                          disks=[disk])
    master.nodes.answer("node_volumes", [
        {"name": "i1.disk0_data", "size": "1024.00", "dev": "/dev/sda1", "vg": "xenvg"},
        {"name": "swap", "size": "512.00", "dev": "/dev/sda2", "vg": "xenvg"}])
    assert master.run(opcodes.OpNodeQueryvols(
        nodes=["node2"], output_fields=["node", "name", "size", "instance"])) == [
        ["node2.example.com", "i1.disk0_data", "1024", "i1"],
        ["node2.example.com", "swap", "512", "-"]]
    with pytest.raises(errors.OpPrereqError, match="instance"):
        master.run(opcodes.OpNodeQueryvols(output_fields=["instanc"]))


def test_storage_units(master):
    def units(key, kind, args, name, fields):
        assert (kind, name) == ("file", None)
        return [[{"name": "/srv", "used": 1, "free": 2}[field] for field in fields]]

    master.nodes.answer("storage_list", units)
    assert master.run(opcodes.OpNodeQueryStorage(
        nodes=["node2"], output_fields=["node", "type", "free", "name"])) == [
        ["node2.example.com", "file", 2, "/srv"]]
    for params, text in (({"output_fields": ["fre"]}, "free"),
                         ({"output_fields": ["free"], "storage_type": "rados"}, "can not be l")):
        with pytest.raises(errors.OpPrereqError, match=text):
            master.run(opcodes.OpNodeQueryStorage(**params))


@pytest.mark.parametrize(("kind", "args"), [
    ("sharedfile", [["/srv/shared"]]), ("gluster", [["/srv/gluster"]]), ("lvm-pv", []),
    ("file", [["/srv/file", "/srv/shared"]])])
def test_every_type_that_the_command_offers_is_asked_for(master, kind, args):
    with master.cfg.edit() as draft:
        draft.update(draft.cluster, file_storage_dir="/srv/file",
                     shared_file_storage_dir="/srv/shared", gluster_storage_dir="/srv/gluster")
    asked = []

    def units(key, kind, args, name, fields):
        asked.append((kind, args))
        return [["/srv"]]

    master.nodes.answer("storage_list", units)
    assert master.run(opcodes.OpNodeQueryStorage(
        nodes=["node2"], output_fields=["type", "name"], storage_type=kind)) == [[kind, "/srv"]]
    assert asked == [(kind, args)] and kind in constants.STS_REPORT


def test_modified_storage(master):
    master.nodes.answer("storage_modify", None)
    op = {"node_name": "node2", "storage_type": "lvm-pv", "name": "/dev/sda1"}
    master.run(opcodes.OpNodeModifyStorage(**op, changes={"allocatable": False}))
    assert master.nodes.called("storage_modify") == [
        ("node2.example.com", ["lvm-pv", [], "/dev/sda1", {"allocatable": False}])]
    with pytest.raises(errors.OpPrereqError, match="size"):
        master.run(opcodes.OpNodeModifyStorage(**op, changes={"size": 1}))
    with pytest.raises(errors.OpPrereqError, match="can not be changed"):
        master.run(opcodes.OpNodeModifyStorage(**{**op, "storage_type": "file"}, changes={}))


def repair(master, **params):
    master.run(opcodes.OpRepairNodeStorage(
        node_name="node2", **{"storage_type": "lvm-vg", "name": "xenvg", **params}))


def test_repaired_storage_needs_good_copies_elsewhere(start_master):
    disk = masterside.make_drbd("i1")
    inst = masterside.make_instance("i1", disks=[disk.uuid], disks_active=True)
    master = start_master(instances=[inst], disks=[disk])
    master.nodes.answer("storage_execute", None)
    master.nodes.answer("blockdev_getmirrorstatus", [{"ldisk_status": 4}])
    with pytest.raises(errors.OpPrereqError, match="i1 on node node1.*faulty"):
        repair(master)
    assert master.nodes.called("storage_execute") == []
    repair(master, ignore_consistency=True)
    assert master.nodes.called("storage_execute") == [
        ("node2.example.com", ["lvm-vg", [], "xenvg", "fix-consistency"])]
    master.nodes.answer("blockdev_getmirrorstatus", [{"ldisk_status": 1}])
    repair(master)
    with pytest.raises(errors.OpPrereqError, match="can not be repaired"):
        repair(master, storage_type="file")
