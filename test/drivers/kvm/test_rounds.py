"""Many starts and stops leave nothing: no process, file, socket, tap device or open descriptor."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from test.drivers.kvm import lab
from test.drivers.kvm.test_hotplug import BRIDGE, bridge, nic_dict  # noqa: F401

NAME = "inst1.example.org"
ROUNDS = 50
SWTPM = "/usr/bin/swtpm"
pytestmark = [
    pytest.mark.qemu,
    pytest.mark.skipif(not os.path.exists(lab.QEMU), reason="no QEMU on this machine"),
    pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists("/dev/net/tun"),
                       reason="tap devices need root and /dev/net/tun")]


def processes(root: Path) -> set[str]:
    """Programs that name the node's tree on their command line."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if os.fsencode(root) in words:
            found.add(f"{path.parent.name} {words[:60]!r}")
    return found


def everything(node: lab.Node) -> dict[str, object]:
    """All that a guest could leave."""
    files = {str(path.relative_to(node.root)) for path in node.root.rglob("*")}
    return {
        "processes": processes(node.root),
        "files": {name for name in files if not name.startswith("var/log")},
        "sockets beside": set(os.listdir(node.root.parent)),
        "taps": set(os.listdir(f"/sys/class/net/{BRIDGE}/brif")),
        "descriptors": len(os.listdir(f"/proc/{node.pid}/fd")),
        "threads": len(os.listdir(f"/proc/{node.pid}/task")),
    }


@pytest.mark.usefixtures("bridge")
def test_fifty_rounds_leave_nothing(node: lab.Node, place: Path) -> None:
    disk = lab.make_disk(place / "disk")
    inst = lab.instance_dict(NAME, use_guest_agent=True, user_shutdown=True, vnc_bind_address=str(
        place), vtpm=os.path.exists(SWTPM))
    inst["nics"] = [nic_dict(1), nic_dict(2)]
    link = node.link(NAME, 0, disk)

    def play(number: int) -> None:
        node.call("start", inst, [link])
        if number % 5 == 0:
            # ends as if the kernel had run out of memory
            os.kill(int((node.root / f"var/run/ganeti/kvm-hypervisor/pid/{NAME}").read_text()), 9)
            lab.wait_gone(node, NAME)
        node.call("stop", inst, force=True)
        node.call("cleanup", NAME)

    play(1)  # makes what stays: directories, the TPM's memory
    before = everything(node)
    for number in range(1, ROUNDS + 1):
        play(number)
    assert everything(node) == before
