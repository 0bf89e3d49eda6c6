"""The first configuration of a cluster: what is asked for, what is refused."""

import pytest

from ganeti import constants, errors, pathutils
from ganeti.config import distribute, files, verify
from ganeti.masterd import newcluster
from ganeti.masterd.newcluster import Wishes
from test import noderoot

SETTINGS = {"enabled_hypervisors": ["fake"], "enabled_disk_templates": ["diskless", "file"],
            "master_netdev": "lo"}


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    noderoot.move_node_to(str(tmp_path), monkeypatch)
    monkeypatch.setenv("GANETI_HOSTNAME", "node1.example.org")
    with open(pathutils.ETC_HOSTS, "w", encoding="ascii") as stream:
        stream.write("127.0.44.1 node1.example.org node1\n127.0.44.254 cluster.example.org\n"
                     "127.0.44.1 same.example.org\n192.0.2.7 far.example.org\n")


def make(name="cluster.example.org", **kwargs):
    settings = {**SETTINGS, **kwargs.pop("settings", {})}
    wishes = Wishes(name, settings=settings, **kwargs)
    return newcluster.make_config(wishes, newcluster.find_addresses(wishes), "AAAAkey")


def test_a_plain_cluster():
    config = make()
    cluster, node = config.cluster, config.master_node
    assert (cluster.cluster_name, cluster.master_ip) == ("cluster.example.org", "127.0.44.254")
    assert (node.name, node.primary_ip, node.secondary_ip) == (
        "node1.example.org", "127.0.44.1", "127.0.44.1")
    assert node.master_candidate
    assert cluster.mac_prefix == "aa:00:00"
    assert cluster.master_netmask == 32
    assert cluster.file_storage_dir == "/srv/ganeti/file-storage"
    assert list(cluster.ipolicy[constants.IPOLICY_DTS]) == ["diskless", "file"]
    assert cluster.volume_group_name is None
    assert [group.name for group in config.nodegroups.values()] == ["default"]
    assert verify.verify(config) == []
    assert files.decode(config.encode(), "config").cluster == cluster
    assert distribute.ssconf_values(config)["master_node"] == "node1.example.org"


def test_every_setting_goes_through_the_checks_of_modify():
    config = make(settings={
        "beparams": {"maxmem": "1g", "vcpus": 2}, "ndparams": {"ssh_port": "2222"},
        "nicparams": {"mode": "routed", "link": "main"}, "candidate_pool_size": 3,
        "hvparams": {"kvm": {"kernel_path": "/boot/k"}}, "uid_pool": [[100, 200]],
        "mac_prefix": "52:54:00", "maintain_node_health": True,
        "ipolicy": {"vcpu-ratio": 2.5}, "default_iallocator": "hail"})
    cluster = config.cluster
    assert config.filled_beparams()["maxmem"] == 1024
    assert config.filled_ndparams(config.master_node)["ssh_port"] == 2222
    assert config.filled_nicparams({})["mode"] == "routed"
    assert cluster.hvparams["kvm"]["kernel_path"] == "/boot/k"
    assert [list(item) for item in cluster.uid_pool] == [[100, 200]]
    assert (cluster.mac_prefix, cluster.ipolicy["vcpu-ratio"]) == ("52:54:00", 2.5)
    assert cluster.candidate_pool_size == 3


@pytest.mark.parametrize(("settings", "words"), [
    ({"master_netdev": "nodev0"}, "interface 'nodev0' does not exist"),
    ({"master_netdev": "../lo"}, "does not exist"),
    ({"master_netmask": 64}, "1 to 32 bits"),
    ({"enabled_hypervisors": []}, "At least one hypervisor"),
    ({"enabled_disk_templates": []}, "At least one disk template"),
    ({"enabled_hypervisors": ["vmware"]}, "enabled_hypervisors"),
    ({"mac_prefix": "xx"}, "xx"),
    ({"beparams": {"memry": 5}}, "memry"),
    ({"hvparams": {"kvm": {"nonsense": 5}}}, "nonsense"),
    ({"file_storage_dir": "relative"}, "absolute"),
    ({"file_storage_dir": ""}, "file-storage-dir"),
    ({"candidate_pool_size": 0}, "candidate_pool_size"),
    ({"nonsense": 1}, "nonsense"),
])
def test_bad_settings_are_named(settings, words):
    with pytest.raises(errors.OpPrereqError) as caught:
        make(settings=settings)
    assert words in caught.value.args[0]


@pytest.mark.parametrize(("name", "words"), [
    ("no-such-name.invalid", "The name of the cluster does not resolve"),
    ("bad name!", "not a valid host name"),
    ("same.example.org", "must not resolve to this machine's own"),
])
def test_bad_names_are_refused(name, words):
    with pytest.raises(errors.OpPrereqError) as caught:
        make(name)
    assert words in caught.value.args[0]


@pytest.mark.parametrize(("own", "words"), [
    ("far.example.org", "none of its addresses"), ("unknown.invalid", "this machine does not"),
])
def test_the_machines_own_name_has_to_be_right(monkeypatch, own, words):
    monkeypatch.setenv("GANETI_HOSTNAME", own)
    with pytest.raises(errors.OpPrereqError) as caught:
        make()
    assert words in caught.value.args[0]


@pytest.mark.parametrize(("wishes", "words"), [
    ({"secondary_ip": "192.0.2.99"}, "does not have the secondary address"),
    ({"secondary_ip": "nonsense"}, "no IPv4 address"),
    ({"secondary_ip": "::1"}, "no IPv4 address"),
    ({"primary_ip_version": 5}, "no IP version 5"),
    ({"ssh_key_type": "dsa"}, "DSA"), ({"ssh_key_bits": 512}, "at least 2048"),
])
def test_bad_addresses_and_keys_are_refused(wishes, words):
    with pytest.raises(errors.OpPrereqError) as caught:
        make(**wishes)
    assert words in caught.value.args[0]


def test_a_secondary_address():
    assert make(secondary_ip="127.0.45.1").master_node.secondary_ip == "127.0.45.1"
