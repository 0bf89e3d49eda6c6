"""The flat files of a node."""

import os

import pytest

from ganeti import constants, errors, ssconf


@pytest.fixture
def store(tmp_path):
    return ssconf.SimpleStore(str(tmp_path))


def test_values_come_back(store, tmp_path):
    changed = store.write({"master_node": "node1", "node_list": "node1\nnode2\n",
                           "node_primary_ips": "node1 10.0.0.1\nnode2 10.0.0.2",
                           "master_candidates_certs": "u-1=AA:BB", "cluster_tags": ""})
    assert sorted(changed) == ["cluster_tags", "master_candidates_certs", "master_node",
                               "node_list", "node_primary_ips"]
    assert store.master_node() == "node1"
    assert store.nodes() == ["node1", "node2"]
    assert store.primary_ips() == {"node1": "10.0.0.1", "node2": "10.0.0.2"}
    assert store.candidate_certs() == {"u-1": "AA:BB"}
    assert store.lines("cluster_tags") == []
    path = tmp_path / "ssconf_master_node"
    assert path.read_text() == "node1\n"
    assert os.stat(path).st_mode & 0o777 == 0o444


def test_only_changed_files_are_written(store):
    store.write({"master_node": "node1", "cluster_name": "c"})
    assert store.write({"master_node": "node2", "cluster_name": "c"}) == ["master_node"]
    assert store.write({"master_node": "node3"}, dry_run=True) == ["master_node"]
    assert store.master_node() == "node2"
    assert store.read_all() == {"master_node": "node2", "cluster_name": "c"}


def test_nothing_is_written_when_one_value_is_bad(store):
    with pytest.raises(errors.ConfigurationError, match="131072 fit"):
        store.write({"cluster_name": "c", "node_list": "x" * 200000})
    with pytest.raises(errors.ProgrammerError):
        store.write({"cluster_name": "c", "no_such_key": ""})
    assert store.read_all() == {}


def test_missing_value_says_what_to_do(store):
    with pytest.raises(errors.ConfigurationError, match="redist-conf"):
        store.master_node()
    assert store.get("master_ip", "none") == "none"
    assert store.hvparams("kvm") == {}


def test_ranges_and_numbers(store):
    store.write({"uid_pool": "100-110\n200", "primary_ip_family": "10",
                 "hvparams_kvm": "migration_port=8102"})
    assert store.uid_pool() == [(100, 110), (200, 200)]
    assert store.primary_ip_family() == 10
    assert store.hvparams("kvm") == {"migration_port": "8102"}
    store.write({"primary_ip_family": "six"})
    with pytest.raises(errors.ConfigurationError, match="no number"):
        store.primary_ip_family()


def test_keys_are_those_of_the_catalogue():
    assert len(constants.VALID_SS_KEYS) == 34
