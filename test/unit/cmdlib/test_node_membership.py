"""Nodes that join, come back and leave."""

from __future__ import annotations

import socket

import pytest

from ganeti import constants, errors, opcodes, pathutils
from ganeti.utils import io
from test import masterside

NEW = "node4.example.com"
NEW_IP = "127.77.0.4"


@pytest.fixture
def prepared(start_master):
    """A master, and a machine that runs a node daemon and knows no cluster yet."""
    def prepare(**values):
        master = start_master(**values)
        io.write_file(pathutils.ETC_HOSTS, "".join(
            f"{node.primary_ip} {node.name}\n" for node in master.config.nodes.values())
            + f"{NEW_IP} {NEW} node4\n")
        for name, value in {
                "version": constants.PROTOCOL_VERSION, "node_verify": {},
                "node_crypto_tokens": [["ssl", "NEW"]], "write_ssconf_files": None,
                "upload_file": None, "etc_hosts_modify": True, "node_leave_cluster": "bye",
                "node_demote_from_mc": None}.items():
            master.nodes.answer(name, value)
        return master
    with socket.create_server((NEW_IP, constants.DEFAULT_NODED_PORT)):
        yield prepare


def test_a_node_joins(prepared):
    master = prepared(modify_etc_hosts=True)
    master.run(opcodes.OpNodeAdd(node_name="node4", ndparams={"spindle_count": 2}))
    node = master.config.node_by_name(NEW)
    assert (node.primary_ip, node.secondary_ip, node.group) == (NEW_IP, NEW_IP, masterside.GROUP)
    assert node.master_candidate and node.ndparams == {"spindle_count": 2}
    assert master.config.cluster.candidate_certs[node.uuid] == "NEW"
    assert master.nodes.called("etc_hosts_modify") == [
        ("node1.example.com", ["add", NEW, NEW_IP])]
    (target, (values,)), = master.nodes.called("write_ssconf_files")
    assert target == NEW and NEW in values[constants.SS_NODE_LIST]
    # The question about SSH is put by the master and names the new node.
    assert master.nodes.called("node_verify")[0][1][0] == {
        constants.NV_NODELIST: [[NEW], {}, ["node1.example.com"]]}
    assert [n for n, _ in master.hooks("pre")] == [
        f"node{number}.example.com" for number in (1, 2, 3)]
    assert NEW in [n for n, _ in master.hooks("post")]
    assert master.hooks("pre")[0][1]["GANETI_NODE_PIP"] == NEW_IP


def test_a_new_node_watches_for_user_shutdowns(prepared):
    master = prepared(enabled_user_shutdown=True, enabled_hypervisors=["kvm"])
    master.nodes.answer("node_ensure_daemon", True)
    master.run(opcodes.OpNodeAdd(node_name="node4"))
    assert master.nodes.called("node_ensure_daemon") == [(NEW, ["ganeti-kvmd", True])]


def test_a_full_pool_takes_no_candidate(prepared):
    master = prepared(candidate_pool_size=3)
    master.run(opcodes.OpNodeAdd(node_name=NEW))
    node = master.config.node_by_name(NEW)
    assert not node.master_candidate
    assert node.uuid not in master.config.cluster.candidate_certs


def test_ancillary_files_travel(prepared):
    master = prepared()
    io.write_file(pathutils.CONFD_HMAC_KEY, "key\n")
    master.run(opcodes.OpNodeAdd(node_name=NEW))
    assert (NEW, ["/var/lib/ganeti/hmac.key"]) in master.nodes.called("upload_file")


@pytest.mark.parametrize(("call", "answer", "error", "text"), [
    ("version", 1, errors.OpPrereqError, "speaks protocol 1"),
    ("version", OSError("refused"), errors.OpPrereqError, "refused"),
    ("node_verify", {constants.NV_NODELIST: {NEW: "no sshd"}}, errors.OpExecError,
     "SSH/hostname verification"),
    ("node_crypto_tokens", OSError("no key"), errors.OpExecError, "no digest"),
])
def test_what_stops_a_node_from_joining(prepared, call, answer, error, text):
    master = prepared()
    master.nodes.answer(call, answer)
    with pytest.raises(error, match=text):
        master.run(opcodes.OpNodeAdd(node_name=NEW))
    assert master.config.node_by_name(NEW) is None


@pytest.mark.parametrize(("params", "text"), [
    ({"node_name": "node2.example.com"}, "already in the cluster"),
    ({"node_name": "nowhere.invalid"}, "does not resolve"),
    ({"node_name": "127.77.0.4"}, "by its name"),
    ({"node_name": NEW, "readd": True}, "not in the cluster"),
    ({"node_name": NEW, "secondary_ip": "198.51.100.4"}, "no secondary address"),
    ({"node_name": NEW, "secondary_ip": "rubbish"}, "not an IP address"),
    ({"node_name": NEW, "secondary_ip": "192.0.2.2"}, "belongs to node node2"),
    ({"node_name": NEW, "group": "nogroup"}, "not known"),
    ({"node_name": NEW, "primary_ip": "192.0.2.77"}, "not to the given"),
    ({"node_name": "node1.example.com", "readd": True}, "master node"),
    ({"node_name": NEW, "ndparams": {"exclusive_storage": True}}, "single node"),
])
def test_refusals(prepared, params, text):
    master = prepared()
    before = master.config
    with pytest.raises(errors.OpPrereqError, match=text):
        master.run(opcodes.OpNodeAdd(**params))
    assert master.config is before


def test_a_silent_machine_is_refused(start_master):
    master = start_master()
    io.write_file(pathutils.ETC_HOSTS, f"127.77.0.9 {NEW}\n")
    with pytest.raises(errors.OpPrereqError, match="ganeti-noded running"):
        master.run(opcodes.OpNodeAdd(node_name=NEW))


def offline_fourth():
    return [masterside.make_node(number) for number in (1, 2, 3)] + [masterside.make_node(
        4, name=NEW, primary_ip=NEW_IP, secondary_ip=NEW_IP, offline=True,
        master_candidate=False, ndparams={"spindle_count": 7})]


def test_a_node_comes_back(prepared):
    master = prepared(nodes=offline_fourth())
    master.run(opcodes.OpNodeAdd(node_name=NEW, readd=True))
    node = master.config.node_by_name(NEW)
    assert node.uuid == masterside.new_uuid(4)
    assert not node.offline and node.master_candidate
    assert node.ndparams == {"spindle_count": 7}
    assert master.config.cluster.candidate_certs[node.uuid] == "NEW"


def test_a_node_leaves(prepared):
    master = prepared(modify_etc_hosts=True)
    master.run(opcodes.OpNodeRemove(node_name="node3"))
    assert master.config.node_by_name("node3.example.com") is None
    assert masterside.new_uuid(3) not in master.config.cluster.candidate_certs
    assert [node for node, _ in master.nodes.called("node_leave_cluster")] == [
        "192.0.2.3"]
    assert master.nodes.called("etc_hosts_modify")[-1][1] == [
        "remove", "node3.example.com", None]
    post = [node for node, _ in master.hooks("post")]
    assert post == ["node3.example.com", "node1.example.com", "node2.example.com"]


def test_a_dead_node_leaves_with_a_warning(prepared):
    master = prepared(nodes=offline_fourth())
    master.run(opcodes.OpNodeRemove(node_name=NEW))
    assert master.config.node_by_name(NEW) is None
    assert master.nodes.called("node_leave_cluster") == []
    assert any("was not told" in line for line in master.log)


@pytest.mark.parametrize(("name", "text"), [
    ("node1", "is the master"), ("node2", "still holds 1 instances"), ("node9", "not known")])
def test_nodes_that_stay(prepared, name, text):
    master = prepared(instances=[masterside.make_instance("i1", 2)])
    with pytest.raises(errors.OpPrereqError, match=text):
        master.run(opcodes.OpNodeRemove(node_name=name))
