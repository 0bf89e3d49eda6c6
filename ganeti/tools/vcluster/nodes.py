"""Virtual nodes as machines: switched on, looked at, killed; and the shell that is on one."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import time

from ganeti.hypervisor.lxc import cgroup
from ganeti.tools import programs
from ganeti.tools.vcluster import layout, netns
from ganeti.utils import process, retry

BOOT_TIMEOUT = 20
_MONITOR = b"[lxc monitor] "


def processes(node: layout.VirtualNode) -> dict[int, str]:
    """Everything that runs on a node: process id -> command line.

    A process is on the node if its environment says so, or (guests and scripts, whose environment
    is cleared) if a path below the node's tree stands in its command line. Those are started by
    absolute path, unlike the pager or editor in which somebody reads the node's files; only the
    monitors of containers, with which these die, call themselves differently. Processes in a
    chroot of the node are on it as well.
    """
    found = {}
    mark = f"GANETI_ROOTDIR={node.root}".encode()
    below = f"{node.root}/".encode()
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            environment = (entry / "environ").read_bytes().split(b"\0")
            guest = os.readlink(entry / "root").startswith(f"{node.root}/")
            if mark in environment or guest or _MONITOR + below in command or (
                    command.startswith(b"/") and below in command and b"vcluster" not in command):
                found[int(entry.name)] = shlex.join(
                    command.decode(errors="replace").rstrip("\0").split("\0"))
    return found


def _ancestors() -> set[int]:
    """This process and those above it: `down` typed in a node's own shell must not kill itself."""
    found, pid = set(), os.getpid()
    while pid:
        found.add(pid)
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        pid = int(stat.rpartition(")")[2].split()[1])
    return found


def kill(node: layout.VirtualNode) -> int:
    """Pull the plug: every process of the node dies at once. Returns how many there were."""
    count = 0
    spared = _ancestors()
    for _ in range(20):
        victims = set(processes(node)) - spared
        if not victims:
            _forget_guests(node)
            return count
        count += len(victims)
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    raise layout.VclusterError(f"Processes of {node.name} do not die: {sorted(victims)}")


def _forget_guests(node: layout.VirtualNode) -> None:
    """What the kernel of a machine forgets when it is switched off: mounts and control groups."""
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as mounts:
        points = [line.split()[1] for line in mounts]
    for point in reversed([point for point in points if point.startswith(f"{node.root}/")]):
        subprocess.run(["umount", "-l", point], check=True, capture_output=True)
    if os.getuid() == 0:
        cgroup.remove_of_root(node.root)


def power_off(cluster: layout.VirtualCluster, node: layout.VirtualNode) -> int:
    """Pull a node's plug, its ssh server first; how many other processes died with it."""
    pid = sshd_pid(cluster, node)
    if pid:
        os.kill(pid, signal.SIGKILL)
    return kill(node)


def command(cluster: layout.VirtualCluster, node: layout.VirtualNode,
            argv: list[str]) -> tuple[list[str], dict[str, str]]:
    """What to run, and with which environment, so that `argv` runs on the node."""
    environment = dict(os.environ) | cluster.environment(node)
    prefix = netns.enter(cluster, node) if cluster.netns else []
    return prefix + argv, environment


def run(cluster: layout.VirtualCluster, node: layout.VirtualNode,
        argv: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a program on the node and wait for it."""
    full, environment = command(cluster, node, argv)
    return subprocess.run(full, env=environment, text=True, capture_output=True, check=False)


def power_on(cluster: layout.VirtualCluster, node: layout.VirtualNode) -> None:
    """Start a node as a machine boots: a fresh run directory, its ssh server, then its daemons.

    A node that is on already is left alone.
    """
    if sshd_pid(cluster, node) is None:
        _clear_run_dir(node)
        _start_sshd(cluster, node)
    if (pathlib.Path(node.root) / "var/lib/ganeti/ssconf_cluster_name").exists():
        util = f"{node.root}/usr/lib/ganeti/daemon-util"
        result = run(cluster, node, [util, "start-all"])
        if result.returncode:
            raise layout.VclusterError(
                f"{node.name}: daemons did not start: {(result.stderr or result.stdout).strip()}")


def _clear_run_dir(node: layout.VirtualNode) -> None:
    """/run is empty after a boot; guests do not survive a machine that was switched off."""
    kill(node)
    run_dir = pathlib.Path(node.root) / "var/run"
    shutil.rmtree(run_dir, ignore_errors=True)
    run_dir.mkdir()


def sshd_pid(cluster: layout.VirtualCluster, node: layout.VirtualNode) -> int | None:
    """Process id of the node's ssh server, None when the node is off."""
    want = ["-m", "ganeti.tools.vcluster.sshd", str(cluster.root), node.name]
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if words[1:5] == want:
                    return int(entry.name)
    return None


def _start_sshd(cluster: layout.VirtualCluster, node: layout.VirtualNode) -> None:
    argv, environment = command(cluster, node, [
        sys.executable, "-m", "ganeti.tools.vcluster.sshd", str(cluster.root), node.name])
    environment["PYTHONPATH"] = str(layout.checkout())
    log = pathlib.Path(node.root) / "var/log/sshd.err"
    log.unlink(missing_ok=True)
    server = process.start_daemon(argv, env=environment, reset_env=True, output=str(log))
    retry.wait_until(lambda: log.read_text().startswith("ready\n") or not process.alive(server),
                     BOOT_TIMEOUT)
    said = log.read_text().strip().splitlines()
    if said[:1] != ["ready"]:
        raise layout.VclusterError(f"{node.name}: its ssh server did not start: "
                                   f"{said[-1] if said else 'no message'}")
    layout.release(cluster.prefix)


def state(cluster: layout.VirtualCluster, node: layout.VirtualNode) -> tuple[str, list[str]]:
    """('on'|'off', names of the daemons and guests that run)."""
    running = []
    for line in processes(node).values():
        words = shlex.split(line)
        names = [os.path.basename(word) for word in words[:3]]
        daemon = next((name for name in names if name in programs.DAEMONS), None)
        if daemon:
            running.append(daemon)
        elif names and names[0].startswith("qemu"):
            guest = words[words.index("-name") + 1] if "-name" in words else "?"
            running.append(f"guest {guest.split(',')[0]}")
    power = "on" if sshd_pid(cluster, node) else "off"
    return power, sorted(set(running))
