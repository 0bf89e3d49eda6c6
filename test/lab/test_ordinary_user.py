"""A virtual cluster of an ordinary user: nothing in it needs root (root makes the user)."""

from __future__ import annotations

import contextlib
import os
import pathlib
import pwd
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest

from ganeti.tools.vcluster import layout
from test.waiting import wait_until

USER = "gnt-tester"
SETUP = layout.checkout() / "tools/vcluster-setup"
QEMU = shutil.which("qemu-system-x86_64")


def _why_not() -> str:
    if os.getuid() != 0:
        return "making a user needs root"
    missing = [name for name in ("useradd", "userdel", "setpriv") if shutil.which(name) is None]
    return f"missing programs: {', '.join(missing)}" if missing else ""


WHY_NOT = _why_not()
pytestmark = [pytest.mark.vcluster, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]


def _with_interpreter() -> list[str]:
    """Command prefix under which others can reach the Python of this test.

    Where that lies in root's private home (pyenv), a mount namespace shows that part of it.
    """
    installed = pathlib.Path(sys.base_prefix)
    home = pathlib.Path("/root")
    if home not in installed.parents or home.stat().st_mode & 0o001:
        return []
    shown = shlex.quote(str(installed))
    script = (f"umask 022 && mount --bind {shown} /mnt && mount -t tmpfs -o mode=755 tmpfs {home}"
              f" && mkdir -p {shown} && mount --bind /mnt {shown} && exec \"$@\"")
    return ["unshare", "--mount", "sh", "-c", script, "sh"]


class Account:
    """The user, and the cluster that is his."""

    def __init__(self, home: pathlib.Path) -> None:
        entry = pwd.getpwnam(USER)
        self.uid, self.gid = entry.pw_uid, entry.pw_gid
        self.root = home / "vc"

    def type(self, argv: list[str], timeout: float = 90) -> subprocess.CompletedProcess[str]:
        """Run a program as the user, without any privilege of root."""
        return subprocess.run(
            [*_with_interpreter(), "setpriv", f"--reuid={self.uid}", f"--regid={self.gid}",
             "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", *argv],
            env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8",
                 "HOME": str(self.root.parent), "USER": USER, "LOGNAME": USER},
            cwd="/", text=True, capture_output=True, check=False, timeout=timeout,
            stdin=subprocess.DEVNULL)

    def setup(self, *words: str) -> str:
        result = self.type([str(SETUP), f"--root={self.root}", *words])
        assert result.returncode == 0, f"{words}: {result.stdout}{result.stderr}"
        return result.stdout

    def run(self, line: str) -> str:
        """A command on the first node."""
        return self.setup("shell", "node1", *shlex.split(line))

    def processes(self) -> list[int]:
        """The user's processes; those that are dead, and only not asked for yet, do not count."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if (entry.name.isdigit() and entry.stat().st_uid == self.uid
                        and (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"):
                    found.append(int(entry.name))
        return found


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """A user made for this test, with a cluster of two nodes that is up."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="u-", dir="/tmp"))
    subprocess.run(["useradd", "--no-create-home", f"--home-dir={home}", "--shell=/bin/sh", USER],
                   check=True, capture_output=True)
    made = Account(home)
    try:
        os.chown(home, made.uid, made.gid)
        reading = made.type([str(SETUP), "--help"])
        if reading.returncode:
            pytest.skip(f"other users can not run {SETUP}: {reading.stderr.strip()[-200:]}")
        made.setup("up", "-c", "2")
        yield made
        made.setup("down")
        assert made.processes() == [], "nothing of the user is left"
    finally:
        for pid in made.processes():
            os.kill(pid, 9)
        subprocess.run(["userdel", USER], check=True, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)


def test_the_daemons_are_the_users(account: Account) -> None:
    status = account.setup("status")
    for name in ("ganeti-masterd", "ganeti-noded", "ganeti-confd", "ganeti-rapi"):
        assert name in status
    assert len(account.processes()) >= 6
    for path in account.root.rglob("*"):
        assert path.lstat().st_uid == account.uid, path


def test_life_of_a_fake_instance(account: Account) -> None:
    account.run("gnt-instance add -t sharedfile -s 16m -H fake -o demo-linux+default -n node1 "
               "--no-nics --no-ip-check --no-name-check inst1")
    account.run("gnt-instance migrate -f -n node2 inst1")
    account.run("gnt-instance reboot inst1")
    account.run("gnt-instance shutdown --timeout=0 inst1")
    account.run("gnt-instance failover -f -n node1 inst1")
    account.run("gnt-instance startup inst1")
    assert account.run("gnt-instance list --no-headers -o pnode,status inst1").split() == [
        "node1", "running"]
    account.run("gnt-instance remove -f --shutdown-timeout=0 inst1")


@pytest.mark.qemu
@pytest.mark.skipif(QEMU is None, reason="qemu-system-x86_64 is not installed")
def test_a_guest_in_qemu(account: Account) -> None:
    account.run("gnt-instance add -t sharedfile -s 1m -B memory=16M -o demo-linux+bootsector "
               f"-n node1 --no-nics --no-ip-check --no-name-check "
               f"-H kvm:kernel_path=,kvm_path={QEMU},vhost_net=false inst2")
    assert account.run("gnt-instance list --no-headers -o status inst2").strip() == "running"
    disk = next((account.root / "shared/inst2").iterdir())

    def ticks() -> int:
        counted = re.search(rb"BOOT \d+ TICK (\d+)", disk.read_bytes()[512:1024])
        return int(counted[1]) if counted else 0
    wait_until(lambda: ticks() >= 3, "the guest counts on its disk", 20)
    account.run("gnt-instance migrate -f -n node2 inst2")
    assert account.run("gnt-instance list --no-headers -o pnode,status inst2").split() == [
        "node2", "running"]
    account.run("gnt-instance remove -f --shutdown-timeout=0 inst2")


def test_all_is_as_it_should_be(account: Account) -> None:
    text = account.run("gnt-cluster verify")
    assert "ERROR" not in text, text
    for daemon in ("node", "master", "rapi", "conf"):
        for log in account.root.glob(f"node*/var/log/ganeti/{daemon}-daemon.log"):
            assert "Traceback" not in log.read_text(errors="replace"), log
