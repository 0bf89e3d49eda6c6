"""The life of a boot-sector guest in real QEMU on one node."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from test.drivers.kvm import lab

pytestmark = [pytest.mark.qemu,
              pytest.mark.skipif(not os.path.exists(lab.QEMU), reason="no QEMU on this machine")]
NAME = "inst1.example.org"


def test_guest_runs_what_is_on_its_disk_and_obeys_the_power_button(node: lab.Node, place: Path
                                                                   ) -> None:
    inst = lab.instance_dict(NAME)
    disk = lab.make_disk(place / "disk", "this is inst1")
    node.call("start", inst, [node.link(NAME, 0, disk)], paused=True)
    assert node.call("list") == [NAME]
    serial = lab.Serial(node.control(NAME, "serial"))
    time.sleep(0.3)
    assert serial.text == "", "a paused guest must not run"
    node.call("stop", inst)  # an impatient administrator: the guest has to get the button later
    serial.wait_ticks(1) if "TICK" in serial.text else None
    serial.close()
    node.call("stop", inst, force=True)
    assert node.call("info", NAME) is None
    node.call("cleanup", NAME)
    assert node.traces(NAME) == []
    node.call("start", inst, [node.link(NAME, 0, disk)])
    serial = lab.Serial(node.control(NAME, "serial"))
    serial.wait_ticks(3)
    assert "GUEST-UP this is inst1" in serial.text
    info = node.call("info", NAME)
    assert (info["memory"], info["vcpus"], info["state"]) == (16, 1, 0)
    assert info["time"] >= 0
    node.call("stop", inst)
    serial.wait(lambda serial: "POWER-OFF" in serial.text, "power-off")
    serial.close()
    deadline = time.monotonic() + 5
    while node.call("info", NAME) is not None:
        assert time.monotonic() < deadline
    node.call("cleanup", NAME)
    assert node.traces(NAME) == []
    assert disk.read_bytes()[512:525] == b"BOOT 00000001" or disk.read_bytes()[512:525] == \
        b"BOOT 00000002"
