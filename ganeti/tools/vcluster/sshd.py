"""The ssh server of one virtual node: what sshd is to a real machine, so that joining, `gnt-cluster
command`, copying and consoles take the real path.

It serves whoever holds a key of the node's own root/.ssh/authorized_keys, runs commands in the
node's environment, offers terminals and the sftp subsystem. It keeps no state.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import logging
import os
import pathlib
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable

import paramiko

from ganeti.tools.vcluster import layout

CHUNK = 65536
HANDSHAKE_TIMEOUT = 30
LOG = logging.getLogger("vcluster-sshd")


class NodeServer(paramiko.ServerInterface):
    """One connection's wishes: who it is, and what each channel should run."""

    def __init__(self, node_root: str, environment: dict[str, str]) -> None:
        self._root = pathlib.Path(node_root)
        self._environment = environment
        self._terminals: dict[int, tuple[str, int, int]] = {}
        self._masters: dict[int, int] = {}
        self._asked_environment: dict[str, str] = {}

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        if key.get_base64() in self._authorized():
            return paramiko.AUTH_SUCCESSFUL
        return paramiko.AUTH_FAILED

    def _authorized(self) -> set[str]:
        try:
            lines = (self._root / "root/.ssh/authorized_keys").read_text().splitlines()
        except OSError as err:
            LOG.warning("No authorized keys: %s", err)
            return set()
        return {word for line in lines if not line.startswith("#") for word in line.split()}

    def check_channel_request(self, kind: str, chanid: int) -> int:
        if kind == "session":
            return paramiko.OPEN_SUCCEEDED
        return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_pty_request(self, channel: paramiko.Channel, term: bytes, width: int,
                                  height: int, pixelwidth: int, pixelheight: int,
                                  modes: bytes) -> bool:
        self._terminals[channel.chanid] = (term.decode(errors="replace"), width, height)
        return True

    def check_channel_window_change_request(self, channel: paramiko.Channel, width: int,
                                            height: int, pixelwidth: int,
                                            pixelheight: int) -> bool:
        master = self._masters.get(channel.chanid)
        if master is not None:
            _set_window(master, width, height)
        return True

    def check_channel_env_request(self, channel: paramiko.Channel, name: bytes,
                                  value: bytes) -> bool:
        # Locale settings are harmless and ssh sends them; nothing else may reach the commands.
        key = name.decode(errors="replace")
        if key != "LANG" and not key.startswith("LC_"):
            return False
        self._asked_environment[key] = value.decode(errors="replace")
        return True

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        return self._start(channel, [os.environ.get("SHELL", "/bin/sh")])

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        return self._start(channel, ["/bin/sh", "-c", os.fsdecode(command)])

    def _start(self, channel: paramiko.Channel, argv: list[str]) -> bool:
        environment = self._environment | self._asked_environment
        terminal = self._terminals.pop(channel.chanid, None)
        if terminal is None:
            work = functools.partial(_run_with_pipes, channel, argv, environment)
        else:
            master, slave = pty.openpty()
            _set_window(master, terminal[1], terminal[2])
            self._masters[channel.chanid] = master
            work = functools.partial(_run_on_terminal, channel, argv,
                                     environment | {"TERM": terminal[0]}, master, slave)
        threading.Thread(target=work, daemon=True).start()
        return True


def _set_window(terminal: int, width: int, height: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height or 24, width or 80, 0, 0))


def _run_with_pipes(channel: paramiko.Channel, argv: list[str],
                    environment: dict[str, str]) -> None:
    process = subprocess.Popen(argv, env=environment, cwd="/", stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               start_new_session=True)
    assert process.stdin and process.stdout and process.stderr
    threading.Thread(target=_feed, args=(channel, process.stdin), daemon=True).start()
    readers = [threading.Thread(target=_drain, args=(process.stdout, channel.sendall)),
               threading.Thread(target=_drain, args=(process.stderr, channel.sendall_stderr))]
    for reader in readers:
        reader.start()
    status = process.wait()
    for reader in readers:
        # A daemon that the command left behind may hold the pipes open for ever.
        reader.join(2)
    _finish(channel, status)


def _feed(channel: paramiko.Channel, pipe) -> None:  # type: ignore[no-untyped-def]
    with contextlib.suppress(BrokenPipeError, OSError):
        while data := channel.recv(CHUNK):
            pipe.write(data)
            pipe.flush()
    with contextlib.suppress(OSError):
        pipe.close()


def _drain(pipe, send) -> None:  # type: ignore[no-untyped-def]
    with contextlib.suppress(OSError, EOFError):
        while data := os.read(pipe.fileno(), CHUNK):
            send(data)


def _run_on_terminal(channel: paramiko.Channel, argv: list[str], environment: dict[str, str],
                     master: int, slave: int) -> None:
    process = subprocess.Popen(argv, env=environment, cwd="/", stdin=slave, stdout=slave,
                               stderr=slave, start_new_session=True,
                               preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(slave)
    try:
        _relay(channel, master)
    finally:
        if process.poll() is None and channel.closed:
            os.killpg(process.pid, signal.SIGHUP)
        status = process.wait()
        os.close(master)
        _finish(channel, status)


def _relay(channel: paramiko.Channel, master: int) -> None:
    """Carry bytes both ways until the last process closes the terminal, or the client is gone."""
    sources: list[paramiko.Channel | int] = [channel, master]
    while not channel.closed:
        # A client that vanished is noticed even while the program says nothing.
        readable, _, _ = select.select(sources, [], [], None if channel in sources else 1)
        if channel in readable:
            data = channel.recv(CHUNK)
            if data:
                os.write(master, data)
            else:
                sources.remove(channel)
        if master in readable:
            try:
                data = os.read(master, CHUNK)
            except OSError as err:
                if err.errno == errno.EIO:
                    return
                raise
            channel.sendall(data)


def _finish(channel: paramiko.Channel, status: int) -> None:
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        channel.send_exit_status(status if status >= 0 else 128 - status)
        channel.close()


class _Handle(paramiko.SFTPHandle):
    def stat(self) -> paramiko.SFTPAttributes | int:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))

    def chattr(self, attr: paramiko.SFTPAttributes) -> int:
        if attr.st_mode is not None:
            os.fchmod(self.readfile.fileno(), attr.st_mode & 0o7777)
        return paramiko.SFTP_OK


class NodeFiles(paramiko.SFTPServerInterface):
    """Plain access to the machine's files, as the user who runs the virtual cluster."""

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> _Handle | int:
        try:
            fd = os.open(path, flags | os.O_CLOEXEC, attr.st_mode or 0o600)
        except OSError as err:
            return paramiko.SFTPServer.convert_errno(err.errno or 0)
        mode = "r+b" if flags & os.O_RDWR else "wb" if flags & os.O_WRONLY else "rb"
        handle = _Handle(flags)
        handle.readfile = handle.writefile = os.fdopen(fd, mode)
        return handle

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        return self._attributes(os.stat, path)

    def lstat(self, path: str) -> paramiko.SFTPAttributes | int:
        return self._attributes(os.lstat, path)

    @staticmethod
    def _attributes(call: Callable[[str], os.stat_result],
                    path: str) -> paramiko.SFTPAttributes | int:
        try:
            return paramiko.SFTPAttributes.from_stat(call(path))
        except OSError as err:
            return paramiko.SFTPServer.convert_errno(err.errno or 0)

    def _do(self, call: Callable[..., None], *args: object) -> int:
        try:
            call(*args)
        except OSError as err:
            return paramiko.SFTPServer.convert_errno(err.errno or 0)
        return paramiko.SFTP_OK

    def chattr(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        if attr.st_mode is None:
            return paramiko.SFTP_OK
        return self._do(os.chmod, path, attr.st_mode & 0o7777)

    def remove(self, path: str) -> int:
        return self._do(os.unlink, path)

    def rename(self, oldpath: str, newpath: str) -> int:
        return self._do(os.rename, oldpath, newpath)

    posix_rename = rename

    def mkdir(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        return self._do(os.mkdir, path, attr.st_mode or 0o755)


def _serve(connection: socket.socket, host_key: paramiko.PKey, node_root: str,
           environment: dict[str, str]) -> None:
    transport = paramiko.Transport(connection)
    try:
        transport.add_server_key(host_key)
        transport.set_subsystem_handler("sftp", paramiko.SFTPServer, NodeFiles)
        transport.auth_timeout = transport.banner_timeout = HANDSHAKE_TIMEOUT
        transport.start_server(server=NodeServer(node_root, environment))
        transport.join()
    except (paramiko.SSHException, EOFError, OSError) as err:
        LOG.info("Connection ended: %s", err)
    finally:
        transport.close()


def _host_key(node_root: str) -> paramiko.RSAKey:
    """The node's RSA host key; joining a cluster replaces it, so it is read for each connection."""
    path = pathlib.Path(node_root) / "etc/ssh/ssh_host_rsa_key"
    if not path.exists():
        key = paramiko.RSAKey.generate(2048)
        key.write_private_key_file(str(path))
        path.with_suffix(".pub").write_text(f"ssh-rsa {key.get_base64()} vcluster\n")
        return key
    return paramiko.RSAKey.from_private_key_file(str(path))


def main() -> int:
    """Serve the node named by the environment: `sshd ROOT NODE` (listens until killed)."""
    cluster = layout.load(pathlib.Path(sys.argv[1]))
    node = cluster.node(sys.argv[2])
    log_file = pathlib.Path(node.root) / "var/log/sshd.log"
    logging.basicConfig(filename=log_file, level=logging.INFO,
                        format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("paramiko").setLevel(logging.WARNING)
    _host_key(node.root)
    environment = {"LANG": "C.UTF-8"} | cluster.environment(node)
    with socket.create_server((node.address, layout.SSH_PORT), backlog=64) as listener:
        print("ready", flush=True)
        while True:
            connection, _ = listener.accept()
            try:
                key = _host_key(node.root)
            except (OSError, paramiko.SSHException) as err:
                LOG.error("Host key unusable: %s", err)
                connection.close()
                continue
            threading.Thread(target=_serve, daemon=True,
                             args=(connection, key, node.root, environment)).start()


if __name__ == "__main__":
    sys.exit(main())
