"""Roles of nodes: who becomes what, the pool of candidates, certificates."""

from __future__ import annotations

import itertools
import socket

import pytest

from ganeti import constants, errors, opcodes
from ganeti.cmdlib.node import roles
from test import masterside

NODE2, NODE3 = "node2.example.com", "node3.example.com"
Role, Wish = roles.Role, roles.Wish


@pytest.mark.parametrize(("old", "wish", "room", "new"), [
    (Role.CANDIDATE, Wish(), False, Role.CANDIDATE),
    (Role.CANDIDATE, Wish(offline=True), False, Role.OFFLINE),
    (Role.CANDIDATE, Wish(drained=True), False, Role.DRAINED),
    (Role.CANDIDATE, Wish(master_candidate=False), True, Role.REGULAR),
    (Role.CANDIDATE, Wish(master_capable=False), True, Role.REGULAR),
    (Role.CANDIDATE, Wish(offline=False), True, Role.CANDIDATE),
    (Role.REGULAR, Wish(master_candidate=True), False, Role.CANDIDATE),
    (Role.REGULAR, Wish(offline=False), True, Role.REGULAR),
    (Role.OFFLINE, Wish(), True, Role.OFFLINE),
    (Role.OFFLINE, Wish(offline=False), True, Role.CANDIDATE),
    (Role.OFFLINE, Wish(offline=False), False, Role.REGULAR),
    (Role.OFFLINE, Wish(offline=False, master_candidate=False), True, Role.REGULAR),
    (Role.OFFLINE, Wish(offline=False, master_candidate=True), False, Role.CANDIDATE),
    (Role.OFFLINE, Wish(drained=True), True, Role.DRAINED),
    (Role.DRAINED, Wish(drained=False), True, Role.CANDIDATE),
    (Role.DRAINED, Wish(offline=False), True, Role.DRAINED),
    (Role.DRAINED, Wish(drained=False, master_capable=False), True, Role.REGULAR),
])
def test_resulting_role(old, wish, room, new):
    node = masterside.make_node(2, **roles.flags(old))
    assert roles.resulting(node, wish, room) is new


def test_a_role_is_never_two_things():
    for first, second in itertools.combinations(roles.FLAGS, 2):
        with pytest.raises(errors.OpPrereqError, match="at the same time"):
            roles.check(Wish(**{first: True, second: True}))
    for role in Role:
        assert sum(roles.flags(role).values()) == (0 if role is Role.REGULAR else 1)


def test_a_drained_node_is_no_candidate_before_it_is_cleared():
    node = masterside.make_node(2, **roles.flags(Role.DRAINED))
    with pytest.raises(errors.OpPrereqError, match="--drained=no"):
        roles.resulting(node, Wish(master_candidate=True), True)


def modify(master, name=NODE2, **params):
    return master.run(opcodes.OpNodeSetParams(node_name=name, **params))


def flags_of(master, number):
    node = master.config.node(masterside.new_uuid(number))
    return {name for name in roles.FLAGS if getattr(node, name)}


def test_going_offline_takes_the_certificate_away(master):
    told = modify(master, offline=True)
    assert [list(item) for item in told] == [["master_candidate", "False"], ["offline", "True"]]
    assert flags_of(master, 2) == {"offline"}
    assert masterside.new_uuid(2) not in master.config.cluster.candidate_certs
    # An offline node is not called.
    assert master.nodes.called("node_demote_from_mc") == []


def test_draining_a_candidate_tells_it(master):
    master.nodes.answer("node_demote_from_mc", None)
    master.nodes.answer("jobqueue_purge", None)
    modify(master, drained=True)
    assert [node for node, _ in master.nodes.called("node_demote_from_mc")] == [NODE2]
    assert [node for node, _ in master.hooks("pre")] == ["node1.example.com", NODE2]
    assert master.hooks("pre")[0][1]["GANETI_DRAINED"] == "True"


def test_promotion_lists_the_certificate(start_master):
    nodes = [masterside.make_node(1), masterside.make_node(2, master_candidate=False)]
    master = start_master(nodes=nodes)
    master.nodes.answer("node_crypto_tokens", [["ssl", "AB:CD"]])
    modify(master, master_candidate=True)
    assert flags_of(master, 2) == {"master_candidate"}
    assert master.config.cluster.candidate_certs[nodes[1].uuid] == "AB:CD"


def test_a_node_without_certificate_makes_one(start_master):
    nodes = [masterside.make_node(1), masterside.make_node(2, master_candidate=False)]
    master = start_master(nodes=nodes)
    master.nodes.answer("node_crypto_tokens", lambda key, request: (
        [["ssl", "AB:CD"]] if request[0][1] == constants.CRYPTO_ACTION_CREATE
        else OSError("no client.pem")))
    modify(master, master_candidate=True)
    assert master.config.cluster.candidate_certs[nodes[1].uuid] == "AB:CD"


def test_a_promotion_without_certificate_changes_nothing(start_master):
    nodes = [masterside.make_node(1), masterside.make_node(2, master_candidate=False)]
    master = start_master(nodes=nodes)
    master.nodes.answer("node_crypto_tokens", OSError("noded is broken"))
    with pytest.raises(errors.OpExecError, match="noded is broken"):
        modify(master, master_candidate=True)
    assert flags_of(master, 2) == set()


def four_nodes(start_master, **cluster):
    nodes = [masterside.make_node(number, master_candidate=number < 3) for number in (1, 2, 3, 4)]
    return start_master(nodes=nodes, candidate_pool_size=2, **cluster)


def test_the_pool_stays_full(start_master):
    master = four_nodes(start_master)
    with pytest.raises(errors.OpPrereqError, match="--auto-promote"):
        modify(master, offline=True)
    assert flags_of(master, 2) == {"master_candidate"}


def test_auto_promote_fills_the_pool(start_master):
    master = four_nodes(start_master)
    master.nodes.answer("node_crypto_tokens", lambda key, request: [["ssl", f"digest of {key}"]])
    modify(master, offline=True, auto_promote=True)
    assert flags_of(master, 3) == {"master_candidate"}
    assert flags_of(master, 4) == set()
    assert masterside.new_uuid(3) in master.config.cluster.candidate_certs
    assert any("Promoted nodes" in line and NODE3 in line for line in master.log)


def test_force_leaves_the_pool_short(start_master):
    master = four_nodes(start_master)
    modify(master, offline=True, force=True)
    assert flags_of(master, 2) == {"offline"}
    assert any("1 master candidates of 2" in line for line in master.log)


def test_growing_the_pool_promotes(start_master):
    master = four_nodes(start_master)
    master.nodes.answer("node_crypto_tokens", [["ssl", "X"]])
    master.run(opcodes.OpClusterSetParams(candidate_pool_size=3))
    assert flags_of(master, 3) == {"master_candidate"}


@pytest.mark.parametrize(("name", "params", "text"), [
    ("node1.example.com", {"offline": True}, "master-failover"),
    ("node1.example.com", {"master_capable": False}, "master_capable"),
    (NODE2, {}, "Nothing to change"),
    (NODE2, {"offline": True, "drained": True}, "at the same time"),
    (NODE2, {"powered": False}, "out-of-band"),
    (NODE2, {"secondary_ip": "::1"}, "IPv4"),
    (NODE2, {"secondary_ip": "192.0.2.3"}, "belongs to node node3"),
    (NODE2, {"secondary_ip": "198.51.100.2"}, "no secondary address"),
    (NODE2, {"ndparams": {"exclusive_storage": True}}, "single node"),
    (NODE2, {"ndparams": {"ssh_prot": 22}}, "ssh_port"),
    (NODE2, {"hv_state": {"fake": {"mem_totl": 1}}}, "mem_total"),
    (NODE2, {"disk_state": {"odd": {}}}, "unknown storage type"),
    ("node9", {"offline": True}, "not known"),
])
def test_refusals_change_nothing(master, name, params, text):
    before = master.config
    with pytest.raises(errors.OpPrereqError, match=text):
        modify(master, name, **params)
    assert master.config is before


def test_vm_capable_stays_with_instances(start_master):
    master = start_master(instances=[masterside.make_instance("i1", 2)])
    with pytest.raises(errors.OpPrereqError, match="evacuate"):
        modify(master, vm_capable=False)
    modify(master, NODE3, vm_capable=False)
    assert not master.config.node_by_name(NODE3).vm_capable


def test_parameters_and_state_are_merged(master):
    modify(master, ndparams={"spindle_count": "3", "oob_program": "/bin/oob"},
           hv_state={"fake": {"mem_total": 1024}})
    modify(master, ndparams={"spindle_count": "default"},
           hv_state={"fake": {"cpu_total": 2}})
    node = master.config.node_by_name(NODE2)
    assert node.ndparams == {"oob_program": "/bin/oob"}
    assert node.hv_state_static == {"fake": {"mem_total": 1024, "cpu_total": 2}}


def test_powered_needs_helper_and_offline(master):
    modify(master, ndparams={"oob_program": "/bin/oob"})
    with pytest.raises(errors.OpPrereqError, match="is online"):
        modify(master, powered=False)
    modify(master, offline=True, powered=False)
    assert not master.config.node_by_name(NODE2).powered
    with pytest.raises(errors.OpPrereqError, match="powered off"):
        modify(master, offline=False)


@pytest.fixture
def listening():
    """Node 2 answers at 127.77.0.2 on the node daemon's port."""
    with socket.create_server(("127.77.0.2", constants.DEFAULT_NODED_PORT)) as server:
        yield server


def test_coming_back_online(start_master, listening):
    nodes = [masterside.make_node(1), masterside.make_node(
        2, primary_ip="127.77.0.2", secondary_ip="127.77.0.2", master_candidate=False,
        offline=True)]
    master = start_master(nodes=nodes)
    master.nodes.answer("node_crypto_tokens", [["ssl", "AB"]])
    modify(master, offline=False)
    assert flags_of(master, 2) == {"master_candidate"}
    assert any("without being re-added" in line for line in master.log)


def test_an_unreachable_node_stays_offline(start_master):
    nodes = [masterside.make_node(1), masterside.make_node(
        2, primary_ip="127.77.0.3", secondary_ip="127.77.0.3", master_candidate=False,
        offline=True)]
    master = start_master(nodes=nodes)
    with pytest.raises(errors.OpPrereqError, match="can not be reached"):
        modify(master, offline=False)
    assert flags_of(master, 2) == {"offline"}


def test_a_node_that_takes_instances_again_watches_for_user_shutdowns(start_master, listening):
    nodes = [masterside.make_node(1), masterside.make_node(
        2, primary_ip="127.77.0.2", secondary_ip="127.77.0.2", master_candidate=False,
        offline=True)]
    master = start_master(nodes=nodes, enabled_user_shutdown=True, enabled_hypervisors=["kvm"])
    master.nodes.answer("node_crypto_tokens", [["ssl", "AB"]])
    master.nodes.answer("node_ensure_daemon", True)
    modify(master, offline=False)
    modify(master, vm_capable=False)
    name = "node2.example.com"
    assert master.nodes.called("node_ensure_daemon") == [
        (name, ["ganeti-kvmd", True]), (name, ["ganeti-kvmd", False])]
