"""TLS of the node RPC: contexts for both ends, and who may call a node.

``server.pem`` is the certificate authority for both directions; host names are not compared,
since nodes are addressed by IP. Making certificates is in :mod:`ganeti.utils.x509`.
"""

from __future__ import annotations

import logging
import os
import ssl
import threading

from ganeti import constants, errors, pathutils
from ganeti.utils import x509

_Signature = tuple[tuple[int, int, int] | None, ...]


def _signature(*paths: str) -> _Signature:
    """What changes when one of some files is replaced or rewritten."""
    found: list[tuple[int, int, int] | None] = []
    for path in paths:
        try:
            status = os.stat(path)
            found.append((status.st_mtime_ns, status.st_ino, status.st_size))
        except FileNotFoundError:
            found.append(None)
    return tuple(found)


def _context(purpose: int, certificate: str, key: str | None, authority: str) -> ssl.SSLContext:
    context = ssl.SSLContext(purpose)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    # server.pem is trusted as it is, whatever it says about being an authority.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    path = certificate
    try:
        context.load_cert_chain(certificate, key)
        path = authority
        context.load_verify_locations(cafile=authority)
    except FileNotFoundError:
        raise errors.X509CertError(path, "the file is missing; is this machine a node of a "
                                   "cluster ('gnt-cluster init', 'gnt-node add')?") from None
    except OSError as err:  # ssl.SSLError is one
        raise errors.X509CertError(path, f"cannot be used: {err}") from err
    return context


def server_context(certificate: str | None = None, key: str | None = None) -> ssl.SSLContext:
    """The node daemon's end. Replaced certificate files count from the next connection on."""
    certificate = certificate or pathutils.NODED_CERT_FILE
    files = _signature(certificate)
    current = first = _context(ssl.PROTOCOL_TLS_SERVER, certificate, key, certificate)
    lock = threading.Lock()

    def renew(connection: ssl.SSLObject, _name: str | None, _context_in_use: ssl.SSLContext
              ) -> None:
        nonlocal files, current
        with lock:
            found = _signature(certificate)
            if found != files:
                files = found
                try:
                    current = _context(ssl.PROTOCOL_TLS_SERVER, certificate, key, certificate)
                    logging.info("Read the changed certificate %s", certificate)
                except errors.X509CertError as err:
                    logging.error("Keeping the former certificate: %s", errors.text(err))
            if connection.context is not current:
                connection.context = current

    first.sni_callback = renew
    return first


def client_files() -> tuple[str, str]:
    """Certificate to show to nodes, and the authority for theirs.

    A machine without a client certificate is one that is only just setting up a cluster.
    """
    own = pathutils.NODED_CLIENT_CERT_FILE
    if not os.path.exists(own):
        own = pathutils.NODED_CERT_FILE
    return own, pathutils.NODED_CERT_FILE


def client_context(certificate: str | None = None, authority: str | None = None
                   ) -> ssl.SSLContext:
    """The caller's end."""
    own, default_authority = client_files()
    return _context(ssl.PROTOCOL_TLS_CLIENT, certificate or own, None,
                    authority or default_authority)


def client_signature() -> _Signature:
    """Changes when the files behind :func:`client_context` change."""
    return _signature(*client_files())


class PeerCheck:
    """Decides for a live connection whether its certificate may call this node."""

    def __init__(self, candidates_file: str | None = None, certificate: str | None = None):
        self._candidates_file = candidates_file or pathutils.ssconf_file(
            constants.SS_MASTER_CANDIDATES_CERTS)
        self._certificate = certificate or pathutils.NODED_CERT_FILE
        self._read_at: _Signature | None = None
        self._allowed: frozenset[str] = frozenset()

    def allowed(self, der: bytes | None) -> bool:
        """Whether the peer with this certificate is a master candidate (or the bootstrap)."""
        if not der:
            return False
        signature = _signature(self._candidates_file, self._certificate)
        if signature != self._read_at:
            self._allowed = self._read()
            self._read_at = signature
        return x509.digest_der(der) in self._allowed

    def _read(self) -> frozenset[str]:
        try:
            with open(self._candidates_file, encoding="ascii", errors="replace") as stream:
                lines = [line.strip() for line in stream]
        except FileNotFoundError:
            lines = []
        # Two of one node, joined by a comma: it is just changing from one to the other.
        found = frozenset(digest.strip().upper() for line in lines if line
                          for digest in line.partition("=")[2].split(","))
        return found or frozenset([x509.file_digest(self._certificate)])
