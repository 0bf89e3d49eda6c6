"""New certificates, keys and secrets for a cluster that goes on working."""

from __future__ import annotations

import threading

import pytest

from ganeti.utils import x509
from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until

NODES = ("node1", "node2", "node3")
pytestmark = pytest.mark.timeout(300)


def content(cluster: VirtualCluster, node: str, name: str) -> bytes:
    return cluster.path(node, f"/var/lib/ganeti/{name}").read_bytes()


def contents(cluster: VirtualCluster, *names: str) -> dict[str, bytes]:
    """Files that have to be the same on all nodes."""
    found = {}
    for name in names:
        versions = {content(cluster, node, name) for node in NODES}
        assert len(versions) == 1, name
        found[name] = versions.pop()
    return found


class Looker:
    """Asks the nodes for live data all the time, as a sign that the cluster works."""

    def __init__(self, cluster: VirtualCluster) -> None:
        self.answers: list[str] = []
        self._cluster, self._stop = cluster, threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._stop.is_set():
            self.answers.append(self._cluster.run(
                "gnt-node list --no-headers --separator=: -o name,mfree"))

    def __enter__(self) -> Looker:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()


def test_the_cluster_certificate_changes_while_the_cluster_works(battered):
    shared = ("server.pem", "ssconf_master_candidates_certs")
    before = contents(battered, *shared)
    clients = {content(battered, node, "client.pem") for node in NODES}
    with Looker(battered) as looker:
        said = battered.run("gnt-cluster renew-crypto -f --new-cluster-certificate")
    assert "trusted no more" in said
    assert looker.answers
    assert not [text for text in looker.answers if "?" in text or "*" in text]
    after = contents(battered, *shared)
    assert after["server.pem"].count(b"BEGIN CERTIFICATE") == 1
    assert not {after[name] for name in shared} & {before[name] for name in shared}
    assert b"," not in after["ssconf_master_candidates_certs"]
    authority = x509.load(after["server.pem"])
    assert x509.common_name(authority) == "ganeti.example.com"
    for node in NODES:
        pem = content(battered, node, "client.pem")
        assert pem not in clients
        assert x509.is_signed_by(x509.load(pem), authority)
    battered.run("gnt-cluster verify")


def test_a_node_that_can_not_follow_stops_the_renewal(battered):
    before = contents(battered, "server.pem")
    battered.kill_daemon("node3", "ganeti-noded")
    refused = battered.try_run("gnt-cluster renew-crypto -f --new-cluster-certificate")
    assert refused.returncode == 1
    assert "keeps its former certificate" in refused.stderr
    warned = battered.try_run("gnt-cluster renew-crypto -f --new-node-certificates")
    assert "node3" in warned.stdout + warned.stderr
    battered.daemon_util("node3", "start", "ganeti-noded")
    assert contents(battered, "server.pem") == before
    battered.run("gnt-cluster renew-crypto -f --new-node-certificates")
    battered.run("gnt-cluster verify")


def test_files_are_replaced_on_all_nodes(battered, tmp_path):
    names = ("rapi.pem", "spice.pem", "spice-ca.pem", "hmac.key", "cluster-domain-secret")
    before = contents(battered, *names)
    (tmp_path / "secret").write_text("between our clusters\n")
    battered.run("gnt-cluster renew-crypto -f --new-rapi-certificate --new-confd-hmac-key"
                 f" --new-spice-certificate --cluster-domain-secret={tmp_path}/secret")
    after = contents(battered, *names)
    assert not set(before.values()) & set(after.values())
    assert after["cluster-domain-secret"] == b"between our clusters"
    battered.run("gnt-cluster verify")


def test_ssh_keys_are_renewed(battered):
    keys = [battered.path(node, "/root/.ssh/id_rsa.pub").read_text() for node in NODES]
    battered.run("gnt-cluster renew-crypto -f --new-ssh-keys")
    renewed = [battered.path(node, "/root/.ssh/id_rsa.pub").read_text() for node in NODES]
    assert not set(keys) & set(renewed)
    # A virtual node's little sshd may drop a connection; the keys have to be good on all.
    wait_until(lambda: battered.run("gnt-cluster command true").count("return code = 0") == 3,
               "all nodes take the new keys")


@pytest.mark.parametrize(("options", "text"), [
    ("", "Nothing is to be renewed"),
    ("--new-rapi-certificate --rapi-certificate=/x", "not both"),
    ("--spice-certificate=/x", "go together"),
    ("--ssh-key-type=rsa", "new SSH keys"),
    ("--rapi-certificate=/none-such", "/none-such"),
])
def test_what_makes_no_sense_is_refused(cluster, options, text):
    refused = cluster.try_run(f"gnt-cluster renew-crypto -f {options}")
    assert refused.returncode == 1
    assert text in refused.stderr


def test_another_node_than_the_master_says_where_to_go(cluster):
    refused = cluster.try_run("gnt-cluster renew-crypto -f --new-ssh-keys", "node2")
    assert refused.returncode == 1
    assert "master node, node1" in refused.stderr
