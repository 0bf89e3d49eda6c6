"""A real Linux guest in real QEMU: boots, is migrated live, fails over, outlives its daemons."""

from __future__ import annotations

import pathlib
import re
import shutil
import socket
import time
from collections.abc import Iterator

import pytest

from ganeti.tools import demo_guest
from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until

QEMU = shutil.which("qemu-system-x86_64")
pytestmark = [pytest.mark.qemu, pytest.mark.timeout(300),
              pytest.mark.skipif(QEMU is None, reason="qemu-system-x86_64 is not installed")]
TICK = re.compile(r"TICK (\d+)")
BOOT = re.compile(r"GUEST-UP (\S+)")


class Guest:
    """What can be seen of a guest from outside: its serial line and its disk."""

    def __init__(self, cluster: VirtualCluster, name: str) -> None:
        self.cluster = cluster
        self.name = name

    def primary(self) -> str:
        return self.cluster.run(
            f"gnt-instance list --no-headers -o pnode {self.name}").strip()

    def listen(self, pattern: re.Pattern[str], timeout: float = 90) -> tuple[str, str]:
        """Wait for the pattern on the serial line: (its first group, all that was heard)."""
        path = self.cluster.path(self.primary(),
                                 f"/var/run/ganeti/kvm-hypervisor/ctrl/{self.name}.serial")
        deadline = time.monotonic() + timeout
        heard = ""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(path))
            while True:
                line.settimeout(max(0.1, deadline - time.monotonic()))
                try:
                    piece = line.recv(4096)
                except TimeoutError:
                    piece = b""
                heard += piece.decode(errors="replace")
                complete = heard[:heard.rfind("\n") + 1]
                match = pattern.search(complete)
                if match:
                    return match.group(1), heard
                assert piece and time.monotonic() < deadline, f"console said: {heard[-500:]!r}"

    def tick(self) -> int:
        return int(self.listen(TICK)[0])

    def processes(self) -> list[pathlib.Path]:
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if b"qemu" in words[0] and str(self.cluster.root).encode() in b" ".join(words):
                    found.append(entry)
        return found


@pytest.fixture
def guest(cluster: VirtualCluster) -> Iterator[Guest]:
    """A booted Linux guest on node1."""
    try:
        image = demo_guest.build()
    except demo_guest.GuestError as err:
        pytest.skip(f"no guest image: {err}")
    cluster.run("gnt-instance add -t sharedfile -s 16m -B memory=128M -o demo-linux+default "
                "--no-nics -n node1 --no-ip-check --no-name-check "
                f"-H kvm:kvm_path={QEMU},kernel_path={image.kernel},initrd_path={image.initrd},"
                "vhost_net=false guest1")
    made = Guest(cluster, "guest1")
    made.tick()
    yield made
    cluster.run(f"gnt-instance remove -f --shutdown-timeout=0 {made.name}")
    assert made.processes() == [], "nothing is left"


def test_live_migration_goes_on_counting(cluster: VirtualCluster, guest: Guest) -> None:
    before = guest.tick()
    log = cluster.run("gnt-instance migrate -f -n node2 guest1")
    assert guest.primary() == "node2"
    seen, heard = guest.listen(TICK)
    assert int(seen) >= before
    assert not BOOT.search(heard), "it did not boot again"
    after = int(guest.listen(re.compile(rf"TICK ({int(seen) + 2})\b"))[0])
    assert after > before
    assert "downtime" in log, "the job says how long the guest stood still"
    assert len(guest.processes()) == 1, "the source's process is gone"
    assert cluster.run("gnt-instance list --no-headers -o status guest1").strip() == "running"


def test_failed_migration_leaves_the_guest_running(cluster: VirtualCluster,
                                                   guest: Guest) -> None:
    before = guest.tick()
    with socket.create_server((cluster.address("node2"), 8102)):
        result = cluster.try_run("gnt-instance migrate -f -n node2 guest1")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert guest.primary() == "node1"
    assert guest.tick() >= before
    assert len(guest.processes()) == 1
    cluster.run("gnt-instance migrate -f -n node2 guest1")
    assert guest.primary() == "node2"


def test_failover_boots_elsewhere(cluster: VirtualCluster, guest: Guest) -> None:
    cluster.run("gnt-instance failover -f -n node3 --shutdown-timeout=30 guest1")
    assert guest.primary() == "node3"
    boot, _ = guest.listen(re.compile(r"boot=(\d+)"))
    assert int(boot) == 2, "its disk came along: this is its second boot"


def test_node_daemon_killed_guest_lives(cluster: VirtualCluster, guest: Guest) -> None:
    before = guest.tick()
    cluster.kill_daemon("node1", "ganeti-noded")
    cluster.daemon_util("node1", "start", "ganeti-noded")
    assert guest.tick() >= before
    assert cluster.run("gnt-instance list --no-headers -o status guest1").strip() == "running"


def test_soft_shutdown_and_crash(cluster: VirtualCluster, guest: Guest) -> None:
    begun = time.monotonic()
    cluster.run("gnt-instance shutdown --timeout=60 guest1")
    assert time.monotonic() - begun < 30, "the guest obeys its power button"
    assert guest.processes() == []
    cluster.run("gnt-instance startup guest1")
    guest.tick()
    (process,) = guest.processes()
    import os
    import signal

    os.kill(int(process.name), signal.SIGKILL)
    wait_until(lambda: not process.exists(), "guest is gone")
    assert cluster.run("gnt-instance list --no-headers -o status guest1").strip() == "ERROR_down"
    cluster.run("gnt-instance startup guest1")
    assert cluster.run("gnt-instance list --no-headers -o status guest1").strip() == "running"


def test_console_over_ssh(cluster: VirtualCluster, guest: Guest) -> None:
    command = cluster.run("gnt-instance console --show-cmd guest1")
    assert "socat" in command
    # A terminal is what the console wants; script(1) gives it one.
    console = "timeout --foreground -k 1 5 gnt-instance console guest1"
    result = cluster.try_run(f"script -qec '{console}' /dev/null")
    assert "TICK" in result.stdout, result.stdout + result.stderr
