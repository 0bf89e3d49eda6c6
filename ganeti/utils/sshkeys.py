"""SSH keys as files: key pairs, authorized_keys, the cluster's list of public keys.

Connections are in `utils/ssh`; which node gets which key is decided in `backend/ssh`.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Mapping

from ganeti import constants, errors, pathutils
from ganeti.utils import io

_ECDSA_SIZES = (256, 384, 521)


def host_key_files() -> dict[str, tuple[str, str]]:
    """Key type -> private and public host key file."""
    return {
        constants.SSHK_RSA: (pathutils.SSH_HOST_RSA_PRIV, pathutils.SSH_HOST_RSA_PUB),
        constants.SSHK_DSA: (pathutils.SSH_HOST_DSA_PRIV, pathutils.SSH_HOST_DSA_PUB),
        constants.SSHK_ECDSA: (pathutils.SSH_HOST_ECDSA_PRIV, pathutils.SSH_HOST_ECDSA_PUB),
    }


def ssh_directory(user: str = constants.SSH_LOGIN_USER) -> str:
    """The .ssh directory of the user as whom nodes talk to each other."""
    try:
        home = pwd.getpwnam(user).pw_dir
    except KeyError:
        raise errors.OpExecError(f"There is no user '{user}' on this machine") from None
    return os.path.join(pathutils.local(home), ".ssh")


def user_key_files(key_type: str, user: str = constants.SSH_LOGIN_USER) -> tuple[str, str]:
    """Private and public key file of that user."""
    private = os.path.join(ssh_directory(user), f"id_{key_type}")
    return private, f"{private}.pub"


def authorized_keys_file(user: str = constants.SSH_LOGIN_USER) -> str:
    """The list of keys that may log in as that user."""
    return os.path.join(ssh_directory(user), "authorized_keys")


def check_type(key_type: str, bits: int | None) -> int:
    """The size of a key of this type, the default for None; OpPrereqError for one not to be had."""
    if key_type == constants.SSHK_RSA:
        bits = bits or constants.SSH_DEFAULT_KEY_BITS
        if bits >= 2048:
            return bits
        wrong = f"RSA keys need at least 2048 bits, not {bits}"
    elif key_type == constants.SSHK_ECDSA:
        bits = bits or _ECDSA_SIZES[0]
        if bits in _ECDSA_SIZES:
            return bits
        wrong = f"ECDSA keys have 256, 384 or 521 bits, not {bits}"
    elif key_type == constants.SSHK_DSA:
        wrong = "DSA keys are not accepted by SSH any more; use rsa or ecdsa"
    else:
        wrong = f"Unknown type of SSH keys '{key_type}'"
    raise errors.OpPrereqError(wrong, errors.ECODE_INVAL)


def generate(key_type: str, bits: int | None, comment: str) -> tuple[str, str]:
    """A new key pair: text of the private key file, and the line of the public one."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    bits = check_type(key_type, bits)
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if key_type == constants.SSHK_RSA:
        key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    else:
        curves = dict(zip(_ECDSA_SIZES, (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()),
                          strict=True))
        key = ec.generate_private_key(curves[bits])
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH,
                                serialization.NoEncryption()).decode("ascii")
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH,
                                           serialization.PublicFormat.OpenSSH).decode("ascii")
    return private, f"{public} {comment}"


def write_pair(private_file: str, private: str, public: str, *, backup: bool = False) -> None:
    """Store a key pair; the public file stands beside the private one."""
    directory = os.path.dirname(private_file)
    if not os.path.isdir(directory):
        io.make_dirs(directory, 0o700)
    io.write_file(private_file, private, mode=0o600, backup=backup)
    io.write_file(f"{private_file}.pub", public.rstrip("\n") + "\n", mode=0o644, backup=backup)


def ensure_user_key(key_type: str, bits: int | None, comment: str) -> str:
    """The public key line of the login user, whose key pair is made if it has none."""
    private_file, public_file = user_key_files(key_type)
    if not (os.path.exists(private_file) and os.path.exists(public_file)):
        write_pair(private_file, *generate(key_type, bits, comment))
    return io.read_first_line(public_file)


def identity(line: str) -> str:
    """What makes two lines the same key: type and key, without options and comment."""
    words = line.split()
    for index, word in enumerate(words[:-1]):
        if word.startswith(("ssh-", "ecdsa-", "sk-")):
            return f"{word} {words[index + 1]}"
    return line.strip()


def _read_lines(path: str) -> list[str]:
    try:
        return io.read_file(path).splitlines()
    except FileNotFoundError:
        return []


def _replace_lines(path: str, old: list[str], new: list[str]) -> bool:
    if new == old:
        return False
    directory = os.path.dirname(path)
    if not os.path.isdir(directory):
        io.make_dirs(directory, 0o700)
    try:
        status = os.stat(path)
        owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else (-1, -1)
    except FileNotFoundError:
        owner = (-1, -1)
    io.write_file(path, "".join(f"{line}\n" for line in new), mode=0o600,
                  uid=owner[0], gid=owner[1])
    return True


def _guard(path: str) -> io.FileLock:
    """Held while a file of keys is read, changed and written."""
    directory = os.path.dirname(path)
    if not os.path.isdir(directory):
        io.make_dirs(directory, 0o700)
    return io.lock_file(f"{path}.lock", timeout=30.0)


def add_authorized(path: str, keys: Iterable[str]) -> bool:
    """Let keys log in; those that may already are left alone. Whether anything changed."""
    with _guard(path):
        lines = _read_lines(path)
        known = {identity(line) for line in lines}
        fresh = []
        for key in keys:
            if identity(key) not in known:
                known.add(identity(key))
                fresh.append(key.strip())
        return _replace_lines(path, lines, lines + fresh)


def remove_authorized(path: str, keys: Iterable[str]) -> bool:
    """Take keys away again; whether anything changed."""
    with _guard(path):
        lines = _read_lines(path)
        unwanted = {identity(key) for key in keys}
        return _replace_lines(path, lines,
                              [line for line in lines if identity(line) not in unwanted])


class PublicKeys:
    """The cluster's list of its nodes' public keys: lines ``NODE-UUID KEY-LINE``.

    While a node joins it has no uuid yet, and its name stands there instead.
    """

    def __init__(self, path: str | None = None):
        self.path = path or pathutils.SSH_PUB_KEYS

    def read(self, wanted: Iterable[str] | None = None) -> dict[str, list[str]]:
        """Keys by node; of some nodes only if `wanted` names them."""
        found: dict[str, list[str]] = {}
        for line in _read_lines(self.path):
            node, _, key = line.strip().partition(" ")
            if node and key:
                found.setdefault(node, []).append(key.strip())
        if wanted is None:
            return found
        return {node: found[node] for node in wanted if node in found}

    def _write(self, keys: Mapping[str, Iterable[str]]) -> None:
        lines = [f"{node} {key}" for node, own in keys.items() for key in own]
        _replace_lines(self.path, _read_lines(self.path), lines)

    def add(self, keys: Mapping[str, Iterable[str]]) -> None:
        """Add keys of nodes to those that they have."""
        with _guard(self.path):
            all_keys = self.read()
            for node, own in keys.items():
                listed = all_keys.setdefault(node, [])
                known = {identity(key) for key in listed}
                listed += [key for key in own if identity(key) not in known]
            self._write(all_keys)

    def replace(self, keys: Mapping[str, Iterable[str]]) -> None:
        """Give nodes these keys and no others; nodes that are not named keep theirs."""
        with _guard(self.path):
            all_keys = self.read()
            all_keys.update({node: list(own) for node, own in keys.items()})
            self._write(all_keys)

    def override(self, keys: Mapping[str, Iterable[str]]) -> None:
        """Make the list consist of exactly these."""
        with _guard(self.path):
            self._write(keys)

    def remove(self, nodes: Iterable[str]) -> None:
        """Strike nodes from the list."""
        with _guard(self.path):
            all_keys = self.read()
            for node in nodes:
                all_keys.pop(node, None)
            self._write(all_keys)

    def rename(self, old: str, new: str) -> None:
        """Enter the uuid of a node that was listed by its name."""
        with _guard(self.path):
            all_keys = self.read()
            if old in all_keys:
                all_keys[new] = all_keys.pop(old)
                self._write(all_keys)

    def clear(self) -> None:
        """Empty the list."""
        with _guard(self.path):
            if os.path.exists(self.path):
                self._write({})


def known_hosts_line(cluster_name: str, public_key: str) -> str:
    """A line of known_hosts for all nodes of a cluster, which share their host key."""
    kind, key = public_key.split()[:2]
    return f"{cluster_name} {kind} {key}\n"
