"""Keys, certificates and secrets of a new cluster, made on its first master."""

from __future__ import annotations

import os
import secrets
from typing import Any

from ganeti import constants, errors, pathutils, undo
from ganeti.utils import io, net, ssh, sshkeys, x509

_SHARED_MODE = 0o440


def _fresh(path: str, data: str | bytes, mode: int, steps: undo.Undo) -> None:
    """Write a file that goes away again when the initialisation fails."""
    existed = os.path.exists(path)
    io.write_file(path, data, mode=mode, backup=existed)
    if not existed:
        steps.push(f"remove {path}", io.remove_file, path)


def make_certificates(node_name: str, steps: undo.Undo) -> str:
    """All certificates and secrets; the digest of the master's client certificate.

    An administrator's own certificate of RAPI or SPICE that is there already is kept.
    """
    authority = x509.create_self_signed()
    _fresh(pathutils.NODED_CERT_FILE, authority, _SHARED_MODE, steps)
    own = x509.create_signed(authority, node_name, serial=1)
    _fresh(pathutils.NODED_CLIENT_CERT_FILE, own, _SHARED_MODE, steps)
    if not _usable(pathutils.RAPI_CERT_FILE):
        _fresh(pathutils.RAPI_CERT_FILE, x509.create_self_signed(), _SHARED_MODE, steps)
    if not (_usable(pathutils.SPICE_CERT_FILE) and os.path.exists(pathutils.SPICE_CACERT_FILE)):
        spice = x509.create_self_signed()
        _fresh(pathutils.SPICE_CERT_FILE, spice, _SHARED_MODE, steps)
        _fresh(pathutils.SPICE_CACERT_FILE, x509.cert_part(spice), _SHARED_MODE, steps)
    _fresh(pathutils.CONFD_HMAC_KEY, secrets.token_hex(32), _SHARED_MODE, steps)
    _fresh(pathutils.CLUSTER_DOMAIN_SECRET_FILE, secrets.token_hex(32), _SHARED_MODE, steps)
    return x509.digest(own)


def _usable(path: str) -> bool:
    if not os.path.exists(path):
        return False
    x509.check_pair(path)
    return True


def host_key() -> str:
    """The RSA host key that all nodes will show (base64); the machine's own, or a new one."""
    private_file, public_file = sshkeys.host_key_files()[constants.SSHK_RSA]
    if not os.path.exists(public_file):
        if os.path.exists(private_file):
            raise errors.OpPrereqError(
                f"{private_file} is there, but {public_file} is missing; 'ssh-keygen -y' makes it",
                errors.ECODE_ENVIRON)
        sshkeys.write_pair(private_file, *sshkeys.generate(
            constants.SSHK_RSA, None, f"{constants.SSH_LOGIN_USER}@{net.hostname()}"))
    words = io.read_first_line(public_file).split()
    if len(words) < 2:
        raise errors.OpPrereqError(f"{public_file} holds no public key", errors.ECODE_ENVIRON)
    return words[1]


def set_up_ssh(node_uuid: str, key_type: str, key_bits: int, steps: undo.Undo) -> None:
    """Root's key of the first node, and the cluster's list with it."""
    key = sshkeys.ensure_user_key(key_type, key_bits,
                                  f"{constants.SSH_LOGIN_USER}@{net.hostname()}")
    path = sshkeys.authorized_keys_file()
    if sshkeys.add_authorized(path, [key]):
        steps.push("take the key out of authorized_keys", sshkeys.remove_authorized, path, [key])
    listed = sshkeys.PublicKeys()
    existed = os.path.exists(listed.path)
    listed.override({node_uuid: [key]})
    if not existed:
        steps.push(f"remove {listed.path}", io.remove_file, listed.path)


def write_known_hosts(cluster: Any, steps: undo.Undo) -> None:
    """The file by which nodes recognise each other over SSH."""
    ssh.write_known_hosts(cluster)
    steps.push(f"remove {pathutils.SSH_KNOWN_HOSTS_FILE}", io.remove_file,
               pathutils.SSH_KNOWN_HOSTS_FILE)
