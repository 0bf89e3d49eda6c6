"""OP_CLUSTER_SET_PARAMS: every parameter, what is refused, what is asked of nodes."""

from __future__ import annotations

import pytest

from ganeti import constants, errors, objects, opcodes
from test import masterside


def modify(master, **params):
    master.nodes.answer("hypervisor_validate_params", None)
    master.nodes.answer("node_ensure_daemon", True)
    return master.run(opcodes.OpClusterSetParams(**params))


@pytest.mark.parametrize(("params", "expected"), [
    ({"candidate_pool_size": 5}, {"candidate_pool_size": 5}),
    ({"max_running_jobs": 30, "max_tracked_jobs": 40},
     {"max_running_jobs": 30, "max_tracked_jobs": 40}),
    ({"maintain_node_health": True}, {"maintain_node_health": True}),
    ({"prealloc_wipe_disks": True}, {"prealloc_wipe_disks": True}),
    ({"default_iallocator": "hail"}, {"default_iallocator": "hail"}),
    ({"default_iallocator_params": {"a": 1}}, {"default_iallocator_params": {"a": 1}}),
    ({"mac_prefix": "AA:BB:CC"}, {"mac_prefix": "aa:bb:cc"}),
    ({"reserved_lvs": ["xenvg/.*"]}, {"reserved_lvs": ["xenvg/.*"]}),
    ({"use_external_mip_script": True}, {"use_external_mip_script": True}),
    ({"modify_etc_hosts": True}, {"modify_etc_hosts": True}),
    ({"file_storage_dir": "/srv/x"}, {"file_storage_dir": "/srv/x"}),
    ({"shared_file_storage_dir": "/srv/y"}, {"shared_file_storage_dir": "/srv/y"}),
    ({"gluster_storage_dir": "/srv/z"}, {"gluster_storage_dir": "/srv/z"}),
    ({"install_image": "/i"}, {"install_image": "/i"}),
    ({"zeroing_image": "/z"}, {"zeroing_image": "/z"}),
    ({"compression_tools": ["gzip", "gzip"]}, {"compression_tools": ["none", "gzip"]}),
    ({"enabled_user_shutdown": True}, {"enabled_user_shutdown": True}),
    ({"vg_name": ""}, {"volume_group_name": None}),
    ({"drbd_helper": ""}, {"drbd_usermode_helper": None}),
    ({"hidden_os": [("add", "a"), ("add", "b"), ("remove", "a")]}, {"hidden_os": ["b"]}),
    ({"blacklisted_os": [("add", "a")]}, {"blacklisted_os": ["a"]}),
    ({"uid_pool": [(5, 6), (1, 2)]}, {"uid_pool": [[1, 2], [5, 6]]}),
    ({"add_uids": [(20, 30)]}, {"uid_pool": [[10, 12], [20, 30]]}),
    ({"remove_uids": [(10, 12)]}, {"uid_pool": []}),
    ({"nicparams": {"link": "br9"}}, {"nicparams": {"default": {"link": "br9"}}}),
    ({"beparams": {"memory": "256"}}, {"beparams": {"default": {"minmem": 256, "maxmem": 256}}}),
    ({"ndparams": {"spindle_count": 3}}, {"ndparams": {"spindle_count": 3}}),
    ({"diskparams": {"drbd": {"resync-rate": 10}}}, {"diskparams": {"drbd": {"resync-rate": 10}}}),
    ({"os_hvp": {"debian": {"fake": {}}}}, {"os_hvp": {}}),
    ({"hv_state": {"fake": {"mem_total": 5}}}, {"hv_state_static": {"fake": {"mem_total": 5}}}),
    ({"disk_state": {"plain": {"xenvg": {"disk_total": 5}}}},
     {"disk_state_static": {"plain": {"xenvg": {"disk_total": 5}}}}),
    ({"enabled_data_collectors": {"lv": False}, "data_collector_interval": {"lv": 7}},
     {"data_collectors": {"lv": {"active": False, "interval": 7}}}),
    ({"enabled_disk_templates": ["file", "diskless", "file"]},
     {"enabled_disk_templates": ["file", "diskless"]}),
])
def test_settings(start_master, params, expected):
    master = start_master(uid_pool=[[10, 12]])
    modify(master, **params)
    for name, value in expected.items():
        assert getattr(master.config.cluster, name) == value, name


def test_every_parameter_has_an_effect_or_a_refusal_here():
    """A parameter that nobody reads would be accepted and ignored."""
    import inspect

    from ganeti.cmdlib.cluster import set_params, settings
    source = inspect.getsource(settings) + inspect.getsource(set_params)
    names = opcodes.OpClusterSetParams.FIELDS.keys() - opcodes.COMMON.keys()
    assert [name for name in sorted(names) if name not in source] == []


@pytest.mark.parametrize(("params", "text"), [
    ({}, "Nothing to change"),
    ({"mac_prefix": "aa:00"}, "MAC prefix"),
    ({"mac_prefix": "01:00:00"}, "multicast"),
    ({"max_running_jobs": 50, "max_tracked_jobs": 40}, "more running jobs"),
    ({"reserved_lvs": ["("]}, "regular expression"),
    ({"file_storage_dir": "relative"}, "absolute path"),
    ({"file_storage_dir": ""}, "needs a directory"),
    ({"compression_tools": ["rm -rf /"]}, "compression program"),
    ({"enabled_hypervisors": []}, "At least one hypervisor"),
    ({"enabled_disk_templates": []}, "At least one disk template"),
    ({"enabled_disk_templates": ["file"]}, "diskless can not be disabled"),
    ({"hidden_os": [("remove", "a")]}, "is not hidden"),
    ({"master_netmask": 33}, "1 to 32"),
    ({"uid_pool": [(5, 2)]}, "ends before"),
    ({"uid_pool": [(1, 5), (5, 6)]}, "overlap"),
    ({"uid_pool": [(1, 2)], "add_uids": [(7, 8)]}, "together"),
    ({"remove_uids": [(1, 2)]}, "not in the pool"),
    ({"beparams": {"vcpu": 1}}, "vcpus"),
    ({"beparams": {"minmem": 512, "maxmem": 128}}, "larger than the maximum"),
    ({"nicparams": {"mode": "tunnel"}}, "mode"),
    ({"nicparams": {"mode": "routed"}}, "i1.example.com/nic0"),
    ({"hvparams": {"kvm": {"kernel_pth": "/x"}}}, "kernel_path"),
    ({"ipolicy": {"minmx": []}}, "minmax"),
    ({"ipolicy": {"disk-templates": ["rbd"]}}, "not enabled"),
    ({"enabled_data_collectors": {"lvm": True}}, "data collector"),
    ({"data_collector_interval": {"lv": 0}}, "positive"),
    ({"ndparams": {"ssh_port": 0}}, "ssh_port"),
])
def test_refusals_change_nothing(start_master, params, text):
    nic = objects.Nic(mac="aa:00:00:00:00:01", uuid=masterside.new_uuid())
    master = start_master(instances=[masterside.make_instance("i1.example.com", nics=[nic])])
    before = master.config
    with pytest.raises(errors.OpPrereqError, match=text):
        modify(master, **params)
    assert master.config is before


def minmax(**values):
    low = constants.ipolicy_defaults()["minmax"][0]
    return {"min": {**low["min"]}, "max": {**low["max"], **values}}


def test_a_tighter_policy_names_the_instances_that_break_it(start_master):
    master = start_master(instances=[masterside.make_instance(
        "i1", beparams={"maxmem": 1024, "minmem": 1024})])
    modify(master, ipolicy={"minmax": [minmax(**{"memory-size": 512, "nic-count": 8})]})
    assert master.config.cluster.ipolicy["minmax"][0]["max"]["memory-size"] == 512
    # It has no interface, which breaks the policy before and after.
    assert not any("violate" in line for line in master.log)


def test_a_policy_of_contradictions_is_refused(master):
    with pytest.raises(errors.OpPrereqError, match="memory-size"):
        modify(master, ipolicy={"minmax": [minmax(**{"memory-size": 1})]})


def test_hypervisor_parameters_are_tried_on_the_nodes(master):
    master.nodes.answer("hypervisor_validate_params", OSError("no such kernel"))
    with pytest.raises(errors.OpPrereqError, match="no such kernel"):
        master.run(opcodes.OpClusterSetParams(hvparams={"fake": {}}))
    assert len(master.nodes.called("hypervisor_validate_params")) == 3


def test_the_volume_group_has_to_be_on_every_node(master):
    master.nodes.answer("vg_list", lambda key: {"xenvg": 30000}
                        if key != masterside.new_uuid(2) else {})
    with pytest.raises(errors.OpPrereqError, match="node2.example.com has no volume group"):
        modify(master, vg_name="xenvg")
    master.nodes.answer("vg_list", {"xenvg": 30000})
    modify(master, vg_name="xenvg")
    assert master.config.cluster.volume_group_name == "xenvg"


def test_os_parameters_are_tried_and_stored(master):
    master.nodes.answer("os_validate", True)
    modify(master, osparams={"debian": {"dhcp": "yes"}},
           osparams_private_cluster={"debian": {"password": "secret"}})
    cluster = master.config.cluster
    assert cluster.osparams == {"debian": {"dhcp": "yes"}}
    assert cluster.osparams_private_cluster == {"debian": {"password": "secret"}}
    assert "secret" not in " ".join(master.log)
    master.nodes.answer("os_validate", OSError("dhcp is wrong"))
    with pytest.raises(errors.OpPrereqError, match="dhcp is wrong"):
        modify(master, osparams={"debian": {"dhcp": "no"}})


def test_hypervisors_in_use_stay(start_master):
    master = start_master(instances=[masterside.make_instance("i1")],
                          enabled_hypervisors=["fake", "kvm"])
    with pytest.raises(errors.OpPrereqError, match="fake can not be disabled"):
        modify(master, enabled_hypervisors=["kvm"])


def test_the_address_moves_with_its_device(master):
    order = []
    for call in ("node_deactivate_master_ip", "node_activate_master_ip"):
        master.nodes.answer(call, lambda key, params, script, call=call: order.append(
            (call, params["netdev"])))
    modify(master, master_netdev="eth9")
    assert order == [("node_deactivate_master_ip", "lo"), ("node_activate_master_ip", "eth9")]


def test_the_netmask_alone_is_changed_in_place(master):
    master.nodes.answer("node_change_master_netmask", None)
    modify(master, master_netmask=24)
    assert master.nodes.called("node_change_master_netmask") == [
        ("node1.example.com", [32, 24, "192.0.2.200", "lo"])]


def test_a_communication_network_is_made_and_connected(master):
    result = modify(master, instance_communication_network="comm")
    assert [ok for ok, _ in result["jobs"]] == [True, True]
    (create,), (connect,) = master.queue.submitted
    assert (create.OP_ID, create.network_name) == ("OP_NETWORK_ADD", "comm")
    assert (connect.OP_ID, connect.group_name) == ("OP_NETWORK_CONNECT", "default")
    assert connect.depends[0][0] == -1


def ensured(master):
    """(node, daemon, run) of each call."""
    return [(key, *args) for key, args in master.nodes.called("node_ensure_daemon")]


def test_the_daemon_that_notices_user_shutdowns_comes_and_goes(start_master):
    master = start_master(enabled_hypervisors=["kvm", "fake"], nodes=[
        masterside.make_node(1), masterside.make_node(2, vm_capable=False),
        masterside.make_node(3, offline=True, master_candidate=False)])
    first, second = "node1.example.com", "node2.example.com"
    modify(master, enabled_user_shutdown=True)
    assert ensured(master) == [(first, "ganeti-kvmd", True), (second, "ganeti-kvmd", False)]
    modify(master, enabled_hypervisors=["fake"])
    assert ensured(master)[2:] == [(first, "ganeti-kvmd", False), (second, "ganeti-kvmd", False)]
    modify(master, candidate_pool_size=5)
    assert len(ensured(master)) == 4


def test_a_daemon_that_does_not_start_is_told(start_master):
    master = start_master(enabled_hypervisors=["kvm"])
    master.nodes.answer("hypervisor_validate_params", None)
    master.nodes.answer("node_ensure_daemon", False)
    master.run(opcodes.OpClusterSetParams(enabled_user_shutdown=True))
    assert any("ganeti-kvmd could not be started on node node2" in line for line in master.log)
    assert master.config.cluster.enabled_user_shutdown
