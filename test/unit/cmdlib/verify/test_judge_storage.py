"""LVM and DRBD, as nodes tell about them."""

from __future__ import annotations

import pytest

from ganeti import constants, objects
from ganeti.cmdlib.cluster.verify import answers, judge_storage, view
from test import masterside


def storage_view(payloads, **cluster):
    """Instance i1 has a mirrored, active disk on nodes 1 and 2 (minors 0 and 7)."""
    cluster.setdefault("volume_group_name", "xenvg")
    nodes = cluster.pop("nodes", None)
    inst = masterside.make_instance("i1", disks_active=cluster.pop("active", True))
    disk = masterside.make_drbd("i1", minors=(0, 7))
    config = masterside.make_config(nodes=nodes, instances=[inst.replace(disks=[disk.uuid])],
                                    disks=[disk], **cluster)
    found = {node.uuid: answers.parse(node, [], payload)
             for node, payload in zip(config.nodes.values(), payloads, strict=True)}
    return view.GroupView(config, config.nodegroups[masterside.GROUP], found)


def on_node2(judge, key, value, **cluster):
    """Texts about node 2, which alone answers."""
    seen = storage_view([{}, {key: value}, {}], **cluster)
    return [(problem.severity, problem.text) for problem in judge(seen)
            if problem.item == "node2.example.com"]


LV = ["1024.00", False, True]


@pytest.mark.parametrize(("judge", "key", "value", "text"), [
    (judge_storage.volume_groups, constants.NV_VGLIST, {"xenvg": 30000}, None),
    (judge_storage.volume_groups, constants.NV_VGLIST, {"other": 30000}, "'xenvg' is missing"),
    (judge_storage.volume_groups, constants.NV_VGLIST, {"xenvg": 100}, "too small: 100 MiB"),
    (judge_storage.volume_groups, constants.NV_VGLIST, "vgs: not found", "vgs: not found"),
    (judge_storage.physical_volumes, constants.NV_PVLIST,
     [{"name": "/dev/sda1", "vg_name": "xenvg", "size": 1}], None),
    (judge_storage.physical_volumes, constants.NV_PVLIST,
     [{"name": "/dev/a:1", "vg_name": "xenvg", "size": 1}], "':' in its name"),
    (judge_storage.physical_volumes, constants.NV_PVLIST, "pvs failed", "pvs failed"),
    (judge_storage.logical_volumes, constants.NV_LVLIST, "lvs failed", "lvs failed"),
    (judge_storage.orphan_volumes, constants.NV_LVLIST,
     {"xenvg/i1.disk0_data": LV, "xenvg/i1.disk0_meta": LV}, None),
    (judge_storage.orphan_volumes, constants.NV_LVLIST, {"xenvg/old": LV},
     "volume xenvg/old is unknown"),
    (judge_storage.drbd_helper, constants.NV_DRBDHELPER, [True, "/bin/true"], None),
    (judge_storage.drbd_helper, constants.NV_DRBDHELPER, [False, "not loaded"], "not loaded"),
    (judge_storage.drbd_minors, constants.NV_DRBDLIST, [7], None),
    (judge_storage.drbd_minors, constants.NV_DRBDLIST, [], "minor 7 of instance i1 is not active"),
    (judge_storage.drbd_minors, constants.NV_DRBDLIST, [7, 9], "minor 9 is in use"),
    (judge_storage.drbd_minors, constants.NV_DRBDLIST, "no /proc/drbd", "no /proc/drbd"),
])
def test_answers_of_one_node(judge, key, value, text):
    problems = on_node2(judge, key, value)
    assert [text in problem for _, problem in problems] == ([] if text is None else [True])


def test_reserved_volumes_are_no_orphans():
    problems = on_node2(judge_storage.orphan_volumes, constants.NV_LVLIST,
                        {"xenvg/swap": LV, "xenvg/root": LV}, reserved_lvs=["xenvg/(swap|home)"])
    assert [text for _, text in problems] == ["volume xenvg/root is unknown"]


def test_minors_of_inactive_disks_need_not_be_in_use():
    assert on_node2(judge_storage.drbd_minors, constants.NV_DRBDLIST, [], active=False) == []


def test_a_cluster_without_volume_group_is_not_asked_for_one():
    assert not on_node2(judge_storage.volume_groups, constants.NV_VGLIST, {},
                        volume_group_name=None)


def test_shared_physical_volumes_matter_with_exclusive_storage_only():
    key, value = constants.NV_EXCLUSIVEPVS, [["/dev/sda1", ["a", "b"]]]
    assert not on_node2(judge_storage.physical_volumes, key, value)
    ((_, text),) = on_node2(judge_storage.physical_volumes, key, value,
                            ndparams={"exclusive_storage": True})
    assert "/dev/sda1 holds more than one logical volume (a, b)" in text


@pytest.mark.parametrize(("sizes", "bad"), [((1000, 995, 1000), False), ((1000, 900, 1000), True)])
def test_physical_volumes_of_a_group_are_of_one_size(sizes, bad):
    payloads = [{constants.NV_PVLIST: [{"name": "/dev/sda", "vg_name": "xenvg", "size": size}]}
                for size in sizes]
    seen = storage_view(payloads, ndparams={"exclusive_storage": True})
    problems = list(judge_storage.physical_volume_sizes(seen))
    assert [problem.item for problem in problems] == (["default"] if bad else [])
    assert not list(judge_storage.physical_volume_sizes(storage_view(payloads)))


def test_drbd_versions_agree():
    def problems(*versions):
        return list(judge_storage.drbd_versions(storage_view(
            [{constants.NV_DRBDVERSION: version} for version in versions])))

    assert problems("8.4.11", "8.4.11", "8.4.11") == []
    assert {p.item for p in problems("8.4.11", "8.3.1", "8.4.11")} == {
        "node1.example.com", "node2.example.com", "node3.example.com"}


def test_offline_and_incapable_nodes_are_not_judged():
    nodes = [masterside.make_node(1), masterside.make_node(2, vm_capable=False),
             masterside.make_node(3)]
    assert on_node2(judge_storage.volume_groups, constants.NV_VGLIST, {}, nodes=nodes) == []
    assert isinstance(nodes[1], objects.Node)
