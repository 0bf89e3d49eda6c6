"""Destroying, renaming, redistributing; what is told about the cluster."""

from __future__ import annotations

import pytest

from ganeti import errors, opcodes, pathutils
from ganeti.cmdlib.cluster import info
from ganeti.utils import io
from test import masterside


def test_a_cluster_with_nodes_or_instances_is_not_destroyed(start_master):
    with pytest.raises(errors.OpPrereqError, match="2 other node"):
        start_master().run(opcodes.OpClusterDestroy())
    alone = start_master(nodes=[masterside.make_node(1)],
                         instances=[masterside.make_instance("i1")])
    with pytest.raises(errors.OpPrereqError, match="1 instance"):
        alone.run(opcodes.OpClusterDestroy())


def test_destroying_gives_the_address_up(start_master):
    master = start_master(nodes=[masterside.make_node(1)])
    master.nodes.answer("node_deactivate_master_ip", None)
    assert master.run(opcodes.OpClusterDestroy()) == masterside.new_uuid(1)
    assert master.hooks("post")[0][1]["GANETI_OP_TARGET"] == "cluster.example.com"


def test_post_init(start_master):
    master = start_master(nodes=[masterside.make_node(1)])
    assert master.run(opcodes.OpClusterPostInit()) is True


@pytest.mark.parametrize("op", [opcodes.OpClusterActivateMasterIp,
                                opcodes.OpClusterDeactivateMasterIp])
def test_the_address_by_hand(master, op):
    call = "node_activate_master_ip" if "Activate" in op.__name__ else "node_deactivate_master_ip"
    master.nodes.answer(call, None)
    master.run(op())
    (node, (params, script)), = master.nodes.called(call)
    assert (node, params["ip"], script) == ("node1.example.com", "192.0.2.200", False)
    master.nodes.answer(call, OSError("no device"))
    with pytest.raises(errors.OpExecError, match="no device"):
        master.run(op())


def test_rename(start_master):
    master = start_master(rsahostkeypub="AAAAB3")
    io.write_file(pathutils.ETC_HOSTS, "127.77.0.201 new.example.com new\n")
    for call in ("node_activate_master_ip", "node_deactivate_master_ip", "upload_file"):
        master.nodes.answer(call, None)
    assert master.run(opcodes.OpClusterRename(name="new")) == "new.example.com"
    assert master.config.cluster.master_ip == "127.77.0.201"
    assert io.read_file(pathutils.SSH_KNOWN_HOSTS_FILE) == "new.example.com ssh-rsa AAAAB3\n"
    assert [args for _, args in master.nodes.called("upload_file")] == [
        ["/var/lib/ganeti/known_hosts"]] * 2
    with pytest.raises(errors.OpPrereqError, match="Neither"):
        master.run(opcodes.OpClusterRename(name="new.example.com"))


def test_redist_copies_what_the_master_has(master):
    io.write_file(pathutils.CONFD_HMAC_KEY, "key\n")
    master.nodes.answer("write_ssconf_files", None)
    master.nodes.answer("upload_file", lambda key, path: OSError("disk full")
                        if key == masterside.new_uuid(3) else None)
    master.run(opcodes.OpClusterRedistConf())
    assert {node for node, _ in master.nodes.called("upload_file")} == {
        "node2.example.com", "node3.example.com"}
    assert len(master.nodes.called("write_ssconf_files")) == 3
    assert any("node3.example.com" in line and "disk full" in line for line in master.log)


def test_cluster_info_has_every_key_of_the_catalogue(master):
    told = master.run(opcodes.OpClusterQuery())
    assert told == info.cluster_info(master.config)
    assert told["name"] == "cluster.example.com" and told["master"] == "node1.example.com"
    assert told["beparams"]["default"]["vcpus"] == 1
    assert {"software_version", "protocol_version", "architecture", "hvparams", "ipolicy",
            "data_collector_interval", "ssh_key_bits", "tags"} <= told.keys()


def test_private_parameters_are_not_told(start_master):
    master = start_master(osparams_private_cluster={"debian": {"password": "secret"}})
    assert "secret" not in repr(master.run(opcodes.OpClusterQuery()))


def test_config_query(master):
    assert master.run(opcodes.OpClusterConfigQuery(
        output_fields=["cluster_name", "master_node"])) == [
        "cluster.example.com", "node1.example.com"]
    with pytest.raises(errors.OpPrereqError, match="cluster_nam"):
        master.run(opcodes.OpClusterConfigQuery(output_fields=["cluster_nam"]))


def test_queries_as_jobs(master):
    answer = master.run(opcodes.OpQuery(what="node", fields=["name"]))
    assert [row[0][1] for row in answer["data"]] == [
        f"node{number}.example.com" for number in (1, 2, 3)]
    assert master.run(opcodes.OpQueryFields(what="node", fields=["name"]))["fields"][0]["kind"]
    with pytest.raises(errors.OpPrereqError, match="take no locks"):
        master.run(opcodes.OpQuery(what="node", fields=["name"], use_locking=True))


def test_os_diagnose(master):
    master.nodes.answer("os_diagnose", [["noop", "/os/noop", True, "", [], [], [20], True]])
    assert master.run(opcodes.OpOsDiagnose(output_fields=["name", "valid"])) == [["noop", True]]


def disks_of(master_factory, **values):
    disk = masterside.make_drbd("i1")
    inst = masterside.make_instance("i1", disks=[disk.uuid], disks_active=True, **values)
    return master_factory(instances=[inst], disks=[disk])


def test_verify_disks_submits_a_job_a_group(master):
    master.run(opcodes.OpClusterVerifyDisks(is_strict=False))
    ((op,),) = master.queue.submitted
    assert (op.group_name, op.is_strict) == ("default", False)


@pytest.mark.parametrize("strict", [True, False])
def test_group_disks(start_master, strict):
    master = disks_of(start_master)
    lvs = {f"xenvg/i1.disk0_{part}": ["1", False, True] for part in ("data", "meta")}
    master.nodes.answer("lv_list", lvs)
    master.nodes.answer("drbd_needs_activation", [])
    op = opcodes.OpGroupVerifyDisks(group_name="default", is_strict=strict)
    assert list(master.run(op)) == [{}, [], {}]
    offline = {**lvs, "xenvg/i1.disk0_data": ["1", False, False]}
    master.nodes.answer("lv_list", offline)
    assert list(master.run(op)) == [{}, ["i1"], {}]
    master.nodes.answer("lv_list", {"xenvg/i1.disk0_data": ["1", False, True]})
    assert list(master.run(op)) == [{}, [], {"i1": [
        ["node1.example.com", "xenvg/i1.disk0_meta"],
        ["node2.example.com", "xenvg/i1.disk0_meta"]]}]
    master.nodes.answer("lv_list", OSError("no lvm"))
    master.nodes.answer("drbd_needs_activation", lambda key, disks: [disks[0][0].uuid])
    failures, activate, _ = master.run(op)
    assert failures == {"node1.example.com": "no lvm", "node2.example.com": "no lvm"}
    assert activate == ["i1"]


def test_repaired_sizes(start_master):
    master = disks_of(start_master)
    master.nodes.answer("blockdev_getdimensions", [[2048 * 1024 * 1024, None]])
    assert [list(row) for row in master.run(opcodes.OpClusterRepairDiskSizes())] == [
        ["i1", 0, "size", 2048], ["i1", 0, "size", 2048]]
    (disk,) = master.config.disks.values()
    assert (disk.size, disk.children[0].size, disk.children[1].size) == (2048, 2048, 128)
    assert master.run(opcodes.OpClusterRepairDiskSizes(instances=["i1"])) == []
    master.nodes.answer("blockdev_getdimensions", [None])
    assert master.run(opcodes.OpClusterRepairDiskSizes()) == []


def test_spindles_are_recorded_where_disks_have_their_own(start_master):
    master = disks_of(start_master)
    (disk,) = master.config.disks.values()
    master.nodes.answer("blockdev_getdimensions", [[disk.size * 1024 * 1024, 3]])
    assert master.run(opcodes.OpClusterRepairDiskSizes()) == []
    with master.cfg.edit() as draft:
        draft.update(draft.cluster, ndparams={"exclusive_storage": True})
    assert [list(row) for row in master.run(opcodes.OpClusterRepairDiskSizes())] == [
        ["i1", 0, "spindles", 3]]
    assert master.config.disks[disk.uuid].spindles == 3
    assert master.run(opcodes.OpClusterRepairDiskSizes()) == []
