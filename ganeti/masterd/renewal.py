"""New certificates and secrets for a running cluster: written on its master, sent to its nodes.

No daemon has to stop: the cluster certificate changes in steps, in each of which all nodes trust
what the others show (doc/design/renewal.md).
"""

from __future__ import annotations

import dataclasses
import os
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from ganeti import errors, pathutils, ssconf
from ganeti.rpc import runner
from ganeti.utils import io, net, process, x509

_MODE = 0o440
_RAPI = "ganeti-rapi"
_DAEMON_TIMEOUT = 120.0
Feedback = Callable[[str], Any]


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What is to be renewed: `new_*` by something made here, the others by a file's content."""

    new_rapi_cert: bool = False
    rapi_cert: str | None = None
    new_spice_cert: bool = False
    spice_cert: str | None = None
    spice_cacert: str | None = None
    new_confd_hmac_key: bool = False
    new_cluster_domain_secret: bool = False
    cluster_domain_secret: str | None = None

    def check(self) -> None:
        """Refuse what contradicts itself."""
        for first, second, what in (
                (self.new_rapi_cert, self.rapi_cert, "a new RAPI certificate"),
                (self.new_spice_cert, self.spice_cert, "a new SPICE certificate"),
                (self.new_cluster_domain_secret, self.cluster_domain_secret,
                 "a new cluster domain secret")):
            if first and second:
                raise errors.OpPrereqError(
                    f"Give either {what} or the file that holds it, not both",
                    errors.ECODE_INVAL)
        if bool(self.spice_cert) != bool(self.spice_cacert):
            raise errors.OpPrereqError(
                "A SPICE certificate and the certificate of its authority go together",
                errors.ECODE_INVAL)

    def contents(self) -> dict[str, bytes]:
        """The new files by path."""
        found: dict[str, bytes] = {}
        if self.new_rapi_cert:
            found[pathutils.RAPI_CERT_FILE] = x509.create_self_signed()
        elif self.rapi_cert:
            found[pathutils.RAPI_CERT_FILE] = _pair(self.rapi_cert)
        if self.new_spice_cert:
            pem = x509.create_self_signed()
            found[pathutils.SPICE_CERT_FILE] = pem
            found[pathutils.SPICE_CACERT_FILE] = x509.cert_part(pem)
        elif self.spice_cert and self.spice_cacert:
            found[pathutils.SPICE_CERT_FILE] = _pair(self.spice_cert)
            x509.load_file(self.spice_cacert)
            found[pathutils.SPICE_CACERT_FILE] = io.read_bytes(self.spice_cacert)
        if self.new_confd_hmac_key:
            found[pathutils.CONFD_HMAC_KEY] = secrets.token_hex(32).encode()
        if self.new_cluster_domain_secret:
            found[pathutils.CLUSTER_DOMAIN_SECRET_FILE] = secrets.token_hex(32).encode()
        elif self.cluster_domain_secret:
            line = io.read_first_line(self.cluster_domain_secret, strict=True)
            found[pathutils.CLUSTER_DOMAIN_SECRET_FILE] = line.encode()
        return found


def _pair(path: str) -> bytes:
    """A file with a key and its certificate."""
    x509.check_pair(path)
    return io.read_bytes(path)


def require_master() -> None:
    """Refuse to work on another node than the master."""
    if not ssconf.SimpleStore().is_master():
        raise errors.OpPrereqError(
            "Certificates and secrets are renewed on the master node,"
            f" {ssconf.SimpleStore().master_node()}", errors.ECODE_INVAL)


def renew_files(contents: Mapping[str, bytes], feedback: Feedback) -> None:
    """Put files in place on the master, send them to the nodes, restart who reads them once."""
    for path, data in contents.items():
        _replace(path, data)
    failures = _send(list(contents))
    for text in failures:
        feedback(f"Warning: {text}; 'gnt-cluster redist-conf' repeats it")
    if pathutils.RAPI_CERT_FILE in contents:
        feedback(f"Restarting {_RAPI}")
        for action in ("stop", "start"):
            process.run([pathutils.DAEMON_UTIL, action, _RAPI],
                        timeout=_DAEMON_TIMEOUT).require_success(f"daemon-util {action} {_RAPI}")


def renew_cluster_certificate(renew_clients: Callable[[], Any], feedback: Feedback) -> None:
    """Change the certificate that all nodes share, while the cluster works.

    :param renew_clients: makes new client certificates on all nodes, signed by the new one
    """
    _require_all_online()
    old = io.read_bytes(pathutils.NODED_CERT_FILE)
    # Of two authorities with one name OpenSSL would try the wrong one.
    new = x509.create_self_signed(unit=f"renewed {secrets.token_hex(8)}")
    for text, data in (
            ("All nodes learn to trust the new cluster certificate",
             old + x509.cert_part(new)),
            ("All nodes show the new cluster certificate", new + x509.cert_part(old))):
        feedback(text)
        _send_certificate(data, old)
    feedback("All nodes get client certificates that the new one has signed")
    renew_clients()
    feedback("The former cluster certificate is trusted no more")
    _send_certificate(new, None)


def _require_all_online() -> None:
    store = ssconf.SimpleStore()
    away = sorted(set(store.nodes()) - set(store.online_nodes()))
    if away:
        raise errors.OpPrereqError(
            f"Nodes {', '.join(away)} are offline and could not talk to the cluster afterwards;"
            " remove them, or wait until they are back", errors.ECODE_STATE)


def _send_certificate(data: bytes, former: bytes | None) -> None:
    """One step; when a node does not take it, all go back to the `former` certificate."""
    _replace(pathutils.NODED_CERT_FILE, data)
    failures = _send([pathutils.NODED_CERT_FILE])
    if not failures:
        return
    if former is None:
        raise errors.OpExecError(
            f"{'; '.join(failures)}; these nodes trust the former certificate as well. Repeat"
            " the renewal when they are well again")
    _replace(pathutils.NODED_CERT_FILE, former)
    left = _send([pathutils.NODED_CERT_FILE])
    raise errors.OpExecError(
        f"{'; '.join(failures)}; the cluster keeps its former certificate"
        + (f" (but: {'; '.join(left)})" if left else ""))


def _replace(path: str, data: bytes) -> None:
    try:
        owner = os.stat(path)
        uid, gid = owner.st_uid, owner.st_gid
    except FileNotFoundError:
        uid = gid = -1
    io.write_file(path, data, mode=_MODE, uid=uid, gid=gid, backup=os.path.exists(path))


def _send(paths: list[str]) -> list[str]:
    """Copy files of the master to all other online nodes; what failed."""
    store = ssconf.SimpleStore()
    own = net.hostname()
    addresses = {name: ip for name, ip in store.primary_ips().items()
                 if name != own and name in store.online_nodes()}
    failures = []
    with runner.RpcRunner.bootstrap(addresses) as rpc:
        for path in paths:
            for name, result in rpc.upload_file(list(addresses), path).items():
                if result.fail_msg:
                    failures.append(f"Node {name} did not get {path}: {result.fail_msg}")
    return failures
