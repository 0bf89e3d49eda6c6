"""IP networks: their pools, gateways and connections."""

from __future__ import annotations

import pytest

from ganeti import errors, objects, opcodes
from ganeti.config import networks
from test import masterside


def add(master, **values):
    params = {"network_name": "net1", "network": "192.0.2.0/28", "gateway": "192.0.2.14"}
    master.run(opcodes.OpNetworkAdd(**{**params, **values}))
    return master.config.network_by_name(values.get("network_name", "net1"))


def reserved(network):
    pool = networks.Pool(network)
    return [pool.address(index) for index in range(len(pool.external)) if pool.external[index]]


def test_edges_gateway_and_hosts_are_kept_out(master):
    network = add(master, add_reserved_ips=["192.0.2.7"], tags=["t"], mac_prefix="AA:00:11")
    assert reserved(network) == [f"192.0.2.{n}" for n in (0, 1, 2, 3, 7, 14, 15)]
    assert (network.mac_prefix, list(network.tags)) == ("aa:00:11", ["t"])
    env = master.hooks("pre")[0][1]
    assert env["GANETI_NETWORK_SUBNET"] == "192.0.2.0/28"
    assert "GANETI_NETWORK_SUBNET6" not in env


def test_without_conflict_check_hosts_stay_in(master):
    assert reserved(add(master, conflicts_check=False)) == ["192.0.2.0", "192.0.2.14",
                                                            "192.0.2.15"]


@pytest.mark.parametrize(("values", "text"), [
    ({"network": "192.0.2.1/28", "gateway": None}, "192.0.2.1/28"),
    ({"network": "192.0.2.0/31", "gateway": None}, "too small"),
    ({"gateway": "192.0.2.99"}, "outside"),
    ({"gateway6": "2001:db8::1"}, "needs an IPv6"),
    ({"mac_prefix": "zz"}, "MAC prefix"),
    ({"add_reserved_ips": ["198.51.100.1"]}, "does not belong"),
    ({"tags": ["a b"]}, "characters"),
])
def test_refused_networks(master, values, text):
    with pytest.raises(errors.OpPrereqError, match=text):
        add(master, **values)
    assert not master.config.networks


def test_names_are_unique(master):
    add(master)
    with pytest.raises(errors.OpPrereqError, match="already"):
        add(master)
    with pytest.raises(errors.OpPrereqError, match="already"):
        master.run(opcodes.OpNetworkRename(network_name="net1", new_name="net1"))
    assert master.run(opcodes.OpNetworkRename(network_name="net1", new_name="n2")) == "n2"


def change(master, **values):
    master.run(opcodes.OpNetworkSetParams(network_name="net1", **values))
    return master.config.network_by_name("net1")


def test_changes(master):
    add(master, conflicts_check=False)
    network = change(master, gateway="192.0.2.13", add_reserved_ips=["192.0.2.5"])
    assert reserved(network) == ["192.0.2.0", "192.0.2.5", "192.0.2.13", "192.0.2.15"]
    network = change(master, remove_reserved_ips=["192.0.2.5"], network6="2001:db8::/64",
                     gateway6="2001:db8::1")
    assert reserved(network) == ["192.0.2.0", "192.0.2.13", "192.0.2.15"]
    assert network.gateway6 == "2001:db8::1"
    for values, text in (({}, "Nothing"), ({"remove_reserved_ips": ["192.0.2.5"]}, "not reserved"),
                         ({"remove_reserved_ips": ["192.0.2.13"]}, "is the gateway"),
                         ({"add_reserved_ips": ["192.0.2.13"]}, "reserved already")):
        with pytest.raises(errors.OpPrereqError, match=text):
            change(master, **values)


def connect(master, **values):
    master.run(opcodes.OpNetworkConnect(group_name="default", network_name="net1",
                                        network_mode="bridged", network_link="br0", **values))
    return master.config.group_by_name("default").networks


def test_connect_and_disconnect(master):
    network = add(master)
    assert connect(master, network_vlan="7") == {
        network.uuid: {"mode": "bridged", "link": "br0", "vlan": "7"}}
    with pytest.raises(errors.OpPrereqError, match="connected to node groups default"):
        master.run(opcodes.OpNetworkRemove(network_name="net1"))
    connect(master)
    assert any("already connected" in line for line in master.log)
    off = opcodes.OpNetworkDisconnect(group_name="default", network_name="net1")
    master.run(off)
    assert master.hooks("pre")[-1][1]["GANETI_GROUP_NETWORK_LINK"] == "br0"
    master.run(off)
    assert any("is not connected" in line for line in master.log)
    master.run(opcodes.OpNetworkRemove(network_name="net1"))
    assert not master.config.networks


def test_force_disconnects_before_removing(master):
    add(master)
    connect(master)
    master.run(opcodes.OpNetworkRemove(network_name="net1", force=True))
    assert not master.config.networks and not master.config.group_by_name("default").networks


def test_addresses_in_use(start_master):
    nic = objects.Nic(mac="aa:00:00:00:00:01", ip="192.0.2.9", uuid=masterside.new_uuid())
    master = start_master(instances=[masterside.make_instance("i1", nics=[nic])])
    network = add(master)
    with pytest.raises(errors.OpPrereqError, match="i1 has 192.0.2.9"):
        connect(master)
    connect(master, conflicts_check=False)
    inst = next(iter(master.config.instances.values()))
    with master.cfg.edit() as draft:
        draft.update(inst, nics=[nic.replace(network=network.uuid)])
    for op in (opcodes.OpNetworkDisconnect(group_name="default", network_name="net1"),
               opcodes.OpNetworkRemove(network_name="net1", force=True)):
        with pytest.raises(errors.OpPrereqError, match="i1"):
            master.run(op)
