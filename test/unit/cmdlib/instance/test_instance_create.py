"""Creating instances: what is made, what is locked, what is taken back."""

from __future__ import annotations

import os

import pytest

from ganeti import constants, errors
from ganeti.locking.levels import Level

NAME = "inst1.example.org"
ROUTED = {"ip": "10.0.0.1"}


def add_hook(cluster, directory: str, line: str) -> None:
    """A hook script on the first node."""
    path = cluster.nodes.roots[cluster.address(1)] + "/etc/ganeti/hooks/" + directory
    os.makedirs(path)
    with open(path + "/hook", "w", encoding="ascii") as fobj:
        fobj.write(f"#!/bin/sh\n{line}\n")
    os.chmod(path + "/hook", 0o755)


def test_everything_is_made_and_started(cluster):
    instance = cluster.add(disks=[{"size": "1g", "name": "root"}, {"size": 2048, "mode": "ro"}],
                           nics=[ROUTED], tags=["web"], beparams={"memory": "256m"})
    disks = cluster.config.instance_disks(instance)
    assert [(disk.iv_name, disk.size, disk.mode, disk.name) for disk in disks] == [
        ("disk/0", 1024, "rw", "root"), ("disk/1", 2048, "ro", None)]
    assert instance.beparams == {"maxmem": 256, "minmem": 256}
    assert (instance.admin_state, instance.disks_active) == ("up", True)
    assert instance.tags == ["web"]
    assert len(cluster.files(1)) == 2
    assert cluster.os_log(1) == f"create {NAME} plain\n"
    assert cluster.runs_on(NAME) == [1]


def test_locks_are_those_of_the_catalogue(cluster):
    cluster.add(nics=[ROUTED])
    node = cluster.config.node_by_name("node1.example.org")
    assert cluster.held["INSTANCE"] == [NAME]
    assert cluster.held["NODEGROUP"] == [node.group]
    assert cluster.held["NODE"] == cluster.held["NODE_RES"] == [node.uuid]


def test_result_names_the_nodes(cluster):
    assert cluster.run(
        "INSTANCE_CREATE", instance_name=NAME, mode="create", disk_template="diskless", disks=[],
        nics=[ROUTED], os_type="tiny", pnode="node2", osparams={}) == ["node2.example.org"]


def test_not_started_leaves_the_disks_inactive(cluster):
    instance = cluster.add(nics=[ROUTED], start=False)
    assert (instance.admin_state, instance.disks_active) == ("down", False)
    assert cluster.runs_on(NAME) == []


def test_failed_os_script_takes_everything_back(cluster):
    with open(cluster.os_file(1, "fail-create"), "w", encoding="ascii"):
        pass
    with pytest.raises(errors.OpExecError, match="what had been made was removed again$"):
        cluster.add(nics=[ROUTED])
    assert not cluster.config.instances and not cluster.config.disks
    assert cluster.files(1) == []
    assert any("Undo: remove instance" in line for line in cluster.log)


def test_failed_second_disk_removes_the_first(cluster):
    made = []

    def fail_second() -> None:
        made.append(1)
        if len(made) == 2:
            cluster.nodes.failures[("*", "blockdev_create")] = "no space left"

    cluster.nodes.before["blockdev_create"] = fail_second
    with pytest.raises(errors.OpExecError, match="no space left"):
        cluster.add(nics=[ROUTED], disks=[{"size": 1024}, {"size": 1024}])
    assert cluster.files(1) == []
    assert not cluster.config.instances


def test_what_can_not_be_undone_is_told(cluster):
    cluster.nodes.failures[("*", "instance_os_add")] = "broken"
    cluster.nodes.failures[("*", "blockdev_remove")] = "busy"
    with pytest.raises(errors.OpExecError, match="except: .*remove disk/0 from node node1"):
        cluster.add(nics=[ROUTED])


def test_guest_that_does_not_start_is_kept(cluster):
    cluster.nodes.failures[("*", "instance_start")] = "no KVM"
    with pytest.raises(errors.OpExecError, match="was created, but does not start"):
        cluster.add(nics=[ROUTED])
    instance = cluster.instance(NAME)
    assert (instance.admin_state, instance.disks_active) == ("down", False)
    assert len(cluster.files(1)) == 1


@pytest.mark.parametrize(("params", "text", "code"), [
    ({"pnode": "nodeX"}, "Node 'nodeX' not known", errors.ECODE_NOENT),
    ({"pnode": None}, "no default iallocator", errors.ECODE_INVAL),
    ({"iallocator": "hail"}, "not both", errors.ECODE_INVAL),
    ({"mode": "import"}, "No node has an export", errors.ECODE_NOENT),
    ({"compress": "gzip"}, "is for importing", errors.ECODE_INVAL),
    ({"src_path": "/x"}, "'src_path' means nothing", errors.ECODE_INVAL),
    ({"snode": "node2"}, "uses one node only", errors.ECODE_INVAL),
    ({"disk_template": "plain"}, "not enabled", errors.ECODE_INVAL),
    ({"disk_template": "diskless"}, "have no disks", errors.ECODE_INVAL),
    ({"disks": []}, "needs at least one disk", errors.ECODE_INVAL),
    ({"disks": [{"size": "12x"}]}, "disk 0", errors.ECODE_INVAL),
    ({"disks": [{}]}, "disk 0: the size is missing", errors.ECODE_INVAL),
    ({"disks": [{"size": 1024, "vg": "xenvg"}]}, "'vg' means nothing", errors.ECODE_INVAL),
    ({"disks": [{"size": 1024, "colour": "x"}]}, "unknown parameter colour", errors.ECODE_INVAL),
    ({"disks": [{"size": 100}]}, "disk-size/0 value 100 is not in range", errors.ECODE_INVAL),
    ({"file_storage_dir": "../../etc"}, "below /srv/ganeti/shared", errors.ECODE_INVAL),
    ({"file_driver": "qcow2"}, "format qcow2, which the hypervisor 'fake' does not open",
     errors.ECODE_INVAL),
    ({"hypervisor": "kvm"}, "not enabled", errors.ECODE_STATE),
    ({"os_type": None}, "No guest OS", errors.ECODE_INVAL),
    ({"os_type": "nonsense"}, "nonsense", errors.ECODE_INVAL),
    ({"osparams": {"flavour": "forbidden"}}, "can not be used on node", errors.ECODE_INVAL),
    ({"osparams": {"a": "1"}, "osparams_secret": {"a": "2"}}, "as public and as secret",
     errors.ECODE_INVAL),
    ({"beparams": {"minmem": 512, "maxmem": 256}}, "larger than the maximum",
     errors.ECODE_INVAL),
    ({"beparams": {"memory": "1p"}}, "memory|maxmem", errors.ECODE_INVAL),
    ({"beparams": {"memory": 10**9}, "ignore_ipolicy": True}, "Not enough memory",
     errors.ECODE_NORES),
    ({"hvparams": {"migration_mode": "live"}}, "whole cluster", errors.ECODE_INVAL),
    ({"ip_check": True}, "needs the name check", errors.ECODE_INVAL),
    ({"instance_name": "-x"}, "not a valid instance name", errors.ECODE_INVAL),
    ({"instance_name": "node3.example.org"}, "name of a node", errors.ECODE_EXISTS),
    ({"opportunistic_locking": True}, "needs an iallocator", errors.ECODE_INVAL),
    ({"instance_communication": True}, "no network for instance communication",
     errors.ECODE_STATE),
    ({"helper_startup_timeout": 5}, "helper instance", errors.ECODE_INVAL),
    ({"nics": [{"mode": "routed"}]}, "needs an IP address", errors.ECODE_INVAL),
    ({"nics": [{"ip": "1.2.3"}]}, "not an IP address", errors.ECODE_INVAL),
    ({"nics": [{"ip": "pool"}]}, "needs a network", errors.ECODE_INVAL),
    ({"nics": [{"ip": "auto"}]}, "--name-check", errors.ECODE_INVAL),
    ({"nics": [{**ROUTED, "mac": "01:00:00:00:00:01"}]}, "nic 0: MAC address", errors.ECODE_INVAL),
    ({"nics": [{"mode": "bridged", "vlan": "3"}]}, "needs the mode openvswitch",
     errors.ECODE_INVAL),
    ({"nics": [{**ROUTED, "bridge": "b", "mode": "routed"}]}, "needs the mode bridged",
     errors.ECODE_INVAL),
    ({"nics": [{**ROUTED, "name": "3"}]}, "mistaken for an index", errors.ECODE_INVAL),
])
def test_bad_wishes_are_refused_with_their_reason(cluster, params, text, code):
    with pytest.raises(errors.OpPrereqError, match=text) as caught:
        cluster.add(**{"nics": [ROUTED], **params})
    assert caught.value.args[1] == code
    assert not cluster.config.instances
    assert cluster.files(1) == []


@pytest.mark.parametrize(("change", "text"), [
    ({"offline": True, "master_candidate": False}, "is offline"),
    ({"drained": True, "master_candidate": False}, "is drained; pick another"),
    ({"vm_capable": False}, "not vm_capable"),
])
def test_unfit_node_is_refused(cluster, change, text):
    with cluster.cfg.edit() as draft:
        draft.update(cluster.config.node_by_name("node2.example.org"), **change)
    with pytest.raises(errors.OpPrereqError, match=text):
        cluster.add(nics=[ROUTED], pnode="node2")


def test_a_name_can_be_had_once(cluster):
    cluster.add(nics=[ROUTED])
    with pytest.raises(errors.OpPrereqError, match="already in the cluster") as caught:
        cluster.add(nics=[{"ip": "10.0.0.2"}])
    assert caught.value.args[1] == errors.ECODE_EXISTS


def test_a_mac_can_be_had_once(cluster):
    cluster.add(nics=[{**ROUTED, "mac": "aa:00:00:11:22:33"}])
    with pytest.raises(errors.OpPrereqError, match="already used by instance") as caught:
        cluster.add("inst2.example.org", nics=[{"ip": "10.0.0.2", "mac": "AA:00:00:11:22:33"}])
    assert caught.value.args[1] == errors.ECODE_NOTUNIQUE


def test_policy_can_be_overridden(cluster):
    cluster.add(nics=[ROUTED], disks=[{"size": 100}], ignore_ipolicy=True)
    assert any("violates the instance policy" in line for line in cluster.log)


def test_private_and_secret_parameters_reach_the_script_but_not_the_configuration(cluster):
    with open(cluster.os_file(1, "parameters.list"), "a", encoding="ascii") as fobj:
        fobj.write("password Hush\n")
    with open(cluster.os_file(1, "create"), "w", encoding="ascii") as fobj:
        fobj.write('#!/bin/sh\necho "$OSP_PASSWORD $OSP_FLAVOUR" > "$(dirname "$0")/ran"\n')
    instance = cluster.add(nics=[ROUTED], osparams={}, osparams_private={"flavour": "sweet"},
                           osparams_secret={"password": "hush"})
    assert cluster.os_log(1) == "hush sweet\n"
    assert instance.osparams == {} and instance.osparams_private == {"flavour": "sweet"}
    assert b"hush" not in cluster.config.encode()


def test_identified_defaults_are_not_stored(cluster):
    instance = cluster.add(nics=[ROUTED], identify_defaults=True,
                           beparams={"vcpus": 1, "memory": 256})
    assert instance.beparams == {"maxmem": 256, "minmem": 256}


def test_disks_are_wiped_where_the_cluster_wants_it(cluster):
    with cluster.cfg.edit() as draft:
        draft.update(cluster.config.cluster, prealloc_wipe_disks=True)
    cluster.add(nics=[ROUTED])
    assert cluster.nodes.names().count("blockdev_wipe") >= 10


def test_forthcoming_is_only_planned_and_later_made(cluster):
    planned = cluster.add(nics=[ROUTED], forthcoming=True)
    assert planned.forthcoming and cluster.files(1) == []
    with pytest.raises(errors.OpPrereqError, match="forthcoming"):
        cluster.run("INSTANCE_STARTUP", instance_name=NAME)
    made = cluster.add(nics=[ROUTED], commit=True)
    assert (made.uuid, made.forthcoming) == (planned.uuid, False)
    assert made.nics[0].mac == planned.nics[0].mac
    assert len(cluster.config.disks) == 1 and cluster.runs_on(NAME) == [1]


def test_plan_tells_what_the_creation_leaves_open(cluster):
    planned = cluster.add(nics=[{**ROUTED, "name": "front"}], forthcoming=True, tags=["web"],
                          disks=[{"size": 2048, "name": "root"}], beparams={"vcpus": 2},
                          pnode="node2", file_driver="blktap")
    cluster.run("INSTANCE_CREATE", instance_name=NAME, mode="create", disks=[], nics=[],
                commit=True, beparams={"memory": 200})
    made = cluster.instance(NAME)
    (disk,) = cluster.config.instance_disks(made)
    assert (disk.size, disk.name, disk.forthcoming) == (2048, "root", False)
    assert disk.logical_id[0] == "blktap"
    assert made.nics == planned.nics and made.tags == ["web"]
    assert made.beparams == {"vcpus": 2, "maxmem": 200, "minmem": 200}
    assert cluster.runs_on(NAME) == [2] and cluster.os_log(2) == f"create {NAME} plain\n"


def test_failed_creation_of_a_plan_leaves_the_plan(cluster):
    planned = cluster.add(nics=[ROUTED], forthcoming=True)
    cluster.nodes.failures[("*", "instance_os_add")] = "broken"
    with pytest.raises(errors.OpExecError, match="broken"):
        cluster.add(nics=[ROUTED], commit=True)
    left = cluster.instance(NAME)
    assert left.forthcoming and left.uuid == planned.uuid
    assert cluster.files(1) == []
    cluster.nodes.failures.clear()
    cluster.run("INSTANCE_CREATE", instance_name=NAME, mode="create", disks=[], nics=[],
                commit=True)
    assert not cluster.instance(NAME).forthcoming and len(cluster.files(1)) == 1


def test_commit_needs_a_plan(cluster):
    with pytest.raises(errors.OpPrereqError, match="no forthcoming instance"):
        cluster.add(nics=[ROUTED], commit=True)


def test_dry_run_changes_nothing(cluster):
    assert cluster.run(
        "INSTANCE_CREATE", instance_name=NAME, mode="create", disk_template="sharedfile",
        disks=[{"size": 1024}], nics=[ROUTED], os_type="tiny", pnode="node2",
        dry_run=True) == ["node2.example.org"]
    assert not cluster.config.instances and cluster.files(1) == []


def test_opportunistic_locking_takes_what_is_free(cluster, allocator):
    busy = [cluster.config.node_by_name(f"node{n}.example.org").uuid for n in (1, 2)]
    cluster.locks.acquire("somebody", Level.NODE, busy)
    instance = cluster.add(nics=[ROUTED], pnode=None, iallocator=allocator,
                           opportunistic_locking=True)
    assert cluster.config.nodes[instance.primary_node].name == "node3.example.org"


def test_opportunistic_locking_with_all_nodes_busy(cluster, allocator):
    cluster.locks.acquire("somebody", Level.NODE, list(cluster.config.nodes))
    with pytest.raises(errors.OpPrereqError, match="try again later") as caught:
        cluster.add(nics=[ROUTED], pnode=None, iallocator=allocator, opportunistic_locking=True)
    assert caught.value.args[1] == errors.ECODE_TEMP_NORES


def test_hooks_see_the_wish(cluster, tmp_path):
    seen = tmp_path / "seen"
    add_hook(cluster, "instance-add-pre.d", f"env > {seen}")
    cluster.add(nics=[ROUTED], disks=[{"size": 1024, "name": "root"}], tags=["b", "a"])
    env = dict(line.partition("=")[::2] for line in seen.read_text().splitlines())
    wanted = {
        "GANETI_OP_TARGET": NAME, "GANETI_INSTANCE_NAME": NAME, "GANETI_ADD_MODE": "create",
        "GANETI_INSTANCE_PRIMARY": "node1.example.org", "GANETI_INSTANCE_SECONDARIES": "",
        "GANETI_INSTANCE_OS_TYPE": "tiny", "GANETI_INSTANCE_STATUS": "True",
        "GANETI_INSTANCE_MINMEM": "128", "GANETI_INSTANCE_MAXMEM": "128",
        "GANETI_INSTANCE_MEMORY": "128", "GANETI_INSTANCE_VCPUS": "1",
        "GANETI_INSTANCE_DISK_TEMPLATE": "sharedfile", "GANETI_INSTANCE_HYPERVISOR": "fake",
        "GANETI_INSTANCE_TAGS": "a b", "GANETI_INSTANCE_NIC_COUNT": "1",
        "GANETI_INSTANCE_NIC0_IP": "10.0.0.1", "GANETI_INSTANCE_NIC0_MODE": "routed",
        "GANETI_INSTANCE_NIC0_LINK": "br0", "GANETI_INSTANCE_DISK_COUNT": "1",
        "GANETI_INSTANCE_DISK0_SIZE": "1024", "GANETI_INSTANCE_DISK0_MODE": "rw",
        "GANETI_INSTANCE_DISK0_NAME": "root", "GANETI_INSTANCE_BE_maxmem": "128",
        "GANETI_INSTANCE_HV_migration_mode": "live"}
    assert {key: env.get(key) for key in wanted} == wanted
    assert "GANETI_INSTANCE_DISK0_DEV_TYPE" not in env
    assert "GANETI_INSTANCE_NIC0_BRIDGE" not in env


def test_failing_pre_hook_stops_the_creation(cluster):
    add_hook(cluster, "instance-add-pre.d", "exit 1")
    with pytest.raises(errors.HooksAbort):
        cluster.add(nics=[ROUTED])
    assert not cluster.config.instances and cluster.files(1) == []


def test_iallocator_chooses_the_node(cluster, allocator):
    instance = cluster.add(nics=[ROUTED], pnode=None, iallocator=allocator)
    assert cluster.config.nodes[instance.primary_node].name == "node3.example.org"
    assert cluster.runs_on(NAME) == [3]


def test_many_are_placed_at_once(cluster, allocator):
    base = {"OP_ID": "OP_INSTANCE_CREATE", "mode": "create", "disk_template": "sharedfile",
            "disks": [{"size": 1024}], "nics": [], "os_type": "tiny"}
    result = cluster.run("INSTANCE_MULTI_ALLOC", iallocator=allocator, instances=[
        {**base, "instance_name": NAME}, {**base, "instance_name": "inst2.example.org"}])
    assert result["allocatable"] == [NAME] and result["failed"] == ["inst2.example.org"]
    assert result[constants.JOB_IDS_KEY] == [[True, 1000]]
    ((op,),) = cluster.submitted
    assert (op.instance_name, op.pnode) == (NAME, "node2.example.org")
