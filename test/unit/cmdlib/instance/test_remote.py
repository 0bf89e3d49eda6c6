"""What clusters sign for each other."""

from __future__ import annotations

import pytest

from ganeti import constants, errors, pathutils
from ganeti.cmdlib.instance import remote
from ganeti.utils import io, x509


@pytest.fixture(autouse=True)
def secret(node_root):
    io.write_file(pathutils.CLUSTER_DOMAIN_SECRET_FILE, "between us\n")


@pytest.fixture(scope="module")
def pem():
    return x509.cert_part(x509.create_self_signed("node1.example.org", days=1)).decode()


def refused(text):
    return pytest.raises(errors.OpPrereqError, match=text)


def change_secret():
    io.write_file(pathutils.CLUSTER_DOMAIN_SECRET_FILE, "something else\n")


def test_who_knows_the_secret_is_believed():
    remote.check_handshake(remote.handshake())


def test_a_handshake_of_ganeti_3_is_understood():
    # HMAC-SHA1 with the key "between us" over the salt "salt" and "0:Hi, I'm Ganeti"
    import hashlib
    import hmac
    digest = hmac.new(b"between us", b"salt0:Hi, I'm Ganeti", hashlib.sha1).hexdigest()
    remote.check_handshake([0, digest, "salt"])


@pytest.mark.parametrize("data", [None, [], [0, "x"], [0, "x", "y"], [0, 1, 2], ["0", "x", "y"]])
def test_a_bad_handshake_is_refused(data):
    with refused("handshake"):
        remote.check_handshake(data)


def test_another_secret_makes_everything_invalid(pem):
    shaken, key = remote.handshake(), remote.sign_key_name("x509-a")
    cert = remote.sign_certificate(pem)
    place = remote.sign_receiver(0, remote.Receiver("192.0.2.1", 7, "magic"))
    change_secret()
    for check, data in ((remote.check_handshake, shaken), (remote.check_key_name, key),
                        (lambda text: remote.check_certificate(text, "It"), cert),
                        (lambda row: remote.check_receiver(0, row), place)):
        with refused("same cluster domain secret"):
            check(data)


def test_another_version_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(constants, "RIE_VERSION", 7)
    newer = remote.handshake()
    monkeypatch.undo()
    with pytest.raises(errors.OpPrereqError):
        remote.check_handshake(newer)


def test_certificates_travel_with_their_signature(pem):
    text = remote.sign_certificate(pem)
    assert text.startswith("X-Ganeti-Signature: ")
    assert remote.check_certificate(text, "It") == pem
    for bad in (pem, "", None, text.replace("CERTIFICATE", "CERTIFICATF"), text + "x"):
        with refused("It"):
            remote.check_certificate(bad, "It")


def test_expired_certificates_are_refused(tmp_path):
    import datetime

    from test import certs
    old = certs.make(tmp_path / "old.pem", "old", ends=-datetime.timedelta(days=1))
    with open(old.path, encoding="ascii") as fobj:
        pem = x509.cert_part(fobj.read()).decode()
    with refused("expired"):
        remote.check_certificate(remote.sign_certificate(pem), "It")


def test_a_disk_goes_where_it_was_asked_to():
    place = remote.Receiver("192.0.2.1", 4711, "magic")
    row = remote.sign_receiver(3, place)
    assert row[:3] == ["192.0.2.1", 4711, "magic"]
    assert remote.check_receiver(3, row) == place
    for index, changed in ((2, row), (3, ["192.0.2.9", *row[1:]]), (3, [row[0], 1, *row[2:]]),
                           (3, [*row[:2], "other", *row[3:]])):
        with refused("wrong signature"):
            remote.check_receiver(index, changed)


@pytest.mark.parametrize("row", [None, "x", [], ["h", 1, "m", "d"], ["h", "1", "m", "d", "s"],
                                 ["h", True, "m", "d", "s"], [1, 1, "m", "d", "s"],
                                 ["h", 70000, "m", "d", "s"]])
def test_bad_destinations_are_refused(row):
    with refused("destination of disk 0"):
        remote.check_receiver(0, row)


@pytest.mark.parametrize("content", [None, "", "two\nlines\n"])
def test_a_missing_secret_is_named(content):
    if content is None:
        io.remove_file(pathutils.CLUSTER_DOMAIN_SECRET_FILE)
    else:
        io.write_file(pathutils.CLUSTER_DOMAIN_SECRET_FILE, content)
    with refused("domain secret can not be read"):
        remote.handshake()
