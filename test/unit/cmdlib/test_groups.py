"""Node groups: adding, removing, moving nodes, parameters."""

from __future__ import annotations

import pytest

from ganeti import constants, errors, opcodes, serializer
from test import masterside


def test_add_change_rename_remove(master):
    master.run(opcodes.OpGroupAdd(group_name="rack2", alloc_policy="last_resort",
                                  ndparams={"exclusive_storage": "true"},
                                  ipolicy={"vcpu-ratio": 2.0}))
    group = master.config.group_by_name("rack2")
    assert (group.alloc_policy, group.ndparams) == ("last_resort", {"exclusive_storage": True})
    assert group.ipolicy == {"vcpu-ratio": 2.0}
    assert master.hooks("pre")[-1][1]["GANETI_GROUP_NAME"] == "rack2"
    told = master.run(opcodes.OpGroupSetParams(
        group_name="rack2", alloc_policy="preferred", ipolicy={"vcpu-ratio": "default"},
        diskparams={"drbd": {"resync-rate": 5}}))
    assert [name for name, _ in told] == ["alloc_policy", "diskparams", "ipolicy"]
    group = master.config.group_by_name("rack2")
    assert (group.ipolicy, group.diskparams) == ({}, {"drbd": {"resync-rate": 5}})
    assert master.run(opcodes.OpGroupRename(group_name="rack2", new_name="rack3")) == "rack3"
    master.run(opcodes.OpGroupRemove(group_name="rack3"))
    assert [group.name for group in master.config.nodegroups.values()] == ["default"]


@pytest.mark.parametrize(("op", "text"), [
    (opcodes.OpGroupAdd(group_name="default"), "belongs to node group"),
    (opcodes.OpGroupAdd(group_name=masterside.GROUP), "form of a UUID"),
    (opcodes.OpGroupAdd(group_name="g", ndparams={"spindles": 1}), "spindle_count"),
    (opcodes.OpGroupAdd(group_name="g", ipolicy={"std": {}}), "whole cluster"),
    (opcodes.OpGroupRemove(group_name="default"), "still has nodes"),
    (opcodes.OpGroupRemove(group_name="none"), "not known"),
    (opcodes.OpGroupRename(group_name="default", new_name="default"), "belongs to"),
    (opcodes.OpGroupSetParams(group_name="default"), "Nothing to change"),
    (opcodes.OpGroupSetParams(group_name="default", ipolicy={"spindle-ratio": -1.0}),
     "spindle-ratio"),
    (opcodes.OpGroupSetParams(group_name="default", diskparams={"drbd": {"x": 1}}), "drbd"),
])
def test_refusals_change_nothing(master, op, text):
    before = master.config
    with pytest.raises(errors.OpPrereqError, match=text):
        master.run(op)
    assert master.config is before


def test_the_last_group_stays(start_master):
    master = start_master()
    master.run(opcodes.OpGroupAdd(group_name="other"))
    master.run(opcodes.OpGroupAssignNodes(group_name="other", nodes=["node1", "node2", "node3"]))
    master.run(opcodes.OpGroupRemove(group_name="default"))
    with pytest.raises(errors.OpPrereqError, match="still has nodes"):
        master.run(opcodes.OpGroupRemove(group_name="other"))


def mirrored(start_master):
    disk = masterside.make_drbd("i1", (1, 2))
    master = start_master(instances=[masterside.make_instance("i1", disks=[disk.uuid])],
                          disks=[disk])
    master.run(opcodes.OpGroupAdd(group_name="other"))
    return master


def test_moving_nodes_does_not_split_mirrors(start_master):
    master = mirrored(start_master)
    with pytest.raises(errors.OpPrereqError, match="split the instances i1"):
        master.run(opcodes.OpGroupAssignNodes(group_name="other", nodes=["node2"]))
    master.run(opcodes.OpGroupAssignNodes(group_name="other", nodes=["node1", "node2"]))
    assert master.config.group_of(masterside.new_uuid(2)).name == "other"
    master.run(opcodes.OpGroupAssignNodes(group_name="default", nodes=["node2"], force=True))
    assert any("split" in line for line in master.log)
    master.run(opcodes.OpGroupAssignNodes(group_name="other", nodes=["node3"]))
    assert any("stay split" in line and "i1" in line for line in master.log)


def test_a_node_that_was_replaced_is_not_moved(master):
    op = opcodes.OpGroupAssignNodes(group_name="default", nodes=["node2"],
                                    node_uuids=[masterside.new_uuid(3)])
    with pytest.raises(errors.OpPrereqError) as info:
        master.run(op)
    assert info.value.args[1] == errors.ECODE_NOTUNIQUE


def test_a_new_group_joins_the_communication_network(start_master):
    master = start_master(instance_communication_network="comm")
    result = master.run(opcodes.OpGroupAdd(group_name="g"))
    assert result["jobs"] == [[True, 100]]
    ((op,),) = master.queue.submitted
    assert (op.network_name, op.network_mode) == ("comm", constants.NIC_MODE_ROUTED)


def evacuate(start_master, proposed, **params):
    instances = [masterside.make_instance(name) for name in ("i1", "i2")]
    master = start_master(instances=instances, default_iallocator="ours")
    master.run(opcodes.OpGroupAdd(group_name="other"))
    for call, answer in (("node_info", ["boot", [], [HOST]]), ("all_instances_info", {})):
        master.nodes.answer(call, answer)
    asked = []

    def allocate(key, name, text, _params):
        asked.append(serializer.load(text)["request"])
        return serializer.dumps({"success": True, "info": "", "result": [
            [["i1", "other", ["node4"]]], [], proposed]})

    master.nodes.answer("iallocator_runner", allocate)
    result = master.run(opcodes.OpGroupEvacuate(group_name="default", **params))
    return master, result, asked


HOST = {"memory_total": 8192, "memory_free": 4096, "memory_dom0": 512, "cpu_total": 4,
        "cpu_dom0": 4}
MOVES = [[{"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": name}] for name in ("i1", "i2")]


def test_evacuation_submits_what_the_allocator_proposes(start_master):
    master, result, asked = evacuate(start_master, MOVES, sequential=True)
    assert [ok for ok, _ in result["jobs"]] == [True, True]
    assert (asked[0]["type"], asked[0]["instances"]) == ("change-group", ["i1", "i2"])
    assert asked[0]["target_groups"] == [master.config.group_by_name("other").uuid]
    (first,), (second,) = master.queue.submitted
    assert first.OP_ID == "OP_INSTANCE_MIGRATE" and not first.depends
    assert [list(item) for item in second.depends] == [[-1, ["success"]]]


def test_evacuation_by_failover(start_master):
    master, _, _ = evacuate(start_master, MOVES, force_failover=True)
    assert {op.OP_ID for job in master.queue.submitted for op in job} == {"OP_INSTANCE_FAILOVER"}


def test_a_group_is_not_evacuated_into_itself(start_master):
    with pytest.raises(errors.OpPrereqError, match="own target"):
        evacuate(start_master, MOVES, target_groups=["default"])
