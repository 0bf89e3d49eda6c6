"""Certificates of the cluster."""

import pytest

from ganeti import errors
from ganeti.utils import process, x509


@pytest.fixture(scope="module")
def ca():
    return x509.create_self_signed()


@pytest.fixture(scope="module")
def client(ca):
    return x509.create_signed(ca, "node1.example.org", alt_names=["127.0.0.1", "node1"])


def test_cluster_certificate(ca):
    cert = x509.load(ca)
    assert x509.common_name(cert) == "ganeti.example.com"
    assert x509.is_signed_by(cert, cert)
    assert x509.verify(cert) == (None, "")
    assert cert.signature_hash_algorithm.name == "sha256"
    assert x509.load_key(ca).key_size == 2048


def test_a_key_fits_its_own_certificate_only(ca, client):
    assert x509.key_fits(x509.load(ca), x509.load_key(ca))
    assert not x509.key_fits(x509.load(ca), x509.load_key(client))


def test_node_certificate_is_signed_by_the_cluster(ca, client):
    cert = x509.load(client)
    assert x509.common_name(cert) == "node1.example.org"
    assert x509.is_signed_by(cert, x509.load(ca))
    assert not x509.is_signed_by(x509.load(ca), cert)


def test_openssl_accepts_the_chain(tmp_path, ca, client):
    x509.write(str(tmp_path / "ca.pem"), ca)
    x509.write(str(tmp_path / "client.pem"), client)
    x509.check_pair(str(tmp_path / "client.pem"))
    checked = process.run(["openssl", "verify", "-CAfile", str(tmp_path / "ca.pem"),
                           str(tmp_path / "client.pem")])
    assert not checked.failed, checked.output


def test_digest_is_openssls_fingerprint(tmp_path, client):
    path = str(tmp_path / "client.pem")
    x509.write(path, client)
    shown = process.run(["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha1"])
    assert shown.stdout.strip().partition("=")[2] == x509.digest(client) == x509.file_digest(path)


@pytest.mark.parametrize(("days", "severity", "text"), [
    (-1, "ERROR", "expired"), (5, "ERROR", "expires in"), (20, "WARNING", "expires in 20 days"),
    (100, None, "")])
def test_expiry(ca, days, severity, text):
    if days < 0:
        cert = x509.load(EXPIRED)
    else:
        cert = x509.load(x509.create_signed(ca, "x", days=days))
    found, why = x509.verify(cert)
    assert found == severity and why.startswith(text)


def test_long_names_fit(ca):
    assert len(x509.common_name(x509.load(x509.create_signed(ca, "n" * 100)))) == 64


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff" * 100,
                                     b"-----BEGIN CERTIFICATE-----\nAAAA\n"
                                     b"-----END CERTIFICATE-----\n"])
def test_garbage_names_the_file(tmp_path, content):
    path = tmp_path / "x.pem"
    path.write_bytes(content)
    for action in (x509.load_file, x509.check_pair):
        with pytest.raises(errors.X509CertError) as caught:
            action(str(path))
        assert caught.value.args[0] == str(path)
    with pytest.raises(errors.X509CertError):
        x509.load_key(content)


def test_missing_file():
    with pytest.raises(errors.X509CertError, match="No such file"):
        x509.file_digest("/no/such.pem")


# a self-signed certificate of the year 2001, made with the library that x509 uses
EXPIRED = b"""-----BEGIN CERTIFICATE-----
MIIBjzCB+aADAgECAgEBMA0GCSqGSIb3DQEBCwUAMA4xDDAKBgNVBAMMA29sZDAe
Fw0wMTAxMDEwMDAwMDBaFw0wMjAxMDEwMDAwMDBaMA4xDDAKBgNVBAMMA29sZDCB
nzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEAyVZbye6V7T2i3utsq7nfmgamAWuG
M9Hz7qQrmPIhaGURoLthvIy6zYq6jEqphS62PSrr9aTl6Fxusy5oqUGdzK2ZTFDv
e2uc+MCG0v5dWmfK4zQTB9YQY4c5VVCwgypiIf79YXjHvY7AyplUzyk9JP4Z7I2U
9cBw3ycWZ9LKqW0CAwEAATANBgkqhkiG9w0BAQsFAAOBgQB5YgXxfnB5t7OBjTG5
bgpzzSXwQ6oYHqdMKwlYsfsXPTGkeuilz8wNQOz4FkLv7qA+1tWjAgeQ1eLA7ZqZ
O+er7Ikn8EQAzbmY8NVBVGoIPI4jr8KwFhnBXQHQF1znaEyKVYKR2i8GxCDfstkZ
J94781fcck3j3jNrIkdRfJlCww==
-----END CERTIFICATE-----"""
