"""Keys and certificates for one exchange with another cluster, in this node's run directory."""

from __future__ import annotations

import os
import re
import shutil
import tempfile

from ganeti import errors, pathutils
from ganeti.utils import io, net, x509

KEY, CERT = "key", "cert"
_PREFIX = "x509-"
_NAME = re.compile(r"x509-[-_a-zA-Z0-9]+")
_DAY = 86400


def x509_cert_create(validity: int) -> list[str]:
    """Make a key and its certificate, good for `validity` seconds (whole days, rounded up).

    Returns the name by which the pair is used, and the certificate.
    """
    if validity <= 0:
        raise errors.OpExecError("A certificate has to be valid for some time")
    pem = x509.create_self_signed(net.hostname(), days=-(-int(validity) // _DAY))
    cert = x509.cert_part(pem)
    directory = tempfile.mkdtemp(prefix=_PREFIX, dir=pathutils.CRYPTO_KEYS_DIR)
    try:
        io.write_file(os.path.join(directory, KEY), pem, mode=0o400)
        io.write_file(os.path.join(directory, CERT), cert, mode=0o400)
    except OSError:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return [os.path.basename(directory), cert.decode("ascii")]


def x509_cert_remove(name: str) -> None:
    """Remove a pair; one that has gone already is left alone."""
    shutil.rmtree(_directory(name), ignore_errors=True)


def files_of(name: str) -> tuple[str, str]:
    """Paths of the key and of the certificate of a pair."""
    key, cert = (os.path.join(_directory(name), part) for part in (KEY, CERT))
    if not os.path.isfile(key) or not os.path.isfile(cert):
        raise errors.OpExecError(f"There is no key '{name}' on this node; it may have expired")
    return key, cert


def _directory(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise errors.OpExecError(f"'{name}' is no name of a key")
    return os.path.join(pathutils.CRYPTO_KEYS_DIR, name)
