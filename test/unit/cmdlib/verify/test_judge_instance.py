"""Where instances run, what their disks are like, how they are placed."""

from __future__ import annotations

import pytest

from ganeti import constants, objects
from ganeti.cmdlib.cluster.verify import answers, judge_instance, view
from test import masterside

OTHER = objects.NodeGroup(uuid="00000000-0000-4000-8000-0000000000bb", name="other")
UP = constants.ADMINST_UP


def seen_by(instances, payloads=None, disks=(), nodes=None, disk_states=None, groups=(), **cluster):
    """`payloads` gives the answer of each node by its number."""
    config = masterside.make_config(nodes=nodes, instances=instances, disks=disks, groups=groups,
                                    **cluster)
    found = {}
    for node in config.nodes.values():
        number = int(node.name[4])
        found[node.uuid] = answers.parse(node, [], (payloads or {}).get(number, {}))
    return view.GroupView(config, config.nodegroups[masterside.GROUP], found,
                          disk_states=disk_states or {})


def texts(judge, *args, **kwargs):
    return [f"{p.severity} {p.item}: {p.text}" for p in judge(seen_by(*args, **kwargs))]


def running(*names):
    return {constants.NV_INSTANCELIST: list(names)}


def mirrored(name, primary=1, secondary=2, **values):
    disk = masterside.make_drbd(name, (primary, secondary))
    return (masterside.make_instance(name, primary, disks=[disk.uuid], **values), disk)


def test_an_instance_that_should_run_and_does_not():
    inst = masterside.make_instance("i1", admin_state=UP)
    assert texts(judge_instance.not_running, [inst], {1: running("i1")}) == []
    assert texts(judge_instance.not_running, [inst], {1: running()}) == [
        "ERROR i1: does not run on its primary node node1.example.com"]
    assert texts(judge_instance.not_running, [inst], {1: {}}) == []
    assert texts(judge_instance.not_running, [inst.replace(admin_state="down")],
                 {1: running()}) == []


def test_an_instance_that_runs_twice_or_elsewhere():
    inst = masterside.make_instance("i1", admin_state=UP)
    assert texts(judge_instance.wrong_node, [inst], {1: running("i1"), 2: running("i1")}) == [
        "ERROR i1: runs on node node2.example.com, its primary is node1.example.com"]


def test_guests_without_an_instance():
    assert texts(judge_instance.orphans, [masterside.make_instance("i1")],
                 {1: running("i1"), 3: running("ghost")}) == [
        "WARNING node3.example.com: runs the unknown instance ghost"]


def test_nodes_that_can_not_list_their_guests():
    payload = {constants.NV_INSTANCELIST: "no qemu", constants.NV_HVINFO: "no /proc"}
    assert texts(judge_instance.instance_lists, [], {2: payload}) == [
        "ERROR node2.example.com: cannot list running instances: no qemu",
        "ERROR node2.example.com: cannot tell its memory and CPUs: no /proc"]


def test_instances_on_bad_nodes():
    nodes = [masterside.make_node(1, offline=True, master_candidate=False),
             masterside.make_node(2, vm_capable=False), masterside.make_node(3)]
    up = masterside.make_instance("i1", 1, admin_state=UP)
    odd, disk = mirrored("i2", 3, 1)
    assert texts(judge_instance.bad_node, [up, odd, masterside.make_instance("i3", 2)],
                 disks=[disk], nodes=nodes, master_node=masterside.new_uuid(3)) == [
        "ERROR i1: is to be running but its node node1.example.com is offline",
        "ERROR i2: has offline secondary node(s) node1.example.com",
        "ERROR i3: is on node node2.example.com, which is not vm_capable"]


def test_missing_volumes_on_either_node():
    inst, disk = mirrored("i1")
    lvs = {f"xenvg/i1.disk0_{part}": ["1", False, True] for part in ("data", "meta")}
    assert texts(judge_instance.missing_volumes, [inst], {
        1: {constants.NV_LVLIST: lvs}, 2: {constants.NV_LVLIST: lvs}}, [disk],
        volume_group_name="xenvg") == []
    half = {1: {constants.NV_LVLIST: lvs}, 2: {constants.NV_LVLIST: {"xenvg/i1.disk0_data": ["1"]}}}
    assert texts(judge_instance.missing_volumes, [inst], half, [disk],
                 volume_group_name="xenvg") == [
        "ERROR i1: volume xenvg/i1.disk0_meta is missing on node2.example.com"]
    assert texts(judge_instance.missing_volumes, [inst], half, [disk],
                 volume_group_name="other") == [], "only the cluster's volume group is listed"


@pytest.mark.parametrize(("state", "expected"), [
    ((True, {"ldisk_status": 1, "is_degraded": False}), []),
    ((True, {"ldisk_status": 2, "is_degraded": True}),
     ["WARNING i1: disk/0 on node1.example.com is degraded, its local copy is syncing"]),
    ((True, {"ldisk_status": 4, "is_degraded": True}),
     ["ERROR i1: disk/0 on node1.example.com is faulty"]),
    ((True, {"ldisk_status": 3, "is_degraded": False}),
     ["ERROR i1: disk/0 on node1.example.com is unknown"]),
    ((False, "device not found"),
     ["ERROR i1: state of disk/0 on node1.example.com is unknown: device not found"]),
    ((True, "nonsense"),
     ["ERROR i1: disk/0 on node1.example.com: status nonsense has the wrong form"]),
])
def test_disk_health(state, expected):
    inst = masterside.make_instance("i1")
    assert texts(judge_instance.disk_health, [inst], disk_states={
        inst.uuid: {masterside.new_uuid(1): [state]}}) == expected


def test_layout_and_groups():
    first = masterside.make_drbd("i1", (1, 2))
    second = masterside.make_drbd("i1b", (1, 3), iv_name="disk/1", port=11001, minors=(1, 0))
    inst = masterside.make_instance("i1", disks=[first.uuid, second.uuid])
    nodes = [masterside.make_node(1), masterside.make_node(2),
             masterside.make_node(3, group=OTHER.uuid)]
    args = {"disks": [first, second], "nodes": nodes, "groups": [OTHER]}
    assert texts(judge_instance.layout, [inst], **args) == [
        "WARNING i1: has several secondary nodes: node2.example.com, node3.example.com"]
    assert texts(judge_instance.split_groups, [inst], **args) == [
        "WARNING i1: has nodes in several groups: default, other"]


def test_exclusive_storage_takes_plain_disks_with_spindles_only():
    inst, drbd = mirrored("i1")
    plain = masterside.make_drbd("i2").children[0].replace(iv_name="disk/0")
    other = masterside.make_instance("i2", disks=[plain.uuid])
    counted = plain.replace(uuid=masterside.new_uuid(), spindles=2)
    third = masterside.make_instance("i3", disks=[counted.uuid])
    found = texts(judge_instance.unsuitable_node, [inst, other, third],
                  disks=[drbd, plain, counted], ndparams={"exclusive_storage": True})
    assert [line.split(",")[0] for line in found] == [
        "ERROR i1: disk/0 is of template drbd",
        "ERROR i2: disk/0 has no number of spindles"]
    assert texts(judge_instance.unsuitable_node, [inst], disks=[drbd]) == []


def test_policy():
    small = masterside.make_instance("i1", beparams={"maxmem": 64, "minmem": 64})
    (line,) = texts(judge_instance.policy, [small])
    assert line.startswith("WARNING i1: violates the instance policy") and "memory-size" in line


def test_memory_for_failover():
    inst, disk = mirrored("i1", admin_state=UP, beparams={"minmem": 512, "maxmem": 1024})
    info = {constants.NV_HVINFO: {"memory_free": 600}}
    assert texts(judge_instance.failover_memory, [inst], {2: info}, [disk]) == []
    info = {constants.NV_HVINFO: {"memory_free": 400}}
    (line,) = texts(judge_instance.failover_memory, [inst], {2: info}, [disk])
    assert line == ("ERROR node2.example.com: has too little memory to take over the instances of "
                    "node1.example.com: 512 MiB needed, 400 MiB free")
    balanced = inst.replace(beparams={**inst.beparams, "auto_balance": False})
    assert texts(judge_instance.failover_memory, [balanced], {2: info}, [disk]) == []


def test_exclusion_tags():
    twins = [masterside.make_instance(name, 1, tags=["service:db", "owner:x"])
             for name in ("a", "b")]
    assert texts(judge_instance.exclusion_tags, twins) == []
    assert texts(judge_instance.exclusion_tags, twins, tags=["htools:iextags:service"]) == [
        "ERROR node1.example.com: instances a, b share the exclusive tag service:db"]


def test_planned_instances_are_left_alone():
    plan = masterside.make_instance("i1", admin_state=UP, forthcoming=True)
    for judge in (judge_instance.not_running, judge_instance.bad_node, judge_instance.policy):
        assert texts(judge, [plan], {1: running()}) == []
