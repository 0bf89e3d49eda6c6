"""What two clusters tell each other when an instance goes from one to the other, signed with the
secret that they share (`cluster-domain-secret`). Formats: `protocols.json`, `inter_cluster`.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Sequence
from typing import Any

from ganeti import constants, errors, pathutils, serializer
from ganeti.utils import io, net, x509

_SIGNATURE = "X-Ganeti-Signature"
_SALT_BYTES = 8


@dataclasses.dataclass(frozen=True)
class Receiver:
    """Where the other cluster waits for one disk."""

    host: str
    port: int
    magic: str


def secret() -> str:
    """The secret of the clusters that exchange instances; never to be shown."""
    try:
        return io.read_first_line(pathutils.CLUSTER_DOMAIN_SECRET_FILE, strict=True)
    except (OSError, errors.ParseError) as err:
        raise errors.OpPrereqError(
            f"The cluster domain secret can not be read: {err}; it is one line in"
            f" {pathutils.CLUSTER_DOMAIN_SECRET_FILE}, the same on all nodes of both clusters",
            errors.ECODE_ENVIRON) from err


def _salted(text: str) -> tuple[str, str]:
    """(signature, new salt) of a text."""
    salt = secrets.token_hex(_SALT_BYTES)
    return serializer.sign(text, secret(), salt), salt


def _check(text: str, digest: Any, salt: Any, what: str) -> None:
    if not (isinstance(digest, str) and isinstance(salt, str)
            and serializer.verify(text, secret(), digest, salt)):
        raise errors.OpPrereqError(
            f"{what} has a wrong signature; both clusters need the same cluster domain secret",
            errors.ECODE_INVAL)


# The handshake.


def handshake() -> list[Any]:
    """Proof that we know the secret."""
    digest, salt = _salted(f"{constants.RIE_VERSION}:{constants.RIE_HANDSHAKE}")
    return [constants.RIE_VERSION, digest, salt]


def check_handshake(data: Sequence[Any] | None) -> None:
    """Refuse a cluster that does not know the secret, or speaks another version."""
    if not data or len(data) != 3:
        raise errors.OpPrereqError(
            "The handshake of the source cluster has to be [version, signature, salt]",
            errors.ECODE_INVAL)
    version, digest, salt = data
    _check(f"{version}:{constants.RIE_HANDSHAKE}", digest, salt, "The handshake")
    if version != constants.RIE_VERSION:
        raise errors.OpPrereqError(
            f"The source cluster speaks version {version} of the exchange of instances, this one"
            f" version {constants.RIE_VERSION}", errors.ECODE_INVAL)


# Keys and certificates.


def sign_key_name(name: str) -> list[str]:
    """The name of a key on a node, as it travels through the client."""
    digest, salt = _salted(name)
    return [name, digest, salt]


def check_key_name(data: Sequence[Any] | None) -> str:
    """The name in what `sign_key_name` has made."""
    if not data or len(data) != 3 or not isinstance(data[0], str):
        raise errors.OpPrereqError(
            "The name of the key has to be [name, signature, salt], as 'prepare' has given it",
            errors.ECODE_INVAL)
    _check(data[0], data[1], data[2], "The name of the key")
    return data[0]


def sign_certificate(pem: str) -> str:
    """A certificate with our signature before it."""
    digest, salt = _salted(pem)
    return f"{_SIGNATURE}: {salt}/{digest}\n\n{pem}"


def check_certificate(text: str | None, what: str) -> str:
    """The certificate in what `sign_certificate` has made; it has to be valid now."""
    head, _, pem = (text or "").partition("\n\n")
    name, _, value = head.partition(":")
    salt, slash, digest = value.strip().partition("/")
    if name.strip() != _SIGNATURE or not slash:
        raise errors.OpPrereqError(f"{what} is not signed", errors.ECODE_INVAL)
    _check(pem, digest, salt, what)
    try:
        severity, problem = x509.verify(x509.load(pem), warn_days=0, error_days=0)
    except errors.X509CertError as err:
        raise errors.OpPrereqError(f"{what}: {errors.text(err)}", errors.ECODE_INVAL) from err
    if severity is not None:
        raise errors.OpPrereqError(f"{what} {problem}", errors.ECODE_INVAL)
    return pem


# Where disks go.


def _receiver_text(index: int, receiver: Receiver) -> str:
    return f"{index}:{receiver.host}:{receiver.port}:{receiver.magic}"


def sign_receiver(index: int, receiver: Receiver) -> list[Any]:
    """Where one disk has to be sent."""
    digest, salt = _salted(_receiver_text(index, receiver))
    return [receiver.host, receiver.port, receiver.magic, digest, salt]


def check_receiver(index: int, data: Any) -> Receiver:
    """The receiver in what `sign_receiver` has made."""
    what = f"The destination of disk {index}"
    if not isinstance(data, (list, tuple)) or len(data) != 5:
        raise errors.OpPrereqError(
            f"{what} has to be [host, port, magic, signature, salt]", errors.ECODE_INVAL)
    host, port, magic, digest, salt = data
    if not isinstance(host, str) or not isinstance(magic, str) or not _is_port(port):
        raise errors.OpPrereqError(f"{what} is no address of a disk", errors.ECODE_INVAL)
    receiver = Receiver(host, int(port), magic)
    _check(_receiver_text(index, receiver), digest, salt, what)
    try:
        return dataclasses.replace(receiver, host=net.resolve(host))
    except errors.ResolverError as err:
        raise errors.OpPrereqError(f"{what}: {errors.text(err)}", errors.ECODE_RESOLVER) from err


def _is_port(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536
