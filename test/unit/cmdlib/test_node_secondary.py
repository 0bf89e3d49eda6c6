"""Secondary addresses, and the SSH keys that ganeti manages."""

from __future__ import annotations

import socket

import pytest

from ganeti import constants, errors, opcodes
from test import masterside

NEW = "127.77.1.2"


def dual(number, **values):
    return masterside.make_node(number, secondary_ip=f"127.77.0.{number}", **values)


@pytest.fixture
def dual_homed(start_master):
    def start(**values):
        # The master's address is used as the source of connections, so it has to be here.
        master = start_master(nodes=[dual(1), dual(2), dual(3)], **values)
        master.nodes.answer("node_has_ip_address", True)
        return master
    return start


def change(master, address, **params):
    return master.run(opcodes.OpNodeSetParams(node_name="node2", secondary_ip=address, **params))


def test_a_new_secondary_address(dual_homed):
    master = dual_homed()
    with socket.create_server((NEW, constants.DEFAULT_NODED_PORT)):
        assert [list(item) for item in change(master, NEW)] == [["secondary_ip", NEW]]
    assert master.config.node_by_name("node2.example.com").secondary_ip == NEW


@pytest.mark.parametrize(("address", "text"), [
    ("192.0.2.2", "needs one too"), ("127.77.0.3", "belongs to node node3"),
    (NEW, "can not be reached"),
])
def test_addresses_that_do_not_fit(dual_homed, address, text):
    with pytest.raises(errors.OpPrereqError, match=text):
        change(dual_homed(), address)


def test_an_address_that_the_node_lacks(dual_homed):
    master = dual_homed()
    master.nodes.answer("node_has_ip_address", False)
    with pytest.raises(errors.OpPrereqError, match="configure it there first"):
        change(master, NEW)


def test_mirrors_in_use_keep_their_address(dual_homed):
    disk = masterside.make_drbd("i1")
    inst = masterside.make_instance("i1", disks=[disk.uuid], disks_active=True)
    with pytest.raises(errors.OpPrereqError, match="mirrored disks of i1"):
        change(dual_homed(instances=[inst], disks=[disk]), NEW)


def test_a_single_homed_node_does_not_join_a_dual_homed_cluster(dual_homed, node_root):
    master = dual_homed()
    (node_root / "etc/hosts").write_text("127.77.0.4 node4.example.com\n")
    with pytest.raises(errors.OpPrereqError, match="needs one too"):
        master.run(opcodes.OpNodeAdd(node_name="node4.example.com"))


# SSH keys

def with_keys(start_master, **values):
    nodes = [masterside.make_node(1), masterside.make_node(2),
             masterside.make_node(3, master_candidate=False, master_capable=False)]
    master = start_master(nodes=nodes, modify_ssh_setup=True, **values)
    master.nodes.answer("node_demote_from_mc", None)
    master.nodes.answer("jobqueue_purge", None)
    master.nodes.answer("node_ssh_key_remove", [])
    master.nodes.answer("node_ssh_key_add", [])
    master.nodes.answer("node_crypto_tokens", [["ssl", "AB"]])
    return master


def test_the_key_follows_the_role(start_master):
    master = with_keys(start_master)
    master.run(opcodes.OpNodeSetParams(node_name="node2", drained=True))
    (where, args), = master.nodes.called("node_ssh_key_remove")
    uuid = masterside.new_uuid(2)
    potential = ["node1.example.com", "node2.example.com"]
    # Out of authorized_keys everywhere; still listed, since it may become a candidate again.
    assert (where, args) == ("node1.example.com", [
        uuid, "node2.example.com", [masterside.new_uuid(1)], potential,
        True, False, False, False, False])
    master.run(opcodes.OpNodeSetParams(node_name="node2", drained=False))
    (where, args), = master.nodes.called("node_ssh_key_add")
    assert args == [uuid, "node2.example.com", potential, True, True, False]


def test_trouble_with_keys_is_told_and_does_not_stop(start_master):
    master = with_keys(start_master)
    master.nodes.answer("node_ssh_key_remove", [["node3.example.com", "disk full"]])
    master.run(opcodes.OpNodeSetParams(node_name="node2", drained=True))
    assert master.config.node_by_name("node2.example.com").drained
    assert any("on node3.example.com: disk full" in line for line in master.log)
    assert any("renew-crypto" in line for line in master.log)
    master.nodes.answer("node_ssh_key_add", OSError("no ssh"))
    master.run(opcodes.OpNodeSetParams(node_name="node2", drained=False))
    assert any("no ssh" in line for line in master.log)


def test_a_dry_run_changes_nothing(master):
    before = master.config
    master.run(opcodes.OpNodeSetParams(node_name="node2", offline=True, dry_run=True))
    master.run(opcodes.OpClusterSetParams(candidate_pool_size=2, dry_run=True))
    assert master.config is before
