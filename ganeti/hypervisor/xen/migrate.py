"""Sending a guest to another node: a program of its own, so that a restarted daemon finds it.

Live migration is `xl migrate`. The other kind saves the guest into a pipe whose other end, on the
target, restores it: both sides stay paused until the master has said where the guest lives, so a
cut connection can never leave it running twice. Both go through ssh, as root, with the cluster's
known hosts. What the sending program has said and how it ended is below
``<run dir>/xen-hypervisor/migration/NAME``.
"""

from __future__ import annotations

import logging
import os
import shlex
import shutil
from dataclasses import dataclass

from ganeti import constants, errors, pathutils, ssconf
from ganeti.hypervisor.base import MigrationStatus
from ganeti.hypervisor.xen import parse, xl
from ganeti.utils import io, process, retry, ssh

_PAGES_PER_MIB = 256
_CONNECTION = "ssh"
_CUT_TIMEOUT, _END_TIMEOUT = 5.0, 60.0


@dataclass(frozen=True)
class Sending:
    """The files of one guest's sending."""

    name: str

    def _file(self, name: str) -> str:
        return os.path.join(pathutils.XEN_MIGRATION_DIR, self.name, name)

    @property
    def log(self) -> str:
        return self._file("log")

    @property
    def pid(self) -> str:
        return self._file("pid")

    @property
    def status(self) -> str:
        """Exit status of the program, once it has ended."""
        return self._file("status")

    @property
    def memory(self) -> str:
        """MiB that the guest has."""
        return self._file("memory")

    def forget(self) -> None:
        """Remove the files."""
        directory = os.path.dirname(self.log)
        if os.path.isdir(directory):
            shutil.rmtree(directory)

    def exists(self) -> bool:
        return os.path.exists(self.memory)

    def goes_on(self) -> bool:
        """Whether the program still runs."""
        pid = io.read_pid_file(self.pid)
        return self._is_ours(pid) and not os.path.exists(self.status)

    def _is_ours(self, pid: int) -> bool:
        """Whether that process is the program, not a later one with its number."""
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as fobj:
                return process.alive(pid) and self.status.encode() in fobj.read()
        except (FileNotFoundError, ProcessLookupError):
            return False


def command(name: str, cluster_name: str, target: str, live: bool) -> str:
    """The shell's words that send a guest."""
    words = ssh.build_command(target, None, cluster_name=cluster_name, port=ssh_port(target),
                              quiet=False)
    if live:
        return shlex.join([xl.PROGRAM, "migrate", "-s", shlex.join(words[:-1]), name, words[-1]])
    save = shlex.join([xl.PROGRAM, "save", "-p", name, "/proc/self/fd/1"])
    # what ssh gives a program to read is no pipe that could be opened by name
    restore = f"cat | {xl.PROGRAM} restore -p /proc/self/fd/0"
    return f"{save} | {shlex.join([*words, restore])}"


def ssh_port(target: str) -> int:
    """The port of the node with that address, as its node parameter ssh_port says."""
    store = ssconf.SimpleStore()
    for key in (constants.SS_NODE_SECONDARY_IPS, constants.SS_NODE_PRIMARY_IPS):
        for name, address in store.mapping(key).items():
            if address == target:
                return ssh.node_port(name)
    return constants.SSH_DEFAULT_PORT


def send(name: str, memory: int, cluster_name: str, target: str, live: bool) -> None:
    """Begin to send a guest of `memory` MiB; refused while an earlier sending goes on."""
    sending = Sending(name)
    if sending.goes_on():
        raise errors.HypervisorError(f"Instance {name} is being migrated already")
    sending.forget()
    os.makedirs(os.path.dirname(sending.log), mode=0o750)
    io.write_file(sending.memory, f"{memory}\n", sync=False)
    script = (f"{command(name, cluster_name, target, live)}; echo $? >\"$0.new\";"
              " mv \"$0.new\" \"$0\"")
    try:
        process.start_daemon(["/bin/sh", "-c", script, sending.status], output=sending.log,
                             pidfile=sending.pid)
    except errors.ProcessError as err:
        sending.forget()
        raise errors.HypervisorError(f"Can not send instance {name}: {errors.text(err)}") from err


def status(name: str) -> MigrationStatus:
    """How far the sending has come; the reason of a failure is with it."""
    sending = Sending(name)
    if not sending.exists():
        raise errors.HypervisorError(f"No migration of instance {name} was begun on this node")
    total = float(io.read_file(sending.memory))
    alive = sending.goes_on()  # before the look at the status, which is written at the very end
    said = "\n".join(io.tail(sending.log, 200)) if os.path.exists(sending.log) else ""
    if os.path.exists(sending.status):
        if io.read_file(sending.status).strip() == "0":
            return MigrationStatus(constants.HV_MIGRATION_COMPLETED, total, total)
        return MigrationStatus(constants.HV_MIGRATION_FAILED, None, total,
                               reason=xl.explain(said))
    if not alive:
        return MigrationStatus(constants.HV_MIGRATION_FAILED, None, total,
                               reason="the program that sent the guest was ended")
    frames = parse.frames(said)
    return MigrationStatus(constants.HV_MIGRATION_ACTIVE,
                           frames[0] / _PAGES_PER_MIB if frames else 0.0, total)


def end(name: str) -> None:
    """End a sending that still goes on, and forget it.

    Only the connection is cut: `xl` sees that, and lets the guest go on. Were `xl` itself ended, a
    guest that it had just halted would stay so.
    """
    sending = Sending(name)
    if sending.goes_on():
        pid = io.read_pid_file(sending.pid)
        for connection in _connections(pid):
            process.end(connection, _CUT_TIMEOUT)
        if not retry.wait_until(lambda: not sending.goes_on(), _END_TIMEOUT):
            logging.error("The program that sends instance %s did not end by itself", name)
            process.end(pid, _CUT_TIMEOUT, group=True)
    sending.forget()


def _connections(leader: int) -> list[int]:
    """The ssh processes of a sending."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = io.read_file(f"/proc/{entry}/stat")
        except (FileNotFoundError, ProcessLookupError):
            continue
        called = stat[stat.index("(") + 1:stat.rindex(")")]
        group = stat.rpartition(")")[2].split()[2]
        if called == _CONNECTION and int(group) == leader:
            found.append(int(entry))
    return found
