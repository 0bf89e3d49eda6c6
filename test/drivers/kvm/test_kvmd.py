"""A guest that its user shuts down is told from one that crashed or was stopped."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganeti.tools import demo_guest
from test.drivers.kvm import lab
from test.waiting import wait_until

pytestmark = [pytest.mark.qemu,
              pytest.mark.skipif(not os.path.exists(lab.QEMU), reason="no QEMU on this machine")]
NAME = "inst1.example.org"
USER_SHUTDOWN = 1


class Kvmd:
    """The running daemon; it judges by what it hears, so that tests wait until it listens."""

    def __init__(self, node: lab.Node) -> None:
        self._log = node.root / "var/log/ganeti/kvm-daemon.log"
        self._guests = 0

    def _watched(self) -> int:
        return self._log.read_text().count("Watching instance") if self._log.exists() else 0

    def wait_for_guest(self) -> None:
        """Wait until one more guest is watched."""
        self._guests += 1
        wait_until(lambda: self._watched() == self._guests, "the guest is watched")


@pytest.fixture
def kvmd(node: lab.Node) -> Iterator[Kvmd]:
    daemon = Kvmd(node)
    process = subprocess.Popen(
        [sys.executable, "-m", "ganeti.server.kvmd", "-f"], cwd=lab.REPOSITORY,
        env={**os.environ, "GANETI_ROOTDIR": str(node.root)}, stderr=subprocess.DEVNULL)
    yield daemon
    process.terminate()
    assert process.wait(30) == 0, "the daemon has to stop cleanly"


def test_shutdown_from_inside_is_noticed(node: lab.Node, place: Path, kvmd: Kvmd) -> None:
    try:
        guest = demo_guest.build()
    except demo_guest.GuestError as err:
        pytest.skip(str(err))
    inst = lab.instance_dict(NAME, disks=0, kernel_path=str(guest.kernel),
                             initrd_path=str(guest.initrd), user_shutdown=True)
    inst["beparams"]["maxmem"] = 128
    node.call("start", inst, [])
    serial = lab.Serial(node.control(NAME, "serial"))
    serial.wait(lambda serial: "TICK 2 " in serial.text, "ticks", 60)
    kvmd.wait_for_guest()
    serial.type("poweroff -f")
    wait_until(lambda: (node.call("info", NAME) or {}).get("state") == USER_SHUTDOWN,
               lambda: node.call("info", NAME), 20)
    serial.close()
    assert node.call("list") == [NAME]
    node.call("cleanup", NAME)
    assert node.call("list") == [] and node.traces(NAME) == []


def test_the_administrators_button_and_force_are_not_the_user(
        node: lab.Node, place: Path, kvmd: Kvmd) -> None:
    inst = lab.instance_dict(NAME, user_shutdown=True)
    disk = lab.make_disk(place / "disk")
    for force in (False, True):
        node.call("start", inst, [node.link(NAME, 0, disk)])
        serial = lab.Serial(node.control(NAME, "serial"))
        serial.wait_ticks(2)
        kvmd.wait_for_guest()
        node.call("stop", inst, force=force)
        lab.wait_gone(node, NAME)
        time.sleep(0.5)
        assert node.call("info", NAME) is None
        serial.close()
        node.call("cleanup", NAME)
