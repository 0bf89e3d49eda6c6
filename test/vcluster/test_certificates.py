"""Who may call a node daemon: certificates that are foreign, expired, or of removed nodes."""

from __future__ import annotations

import pathlib
import ssl
import subprocess

import pytest

from ganeti.utils import x509
from test import certs
from test.vcluster.fixture import VirtualCluster
from test.vcluster.wire import call_node

SERVER = "/var/lib/ganeti/server.pem"
CLIENT = "/var/lib/ganeti/client.pem"


def _refused(cluster: VirtualCluster, node: str, certificate: str | pathlib.Path) -> bool:
    """Whether the node hangs up on the certificate, or answers that it is none of a candidate."""
    try:
        status, answer = call_node(cluster.address(node), str(certificate), "version", "[]")
    except (ssl.SSLError, ConnectionError):
        return True
    assert (status, answer[0]) in ((200, True), (403, False)), answer
    return status == 403


class _Authority:
    """The cluster's own key, as one who makes certificates with it needs it."""

    def __init__(self, cluster: VirtualCluster) -> None:
        from cryptography import x509 as library
        from cryptography.hazmat.primitives import serialization

        pem = cluster.path("node1", SERVER).read_bytes()
        self.key = serialization.load_pem_private_key(pem, None)
        self.certificate = library.load_pem_x509_certificate(pem)


def test_the_masters_own_is_let_in(cluster: VirtualCluster) -> None:
    for node in ("node1", "node2", "node3"):
        assert not _refused(cluster, node, cluster.path("node1", CLIENT))


def test_self_signed_with_the_right_name(cluster: VirtualCluster, tmp_path: pathlib.Path) -> None:
    made = certs.make(tmp_path / "self.pem", "node1")
    assert _refused(cluster, "node2", made.path)
    subject = subprocess.run(["openssl", "x509", "-noout", "-subject", "-in",
                              str(cluster.path("node1", SERVER))], text=True,
                             capture_output=True, check=True).stdout
    made = certs.make(tmp_path / "self2.pem", subject.strip().rpartition("=")[2].strip())
    assert _refused(cluster, "node2", made.path)


def test_signed_by_another_authority(cluster: VirtualCluster, tmp_path: pathlib.Path) -> None:
    authority = certs.make(tmp_path / "ca.pem", "ganeti.example.com")
    made = certs.make(tmp_path / "foreign.pem", "node1", authority)
    assert _refused(cluster, "node2", made.path)


def test_signed_by_the_cluster_but_of_no_candidate(cluster: VirtualCluster,
                                                   tmp_path: pathlib.Path) -> None:
    made = certs.make(tmp_path / "own.pem", "node1", _Authority(cluster))
    assert _refused(cluster, "node2", made.path)


def test_expired_although_listed(cluster: VirtualCluster, tmp_path: pathlib.Path) -> None:
    """Expiry counts even for a certificate whose digest stands in the list."""
    made = {ends: certs.make(tmp_path / f"{days}.pem", "node1", _Authority(cluster), ends=ends)
            for days, ends in ((-1, -certs.DAY), (1, certs.DAY))}
    listed = cluster.path("node2", "/var/lib/ganeti/ssconf_master_candidates_certs")
    before = listed.read_text()
    mode = listed.stat().st_mode
    listed.chmod(0o644)
    try:
        listed.write_text(before + "".join(
            f"x{number}={one.digest}\n" for number, one in enumerate(made.values())))
        assert not _refused(cluster, "node2", made[certs.DAY].path), "valid and listed"
        assert _refused(cluster, "node2", made[-certs.DAY].path)
    finally:
        listed.write_text(before)
        listed.chmod(mode)
    assert _refused(cluster, "node2", made[certs.DAY].path), "the list counts at once"


def test_no_certificate_at_all(cluster: VirtualCluster) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        call_node(cluster.address("node2"), None, "version", "[]")


def test_a_removed_nodes_certificate(battered: VirtualCluster, tmp_path: pathlib.Path) -> None:
    cluster = battered
    old = tmp_path / "client.pem"
    old.write_bytes(cluster.path("node3", CLIENT).read_bytes())
    assert not _refused(cluster, "node2", old), "node3 is a candidate"
    cluster.run("gnt-node modify --master-candidate=no node3")
    assert _refused(cluster, "node2", old), "no candidate, no calls"
    cluster.run("gnt-node remove node3")
    try:
        assert _refused(cluster, "node2", old)
        assert _refused(cluster, "node1", old)
    finally:
        cluster.run("gnt-node add --no-ssh-key-check node3")
    fresh = cluster.path("node3", CLIENT).read_bytes()
    assert x509.digest(fresh) != x509.digest(old.read_bytes())
    assert not _refused(cluster, "node2", cluster.path("node3", CLIENT))
    assert _refused(cluster, "node2", old)
