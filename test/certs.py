"""Certificates of all kinds, good and bad, for the tests of TLS."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Made:
    """A key and its certificate, and their PEM file."""

    def __init__(self, path, key, certificate):
        self.path = str(path)
        self.key = key
        self.certificate = certificate
        self.der = certificate.public_bytes(serialization.Encoding.DER)
        self.digest = certificate.fingerprint(hashes.SHA1()).hex(":").upper()  # noqa: S303
        path.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                              serialization.NoEncryption())
            + certificate.public_bytes(serialization.Encoding.PEM))


def make(path, name, issuer=None, *, ends=10 * DAY, authority=None):
    """A certificate, signed by another one or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
               .issuer_name(issuer.certificate.subject if issuer else subject)
               .serial_number(x509.random_serial_number())
               .not_valid_before(now - 20 * DAY).not_valid_after(now + ends))
    if authority is None:
        authority = issuer is None
    if authority:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    return Made(path, key, certificate)
