"""Changing instances: settings, interfaces, disks, storage types."""

from __future__ import annotations

import os

import pytest

from ganeti import errors, objects, pathutils
from ganeti.hypervisor import fake

NAME = "inst1.example.org"
NETWORK = "dddddddd-0000-4000-8000-000000000001"


@pytest.fixture
def guest(cluster):
    """An instance that runs on the first node."""
    return cluster.add(nics=[{"ip": "10.0.0.1", "name": "front"}])


@pytest.fixture
def stopped(cluster):
    """An instance that is stopped."""
    return cluster.add(nics=[{"ip": "10.0.0.1"}], start=False)


@pytest.fixture
def network(cluster):
    """A network that is connected to the group."""
    with cluster.cfg.edit() as draft:
        made = draft.add(objects.Network(
            uuid=NETWORK, name="lan", network="10.1.0.0/28", gateway="10.1.0.1",
            mac_prefix="aa:00:11", ext_reservations="11" + "0" * 14))
        group = next(iter(cluster.config.nodegroups.values()))
        draft.update(group, networks={NETWORK: {"mode": "routed", "link": "lan0", "vlan": ""}})
    return made


def modify(cluster, **params):
    return cluster.run("INSTANCE_SET_PARAMS", instance_name=NAME, **params)


def state(cluster, number: int = 1):
    with cluster.on(number):
        return fake.FakeHypervisor().read_guest(NAME)


def disks(cluster):
    return cluster.config.instance_disks(cluster.instance(NAME))


def test_nothing_to_do_is_refused(cluster, guest):
    with pytest.raises(errors.OpPrereqError, match="No changes submitted"):
        modify(cluster)


# Settings.


def test_settings_are_recorded_and_told(cluster, guest):
    told = modify(cluster, beparams={"maxmem": "256m", "vcpus": "2"},
                  osparams={"flavour": "sweet"}, os_name="tiny")
    assert [list(item) for item in told] == [
        ["be/maxmem", 256], ["be/vcpus", 2], ["os/flavour", "sweet"]]
    instance = cluster.instance(NAME)
    assert instance.beparams == {"maxmem": 256, "vcpus": 2}
    assert instance.osparams == {"flavour": "sweet"}
    assert any("The change of maxmem, vcpus takes effect when" in line for line in cluster.log)


def test_what_counts_at_once_waits_for_no_start(cluster, guest):
    modify(cluster, beparams={"always_failover": True, "auto_balance": False})
    assert not any("started anew" in line for line in cluster.log)
    modify(cluster, beparams={"auto_balance": True, "vcpus": 2})
    assert any("The change of vcpus takes effect when" in line for line in cluster.log)


def test_default_takes_a_setting_away(cluster, guest):
    modify(cluster, beparams={"vcpus": 2})
    modify(cluster, beparams={"vcpus": "default"})
    assert cluster.instance(NAME).beparams == {}


def test_locks_of_modification(cluster, guest):
    modify(cluster, beparams={"vcpus": 2})
    assert cluster.held["INSTANCE"] == [NAME]
    assert cluster.held["NODE"] == [guest.primary_node] and cluster.held["NODE_RES"] == []
    assert len(cluster.held["NODEGROUP"]) == 1


@pytest.mark.parametrize(("params", "text", "code"), [
    ({"beparams": {"minmem": 512}}, "larger than the maximum", errors.ECODE_INVAL),
    ({"beparams": {"vcpus": 100}}, "cpu-count value 100", errors.ECODE_INVAL),
    ({"beparams": {"vcpu": 1}}, "no parameter 'vcpu'", errors.ECODE_INVAL),
    ({"beparams": {"vcpus": "many"}}, "vcpus", errors.ECODE_INVAL),
    ({"beparams": {"maxmem": 10**8}, "ignore_ipolicy": True}, "--force", errors.ECODE_NORES),
    ({"hvparams": {"colour": "red"}}, "colour", errors.ECODE_INVAL),
    ({"hvparams": {"migration_mode": "live"}}, "whole cluster", errors.ECODE_INVAL),
    ({"os_name": "nonsense"}, "nonsense", errors.ECODE_INVAL),
    ({"osparams": {"flavour": "forbidden"}}, "can not be used", errors.ECODE_INVAL),
    ({"offline": True}, "can not be marked offline", errors.ECODE_STATE),
    ({"offline": False}, "not marked offline", errors.ECODE_STATE),
    ({"runtime_mem": 1024}, "between 128 and 128", errors.ECODE_INVAL),
    ({"file_driver": "loop"}, "only when the disks are converted", errors.ECODE_INVAL),
    ({"remote_node": "node2"}, "only when the disks are converted", errors.ECODE_INVAL),
    ({"pnode": "node2"}, "is not stopped", errors.ECODE_STATE),
    ({"instance_communication": True}, "no network for instance", errors.ECODE_STATE),
])
def test_bad_settings(cluster, guest, params, text, code):
    with pytest.raises(errors.OpPrereqError, match=text) as caught:
        modify(cluster, **params)
    assert caught.value.args[1] == code
    assert cluster.instance(NAME).serial_no == guest.serial_no


def test_force_allows_more_memory_than_there_is(cluster, guest):
    modify(cluster, beparams={"maxmem": 10**8}, ignore_ipolicy=True, force=True)
    assert cluster.instance(NAME).beparams["maxmem"] == 10**8


def test_private_parameters_are_not_told(cluster, guest):
    told = modify(cluster, osparams_private={"flavour": "hush"}, osparams={})
    assert "hush" not in str(told)
    assert cluster.instance(NAME).osparams_private == {"flavour": "hush"}


def test_offline_and_back(cluster, stopped):
    assert [list(item) for item in modify(cluster, offline=True)] == [["admin_state", "offline"]]
    with pytest.raises(errors.OpPrereqError, match="marked offline"):
        cluster.run("INSTANCE_STARTUP", instance_name=NAME)
    modify(cluster, offline=False)
    assert cluster.instance(NAME).admin_state == "down"


def test_memory_of_the_running_guest(cluster, guest):
    modify(cluster, beparams={"maxmem": 512})
    modify(cluster, runtime_mem=300)
    assert state(cluster)["memory"] == 300


def test_memory_needs_a_running_guest(cluster, stopped):
    with pytest.raises(errors.OpPrereqError, match="not running"):
        modify(cluster, runtime_mem=128)


def test_another_primary_node_is_recorded(cluster, stopped):
    modify(cluster, pnode="node2")
    cluster.run("INSTANCE_STARTUP", instance_name=NAME)
    assert cluster.runs_on(NAME) == [2]


def test_local_data_forbids_another_primary_node(cluster):
    cluster.add(nics=[{"ip": "10.0.0.1"}], start=False, disk_template="file")
    with pytest.raises(errors.OpPrereqError, match="is on node node1.example.org only"):
        modify(cluster, pnode="node2")


# Interfaces.


def test_interfaces_come_and_go(cluster, guest):
    told = modify(cluster, nics=[
        ["add", -1, {"ip": "10.0.0.2"}], ["modify", "front", {"ip": "10.0.0.3"}],
        ["add", 0, {"ip": "10.0.0.4", "mac": "aa:00:00:00:00:01"}]])
    assert [nic.ip for nic in cluster.instance(NAME).nics] == [
        "10.0.0.4", "10.0.0.3", "10.0.0.2"]
    assert ["nic.ip/0", "10.0.0.3"] in [list(item) for item in told]
    assert len(state(cluster)["nics"]) == 3
    modify(cluster, nics=[["remove", 0, {}], ["remove", "front", {}]])
    assert [nic.ip for nic in cluster.instance(NAME).nics] == ["10.0.0.2"]
    assert state(cluster)["nics"] == [cluster.instance(NAME).nics[0].mac]


def test_older_form_of_changes(cluster, stopped):
    modify(cluster, nics=[[0, {"mac": "aa:00:00:00:00:02"}], ["add", {"ip": "10.0.0.9"}]])
    first, second = cluster.instance(NAME).nics
    assert first.mac == "aa:00:00:00:00:02" and second.ip == "10.0.0.9"
    modify(cluster, nics=[["remove", {}]])
    assert len(cluster.instance(NAME).nics) == 1


@pytest.mark.parametrize(("change", "text"), [
    (["modify", 3, {"ip": "1.2.3.4"}], "has no interface 3"),
    (["modify", "back", {"ip": "1.2.3.4"}], "has no interface 'back'"),
    (["attach", -1, {}], "can not be changed by 'attach'"),
    (["add", 7, {"ip": "1.2.3.4"}], "can not be added at index 7"),
    (["add", -1, {"ip": "1.2.3.4", "name": "front"}], "used twice"),
    (["remove", 0, {"ip": "x"}], "takes no settings"),
    (["modify", 0, {"ip": "none"}], "needs an IP address"),
    (["modify", 0, {"ip": "auto"}], "only for new instances"),
    (["remove", 0, {}], "nic-count value 0"),
    (["add", -1, {"mode": "bridged", "link": "nobridge0"}], "Missing bridges"),
    (["modify", 0, {"network": "lan"}], "'lan' not known"),
])
def test_bad_interface_changes(cluster, guest, change, text):
    with pytest.raises(errors.OpPrereqError, match=text):
        modify(cluster, nics=[change])
    assert cluster.instance(NAME).nics == guest.nics


def test_without_hotplug_interfaces_wait_for_the_next_start(cluster, guest):
    modify(cluster, nics=[["add", -1, {"ip": "10.0.0.2"}]], hotplug=False)
    assert len(state(cluster)["nics"]) == 1
    assert any("after its next start" in line for line in cluster.log)


def test_failed_hotplug_of_an_interface_is_only_told(cluster, guest):
    cluster.nodes.failures[("*", "hotplug_device")] = "no slot"
    modify(cluster, nics=[["add", -1, {"ip": "10.0.0.2"}]])
    assert len(cluster.instance(NAME).nics) == 2
    assert any("no slot" in line for line in cluster.log)


def test_addresses_from_a_network(cluster, stopped, network):
    modify(cluster, nics=[["add", -1, {"ip": "pool", "network": "lan"}]])
    nic = cluster.instance(NAME).nics[1]
    assert nic.ip == "10.1.0.2" and nic.network == NETWORK
    assert nic.mac.startswith("aa:00:11:") and nic.nicparams["link"] == "lan0"
    assert cluster.config.networks[NETWORK].reservations[2] == "1"
    modify(cluster, nics=[["modify", 1, {"ip": "10.1.0.7"}]])
    reservations = cluster.config.networks[NETWORK].reservations
    assert (reservations[2], reservations[7]) == ("0", "1")
    modify(cluster, nics=[["modify", 1, {"network": "none", "ip": "10.9.9.9"}]])
    nic = cluster.instance(NAME).nics[1]
    assert nic.network is None and nic.nicparams == {}
    assert "1" not in cluster.config.networks[NETWORK].reservations


@pytest.mark.parametrize(("spec", "text", "code"), [
    ({"network": "lan", "ip": "10.2.0.1"}, "outside network lan", errors.ECODE_INVAL),
    ({"network": "lan", "ip": "10.1.0.1"}, "externally reserved", errors.ECODE_NOTUNIQUE),
    ({"network": "lan", "link": "br9"}, "can not be given with it", errors.ECODE_INVAL),
    ({"ip": "10.1.0.9"}, "belongs to network lan", errors.ECODE_STATE),
])
def test_bad_addresses_of_a_network(cluster, stopped, network, spec, text, code):
    with pytest.raises(errors.OpPrereqError, match=text) as caught:
        modify(cluster, nics=[["add", -1, spec]])
    assert caught.value.args[1] == code


def test_conflicts_can_be_allowed(cluster, stopped, network):
    modify(cluster, nics=[["add", -1, {"ip": "10.1.0.9"}]], conflicts_check=False)
    assert cluster.instance(NAME).nics[1].ip == "10.1.0.9"


def test_interface_for_communication(cluster, guest, network):
    with cluster.cfg.edit() as draft:
        draft.update(cluster.config.cluster, instance_communication_network="lan")
    modify(cluster, instance_communication=True)
    assert cluster.instance(NAME).nics[1].name == f"ganeti:communication:{NAME}"
    modify(cluster, instance_communication=True)
    assert len(cluster.instance(NAME).nics) == 2
    modify(cluster, instance_communication=False)
    assert len(cluster.instance(NAME).nics) == 1


# Disks.


def test_disk_is_added_to_the_running_guest(cluster, guest):
    told = modify(cluster, disks=[["add", -1, {"size": "1g", "name": "data"}]])
    assert [list(item) for item in told] == [["disk/1", "add:size=1024,mode=rw"]]
    assert [(disk.iv_name, disk.name) for disk in disks(cluster)] == [
        ("disk/0", None), ("disk/1", "data")]
    assert len(state(cluster)["disks"]) == 2 and len(cluster.files(1)) == 2
    assert cluster.held["NODE_RES"] == [guest.primary_node]


def test_disks_move_up_when_one_goes(cluster, guest):
    modify(cluster, disks=[["add", 0, {"size": 2048, "name": "data"}]])
    assert [disk.iv_name for disk in disks(cluster)] == ["disk/0", "disk/1"]
    modify(cluster, disks=[["remove", "data", {}]])
    (left,) = disks(cluster)
    assert (left.iv_name, left.size) == ("disk/0", 1024)
    assert len(cluster.files(1)) == 1 and len(cluster.config.disks) == 1


def test_failed_hotplug_takes_the_disk_back(cluster, guest):
    cluster.nodes.failures[("*", "hotplug_device")] = "no slot"
    with pytest.raises(errors.OpExecError, match="no slot"):
        modify(cluster, disks=[["add", -1, {"size": 1024}]])
    assert len(disks(cluster)) == 1 and len(cluster.files(1)) == 1
    assert len(cluster.config.disks) == 1


def test_disk_in_use_is_not_removed_without_hotplug(cluster, guest):
    modify(cluster, disks=[["add", -1, {"size": 1024}]])
    with pytest.raises(errors.OpPrereqError, match="only be taken from it by hotplugging"):
        modify(cluster, disks=[["remove", 1, {}]], hotplug=False)
    cluster.nodes.failures[("*", "hotplug_device")] = "guest refuses"
    with pytest.raises(errors.OpExecError, match="guest refuses"):
        modify(cluster, disks=[["remove", 1, {}]])
    assert len(disks(cluster)) == 2 and len(cluster.files(1)) == 2


def test_settings_of_a_disk(cluster, stopped):
    told = modify(cluster, disks=[["modify", 0, {"mode": "ro", "name": "root"}]])
    assert sorted(map(list, told)) == [["disk.mode/0", "ro"], ["disk.name/0", "root"]]
    modify(cluster, disks=[["modify", "root", {"name": "none"}]])
    assert (disks(cluster)[0].mode, disks(cluster)[0].name) == ("ro", None)


def test_disk_changes_its_instance(cluster, stopped):
    modify(cluster, disks=[["add", -1, {"size": 1024, "name": "data"}]])
    uuid = disks(cluster)[1].uuid
    modify(cluster, disks=[["detach", "data", {}]])
    assert len(disks(cluster)) == 1 and uuid in cluster.config.disks
    assert len(cluster.files(1)) == 2
    cluster.add("inst2.example.org", nics=[{"ip": "10.0.0.2"}])
    cluster.run("INSTANCE_SET_PARAMS", instance_name="inst2",
                disks=[["attach", 0, {"name": "data"}]])
    other = cluster.instance("inst2.example.org")
    assert other.disks[0] == uuid
    assert [disk.iv_name for disk in cluster.config.instance_disks(other)] == ["disk/0", "disk/1"]


@pytest.mark.parametrize(("change", "text"), [
    (["modify", 0, {"size": 1}], "size of an existing disk can not be changed"),
    (["modify", 0, {"mode": "wr"}], "unknown access mode"),
    (["remove", 5, {}], "has no disk 5"),
    (["add", -1, {}], "size is missing"),
    (["add", -1, {"size": 10}], "disk-size/1 value 10"),
    (["add", -1, {"size": 1024, "dev_type": "plain"}], "'plain' is not enabled"),
    (["attach", -1, {"name": "nothing"}], "no detached disk"),
    (["attach", -1, {}], "either uuid=UUID or name=NAME"),
])
def test_bad_disk_changes(cluster, stopped, change, text):
    with pytest.raises(errors.OpPrereqError, match=text):
        modify(cluster, disks=[change], ignore_ipolicy=False)
    assert len(disks(cluster)) == 1


# Storage types.


def test_disks_are_converted(cluster, stopped):
    path = cluster.nodes.roots["192.0.2.1"] + "/srv/ganeti/" + cluster.files(1)[0]
    with open(path, "r+b") as fobj:
        fobj.write(b"precious")
    told = modify(cluster, disk_template="file", file_storage_dir="deep", file_driver="blktap")
    assert [list(item) for item in told] == [["disk_template", "file"]]
    (name,) = cluster.files(1)
    assert name.startswith(f"file-storage/deep/{NAME}/")
    with open(cluster.nodes.roots["192.0.2.1"] + "/srv/ganeti/" + name, "rb") as fobj:
        assert fobj.read(8) == b"precious"
    (disk,) = disks(cluster)
    assert disk.logical_id[0] == "blktap" and disk.nodes == [stopped.primary_node]
    assert len(cluster.config.disks) == 1
    assert cluster.held["NODE_RES"] == [stopped.primary_node]
    modify(cluster, disk_template="sharedfile")
    assert cluster.files(1)[0].startswith("shared-file-storage/")


def test_disks_change_their_driver_alone(cluster, stopped):
    before = cluster.files(1)
    modify(cluster, disk_template="sharedfile", file_driver="blktap2")
    assert [disk.logical_id[0] for disk in disks(cluster)] == ["blktap2"]
    assert len(cluster.files(1)) == 1 and cluster.files(1) != before
    modify(cluster, disks=[["add", -1, {"size": 1024}]])
    assert [disk.logical_id[0] for disk in disks(cluster)] == ["blktap2", "blktap2"]


def test_a_detached_image_is_not_attached_where_it_can_not_be_opened(cluster, stopped):
    modify(cluster, disks=[["add", -1, {"size": 1024, "name": "data"}]])
    modify(cluster, disks=[["detach", "data", {}]])
    with cluster.cfg.edit() as draft:
        (loose,) = (disk for disk in cluster.config.disks.values() if disk.name == "data")
        draft.update(loose, logical_id=["qcow2", loose.logical_id[1]])
    with pytest.raises(errors.OpPrereqError, match=r"Disk data .*qcow2.* 'fake' does not open"):
        modify(cluster, disks=[["attach", -1, {"name": "data"}]])


def test_failed_conversion_leaves_the_old_disks(cluster, stopped):
    before = cluster.files(1)
    cluster.nodes.failures[("*", "blockdev_convert")] = "disk full"
    with pytest.raises(errors.OpExecError, match="disk full"):
        modify(cluster, disk_template="file")
    assert cluster.files(1) == before
    assert cluster.config.disk_template(cluster.instance(NAME)) == "sharedfile"
    assert not os.path.exists(
        cluster.nodes.roots["192.0.2.1"] + f"/srv/ganeti/file-storage/{NAME}")


@pytest.mark.parametrize(("params", "text"), [
    ({"disk_template": "sharedfile"}, "has the disk template 'sharedfile' already"),
    ({"disk_template": "sharedfile", "file_driver": "loop"}, "with the file driver 'loop'"),
    ({"disk_template": "file", "file_driver": "qcow2"}, "hypervisor 'fake' does not open as disks"),
    ({"disk_template": "diskless"}, "can not be converted"),
    ({"disk_template": "plain"}, "'plain' is not enabled"),
    ({"disk_template": "drbd"}, "Neither a node nor an iallocator"),
    ({"disk_template": "drbd", "remote_node": "node2.example.org"}, "'drbd' is not enabled"),
    ({"disk_template": "drbd", "remote_node": "node2.example.org", "iallocator": "hail"},
     "not both"),
    ({"disk_template": "file", "disks": [["remove", 0, {}]]}, "at once"),
    ({"disk_template": "file", "iallocator": "hail"}, "means nothing"),
    ({"disk_template": "file", "ext_params": {"a": "b"}}, "means nothing"),
])
def test_bad_conversions(cluster, stopped, params, text):
    with pytest.raises(errors.OpPrereqError, match=text):
        modify(cluster, **params)


def test_running_guests_are_not_converted(cluster, guest):
    with pytest.raises(errors.OpPrereqError, match="has to be down"):
        modify(cluster, disk_template="file")


def test_hooks_see_the_values_after_the_change(cluster, guest, tmp_path):
    from test_instance_create import add_hook
    seen = tmp_path / "seen"
    add_hook(cluster, "instance-modify-pre.d", f"env > {seen}")
    modify(cluster, beparams={"maxmem": 512}, nics=[["add", -1, {"ip": "10.0.0.2"}]],
           runtime_mem=200)
    env = dict(line.partition("=")[::2] for line in seen.read_text().splitlines())
    assert env["GANETI_INSTANCE_MAXMEM"] == "512" and env["GANETI_INSTANCE_NIC_COUNT"] == "2"
    assert env["GANETI_RUNTIME_MEMORY"] == "200" and "GANETI_NEW_DISK_TEMPLATE" not in env
    assert env["GANETI_INSTANCE_DISK0_DEV_TYPE"] == "sharedfile"
    assert env["GANETI_INSTANCE_DISK0_DRIVER"] == "loop"
    assert env["GANETI_INSTANCE_DISK0_ID"].startswith("/srv/ganeti/shared-file-storage/")
    assert env["GANETI_INSTANCE_STATUS"] == "up"


def test_links_of_hotplugged_disks_are_logical(cluster, guest):
    modify(cluster, disks=[["add", -1, {"size": 1024}]])
    with cluster.on(1):
        assert state(cluster)["disks"][1] == os.path.join(pathutils.DISK_LINKS_DIR, f"{NAME}:1")
