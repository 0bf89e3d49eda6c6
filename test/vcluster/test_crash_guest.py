"""The master daemon dies in the middle of a live migration and of a creation, with a real guest."""

from __future__ import annotations

import random
import re
import shutil
import time
from collections.abc import Iterator

import pytest

from test.vcluster.fixture import VirtualCluster
from test.vcluster.test_crash import SEED
from test.vcluster.test_guest import TICK, Guest
from test.waiting import wait_until

QEMU = shutil.which("qemu-system-x86_64")
pytestmark = [pytest.mark.qemu,
              pytest.mark.skipif(QEMU is None, reason="qemu-system-x86_64 is not installed")]
NAME = "crash1"
ADD = ("-t sharedfile -s 1m -B memory=16M -o demo-linux+bootsector --no-nics -n node1 "
       f"--no-ip-check --no-name-check -H kvm:kernel_path=,kvm_path={QEMU},vhost_net=false,"
       "serial_console=true")


@pytest.fixture
def guest(battered: VirtualCluster) -> Iterator[Guest]:
    """A guest that counts on its serial line, up in a moment; its migrations take a while."""
    battered.run("gnt-cluster modify -H kvm:migration_bandwidth=4")
    battered.run(f"gnt-instance add {ADD} {NAME}")
    made = Guest(battered, NAME)
    made.tick()
    yield made
    battered.run(f"gnt-instance remove -f --shutdown-timeout=0 {NAME}")
    assert made.processes() == [], "nothing is left"


def _kill_during(cluster: VirtualCluster, command: str, arguments: str, moment: float,
                 begun_when: str) -> int:
    """Submit a command's job, kill the master daemon some time into it, start it again."""
    number = int(cluster.run(
        f"gnt-instance {command} --submit --print-jobid {arguments}").split()[0])
    log = cluster.path("node1", "/var/log/ganeti/master-daemon.log")
    wait_until(lambda: f"Job {number}: {begun_when}" in log.read_text(errors="replace"),
               "the job has begun", 20)
    time.sleep(moment)
    cluster.kill_daemon("node1", "ganeti-masterd")
    cluster.daemon_util("node1", "start-master")

    def ended() -> bool:
        status = cluster.run(f"gnt-job list --no-headers -o status {number}").strip()
        return status in ("success", "error", "canceled")

    wait_until(ended, "the job has come to an end", 20)
    return number


def _runs_where_it_should(cluster: VirtualCluster, guest: Guest) -> bool:
    """One process, on the node that the configuration names."""
    found = guest.processes()
    root = cluster.layout.node(guest.primary()).root
    status = cluster.run(f"gnt-instance list --no-headers -o status {NAME}").strip()
    return (len(found) == 1 and status == "running"
            and f"{root}/".encode() in (found[0] / "cmdline").read_bytes())


@pytest.mark.parametrize("round_", range(2))
def test_killed_in_the_middle_of_a_migration(battered: VirtualCluster, guest: Guest,
                                             round_: int) -> None:
    cluster = battered
    moment = random.Random(SEED + round_).random() * (0.5, 4)[round_]
    print(f"FAULT_SEED={SEED} moment={moment:.3f}")
    before = guest.tick()
    _kill_during(cluster, "migrate", f"-f -n node2 {NAME}", moment, "INSTANCE_MIGRATE")
    if not _runs_where_it_should(cluster, guest):
        verified = cluster.try_run("gnt-cluster verify").stdout
        assert NAME in verified, f"verify names the instance: {verified}"
    deadline = time.monotonic() + 30
    while True:
        cleaned = cluster.try_run(f"gnt-instance migrate -f --cleanup {NAME}")
        assert "Traceback" not in cleaned.stdout + cleaned.stderr
        if cleaned.returncode == 0 and _runs_where_it_should(cluster, guest):
            break
        assert time.monotonic() < deadline, cleaned.stdout + cleaned.stderr
        time.sleep(1)
    seen, heard = guest.listen(TICK)
    assert int(seen) >= before
    assert not re.search("GUEST-UP", heard), "it did not boot again"
    assert not [line for line in cluster.run("gnt-cluster verify").splitlines()
                if "ERROR" in line and NAME in line]
    cluster.run(f"gnt-instance migrate -f -n node3 {NAME}")
    assert guest.primary() == "node3"


@pytest.mark.parametrize("round_", range(3))
def test_killed_in_the_middle_of_a_creation(battered: VirtualCluster, round_: int) -> None:
    """Either the instance is there, or what is left can be removed, and the name is free again."""
    cluster = battered
    name = f"made{round_}"
    moment = random.Random(SEED + 10 + round_).random() * 0.7
    print(f"FAULT_SEED={SEED} moment={moment:.3f}")
    _kill_during(cluster, "add", f"{ADD} {name}", moment, "INSTANCE_CREATE")
    guest = Guest(cluster, name)
    known = cluster.run("gnt-instance list --no-headers -o name").split()
    verified = cluster.try_run("gnt-cluster verify").stdout
    assert "Traceback" not in verified
    if name in known:
        status = cluster.run(f"gnt-instance list --no-headers -o status {name}").strip()
        if guest.processes():
            assert status == "running"
        elif status != "running":
            assert name in verified or status.startswith("ADMIN"), verified
        cluster.run(f"gnt-instance remove -f --shutdown-timeout=0 {name}")
    elif guest.processes() and any(f"{name}".encode() in (process / "cmdline").read_bytes()
                                   for process in guest.processes()):
        raise AssertionError(f"a guest that nobody knows: {verified}")
    leftovers = cluster.root / "shared" / name
    result = cluster.try_run(f"gnt-instance add {ADD} {name}")
    if result.returncode and leftovers.exists():
        # The refusal names what is in the way, and taking that away suffices.
        assert name in result.stderr, result.stderr
        shutil.rmtree(leftovers)
        cluster.run(f"gnt-instance add {ADD} {name}")
    else:
        assert result.returncode == 0, result.stderr
    guest.tick()
    cluster.run(f"gnt-instance remove -f --shutdown-timeout=0 {name}")
    assert guest.processes() == []
