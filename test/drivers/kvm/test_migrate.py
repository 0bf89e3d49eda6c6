"""Live migration between two node roots, as the master drives it, with a ticking guest."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganeti.hypervisor.kvm.qmp import Session
from ganeti.tools import demo_guest
from ganeti.utils import net
from test.drivers.kvm import lab
from test.waiting import wait_until

pytestmark = [pytest.mark.qemu,
              pytest.mark.skipif(not os.path.exists(lab.QEMU), reason="no QEMU on this machine")]
NAME = "inst1.example.org"


def boot(node: lab.Node, inst: dict[str, Any], disk: Path) -> lab.Serial:
    node.call("start", inst, [node.link(NAME, 0, disk)])
    serial = lab.Serial(node.control(NAME, "serial"))
    serial.wait_ticks(3)
    return serial


def wait_migration(node: lab.Node, inst: dict[str, Any]) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        status = node.call("migration_status", inst)
        return None if status["status"] in ("active", "postcopy-active") else status
    return wait_until(ended, "the migration ends")


def migrate(source: lab.Node, target: lab.Node, inst: dict[str, Any], disk: Path,
            live: bool = True, told: dict[str, Any] | None = None) -> dict[str, Any]:
    """What backend and master do, in their order; `told` gets QEMU's own report."""
    target.link(NAME, 0, disk)
    info = source.call("migration_info", inst)
    target.call("accept_instance", inst, info, target.address)
    source.call("migrate", inst, target.address, live)
    status = wait_migration(source, inst)
    assert status["status"] == "completed", status
    if told is not None:
        with Session(str(source.control(NAME, "qmp")), NAME) as session:
            told.update(session.execute("query-migrate"))
    target.call("finalize_migration_dst", inst, info, True)
    source.call("finalize_migration_src", inst, True, live)
    return status


def test_a_port_that_was_changed_meanwhile_counts_on_both_ends(
        node: lab.Node, other: lab.Node, place: Path) -> None:
    disk = lab.make_disk(place / "disk", "moving")
    inst = lab.instance_dict(NAME, migration_downtime=100)
    serial = boot(node, inst, disk)
    serial.close()
    inst["hvparams"]["migration_port"] = net.free_port(other.address)
    migrate(node, other, inst, disk)
    assert other.call("list") == [NAME]
    other.call("stop", inst, force=True)


@pytest.mark.parametrize("live", [True, False], ids=["live", "non-live"])
def test_guest_survives_migration(node: lab.Node, other: lab.Node, place: Path, live: bool
                                  ) -> None:
    disk = lab.make_disk(place / "disk", "moving")
    inst = lab.instance_dict(NAME)
    before = boot(node, inst, disk)
    started = time.monotonic()
    status = migrate(node, other, inst, disk, live)
    print(f"\nmigration took {time.monotonic() - started:.2f} s, {status}")
    after = lab.Serial(other.control(NAME, "serial"))
    after.wait_ticks(3)
    before.close()
    seen = before.ticks()
    assert after.ticks()[0][0] == 1, "the guest was restarted"
    gap = after.ticks()[0][1] - seen[-1][1]
    print(f"last tick before {seen[-1]}, first after {after.ticks()[0]}")
    assert 1 <= gap <= 20, f"the counter jumped by {gap}"
    assert node.call("list") == [] and other.call("list") == [NAME]
    assert node.traces(NAME) == []
    after.close()
    other.call("stop", inst, force=True)
    other.call("cleanup", NAME)
    assert other.traces(NAME) == []


@pytest.mark.parametrize("caps,used", [
    ("xbzrle:auto-converge", lambda told: told["xbzrle-cache"]["cache-size"] > 0),
    ("multifd", lambda told: told["ram"]["multifd-bytes"] > 0),
    ("postcopy-ram", lambda told: told["ram"]["dirty-sync-count"] > 0)],
    ids=["xbzrle", "multifd", "postcopy"])
def test_capabilities_are_set_on_both_ends(node: lab.Node, other: lab.Node, place: Path, caps: str,
                                           used: Callable[[dict[str, Any]], bool]) -> None:
    disk = lab.make_disk(place / "disk")
    inst = lab.instance_dict(NAME, migration_caps=caps)
    boot(node, inst, disk).close()
    told: dict[str, Any] = {}
    migrate(node, other, inst, disk, told=told)
    assert used(told), told
    after = lab.Serial(other.control(NAME, "serial"))
    after.wait_ticks(2)
    assert after.ticks()[0][0] == 1
    after.close()
    other.call("stop", inst, force=True)


def test_unknown_capability_is_told_before_anything_moves(node: lab.Node, other: lab.Node,
                                                          place: Path) -> None:
    disk = lab.make_disk(place / "disk")
    inst = lab.instance_dict(NAME, migration_caps="teleport")
    serial = boot(node, inst, disk)
    other.link(NAME, 0, disk)
    with pytest.raises(lab.CallFailed, match="teleport"):
        other.call("accept_instance", inst, node.call("migration_info", inst), other.address)
    assert other.traces(NAME) == []
    serial.wait_ticks(len(serial.ticks()) + 2)
    serial.close()
    node.call("stop", inst, force=True)


def test_failed_migration_leaves_the_guest_running(node: lab.Node, other: lab.Node, place: Path
                                                   ) -> None:
    disk = lab.make_disk(place / "disk")
    inst = lab.instance_dict(NAME)
    serial = boot(node, inst, disk)
    info = node.call("migration_info", inst)
    node.call("migrate", inst, other.address, True)  # nobody listens there
    assert wait_migration(node, inst)["status"] == "failed"
    other.call("finalize_migration_dst", inst, info, False)
    node.call("finalize_migration_src", inst, False, True)
    serial.wait_ticks(len(serial.ticks()) + 3)
    assert {boot for boot, _ in serial.ticks()} == {1}
    assert other.traces(NAME) == []
    migrate(node, other, inst, disk)
    serial.close()
    after = lab.Serial(other.control(NAME, "serial"))
    after.wait_ticks(2)
    assert after.ticks()[0][0] == 1
    after.close()
    other.call("stop", inst, force=True)


def test_migration_that_is_cancelled(node: lab.Node, other: lab.Node, place: Path) -> None:
    disk = lab.make_disk(place / "disk")
    inst = lab.instance_dict(NAME, migration_bandwidth=1)
    serial = boot(node, inst, disk)
    other.link(NAME, 0, disk)
    info = node.call("migration_info", inst)
    other.call("accept_instance", inst, info, other.address)
    node.call("migrate", inst, other.address, False)
    assert node.call("migration_status", inst)["status"] == "active"
    other.call("finalize_migration_dst", inst, info, False)
    node.call("finalize_migration_src", inst, False, False)
    assert other.call("list") == [] and other.traces(NAME) == []
    serial.wait_ticks(len(serial.ticks()) + 3)
    assert {boot for boot, _ in serial.ticks()} == {1}
    serial.close()
    node.call("stop", inst, force=True)


def test_target_that_can_not_listen_leaves_nothing(node: lab.Node, other: lab.Node, place: Path
                                                   ) -> None:
    disk = lab.make_disk(place / "disk")
    inst = lab.instance_dict(NAME)
    serial = boot(node, inst, disk)
    other.link(NAME, 0, disk)
    with pytest.raises(lab.CallFailed, match="migrate-incoming"):
        other.call("accept_instance", inst, node.call("migration_info", inst), "192.0.2.1")
    assert other.call("list") == [] and other.traces(NAME) == []
    serial.wait_ticks(len(serial.ticks()) + 2)
    serial.close()
    node.call("stop", inst, force=True)


def test_a_node_with_lesser_processors_is_refused_before_the_copy(
        node: lab.Node, other: lab.Node, place: Path) -> None:
    disk = lab.make_disk(place / "disk")
    inst = lab.instance_dict(NAME, cpu_type="Nehalem")
    serial = boot(node, inst, disk)
    other.link(NAME, 0, disk)
    info = node.call("migration_info", inst)
    # the same model on a machine that can not do all of it
    poorer = info.replace('"-cpu","Nehalem"', '"-cpu","Nehalem,-popcnt,-sse4.2"').replace(
        '"-cpu", "Nehalem"', '"-cpu", "Nehalem,-popcnt,-sse4.2"')
    assert poorer != info
    with pytest.raises(lab.CallFailed, match="can not give them: popcnt, sse4-2;"):
        other.call("accept_instance", inst, poorer, other.address)
    assert other.traces(NAME) == [] and other.call("list") == []
    serial.wait_ticks(len(serial.ticks()) + 2)
    migrate(node, other, inst, disk)
    serial.close()
    other.call("stop", inst, force=True)


def test_a_node_without_the_machine_type_is_refused_before_the_copy(
        node: lab.Node, other: lab.Node, place: Path) -> None:
    disk = lab.make_disk(place / "disk")
    inst = lab.instance_dict(NAME)
    serial = boot(node, inst, disk)
    info = node.call("migration_info", inst)
    newer = re.sub("pc-i440fx-[0-9.]+", "pc-i440fx-99.0", info)
    assert newer != info, "the type is pinned, though the parameter is empty"
    with pytest.raises(lab.CallFailed, match="runs on machine type pc-i440fx-99.0, which"):
        other.call("accept_instance", inst, newer, other.address)
    assert other.traces(NAME) == []
    serial.wait_ticks(len(serial.ticks()) + 2)
    serial.close()
    node.call("stop", inst, force=True)


def test_a_busy_guest_goes_over_before_its_memory(node: lab.Node, other: lab.Node, place: Path
                                                  ) -> None:
    """Post-copy with a Linux guest that changes its memory faster than it could be sent."""
    try:
        guest = demo_guest.build()
    except demo_guest.GuestError as err:
        pytest.skip(str(err))
    disk = lab.make_disk(place / "disk", f"name={NAME}")
    inst = lab.instance_dict(NAME, kernel_path=str(guest.kernel), initrd_path=str(guest.initrd),
                             migration_caps="postcopy-ram", migration_bandwidth=32,
                             migration_downtime=0)
    inst["beparams"]["maxmem"] = 128
    node.call("start", inst, [node.link(NAME, 0, disk)])
    serial = lab.Serial(node.control(NAME, "serial"))
    serial.wait(lambda serial: "TICK 2 " in serial.text, "ticks", 60)
    serial.type("while :; do dd if=/dev/urandom of=/tmp/x bs=64k count=256; done 2>/dev/null")
    told: dict[str, Any] = {}
    migrate(node, other, inst, disk, told=told)
    serial.close()
    moved = told["ram"]["postcopy-bytes"]
    print(f"\n{moved >> 20} MiB came after the guest, which stood still for"
          f" {told['downtime']} ms, {told['ram']['postcopy-requests']} pages on demand")
    assert moved > 0
    serial = lab.Serial(other.control(NAME, "serial"))
    serial.wait(lambda serial: "TICK " in serial.text, "ticks on the other node", 60)
    serial.close()
    other.call("stop", inst, force=True)
