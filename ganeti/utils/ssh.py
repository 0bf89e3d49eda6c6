"""SSH to other machines: commands, files, and the command line for interactive use.

All nodes of a cluster have one host key, known under the cluster's name; a machine that is only
about to join is known, or not, to the administrator. Keys as files are in `utils/sshkeys`.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import logging
import os
import select
import shlex
import socket
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ganeti import constants, errors, pathutils
from ganeti.utils import io, net, process, sshkeys

if TYPE_CHECKING:
    import paramiko

CONNECT_TIMEOUT = 10.0
CHUNK = 65536
_MAX_OUTPUT = 16 * 1024 * 1024
_SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")}


class SshError(errors.GenericError):
    """A machine cannot be reached over SSH, or must not be trusted."""


class HostKeys(Protocol):
    """Decides about the host keys that machines show."""

    def wanted(self, host: str, port: int) -> list[tuple[str, str]]:
        """The known keys of a machine, as (type, base64)."""

    def unknown(self, host: str, port: int, kind: str, key: str) -> None:
        """Called for a machine without known keys; raises SshError to refuse it."""


class ClusterHostKeys:
    """Host keys of the cluster's nodes: every node has that of the cluster."""

    def __init__(self, cluster_name: str, path: str | None = None):
        self._cluster_name = cluster_name
        self._path = path or pathutils.SSH_KNOWN_HOSTS_FILE

    def wanted(self, host: str, port: int) -> list[tuple[str, str]]:
        """The keys of the cluster."""
        return _known_in(self._path, self._cluster_name)

    def unknown(self, host: str, port: int, kind: str, key: str) -> None:
        """Without an entry for the cluster nobody is trusted."""
        raise SshError(f"{self._path} knows no host key of {self._cluster_name}; "
                       "'gnt-cluster redist-conf' on the master restores it")


class UserHostKeys:
    """Host keys as the administrator's own ssh knows them.

    :param ask: asked about an unknown machine, with a text; None refuses it
    :param strict: False takes any key
    :param cluster_name: a known machine may show this cluster's key too: it has been a node
    """

    def __init__(self, ask: Callable[[str], bool] | None = None, strict: bool = True,
                 cluster_name: str | None = None):
        self._ask = ask
        self._strict = strict
        self._cluster_name = cluster_name
        self.paths = [os.path.join(sshkeys.ssh_directory(), "known_hosts"),
                      os.path.expanduser("~/.ssh/known_hosts"),
                      os.path.join(pathutils.SSH_CONFIG_DIR, "ssh_known_hosts")]

    def wanted(self, host: str, port: int) -> list[tuple[str, str]]:
        """What the files say about this machine."""
        if not self._strict:
            return []
        name = host if port == constants.SSH_DEFAULT_PORT else f"[{host}]:{port}"
        found: list[tuple[str, str]] = []
        for path in dict.fromkeys(self.paths):
            found += _known_in(path, name)
        if found and self._cluster_name is not None:
            found += _known_in(pathutils.SSH_KNOWN_HOSTS_FILE, self._cluster_name)
        return found

    def unknown(self, host: str, port: int, kind: str, key: str) -> None:
        """Ask, and remember a yes."""
        if not self._strict:
            return
        if self._ask is None or not self._ask(
                f"The authenticity of host '{host}' can't be established.\n"
                f"{kind} key fingerprint is {fingerprint(key)}.\nContinue connecting?"):
            raise SshError(f"The host key of {host} is not known; connect to it once by ssh, or "
                           "use --no-ssh-key-check")
        name = host if port == constants.SSH_DEFAULT_PORT else f"[{host}]:{port}"
        path = self.paths[0]
        known = io.read_file(path) if os.path.exists(path) else ""
        if not os.path.isdir(os.path.dirname(path)):
            io.make_dirs(os.path.dirname(path), 0o700)
        io.write_file(path, f"{known}{name} {kind} {key}\n", mode=0o644)


def fingerprint(key: str) -> str:
    """How ssh shows a key to people."""
    import hashlib
    packed = hashlib.sha256(base64.b64decode(key)).digest()
    return "SHA256:" + base64.b64encode(packed).decode("ascii").rstrip("=")


def _known_in(path: str, name: str) -> list[tuple[str, str]]:
    """Keys of a name in one known_hosts file; hashed names are understood."""
    try:
        lines = io.read_file(path).splitlines()
    except FileNotFoundError:
        return []
    except OSError as err:
        raise SshError(f"Cannot read {path}: {err.strerror}") from err
    found = []
    for line in lines:
        words = line.split()
        if len(words) >= 3 and not line.startswith(("#", "@")) and any(
                _same_host(pattern, name) for pattern in words[0].split(",")):
            found.append((words[1], words[2]))
    return found


def _same_host(pattern: str, name: str) -> bool:
    if not pattern.startswith("|1|"):
        return pattern.lower() == name.lower()
    import hashlib
    import hmac
    try:
        salt, digest = (base64.b64decode(part) for part in pattern[3:].split("|"))
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)


class SshSession:
    """One connection to one machine; use it with ``with``.

    :param host: name for messages and host keys; `address` where it is, if not by that name
    :param key_files: private keys to try, by default those of the login user
    :param password: asked for a password when no key is accepted
    """

    def __init__(self, host: str, host_keys: HostKeys, *, address: str | None = None,
                 port: int = constants.SSH_DEFAULT_PORT, user: str = constants.SSH_LOGIN_USER,
                 key_files: Sequence[str] | None = None,
                 password: Callable[[str], str] | None = None,
                 timeout: float = CONNECT_TIMEOUT):
        self.host = host
        self._transport = _connect(host, address or net.resolve(host), port, host_keys, timeout)
        try:
            self._log_in(user, default_key_files() if key_files is None else key_files, password)
        except BaseException:
            self._transport.close()
            raise

    def __enter__(self) -> SshSession:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    def _log_in(self, user: str, key_files: Sequence[str],
                password: Callable[[str], str] | None) -> None:
        import paramiko
        keys: list[Any] = [key for path in key_files if (key := _load_key(path)) is not None]
        if os.environ.get("SSH_AUTH_SOCK"):
            keys += list(paramiko.Agent().get_keys())
        try:
            for key in keys:
                try:
                    self._transport.auth_publickey(user, key)
                    return
                except paramiko.AuthenticationException as err:
                    logging.debug("%s does not take key %s: %s", self.host, key.get_name(), err)
            if password is not None and self._transport.is_active():
                self._transport.auth_password(user, password(f"{user}@{self.host}'s password: "))
                return
        except (paramiko.SSHException, EOFError, OSError) as err:
            reason = str(err) or type(err).__name__
            raise SshError(f"Cannot log in to {self.host} as {user}: {reason}") from err
        raise SshError(f"{self.host} accepts none of {len(keys)} SSH keys of {user}; put one of "
                       f"{', '.join(key_files) or 'its keys'} into its authorized_keys")

    def run(self, command: Sequence[str] | str, *, input: str | bytes = b"",
            timeout: float | None = None) -> process.Result:
        """Run a command (a list is quoted for the shell) to its end."""
        import paramiko
        line = command if isinstance(command, str) else shlex.join(command)
        data = input.encode("utf-8") if isinstance(input, str) else input
        shown = f"ssh {self.host} {line}"
        try:
            channel = self._transport.open_session(timeout=CONNECT_TIMEOUT)
            with contextlib.closing(channel):
                channel.exec_command(line)
                out, err, late = _exchange(channel, data, timeout)
                status = -1 if late else channel.recv_exit_status()
        except (paramiko.SSHException, EOFError, OSError) as failure:
            raise SshError(f"The connection to {self.host} broke during '{line}': {failure}"
                           ) from failure
        return process.Result(shown, status, None, out.decode("utf-8", "replace"),
                              err.decode("utf-8", "replace"), timeout if late else None)

    def copy_file(self, local: str, remote: str) -> None:
        """Copy a file there, with mode and times, whole or not at all."""
        import paramiko
        status = os.stat(local)
        scratch = f"{remote}.ganeti-{os.getpid()}-{self.host}.new"
        try:
            with contextlib.closing(paramiko.SFTPClient.from_transport(self._transport)) as sftp:
                assert sftp is not None
                sftp.put(local, scratch)
                sftp.chmod(scratch, status.st_mode & 0o7777)
                with contextlib.suppress(OSError):  # some servers can not set times
                    sftp.utime(scratch, (status.st_atime, status.st_mtime))
                sftp.posix_rename(scratch, remote)
        except (paramiko.SSHException, EOFError, OSError) as err:
            raise SshError(f"Cannot copy {local} to {self.host}:{remote}: {err}") from err


def _connect(host: str, address: str, port: int, host_keys: HostKeys, timeout: float
             ) -> paramiko.Transport:
    import paramiko
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    known = host_keys.wanted(host, port)
    try:
        raw = socket.create_connection((address, port), timeout)
    except OSError as err:
        raise SshError(f"Cannot connect to {host} ({net.format_address(address, port)}): "
                       f"{err.strerror or err}") from err
    transport: paramiko.Transport | None = None
    try:
        transport = paramiko.Transport(raw)
        transport.banner_timeout = transport.auth_timeout = 30
        if known:
            _prefer(transport, [kind for kind, _key in known])
        transport.start_client(timeout=30)
        shown = transport.get_remote_server_key()
        kind, key = shown.get_name(), shown.get_base64()
        if not known:
            host_keys.unknown(host, port, kind, key)
        elif (kind, key) not in known:
            raise SshError(
                f"{host} shows another host key ({fingerprint(key)}) than the one known; is it "
                "really that machine?")
    except (paramiko.SSHException, EOFError, OSError) as err:
        raw.close()
        raise SshError(f"No SSH with {host}: {err or 'the connection was closed'}") from err
    except SshError:
        if transport is not None:
            transport.close()
        raise
    return transport


def _prefer(transport: paramiko.Transport, kinds: Sequence[str]) -> None:
    """Ask for the host key that is known, not for the server's favourite."""
    options = transport.get_security_options()
    names = [name for kind in kinds for name in _SIGNATURES.get(kind, (kind,))]
    usable = [name for name in dict.fromkeys(names) if name in options.key_types]
    if not usable:
        raise SshError(f"Host keys of type {', '.join(kinds)} are not supported any more")
    options.key_types = usable


def _load_key(path: str) -> Any:
    import paramiko
    if not os.path.exists(path):
        return None
    try:
        return paramiko.PKey.from_path(path)
    except AttributeError:  # paramiko before 3.2
        kinds = {"id_rsa": paramiko.RSAKey, "id_ecdsa": paramiko.ECDSAKey,
                 "id_ed25519": paramiko.Ed25519Key}
        kind = kinds.get(os.path.basename(path), paramiko.RSAKey)
        return kind.from_private_key_file(path)
    except (paramiko.SSHException, ValueError, TypeError) as err:
        logging.warning("SSH key %s is not usable: %s", path, err)
        return None


def _exchange(channel: paramiko.Channel, data: bytes, timeout: float | None
              ) -> tuple[bytes, bytes, bool]:
    """Feed a command and gather what it prints; the last value tells if the time was over."""
    out, err = bytearray(), bytearray()
    limit = None if timeout is None else time.monotonic() + timeout
    left = memoryview(data)
    channel.settimeout(30.0)
    if not left:
        channel.shutdown_write()
    while not (channel.exit_status_ready() and not channel.recv_ready()
               and not channel.recv_stderr_ready()):
        if limit is not None and time.monotonic() > limit:
            return bytes(out), bytes(err), True
        if left and channel.send_ready():
            left = left[channel.send(left[:CHUNK]):]
            if not left:
                channel.shutdown_write()
        ready = select.select([channel], [], [], 0.0 if left else 0.2)[0]
        if not ready and left:
            time.sleep(0.01)
        if channel.recv_ready():
            out += channel.recv(CHUNK)
        if channel.recv_stderr_ready():
            err += channel.recv_stderr(CHUNK)
        if len(out) + len(err) > _MAX_OUTPUT:
            raise OSError(f"more than {_MAX_OUTPUT} bytes of output")
        if channel.closed and not channel.exit_status_ready():
            break
    for buffer, receive in ((out, channel.recv), (err, channel.recv_stderr)):
        with contextlib.suppress(TimeoutError):
            channel.settimeout(0.5)
            while part := receive(CHUNK):
                buffer += part
    return bytes(out), bytes(err), False


def default_key_files() -> list[str]:
    """Private keys of the login user that exist."""
    directory = sshkeys.ssh_directory()
    paths = [os.path.join(directory, f"id_{kind}") for kind in ("ed25519", "ecdsa", "rsa")]
    return [path for path in paths if os.path.exists(path)]


def administrators_key_files(host: str) -> list[str]:
    """The same, and those that the user's own ssh configuration names for this machine."""
    import paramiko
    path = os.path.join(sshkeys.ssh_directory(), "config")
    named: list[str] = []
    if os.path.exists(path):
        try:
            named = paramiko.SSHConfig.from_path(path).lookup(host).get("identityfile", [])
        except (paramiko.SSHException, OSError) as err:
            logging.warning("Cannot use %s: %s", path, err)
    expanded = [os.path.expanduser(name) for name in named]
    return list(dict.fromkeys(default_key_files()
                              + [name for name in expanded if os.path.exists(name)]))


def node_session(host: str, cluster_name: str, *, address: str | None = None,
                 port: int = constants.SSH_DEFAULT_PORT) -> SshSession:
    """A session with a node of the cluster."""
    return SshSession(host, ClusterHostKeys(cluster_name), address=address, port=port)


def build_command(host: str, command: Sequence[str] | str | None, *, cluster_name: str,
                  port: int = constants.SSH_DEFAULT_PORT, user: str = constants.SSH_LOGIN_USER,
                  tty: bool = False, batch: bool = True, strict: bool = True,
                  quiet: bool = True) -> list[str]:
    """The command line of `ssh` for a node, for consoles and other interactive use."""
    options = {
        "EscapeChar": "none", "HashKnownHosts": "no", "CheckHostIP": "no",
        "GlobalKnownHostsFile": pathutils.SSH_KNOWN_HOSTS_FILE,
        "UserKnownHostsFile": "/dev/null", "HostKeyAlias": cluster_name,
        "ConnectTimeout": str(int(CONNECT_TIMEOUT)),
        "BatchMode": "yes" if batch else "no",
        "StrictHostKeyChecking": "yes" if strict else "no",
        "Port": str(port),
    }
    argv = ["ssh", "-F", "/dev/null"]
    argv += [f"-o{name}={value}" for name, value in options.items()]
    for path in default_key_files():
        argv += ["-i", path]
    if quiet:
        argv.append("-q")
    if tty:
        argv.append("-t")
    argv.append(f"{user}@{host}")
    if command:
        argv.append(command if isinstance(command, str) else shlex.join(command))
    return argv


def node_port(name: str) -> int:
    """The SSH port of a node; of one that ssconf does not know yet, that of this node."""
    from ganeti import ssconf
    ports = ssconf.SimpleStore().mapping(constants.SS_SSH_PORTS)
    known = ports.get(name) or ports.get(net.hostname()) or ""
    return int(known) if known.isdigit() else constants.SSH_DEFAULT_PORT


def run(host: str, command: Sequence[str] | str, *, port: int | None = None,
        input: str | bytes = b"", timeout: float | None = None) -> process.Result:
    """Run a command on a node of this cluster, over a connection of its own.

    Address and port come from ssconf; SshError when the node is not reached.
    """
    from ganeti import ssconf
    store = ssconf.SimpleStore()
    address = store.primary_ips().get(host)
    with node_session(host, store.cluster_name(), address=address,
                      port=port or node_port(host)) as session:
        return session.run(command, input=input, timeout=timeout)


def write_known_hosts(cluster: Any, path: str | None = None) -> None:
    """Write the cluster's known_hosts file from the host keys in the cluster object."""
    keys = [f"{kind} {key}" for kind, key in (("ssh-rsa", cluster.rsahostkeypub),
                                              ("ssh-dss", cluster.dsahostkeypub)) if key]
    text = "".join(sshkeys.known_hosts_line(cluster.cluster_name, _with_type(key))
                   for key in keys)
    io.write_file(path or pathutils.SSH_KNOWN_HOSTS_FILE, text, mode=0o644)


def _with_type(line: str) -> str:
    """A key line whose key may begin with its own type already."""
    words = line.split()
    return " ".join(words[1:]) if len(words) > 2 and words[1].startswith(("ssh-", "ecdsa-")) \
        else line
