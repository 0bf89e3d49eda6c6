"""Certificates and keys of the cluster: made, read, checked. TLS contexts are in `rpc/tls`."""

from __future__ import annotations

import datetime
import hashlib
import re
import ssl
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ganeti import errors
from ganeti.constants import crypto
from ganeti.utils import io

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

# `cryptography` takes 50 ms to load, and most programs only need a digest: it is imported where
# it is used.

_CERT = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def create_self_signed(common_name: str = crypto.X509_CERT_CN, *,
                       days: int = crypto.X509_CERT_DEFAULT_VALIDITY, serial: int | None = None,
                       alt_names: Iterable[str] = (), unit: str | None = None) -> bytes:
    """A new key and its self-signed certificate, one PEM text; it may sign others.

    :param unit: sets it apart from others of the same name, where both are trusted for a while
    """
    key = _new_key()
    name = _name(common_name, unit)
    builder = _builder(name, name, key, days, serial, ca=True, alt_names=alt_names)
    return _pem(key, builder.sign(key, _digest_algorithm()))


def create_signed(ca_pem: bytes | str, common_name: str, *,
                  days: int = crypto.X509_CERT_DEFAULT_VALIDITY, serial: int | None = None,
                  alt_names: Iterable[str] = ()) -> bytes:
    """A new key and a certificate for it that the key in `ca_pem` has signed."""
    ca = load(ca_pem)
    ca_key = load_key(ca_pem)
    key = _new_key()
    builder = _builder(_name(common_name), ca.subject, key, days, serial, ca=False,
                       alt_names=alt_names)
    return _pem(key, builder.sign(ca_key, _digest_algorithm()))


def _new_key() -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric import rsa
    return rsa.generate_private_key(public_exponent=65537, key_size=crypto.RSA_KEY_BITS)


def _digest_algorithm() -> hashes.SHA256:
    from cryptography.hazmat.primitives import hashes
    return hashes.SHA256()


def _name(common_name: str, unit: str | None = None) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID
    # X.509 allows 64 characters; a longer host name is cut, its digest is what counts
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])]
    if unit is not None:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit[:64]))
    return x509.Name(parts)


def _builder(subject: x509.Name, issuer: x509.Name, key: RSAPrivateKey, days: int,
             serial: int | None, *, ca: bool,
             alt_names: Iterable[str]) -> x509.CertificateBuilder:
    from cryptography import x509
    now = datetime.datetime.now(datetime.UTC)
    builder = (x509.CertificateBuilder()
               .subject_name(subject).issuer_name(issuer).public_key(key.public_key())
               .serial_number(x509.random_serial_number() if serial is None else serial)
               .not_valid_before(now - datetime.timedelta(minutes=5))
               .not_valid_after(now + datetime.timedelta(days=days))
               .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
               .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
                              critical=False))
    names: list[x509.GeneralName] = [_general_name(name) for name in alt_names]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder


def _general_name(name: str) -> x509.GeneralName:
    import ipaddress

    from cryptography import x509
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: RSAPrivateKey, cert: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives import serialization
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()) + cert.public_bytes(serialization.Encoding.PEM)


def _bytes(pem: bytes | str) -> bytes:
    return pem.encode() if isinstance(pem, str) else pem


def cert_part(pem: bytes | str) -> bytes:
    """The first certificate of a PEM text, without the key."""
    match = _CERT.search(_bytes(pem))
    if match is None:
        raise errors.X509CertError("(text)", "there is no certificate in it")
    return match.group(0) + b"\n"


def load(pem: bytes | str, origin: str = "(text)") -> x509.Certificate:
    """The first certificate of a PEM text."""
    from cryptography import x509
    try:
        return x509.load_pem_x509_certificate(cert_part(pem))
    except (ValueError, errors.X509CertError) as err:
        raise errors.X509CertError(origin, f"no usable certificate: {err.args[-1]}") from None


def load_key(pem: bytes | str, origin: str = "(text)") -> RSAPrivateKey:
    """The private key of a PEM text."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    try:
        key = serialization.load_pem_private_key(_bytes(pem), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as err:
        raise errors.X509CertError(origin, f"no usable private key: {err}") from None
    return key  # type: ignore[return-value]


def key_fits(certificate: x509.Certificate, key: RSAPrivateKey) -> bool:
    """Whether key and certificate belong together; cryptography before 40 can not compare keys."""
    from cryptography.hazmat.primitives import serialization
    encoding, kind = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return (certificate.public_key().public_bytes(encoding, kind)
            == key.public_key().public_bytes(encoding, kind))


def load_file(path: str) -> x509.Certificate:
    """The certificate in a file; X509CertError for a missing or damaged one."""
    return load(_read(path), path)


def _read(path: str) -> bytes:
    try:
        return io.read_bytes(path)
    except OSError as err:
        raise errors.X509CertError(path, err.strerror or str(err)) from None


def check_pair(path: str) -> None:
    """Refuse a file whose key and certificate do not belong together."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(path)
    except OSError as err:
        text = getattr(err, "reason", None) or err.strerror or str(err)
        raise errors.X509CertError(path, f"key and certificate are not usable: {text}") from None


def digest_der(der: bytes) -> str:
    """SHA-1 of a certificate in its binary form: capital hexadecimal pairs joined by colons."""
    plain = hashlib.sha1(der).hexdigest().upper()
    return ":".join(plain[at:at + 2] for at in range(0, len(plain), 2))


def digest(pem: bytes | str) -> str:
    """The same of the first certificate of a PEM text."""
    try:
        return digest_der(ssl.PEM_cert_to_DER_cert(cert_part(pem).decode("ascii")))
    except ValueError as err:
        raise errors.X509CertError("(text)", f"no usable certificate: {err}") from None


def file_digest(path: str) -> str:
    """The same of a file."""
    try:
        return digest(_read(path))
    except errors.X509CertError as err:
        raise errors.X509CertError(path, err.args[-1]) from None


def _dates(cert: x509.Certificate) -> tuple[datetime.datetime, datetime.datetime]:
    """Begin and end of validity; cryptography before 42 only has the naive attributes."""
    utc = datetime.UTC
    if hasattr(cert, "not_valid_before_utc"):
        return cert.not_valid_before_utc, cert.not_valid_after_utc
    return (cert.not_valid_before.replace(tzinfo=utc), cert.not_valid_after.replace(tzinfo=utc))


def expiry(cert: x509.Certificate) -> datetime.datetime:
    """When a certificate ends."""
    return _dates(cert)[1]


def verify(cert: x509.Certificate, *, warn_days: float = crypto.SSL_CERT_EXPIRATION_WARN,
           error_days: float = crypto.SSL_CERT_EXPIRATION_ERROR) -> tuple[str | None, str]:
    """('ERROR' or 'WARNING', text) about a certificate's validity, (None, "") if it is good."""
    begin, end = _dates(cert)
    now = datetime.datetime.now(datetime.UTC)
    if now >= end:
        return "ERROR", f"expired on {end:%Y-%m-%d %H:%M} UTC"
    if now < begin - datetime.timedelta(seconds=150):
        return "ERROR", f"is valid only from {begin:%Y-%m-%d %H:%M} UTC"
    left = (end - now).total_seconds() / 86400
    if left <= error_days:
        return "ERROR", f"expires in {left:.0f} days"
    if left <= warn_days:
        return "WARNING", f"expires in {left:.0f} days"
    return None, ""


def is_signed_by(cert: x509.Certificate, ca: x509.Certificate) -> bool:
    """Whether a certificate carries the signature of another one's key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    algorithm, key = cert.signature_hash_algorithm, ca.public_key()
    if algorithm is None or not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(cert.signature, cert.tbs_certificate_bytes, padding.PKCS1v15(), algorithm)
    except InvalidSignature:
        return False
    return True


def common_name(cert: x509.Certificate) -> str:
    """The name in a certificate's subject; empty when it has none."""
    from cryptography.x509.oid import NameOID
    found = cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def write(path: str, pem: bytes, *, mode: int = 0o400) -> None:
    """Store key and certificate."""
    io.write_file(path, pem, mode=mode)
