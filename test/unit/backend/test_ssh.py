"""Whose SSH keys are let in: changes on this node, and what a node out of reach means."""

import os

import pytest

from ganeti import errors, pathutils, ssconf
from ganeti.backend import ssh as backend_ssh
from ganeti.utils import io, net, sshkeys, x509

OWN = "node1.example.org"


def key(name):
    return f"ssh-rsa AAAA{name} root@{name}"


@pytest.fixture(autouse=True)
def cluster(monkeypatch, tmp_path):
    """A cluster of this node and one that is out of reach."""
    monkeypatch.setattr(sshkeys, "ssh_directory", lambda user="root": str(tmp_path / "ssh"))
    monkeypatch.setattr(backend_ssh.time, "sleep", lambda _seconds: None)
    port = net.free_port()
    ssconf.SimpleStore().write({
        "cluster_name": "cluster1", "online_nodes": f"{OWN}\nnode2.example.org",
        "node_primary_ips": f"{OWN} 127.0.0.1\nnode2.example.org 127.0.0.1",
        "ssh_ports": f"{OWN}={port}\nnode2.example.org={port}"})
    io.write_file(pathutils.NODED_CERT_FILE, x509.create_self_signed())
    io.write_file(pathutils.SSH_KNOWN_HOSTS_FILE, "cluster1 ssh-rsa AAAA\n")
    sshkeys.PublicKeys().override({"u1": [key("n1")], "u3": [key("n3")]})


def authorized():
    path = sshkeys.authorized_keys_file()
    return io.read_file(path).splitlines() if os.path.exists(path) else []


def test_a_new_nodes_key_is_let_in_and_its_name_becomes_its_uuid():
    listed = sshkeys.PublicKeys()
    listed.add({"node2.example.org": [key("n2")]})
    failures = backend_ssh.node_ssh_key_add("u2", "node2.example.org", [OWN], True, True, True)
    assert listed.read()["u2"] == [key("n2")]
    assert authorized() == [key("n2")]
    assert [name for name, _text in failures] == ["node2.example.org"]
    assert "Cannot connect" in failures[0][1]


def test_a_key_that_nobody_knows():
    with pytest.raises(errors.OpExecError, match="--new-ssh-keys"):
        backend_ssh.node_ssh_key_add("u9", "node2.example.org", [OWN], True, True, False)


def test_a_node_that_ssconf_never_learns_of(monkeypatch):
    monkeypatch.setattr(backend_ssh, "NEW_NODE_TIMEOUT", 0.1)
    with pytest.raises(errors.OpExecError, match="not in the ssconf files"):
        backend_ssh.node_ssh_key_add("u3", "node3.example.org", [OWN], True, True, False)


def test_a_removed_nodes_key_goes_everywhere():
    path = sshkeys.authorized_keys_file()
    sshkeys.add_authorized(path, [key("n1"), key("n3"), key("admin")])
    backend_ssh.node_ssh_key_remove("u3", "node3.example.org", ["u1"], [OWN], True, True, True,
                                    True, False)
    assert authorized() == [key("n1"), key("admin")]
    assert set(sshkeys.PublicKeys().read()) == {"u1"}


def test_a_demoted_nodes_key_stays_listed():
    sshkeys.add_authorized(sshkeys.authorized_keys_file(), [key("n1"), key("n3")])
    backend_ssh.node_ssh_key_remove("u3", "node3.example.org", ["u1"], [OWN], True, False, False,
                                    False, False)
    assert authorized() == [key("n1")]
    assert set(sshkeys.PublicKeys().read()) == {"u1", "u3"}


def test_a_key_that_another_node_has_too_stays():
    sshkeys.PublicKeys().override({"u1": [key("n1")], "u3": [key("n1")]})
    sshkeys.add_authorized(sshkeys.authorized_keys_file(), [key("n1")])
    backend_ssh.node_ssh_key_remove("u3", "node3.example.org", ["u1"], [OWN], True, True, True,
                                    True, False)
    assert authorized() == [key("n1")]


def test_keys_are_renewed_without_locking_anybody_out(monkeypatch):
    old = sshkeys.ensure_user_key("ecdsa", None, "root@n1")
    sshkeys.PublicKeys().override({"u1": [old]})
    sshkeys.add_authorized(sshkeys.authorized_keys_file(), [old, key("admin")])
    failures = backend_ssh.node_ssh_keys_renew(["u1"], [OWN], ["u1"], [OWN], "ecdsa", "ecdsa", 384)
    assert failures == []
    [new] = sshkeys.PublicKeys().read()["u1"]
    assert new.startswith("ecdsa-sha2-nistp384 ")
    assert authorized() == [key("admin"), new]
    assert io.read_first_line(sshkeys.user_key_files("ecdsa")[1]) == new
    assert not os.path.exists(sshkeys.user_key_files("ecdsa")[0] + ".new")


def test_another_type_replaces_the_former_files():
    sshkeys.ensure_user_key("ecdsa", None, "root@n1")
    assert backend_ssh.node_ssh_keys_renew(["u1"], [OWN], ["u1"], [OWN], "ecdsa", "rsa",
                                           2048) == []
    assert not os.path.exists(sshkeys.user_key_files("ecdsa")[0])
    assert os.path.exists(sshkeys.user_key_files("rsa")[0])


@pytest.mark.parametrize("change", [
    {"public_keys": ["nonsense", {}]}, {"authorized_keys": ["clear", {}]}])
def test_unknown_changes_are_refused(change):
    with pytest.raises(errors.ParameterError, match="Unknown way"):
        backend_ssh.apply_update(change)


def test_authorized_keys_are_overridden_for_the_cluster_only():
    sshkeys.add_authorized(sshkeys.authorized_keys_file(), [key("n1"), key("n3"), key("admin")])
    backend_ssh.apply_update({"authorized_keys": ["override", {"u1": [key("n1")]}]})
    assert authorized() == [key("n1"), key("admin")]
