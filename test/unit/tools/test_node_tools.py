"""The programs that the master calls over ssh, as programs, in a node's tree."""

import importlib
import io
import json
import os
import pathlib
import subprocess
import sys

import pytest

from ganeti.tools import node_tool
from ganeti.utils import sshkeys, x509
from test import noderoot

CHECKOUT = pathlib.Path(__file__).resolve().parents[3]
AUTHORITY = x509.create_self_signed().decode()
CERTIFICATE = x509.cert_part(AUTHORITY).decode()
HOST_KEY = ["rsa", *sshkeys.generate("rsa", 2048, "host")]


class Machine:
    """A machine's tree; `run` executes a program there."""

    def __init__(self, root):
        self.root = root
        for directory in ("var/lib/ganeti", "var/lock", "var/run", "etc/ssh", "root/.ssh"):
            (root / directory).mkdir(parents=True)

    def run(self, tool, data=None, *options):
        text = data if isinstance(data, str) else json.dumps(data)
        env = {**os.environ, "GANETI_ROOTDIR": str(self.root), "GANETI_HOSTNAME": "node1",
               "PYTHONPATH": str(CHECKOUT)}
        return subprocess.run([sys.executable, "-m", f"ganeti.tools.{tool}", *options],
                              input=text, env=env, text=True, capture_output=True, check=False)

    def data(self, name):
        return self.root / "var/lib/ganeti" / name

    def files(self):
        return sorted(path.name for path in (self.root / "var/lib/ganeti").iterdir()
                      if path.is_file())


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


JOIN = {"cluster_name": "c1", "node_daemon_certificate": CERTIFICATE, "ssh_host_key": [HOST_KEY],
        "authorized_keys": {"u1": ["ssh-rsa AAAAmaster root@m"]}, "ssh_key_type": "ecdsa",
        "ssh_key_bits": 256}
SETUP = {"cluster_name": "c1", "node_daemon_certificate": AUTHORITY, "hmac_key": "secret",
         "ssconf": {"cluster_name": "c1", "master_candidates_certs": "u1=AA:BB"},
         "start_node_daemon": False, "node_name": "node1"}


def refused(result, words):
    assert result.returncode == 1, result
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    return True


def test_a_machine_gets_the_clusters_keys(machine):
    done = machine.run("prepare_node_join", JOIN)
    assert done.returncode == 0, done.stderr
    public = json.loads(done.stdout)["public_key"]
    assert (machine.root / "root/.ssh/id_ecdsa.pub").read_text().strip() == public
    assert (machine.root / "root/.ssh/authorized_keys").read_text() == "ssh-rsa AAAAmaster root@m\n"
    key = machine.root / "etc/ssh/ssh_host_rsa_key"
    assert key.read_text() == HOST_KEY[1]
    assert key.stat().st_mode & 0o777 == 0o600
    again = machine.run("prepare_node_join", JOIN)
    assert json.loads(again.stdout)["public_key"] == public


def test_a_dry_run_changes_nothing(machine):
    assert machine.run("prepare_node_join", JOIN, "--dry-run").returncode == 0
    done = machine.run("node_daemon_setup", SETUP, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert machine.files() == []
    assert list((machine.root / "root/.ssh").iterdir()) == []


def test_the_node_daemon_gets_what_it_needs(machine):
    done = machine.run("node_daemon_setup", SETUP)
    assert done.returncode == 0, done.stderr
    assert machine.data("server.pem").read_text() == AUTHORITY
    assert machine.data("hmac.key").read_text() == "secret"
    assert machine.data("ssconf_master_candidates_certs").read_text() == "u1=AA:BB\n"
    own = x509.load_file(str(machine.data("client.pem")))
    assert x509.is_signed_by(own, x509.load(CERTIFICATE))
    assert x509.common_name(own) == "node1"


def test_what_is_left_of_a_former_membership_goes(machine):
    machine.data("ssconf_offline_nodes").write_text("node1\n")
    assert machine.run("node_daemon_setup", SETUP).returncode == 0
    assert not machine.data("ssconf_offline_nodes").exists()


def test_a_machine_of_another_cluster_is_left_alone(machine):
    machine.data("ssconf_cluster_name").write_text("other\n")
    for tool, data in (("prepare_node_join", JOIN), ("node_daemon_setup", SETUP)):
        refused(machine.run(tool, data), "is in cluster other, the data is of c1")
    machine.data("ssconf_cluster_name").write_text("c1\n")
    machine.data("server.pem").write_bytes(x509.create_self_signed())
    refused(machine.run("prepare_node_join", JOIN), "certificate of another cluster")


@pytest.mark.parametrize(("tool", "data", "words"), [
    ("prepare_node_join", "nonsense", "no valid JSON"),
    ("prepare_node_join", [], "no JSON object"),
    ("prepare_node_join", {}, "lacks cluster_name"),
    ("prepare_node_join", {**JOIN, "more": 1}, "unknown key 'more'"),
    ("prepare_node_join", {**JOIN, "ssh_host_key": [["rsa"]]}, "[type, private, public]"),
    ("prepare_node_join", {**JOIN, "ssh_host_key": [["ed", "a", "b"]]}, "Unknown type"),
    ("prepare_node_join", {**JOIN, "authorized_keys": []}, "authorized_keys"),
    ("prepare_node_join", {**JOIN, "ssh_key_type": "dsa"}, "DSA"),
    ("node_daemon_setup", {**SETUP, "node_daemon_certificate": CERTIFICATE}, "private key"),
    ("node_daemon_setup", {**SETUP, "node_daemon_certificate": "x"}, "certificate"),
    ("node_daemon_setup", {**SETUP, "node_name": "node9"}, "is to join as node9"),
    ("node_daemon_setup", {**SETUP, "ssconf": {"nonsense": ""}}, "no ssconf key 'nonsense'"),
    ("node_daemon_setup", {**SETUP, "ssconf": {"cluster_name": "c2"}}, "of cluster 'c2'"),
    ("ssl_update", {"cluster_name": "c1", "node_name": "n", "action": "fly"}, "Unknown action"),
    ("ssl_update", {"cluster_name": "c1", "node_name": "n"}, "is missing"),
    ("ssh_update", {"cluster_name": "c1", "node_daemon_certificate": CERTIFICATE,
                    "public_keys": ["add"]}, "public_keys"),
    ("ssh_update", {"cluster_name": "c1"}, "lacks node_daemon_certificate"),
])
def test_bad_input_gets_one_clear_line(tmp_path, monkeypatch, capsys, tool, data, words):
    """In this process, since there are many."""
    noderoot.move_node_to(str(tmp_path), monkeypatch)
    monkeypatch.setenv("GANETI_HOSTNAME", "node1")
    text = data if isinstance(data, str) else json.dumps(data)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    module = importlib.import_module(f"ganeti.tools.{tool}")
    status = node_tool.run(module.NAME, module.FIELDS, module.work, [])
    said = capsys.readouterr()
    assert status == 1
    assert words in said.err
    assert (said.out, len(said.err.splitlines())) == ("", 1)
    assert [path for path in (tmp_path / "var/lib/ganeti").iterdir() if path.is_file()] == []


def test_a_certificate_and_a_foreign_key(machine):
    other = x509.create_self_signed().decode()
    mixed = other[:other.index("-----BEGIN CERT")] + CERTIFICATE
    refused(machine.run("node_daemon_setup", {**SETUP, "node_daemon_certificate": mixed}),
            "do not belong together")


def test_client_certificates_are_made_and_taken_away(machine):
    request = {"cluster_name": "c1", "node_daemon_certificate": AUTHORITY, "node_name": "node1",
               "action": "create"}
    done = machine.run("ssl_update", request)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == x509.file_digest(str(machine.data("client.pem")))
    done = machine.run("ssl_update", {**request, "action": "delete"})
    assert done.returncode == 0, done.stderr
    assert not machine.data("client.pem").exists()


def test_keys_are_changed_and_made(machine):
    machine.data("server.pem").write_text(AUTHORITY)
    done = machine.run("ssh_update", {
        "cluster_name": "c1", "node_daemon_certificate": CERTIFICATE,
        "authorized_keys": ["add", {"u1": ["ssh-rsa AAAA1 a"]}],
        "public_keys": ["override", {"u1": ["ssh-rsa AAAA1 a"]}],
        "generate": ["ecdsa", 256, ""]})
    assert done.returncode == 0, done.stderr
    public = json.loads(done.stdout)["public_key"]
    assert (machine.root / "root/.ssh/id_ecdsa.pub").read_text().strip() == public
    assert machine.data("ganeti_pub_keys").read_text() == "u1 ssh-rsa AAAA1 a\n"


def test_a_machine_is_taken_out_of_its_cluster(machine):
    assert machine.run("node_daemon_setup", SETUP).returncode == 0
    asked = machine.run("node_cleanup", "")
    assert asked.returncode == 13
    assert "--yes-do-it" in asked.stderr
    assert machine.data("server.pem").exists()
    done = machine.run("node_cleanup", "", "--yes-do-it")
    assert done.returncode == 0, done.stderr
    assert machine.files() == []
    [archive] = (machine.root / "var/lib").glob("cleanup-*.tgz")
    assert archive.stat().st_mode & 0o077 == 0
    listed = subprocess.run(["tar", "-tzf", str(archive)], capture_output=True, text=True,
                            check=True)
    assert "ganeti/server.pem" in listed.stdout
