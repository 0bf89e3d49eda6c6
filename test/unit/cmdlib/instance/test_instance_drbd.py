"""Instances on mirrored disks, from the opcode to the command lines, on a DRBD in memory."""

from __future__ import annotations

import os

import pytest

from ganeti import constants, errors
from ganeti.cmdlib.cluster.verify import gather, judge_instance, view
from ganeti.cmdlib.instance import disks, mirrors
from ganeti.storage.drbd import device
from test.fakedrbd import Mirrors
from test.fakedrbd9 import Mirrors9
from test.incluster import GROUP, InCluster, node_uuid

NAME = "inst1.example.org"


@pytest.fixture(params=[Mirrors, Mirrors9], ids=["8.4", "9"])
def drbd(monkeypatch, request) -> Mirrors:
    return request.param().install(monkeypatch)


def small_policy():
    """The usual limits, but small disks and no interfaces are welcome."""
    policy = constants.ipolicy_defaults()
    [bounds] = policy["minmax"]
    return {**policy, "minmax": [
        {**bounds, "min": {**bounds["min"], "disk-size": 1, "nic-count": 0}}]}


@pytest.fixture
def cluster(tmp_path, monkeypatch, drbd) -> InCluster:
    """Four nodes with volume groups and DRBD."""
    monkeypatch.setattr(disks, "DEGRADED_RETRIES", 0)
    monkeypatch.setattr(disks, "SYNC_RETRIES", 1)
    monkeypatch.setattr(mirrors, "POLL", 0.01)
    monkeypatch.setattr(device, "RESIZE_PATIENCE", 0.1)
    monkeypatch.setattr("ganeti.cmdlib.instance.disk_specs.require_space", lambda *a, **k: None)
    made = InCluster(str(tmp_path), count=4, volume_group_name="xenvg",
                     enabled_disk_templates=["drbd", "plain", "file", "diskless"],
                     drbd_usermode_helper="/bin/true", ipolicy=small_policy())
    yield made
    made.close()


def add(cluster: InCluster, **params):
    return cluster.add(NAME, **{
        "disk_template": "drbd", "nics": [], "disks": [{"size": 1}, {"size": 2}],
        "snode": "node2.example.org", **params})


def node_dir(cluster: InCluster, number: int) -> str:
    with cluster.on(number):
        from test import fakedrbd
        return fakedrbd.here()


def volumes(cluster: InCluster, number: int) -> list[str]:
    """Names of the volumes on a node."""
    top = os.path.join(node_dir(cluster, number), "volumes", "xenvg")
    return sorted(os.listdir(top)) if os.path.isdir(top) else []


def content(cluster: InCluster, number: int, disk) -> bytes:
    path = os.path.join(node_dir(cluster, number), "volumes", *disk.children[0].logical_id)
    with open(path, "rb") as fobj:
        return fobj.read(5)


def roles(cluster: InCluster, drbd: Mirrors) -> dict[tuple[int, int], bool]:
    """(node, minor) -> primary, of everything that is configured."""
    numbers = {node_dir(cluster, number): number for number in range(1, 5)}
    return {(numbers[node], minor): found.primary
            for (node, minor), found in drbd.minors.items()}


def disk(cluster: InCluster, index: int = 0):
    return cluster.config.instance_disks(cluster.instance(NAME))[index]


def test_creation_makes_both_halves_and_gives_each_disk_its_own_link(cluster, drbd):
    add(cluster)
    first, second = (disk(cluster, index) for index in (0, 1))
    assert first.logical_id[:5] == [node_uuid(1), node_uuid(2), 11000, 0, 0]
    assert second.logical_id[2:5] == [11001, 1, 1]
    assert len(first.logical_id[5]) == 40 != second.logical_id[5]
    data, meta = first.children
    assert data.logical_id[1].endswith(".disk0_data") and meta.size == constants.DRBD_META_SIZE
    assert meta.logical_id[1] == data.logical_id[1].replace("_data", "_meta")
    assert volumes(cluster, 1) == volumes(cluster, 2) and len(volumes(cluster, 1)) == 4
    assert roles(cluster, drbd) == {(1, 0): True, (1, 1): True, (2, 0): False, (2, 1): False}
    assert "NODE" not in cluster.held or cluster.held["NODE"]
    secret = first.logical_id[5]
    assert not any(secret in line for line in cluster.log)


def test_wiping_holds_the_first_synchronisation(cluster, drbd):
    with cluster.cfg.edit() as draft:
        draft.update(draft.cluster, prealloc_wipe_disks=True)
    add(cluster)
    words = [argv[1] for _node, argv in drbd.commands if argv[1].endswith("-sync")]
    assert words == ["pause-sync", "pause-sync", "resume-sync", "resume-sync"]
    names = cluster.nodes.names(cluster.address(1))
    calls = [name for name in names if name in ("blockdev_pause_resume_sync", "blockdev_wipe")]
    assert calls[0] == calls[-1] == "blockdev_pause_resume_sync" and "blockdev_wipe" in calls


def test_removal_leaves_nothing(cluster, drbd):
    add(cluster)
    cluster.run("INSTANCE_REMOVE", instance_name=NAME, shutdown_timeout=1)
    assert not drbd.minors and not volumes(cluster, 1) and not volumes(cluster, 2)
    assert not cluster.config.disks


def test_a_creation_that_fails_on_the_secondary_leaves_nothing(cluster, drbd):
    cluster.nodes.failures[cluster.address(2), "blockdev_create"] = "no space"
    with pytest.raises(errors.OpExecError, match=r"no space.*was removed again$"):
        add(cluster)
    assert not drbd.minors and not volumes(cluster, 1)


def test_migration_allows_two_primaries_only_while_it_lasts(cluster, drbd):
    add(cluster, start=True)
    seen = []
    cluster.nodes.before["instance_migrate"] = lambda: seen.append(
        [minor.two_primaries and minor.primary for minor in drbd.minors.values()])
    cluster.run("INSTANCE_MIGRATE", instance_name=NAME)
    assert seen == [[True] * 4]
    assert roles(cluster, drbd) == {(1, 0): False, (1, 1): False, (2, 0): True, (2, 1): True}
    assert not any(minor.two_primaries for minor in drbd.minors.values())
    assert cluster.runs_on(NAME) == [2]


def test_a_failed_migration_takes_the_second_primary_back(cluster, drbd):
    add(cluster, start=True)
    cluster.nodes.failures["*", "accept_instance"] = "no room"
    with pytest.raises(errors.OpExecError, match="no room"):
        cluster.run("INSTANCE_MIGRATE", instance_name=NAME)
    assert roles(cluster, drbd) == {(1, 0): True, (1, 1): True, (2, 0): False, (2, 1): False}
    assert not any(minor.two_primaries for minor in drbd.minors.values())
    assert all(drbd.peer(minor) for minor in drbd.minors.values())


def crash(cluster: InCluster, drbd: Mirrors, number: int) -> None:
    """Pull the plug of a node."""
    cluster.nodes.dead.add(cluster.address(number))
    gone = node_dir(cluster, number)
    for key in [key for key in drbd.minors if key[0] == gone]:
        del drbd.minors[key]


def test_fail_over_with_a_dead_primary_and_its_return(cluster, drbd):
    add(cluster, start=True, pnode="node2.example.org", snode="node3.example.org")
    drbd.write(node_dir(cluster, 2), 0, b"first")
    crash(cluster, drbd, 2)
    with cluster.cfg.edit() as draft:
        draft.update(draft.config.nodes[node_uuid(2)], offline=True, master_candidate=False)
    cluster.run("INSTANCE_FAILOVER", instance_name=NAME)
    assert cluster.instance(NAME).primary_node == node_uuid(3)
    assert content(cluster, 3, disk(cluster)) == b"first"
    drbd.write(node_dir(cluster, 3), 0, b"later")
    with cluster.cfg.edit() as draft:
        draft.update(draft.config.nodes[node_uuid(2)], offline=False)
    cluster.nodes.dead.clear()
    cluster.run("INSTANCE_ACTIVATE_DISKS", instance_name=NAME, wait_for_sync=True)
    assert content(cluster, 2, disk(cluster)) == b"later"
    assert roles(cluster, drbd)[3, 0] and not roles(cluster, drbd)[2, 0]


@pytest.mark.parametrize(("mode", "number"), [("replace_on_primary", 1),
                                              ("replace_on_secondary", 2)])
def test_new_volumes_in_place(cluster, drbd, mode, number):
    add(cluster, start=True)
    drbd.write(node_dir(cluster, 1), 0, b"kept!")
    before = cluster.config.disks
    cluster.run("INSTANCE_REPLACE_DISKS", instance_name=NAME, mode=mode, disks=[0])
    assert cluster.config.disks == before
    assert len(volumes(cluster, number)) == 4, "the old ones are gone"
    assert content(cluster, number, disk(cluster)) == b"kept!"
    assert [line for line in cluster.log if line.startswith("STEP")] == [
        "STEP 1/6 Check device existence", "STEP 2/6 Check peer consistency",
        "STEP 3/6 Allocate new storage", "STEP 4/6 Changing drbd configuration",
        "STEP 5/6 Sync devices", "STEP 6/6 Removing old storage"]


def test_in_place_goes_back_when_the_new_volumes_can_not_be_attached(cluster, drbd):
    add(cluster, start=True)
    drbd.write(node_dir(cluster, 1), 0, b"kept!")
    names = volumes(cluster, 2)
    cluster.nodes.failures["*", "blockdev_addchildren"] = "broken"
    with pytest.raises(errors.OpExecError, match="broken"):
        cluster.run("INSTANCE_REPLACE_DISKS", instance_name=NAME, mode="replace_on_secondary")
    assert volumes(cluster, 2) == names
    assert all(drbd.peer(minor) and minor.data for minor in drbd.minors.values())


def test_a_new_secondary(cluster, drbd):
    add(cluster, start=True)
    drbd.write(node_dir(cluster, 1), 0, b"moved")
    cluster.run("INSTANCE_REPLACE_DISKS", instance_name=NAME, mode="replace_new_secondary",
                remote_node="node3.example.org")
    assert cluster.config.secondary_nodes(cluster.instance(NAME)) == [node_uuid(3)]
    assert disk(cluster).logical_id[:2] == [node_uuid(1), node_uuid(3)]
    assert not volumes(cluster, 2) and len(volumes(cluster, 3)) == 4
    assert content(cluster, 3, disk(cluster)) == b"moved"
    assert sorted(roles(cluster, drbd)) == [(1, 0), (1, 1), (3, 0), (3, 1)]
    assert all(child.nodes == [node_uuid(1), node_uuid(3)] for child in disk(cluster).children)


def test_early_release_frees_the_old_secondary_before_the_end(cluster, drbd):
    add(cluster)
    cluster.run("INSTANCE_REPLACE_DISKS", instance_name=NAME, mode="replace_new_secondary",
                remote_node="node3.example.org", early_release=True)
    steps = [line for line in cluster.log if line.startswith("STEP")]
    assert steps[-2:] == ["STEP 5/6 Removing old storage", "STEP 6/6 Sync devices"]


def test_a_new_secondary_that_can_not_be_connected_leads_back(cluster, drbd):
    add(cluster, start=True)
    cluster.nodes.failures[cluster.address(3), "drbd_attach_net"] = "no way"
    before = cluster.config.disks[disk(cluster).uuid].logical_id
    with pytest.raises(errors.OpExecError, match="no way"):
        cluster.run("INSTANCE_REPLACE_DISKS", instance_name=NAME, mode="replace_new_secondary",
                    remote_node="node3.example.org")
    assert disk(cluster).logical_id == before
    assert not volumes(cluster, 3)
    assert sorted(roles(cluster, drbd)) == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert all(drbd.peer(minor) for minor in drbd.minors.values())


def test_the_automatic_mode_replaces_what_is_broken(cluster, drbd):
    add(cluster, start=True)
    cluster.run("INSTANCE_REPLACE_DISKS", instance_name=NAME, mode="replace_auto")
    assert cluster.log == [f"No disks need replacement for instance '{NAME}'"]
    broken = drbd.minors[node_dir(cluster, 2), 0]
    os.unlink(broken.data)
    broken.data = broken.meta = None
    cluster.run("INSTANCE_REPLACE_DISKS", instance_name=NAME, mode="replace_auto")
    assert "Replacing disk/0 for instance" in cluster.log[0]
    assert drbd.minors[node_dir(cluster, 2), 0].data


@pytest.mark.parametrize(("params", "text"), [
    ({"mode": "replace_on_primary", "remote_node": "node3.example.org"}, "only be given for"),
    ({"mode": "replace_new_secondary", "remote_node": "node1.example.org"}, "primary node"),
    ({"mode": "replace_new_secondary", "remote_node": "node2.example.org"}, "already"),
    ({"mode": "replace_new_secondary"}, "no default iallocator"),
    ({"mode": "replace_new_secondary", "remote_node": "node3.example.org", "disks": [0]},
     "Single disks"),
    ({"mode": "replace_on_primary", "disks": [7]}, "no disk 7"),
])
def test_wrong_replacements(cluster, drbd, params, text):
    add(cluster)
    with pytest.raises(errors.OpPrereqError, match=text):
        cluster.run("INSTANCE_REPLACE_DISKS", instance_name=NAME, **params)


def test_growing_reaches_both_volumes_and_the_record(cluster, drbd):
    add(cluster, start=True)
    cluster.run("INSTANCE_GROW_DISK", instance_name=NAME, disk=0, amount=3)
    assert disk(cluster).size == 4 and disk(cluster).children[0].size == 4
    for number in (1, 2):
        path = os.path.join(node_dir(cluster, number), "volumes",
                            *disk(cluster).children[0].logical_id)
        assert os.path.getsize(path) == 4 << 20
    assert ["drbdsetup", "resize", "0", "--size", "4m"] in [argv for _, argv in drbd.commands]


def test_plain_to_drbd_and_back_without_copying(cluster, drbd):
    add(cluster, disk_template="plain", snode=None, start=False)
    old = disk(cluster)
    path = os.path.join(node_dir(cluster, 1), "volumes", *old.logical_id)
    with open(path, "r+b") as fobj:
        fobj.write(b"mine!")
    cluster.run("INSTANCE_SET_PARAMS", instance_name=NAME, disk_template="drbd",
                remote_node="node2.example.org")
    assert cluster.config.disk_template(cluster.instance(NAME)) == "drbd"
    assert content(cluster, 1, disk(cluster)) == content(cluster, 2, disk(cluster)) == b"mine!"
    assert not drbd.minors and "blockdev_convert" not in cluster.nodes.names()
    cluster.run("INSTANCE_SET_PARAMS", instance_name=NAME, disk_template="plain")
    now = disk(cluster)
    assert now.dev_type == "plain" and now.nodes == [node_uuid(1)] and now.iv_name == "disk/0"
    assert volumes(cluster, 1) == sorted(
        d.logical_id[1] for d in cluster.config.instance_disks(cluster.instance(NAME)))
    assert not volumes(cluster, 2)


def test_a_conversion_that_fails_gives_the_old_volume_its_name_back(cluster, drbd):
    add(cluster, disk_template="plain", snode=None, start=False)
    names = volumes(cluster, 1)
    cluster.nodes.failures[cluster.address(2), "blockdev_create"] = "no space"
    with pytest.raises(errors.OpExecError, match="no space"):
        cluster.run("INSTANCE_SET_PARAMS", instance_name=NAME, disk_template="drbd",
                    remote_node="node2.example.org")
    assert volumes(cluster, 1) == names and not volumes(cluster, 2) and not drbd.minors


def test_file_to_drbd_copies(cluster, drbd):
    add(cluster, disk_template="file", snode=None, disks=[{"size": 1}], start=False)
    with cluster.on(1):
        from ganeti import pathutils
        path = pathutils.local(disk(cluster).logical_id[1])
    with open(path, "r+b") as fobj:
        fobj.write(b"file!")
    cluster.run("INSTANCE_SET_PARAMS", instance_name=NAME, disk_template="drbd",
                remote_node="node2.example.org")
    assert content(cluster, 1, disk(cluster)) == b"file!"
    assert cluster.files(1) == [] and len(volumes(cluster, 2)) == 2


@pytest.mark.parametrize("start", [True, False])
def test_a_further_disk_is_mirrored_like_the_others(cluster, drbd, start):
    add(cluster, start=start)
    cluster.run("INSTANCE_SET_PARAMS", instance_name=NAME, disks=[["add", -1, {"size": 1}]])
    assert disk(cluster, 2).logical_id[:5] == [node_uuid(1), node_uuid(2), 11002, 2, 2]
    assert len(volumes(cluster, 2)) == 6
    assert sorted(roles(cluster, drbd)) == ([(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]
                                            if start else [])
    if start:
        cluster.run("INSTANCE_SHUTDOWN", instance_name=NAME, timeout=1)
    cluster.run("INSTANCE_SET_PARAMS", instance_name=NAME, disks=[["remove", 2, {}]])
    assert len(volumes(cluster, 2)) == 4


def test_renaming_tells_the_volumes_of_both_nodes(cluster, drbd):
    add(cluster, start=False)
    cluster.run("INSTANCE_RENAME", instance_name=NAME, new_name="new1.example.org",
                name_check=False, ip_check=False)
    assert cluster.nodes.names(cluster.address(2)).count("blockdev_setinfo") == 2
    assert not [line for line in cluster.log if "Could not note" in line]


def test_without_waiting_the_first_synchronisation_goes_on(cluster, drbd):
    add(cluster, wait_for_sync=False, start=True)
    assert len(roles(cluster, drbd)) == 4


def test_lost_disks_are_made_anew_where_they_were(cluster, drbd):
    add(cluster, start=False)
    for number in (1, 2):
        for name in volumes(cluster, number):
            os.unlink(os.path.join(node_dir(cluster, number), "volumes", "xenvg", name))
    cluster.run("INSTANCE_RECREATE_DISKS", instance_name=NAME, disks=[[0, {"size": 3}], [1, {}]])
    assert len(volumes(cluster, 1)) == len(volumes(cluster, 2)) == 4
    assert disk(cluster).size == disk(cluster).children[0].size == 3


def test_lost_disks_are_made_anew_elsewhere(cluster, drbd):
    add(cluster, start=False)
    before = disk(cluster).logical_id
    cluster.run("INSTANCE_RECREATE_DISKS", instance_name=NAME,
                nodes=["node3.example.org", "node4.example.org"])
    assert disk(cluster).logical_id[:2] == [node_uuid(3), node_uuid(4)]
    assert disk(cluster).logical_id[5] != before[5]
    assert cluster.instance(NAME).primary_node == node_uuid(3)
    assert len(volumes(cluster, 3)) == len(volumes(cluster, 4)) == 4


def test_disks_in_use_stay_active_when_the_other_node_does_not_answer(cluster, drbd):
    add(cluster, start=True)
    cluster.nodes.dead.add(cluster.address(2))
    with pytest.raises(errors.OpExecError, match="Could not prepare disk/0"):
        cluster.run("INSTANCE_ACTIVATE_DISKS", instance_name=NAME)
    assert cluster.instance(NAME).disks_active
    assert roles(cluster, drbd)[1, 0] and "blockdev_shutdown" not in cluster.nodes.names()


def test_a_migration_whose_mirrors_lose_each_other_makes_no_second_primary(cluster, drbd):
    add(cluster, start=True)
    cluster.nodes.before["blockdev_assemble"] = lambda: drbd.cut.add(node_dir(cluster, 2))
    with pytest.raises(errors.OpExecError, match="lost its peer while two nodes may write"):
        cluster.run("INSTANCE_MIGRATE", instance_name=NAME)
    assert not roles(cluster, drbd)[2, 0] and cluster.runs_on(NAME) == [1]


def test_a_copy_that_is_off_on_the_secondary_is_found(cluster, drbd):
    add(cluster, start=True)
    for key in [key for key in drbd.minors if key[0] == node_dir(cluster, 2)]:
        del drbd.minors[key]
    assert cluster.run("GROUP_VERIFY_DISKS", group_name="default")[1] == [NAME]
    cluster.run("INSTANCE_ACTIVATE_DISKS", instance_name=NAME)
    assert cluster.run("GROUP_VERIFY_DISKS", group_name="default")[1] == []


# Split brain ---------------------------------------------------------------------------------

def split(cluster: InCluster, drbd: Mirrors) -> None:
    """Both nodes write while they do not see each other."""
    cut = node_dir(cluster, 2)
    drbd.cut.add(cut)
    drbd.write(node_dir(cluster, 1), 0, b"ours!")
    drbd.minors[cut, 0].primary = True
    drbd.write(cut, 0, b"other")
    drbd.minors[cut, 0].primary = False
    drbd.cut.clear()
    drbd.meet()


def test_a_split_brain_is_told_and_nothing_is_discarded(cluster, drbd):
    add(cluster, start=True)
    split(cluster, drbd)
    cluster.run("INSTANCE_ACTIVATE_DISKS", instance_name=NAME)
    assert (content(cluster, 1, disk(cluster)), content(cluster, 2, disk(cluster))) \
        == (b"ours!", b"other")
    first, second = cluster.run("INSTANCE_REPAIR_DISKS", instance_name=NAME)
    assert first["verdict"] == "split brain" and second["verdict"] == "in step"
    assert "node1.example.org and node2.example.org have both changed" in first["text"]
    assert [copy["changed"] for copy in first["copies"]] == [4, 4]
    assert content(cluster, 2, disk(cluster)) == b"other"


@pytest.mark.parametrize(("keep", "stays"), [(1, b"ours!"), (2, b"other")])
def test_the_choice_is_carried_out(cluster, drbd, keep, stays):
    add(cluster, start=True)
    split(cluster, drbd)
    if keep == 2:
        with pytest.raises(errors.OpPrereqError, match="stop it there first"):
            cluster.run("INSTANCE_REPAIR_DISKS", instance_name=NAME, keep="node2.example.org")
        cluster.run("INSTANCE_SHUTDOWN", instance_name=NAME, timeout=1)
    found = cluster.run("INSTANCE_REPAIR_DISKS", instance_name=NAME,
                        keep=f"node{keep}.example.org")
    assert [item["verdict"] for item in found][0] == "in step"
    cluster.run("INSTANCE_ACTIVATE_DISKS", instance_name=NAME)
    assert content(cluster, 1, disk(cluster)) == content(cluster, 2, disk(cluster)) == stays
    assert content(cluster, 3 - keep, disk(cluster)) == stays


def test_the_verification_names_a_split_brain(cluster, drbd):
    add(cluster, start=True)
    split(cluster, drbd)
    config, nodes = cluster.config, {node_uuid(number) for number in (1, 2, 3, 4)}
    states = gather.disk_states(cluster.rpc, config, [cluster.instance(NAME)], nodes)
    seen = view.GroupView(config, config.nodegroups[GROUP], {}, disk_states=states,
                          mirrors=gather.separated(cluster.rpc, config, states, nodes))
    [problem] = judge_instance.mirrors(seen)
    assert problem.item == NAME and "disk/0: split brain" in problem.text
    assert list(seen.mirrors) == [disk(cluster).uuid], "healthy mirrors are not asked again"


def test_a_lost_copy_is_told_found_and_attached_again(cluster, drbd):
    """As after an error of the physical disk, when DRBD lets go of it."""
    add(cluster, start=True)
    lost = drbd.minors[node_dir(cluster, 2), 0]
    lost.data = lost.meta = None
    first, second = cluster.run("INSTANCE_REPAIR_DISKS", instance_name=NAME)
    assert (first["verdict"], second["verdict"]) == ("copy lost", "in step")
    assert "the copy on node2.example.org is Diskless; reads and writes go to" in first["text"]
    config, nodes = cluster.config, {node_uuid(number) for number in (1, 2, 3, 4)}
    states = gather.disk_states(cluster.rpc, config, [cluster.instance(NAME)], nodes)
    seen = view.GroupView(config, config.nodegroups[GROUP], {}, disk_states=states)
    assert any("disk/0 on node2.example.org is faulty" in problem.text
               for problem in judge_instance.disk_health(seen))
    assert cluster.run("GROUP_VERIFY_DISKS", group_name="default")[1] == [NAME]
    cluster.run("INSTANCE_ACTIVATE_DISKS", instance_name=NAME)
    assert lost.data and cluster.run("GROUP_VERIFY_DISKS", group_name="default")[1] == []
    assert cluster.run("INSTANCE_REPAIR_DISKS", instance_name=NAME)[0]["verdict"] == "in step"


def test_what_is_cut_off_is_activated_again(cluster, drbd):
    add(cluster, start=True)
    for minor in drbd.minors.values():
        minor.ends = None
    drbd.write(node_dir(cluster, 1), 0, b"ahead")
    found = cluster.run("INSTANCE_REPAIR_DISKS", instance_name=NAME)
    assert [item["verdict"] for item in found] == ["cut off", "cut off"]
    assert "the copy on node1.example.org is newer" in found[0]["text"]
    unreachable, inactive, missing = cluster.run("GROUP_VERIFY_DISKS", group_name="default")
    assert inactive == [NAME]
    cluster.run("INSTANCE_ACTIVATE_DISKS", instance_name=NAME)
    assert content(cluster, 2, disk(cluster)) == b"ahead"
