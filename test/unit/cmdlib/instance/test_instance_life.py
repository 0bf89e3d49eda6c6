"""Starting, stopping, renaming, reinstalling, removing, and looking at instances."""

from __future__ import annotations

import os

import pytest

from ganeti import errors, pathutils
from ganeti.hypervisor import fake

NAME = "inst1.example.org"
NODE1 = "192.0.2.1"


@pytest.fixture
def guest(cluster):
    """An instance that runs on the first node."""
    return cluster.add(nics=[{"ip": "10.0.0.1"}])


@pytest.fixture
def stopped(cluster):
    """An instance that is stopped."""
    return cluster.add(nics=[{"ip": "10.0.0.1"}], start=False)


def do(cluster, what: str, **params):
    return cluster.run(f"INSTANCE_{what}", instance_name="inst1", **params)


def set_offline(cluster, number: int) -> None:
    with cluster.cfg.edit() as draft:
        draft.update(cluster.config.cluster, master_node=cluster.config.node_by_name(
            "node3.example.org").uuid)
        draft.update(cluster.config.node_by_name(f"node{number}.example.org"), offline=True,
                     master_candidate=False)


# Power.


def test_start_and_stop(cluster, stopped):
    do(cluster, "STARTUP")
    instance = cluster.instance(NAME)
    assert (instance.admin_state, instance.disks_active) == ("up", True)
    assert cluster.runs_on(NAME) == [1]
    assert cluster.held["INSTANCE"] == [NAME] and cluster.held["NODE"] == []
    assert cluster.held["NODE_RES"] == [instance.primary_node]
    do(cluster, "SHUTDOWN")
    instance = cluster.instance(NAME)
    assert (instance.admin_state, instance.disks_active) == ("down", False)
    assert cluster.runs_on(NAME) == []
    assert cluster.held["NODE_RES"] == []


def test_states_need_not_be_remembered(cluster, stopped):
    do(cluster, "STARTUP", no_remember=True)
    assert cluster.instance(NAME).admin_state == "down" and cluster.runs_on(NAME) == [1]
    do(cluster, "STARTUP")
    do(cluster, "SHUTDOWN", no_remember=True)
    assert cluster.instance(NAME).admin_state == "up" and cluster.runs_on(NAME) == []


def test_failed_start_shuts_the_disks_down(cluster, stopped):
    cluster.nodes.failures[("*", "instance_start")] = "no power"
    with pytest.raises(errors.OpExecError, match="no power"):
        do(cluster, "STARTUP")
    assert cluster.instance(NAME).disks_active is False
    assert cluster.nodes.names()[-1] in ("blockdev_shutdown", "hooks_runner")


def test_parameters_for_one_run(cluster, stopped, monkeypatch):
    do(cluster, "STARTUP", beparams={"memory": 200})
    with cluster.on(1):
        assert fake.FakeHypervisor().read_guest(NAME)["memory"] == 200
    assert cluster.instance(NAME).beparams == {}


def test_bad_parameters_for_one_run(cluster, stopped):
    with pytest.raises(errors.OpPrereqError, match="colour"):
        do(cluster, "STARTUP", hvparams={"colour": "red"})


def test_start_of_an_offline_node(cluster, stopped):
    set_offline(cluster, 1)
    with pytest.raises(errors.OpPrereqError, match="--ignore-offline"):
        do(cluster, "STARTUP")
    do(cluster, "STARTUP", ignore_offline_nodes=True)
    assert cluster.instance(NAME).admin_state == "up" and cluster.runs_on(NAME) == []


def test_stop_on_an_offline_node(cluster, guest):
    set_offline(cluster, 1)
    with pytest.raises(errors.OpPrereqError, match="--ignore-offline"):
        do(cluster, "SHUTDOWN")
    do(cluster, "SHUTDOWN", ignore_offline_nodes=True)
    assert cluster.instance(NAME).admin_state == "down"


def test_user_shutdown_is_cleared_before_the_start(cluster, guest):
    with cluster.on(1):
        fake.FakeHypervisor().user_shutdown(NAME)
    do(cluster, "STARTUP", shutdown_timeout=3)
    assert "instance_shutdown" in cluster.nodes.names()
    with cluster.on(1):
        assert fake.FakeHypervisor().instance_info(NAME).state == 0


def test_who_stopped_it_is_noted(cluster, guest):
    do(cluster, "SHUTDOWN", admin_state_source="user")
    assert cluster.instance(NAME).admin_state_source == "user"
    do(cluster, "STARTUP")
    assert cluster.instance(NAME).admin_state_source == "admin"


def test_no_memory_to_start(cluster, stopped):
    with cluster.cfg.edit() as draft:
        draft.update(stopped, beparams={"minmem": 10**9, "maxmem": 10**9})
    with pytest.raises(errors.OpPrereqError, match="Not enough memory"):
        do(cluster, "STARTUP")


def test_missing_bridge(cluster):
    with pytest.raises(errors.OpPrereqError, match="Missing bridges on node node1"):
        cluster.add(nics=[{"mode": "bridged", "link": "nobridge0"}])


@pytest.mark.parametrize(("kind", "boots"), [("soft", 2), ("hard", 1), ("full", 1)])
def test_reboots(cluster, guest, kind, boots):
    with cluster.on(1):
        before = fake.FakeHypervisor().read_guest(NAME)
    do(cluster, "REBOOT", reboot_type=kind)
    with cluster.on(1):
        after = fake.FakeHypervisor().read_guest(NAME)
    assert after["boots"] == boots
    assert (after["id"] == before["id"]) == (kind == "soft")
    assert ("blockdev_shutdown" in cluster.nodes.names()) == (kind == "full")


def test_reboot_of_a_stopped_instance_starts_it(cluster, stopped):
    do(cluster, "REBOOT", reboot_type="soft")
    assert cluster.runs_on(NAME) == [1] and cluster.instance(NAME).admin_state == "up"


# Names.


def test_rename_moves_the_files(cluster, stopped):
    assert do(cluster, "RENAME", new_name="Other.example.org") == "other.example.org"
    assert cluster.config.instance_by_name(NAME) is None
    (path,) = cluster.files(1)
    assert path.startswith("shared-file-storage/other.example.org/")
    (disk,) = cluster.config.instance_disks(cluster.instance("other.example.org"))
    assert disk.logical_id[1] == f"/srv/ganeti/{path}"
    assert f"rename {NAME}" in cluster.os_log(1)
    assert cluster.held["INSTANCE"] == [NAME, "other.example.org"]
    cluster.run("INSTANCE_STARTUP", instance_name="other")
    assert cluster.runs_on("other.example.org") == [1]


def test_failed_rename_leaves_all_as_it_was(cluster, stopped):
    cluster.nodes.failures[("*", "file_storage_dir_rename")] = "read-only"
    with pytest.raises(errors.OpExecError, match="read-only"):
        do(cluster, "RENAME", new_name="other.example.org")
    assert cluster.instance(NAME).serial_no == stopped.serial_no


def test_commit_that_is_refused_moves_the_files_back(cluster, stopped, monkeypatch):
    from ganeti.config import draft as drafts

    def refuse(self, ledger):
        raise errors.ConfigurationError("refused")

    before = cluster.files(1)
    monkeypatch.setattr(drafts.Draft, "finish", refuse)
    with pytest.raises(errors.ConfigurationError, match="refused"):
        do(cluster, "RENAME", new_name="other.example.org")
    assert cluster.files(1) == before


def test_failed_rename_script_is_only_told(cluster, stopped):
    cluster.nodes.failures[("*", "instance_run_rename")] = "no such file"
    assert do(cluster, "RENAME", new_name="other.example.org") == "other.example.org"
    assert any("rename script failed" in line for line in cluster.log)
    assert cluster.instance("other.example.org").disks_active is False


@pytest.mark.parametrize(("params", "text"), [
    ({"new_name": NAME}, "has this name already"),
    ({"new_name": "node2.example.org"}, "name of a node"),
    ({"new_name": "a b"}, "not a valid"),
    ({"new_name": "x.example.org", "ip_check": True}, "needs the name check"),
    ({"new_name": "does-not-resolve.invalid", "name_check": True}, "does not resolve"),
])
def test_bad_new_names(cluster, stopped, params, text):
    with pytest.raises(errors.OpPrereqError, match=text):
        do(cluster, "RENAME", **params)


def test_running_instances_keep_their_name(cluster, guest):
    with pytest.raises(errors.OpPrereqError, match="has to be down or offline"):
        do(cluster, "RENAME", new_name="other.example.org")


def test_uuid_has_to_be_the_name_s(cluster, guest):
    other = cluster.add("inst2.example.org", nics=[{"ip": "10.0.0.2"}])
    with pytest.raises(errors.OpPrereqError, match="replaced by another"):
        do(cluster, "SHUTDOWN", instance_uuid=other.uuid)


# Reinstalling.


def test_reinstall(cluster, stopped):
    do(cluster, "REINSTALL", osparams={"flavour": "sweet"})
    assert cluster.os_log(1).splitlines()[-1] == f"create {NAME} sweet"
    instance = cluster.instance(NAME)
    assert instance.osparams == {"flavour": "sweet"} and not instance.disks_active


def test_failed_reinstall_leaves_the_disks_shut_down(cluster, stopped):
    cluster.nodes.failures[("*", "instance_os_add")] = "bad mirror"
    with pytest.raises(errors.OpExecError, match="bad mirror"):
        do(cluster, "REINSTALL")
    assert cluster.instance(NAME).disks_active is False


def test_bad_reinstalls(cluster, guest):
    with pytest.raises(errors.OpPrereqError, match="has to be down"):
        do(cluster, "REINSTALL")
    do(cluster, "SHUTDOWN")
    with pytest.raises(errors.OpPrereqError, match="nonsense"):
        do(cluster, "REINSTALL", os_type="nonsense")
    assert cluster.instance(NAME).os == "tiny"


# Removing.


def test_remove(cluster, guest):
    do(cluster, "REMOVE")
    assert not cluster.config.instances and not cluster.config.disks
    assert cluster.files(1) == [] and cluster.runs_on(NAME) == []
    assert not os.path.exists(
        cluster.nodes.roots[NODE1] + f"/srv/ganeti/shared-file-storage/{NAME}")


def test_failed_removal_keeps_the_instance_for_another_try(cluster, guest):
    cluster.nodes.failures[("*", "blockdev_remove")] = "busy"
    with pytest.raises(errors.OpExecError, match="stays in the configuration"):
        do(cluster, "REMOVE")
    assert cluster.instance(NAME).admin_state == "down"
    cluster.nodes.failures.clear()
    do(cluster, "REMOVE")
    assert cluster.files(1) == []


def test_failures_of_removal_can_be_ignored(cluster, guest):
    cluster.nodes.failures[("*", "instance_shutdown")] = "stuck"
    cluster.nodes.failures[("*", "blockdev_remove")] = "busy"
    do(cluster, "REMOVE", ignore_failures=True)
    assert not cluster.config.instances
    assert any("busy" in line for line in cluster.log)


def test_forthcoming_instance_is_only_forgotten(cluster):
    cluster.add(nics=[{"ip": "10.0.0.1"}], forthcoming=True)
    do(cluster, "REMOVE")
    assert not cluster.config.instances
    assert "blockdev_remove" not in cluster.nodes.names()


# Looking.


def test_console_needs_a_running_guest(cluster, stopped):
    with pytest.raises(errors.OpExecError, match="is not running"):
        do(cluster, "CONSOLE")
    do(cluster, "STARTUP")
    assert do(cluster, "CONSOLE")["kind"] == "msg"


def test_static_data_asks_no_node(cluster, guest):
    found = cluster.run("INSTANCE_QUERY_DATA", instances=["inst1"], static=True)[NAME]
    assert cluster.nodes.calls == []
    assert found["run_state"] is None and found["config_state"] == "up"
    assert found["disks"][0]["pstatus"] is None
    assert cluster.held["INSTANCE"] == []


def test_live_data(cluster, guest):
    found = cluster.run("INSTANCE_QUERY_DATA", instances=[])[NAME]
    assert found["run_state"] == "up" and found["pnode"] == "node1.example.org"
    assert found["disks"][0]["pstatus"][5:] == [False, 1]
    assert found["be_actual"]["maxmem"] == 128 and found["be_instance"] == {}
    assert cluster.held["INSTANCE"] == ["ALL"]


def test_silent_node_does_not_spoil_the_list(cluster, guest):
    cluster.nodes.dead.add(NODE1)
    found = cluster.run("INSTANCE_QUERY_DATA", instances=[])[NAME]
    assert found["run_state"] == "unknown" and found["disks"][0]["pstatus"] is None
    assert any("does not tell what runs" in line for line in cluster.log)


def test_unknown_names(cluster):
    with pytest.raises(errors.OpPrereqError, match="'nothing' not known"):
        cluster.run("INSTANCE_QUERY_DATA", instances=["nothing"])
    with pytest.raises(errors.OpPrereqError, match="'inst1' not known"):
        do(cluster, "STARTUP")


# Disks.


def test_disks_by_hand(cluster, stopped):
    result = do(cluster, "ACTIVATE_DISKS")
    assert [(node, name) for node, name, _path in result] == [("node1.example.org", "disk/0")]
    assert cluster.instance(NAME).disks_active
    with cluster.on(1):
        assert os.listdir(pathutils.DISK_LINKS_DIR) == [f"{NAME}:0"]
    do(cluster, "DEACTIVATE_DISKS")
    assert not cluster.instance(NAME).disks_active


def test_disks_of_a_running_guest_stay(cluster, guest):
    with pytest.raises(errors.OpExecError, match="is running and uses its disks"):
        do(cluster, "DEACTIVATE_DISKS")
    do(cluster, "DEACTIVATE_DISKS", force=True)
    assert not cluster.instance(NAME).disks_active


@pytest.mark.parametrize(("amount", "absolute", "size"), [(512, False, 1536), (2048, True, 2048)])
def test_grow(cluster, guest, amount, absolute, size):
    do(cluster, "GROW_DISK", disk=0, amount=amount, absolute=absolute)
    (disk,) = cluster.config.instance_disks(cluster.instance(NAME))
    assert disk.size == size
    path = cluster.nodes.roots[NODE1] + "/srv/ganeti/" + cluster.files(1)[0]
    assert os.path.getsize(path) == size << 20
    assert "resize_disk" in cluster.nodes.names()


@pytest.mark.parametrize(("params", "text"), [
    ({"disk": 1, "amount": 1}, "has no disk 1"),
    ({"disk": 0, "amount": 0}, "by nothing"),
    ({"disk": 0, "amount": 100, "absolute": True}, "only grow"),
    ({"disk": 0, "amount": 1 << 30}, "disk-size/0"),
])
def test_bad_growth(cluster, guest, params, text):
    with pytest.raises(errors.OpPrereqError, match=text):
        do(cluster, "GROW_DISK", **params)
    assert cluster.config.instance_disks(cluster.instance(NAME))[0].size == 1024


def test_growth_that_fails_is_not_recorded(cluster, guest):
    cluster.nodes.failures[("*", "blockdev_grow")] = "quota"
    with pytest.raises(errors.OpExecError, match="quota"):
        do(cluster, "GROW_DISK", disk=0, amount=100)
    assert cluster.config.instance_disks(cluster.instance(NAME))[0].size == 1024


def test_lost_disks_are_made_anew(cluster, stopped):
    lost = cluster.nodes.roots[NODE1] + "/srv/ganeti/" + cluster.files(1)[0]
    os.unlink(lost)
    do(cluster, "RECREATE_DISKS", disks=[[0, {"size": 2048, "mode": "ro"}]])
    assert os.path.getsize(lost) == 2048 << 20
    (disk,) = cluster.config.instance_disks(cluster.instance(NAME))
    assert (disk.size, disk.mode) == (2048, "ro")


def test_failed_recreation_keeps_the_old_record(cluster, stopped):
    with pytest.raises(errors.OpExecError, match="exists already"):
        do(cluster, "RECREATE_DISKS", disks=[[0, {"size": 2048}]])
    assert cluster.config.instance_disks(cluster.instance(NAME))[0].size == 1024
    assert len(cluster.files(1)) == 1


def test_local_disks_are_made_anew_elsewhere(cluster):
    cluster.add(nics=[{"ip": "10.0.0.1"}], disk_template="file", start=False)
    do(cluster, "RECREATE_DISKS", nodes=["node2"])
    instance = cluster.instance(NAME)
    assert cluster.config.nodes[instance.primary_node].name == "node2.example.org"
    assert len(cluster.files(2)) == 1
    assert cluster.config.instance_disks(instance)[0].nodes == [instance.primary_node]


@pytest.mark.parametrize(("params", "text"), [
    ({"disks": [3]}, "has no disk 3"),
    ({"disks": [0, 0]}, "named twice"),
    ({"disks": [[0, {"name": "x"}]]}, "name can not be changed"),
    ({"nodes": ["node1", "node2"]}, r"need 1 node\(s\), not 2"),
    ({"nodes": ["node2"], "iallocator": "hail"}, "not both"),
])
def test_bad_recreations(cluster, stopped, params, text):
    with pytest.raises(errors.OpPrereqError, match=text):
        do(cluster, "RECREATE_DISKS", **params)
