"""Moments in which QEMU is not ready to be talked to, but will be, or is about to end."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from pathlib import Path

import pytest
from qemu.qmp import QMPClient, QMPError

from ganeti.hypervisor.kvm import qmp
from test.unit.hypervisor.kvm.fakeqemu import HANG_UP, FakeQemu, event, returns

RUNNING = {"query-status": [returns({"running": True})]}


def test_event_before_the_negotiation_has_ended(tmp_path: Path) -> None:
    """As when a migrated guest arrives just then."""
    script = RUNNING | {"qmp_capabilities": [[event("RESUME"), returns({})], [returns({})]]}
    with FakeQemu(tmp_path / "qmp", script) as qemu, \
            qmp.Session(str(tmp_path / "qmp"), "guest") as session:
        assert session.execute("query-status") == {"running": True}
    assert len(qemu.named("qmp_capabilities")) == 2


def test_events_without_end_are_an_error(tmp_path: Path) -> None:
    script = {"qmp_capabilities": [event("RESUME"), returns({})]}
    with FakeQemu(tmp_path / "qmp", script), pytest.raises(qmp.QmpError, match="Can not talk"), \
            qmp.Session(str(tmp_path / "qmp"), "guest"):
        pass


def test_socket_that_does_not_listen_yet(tmp_path: Path) -> None:
    path = tmp_path / "qmp"
    servers: list[FakeQemu] = []

    def listen() -> None:
        path.unlink()
        servers.append(FakeQemu(path, RUNNING))
        servers[0].start()

    with socket.socket(socket.AF_UNIX) as unready:
        unready.bind(str(path))  # not listening: connections are refused
        ready = threading.Timer(0.15, listen)
        ready.start()
        with qmp.Session(str(path), "guest") as session:
            assert session.execute("query-status") == {"running": True}
        ready.join()
    servers[0].__exit__()


def test_dead_socket_is_told_soon(tmp_path: Path) -> None:
    with FakeQemu(tmp_path / "qmp", RUNNING):
        pass
    started = time.monotonic()
    with pytest.raises(qmp.QmpError, match="refused"), \
            qmp.Session(str(tmp_path / "qmp"), "guest"):
        pass
    assert time.monotonic() - started < 2


ENDING = {"qmp_capabilities": [returns({}), HANG_UP]}


def test_qemu_that_ends_as_it_has_answered(tmp_path: Path) -> None:
    """As when a guest that shuts down is asked for its memory."""
    with FakeQemu(tmp_path / "qmp", ENDING):
        for _ in range(100):
            with pytest.raises(qmp.QmpError, match="Can not talk|broke"), \
                    qmp.Session(str(tmp_path / "qmp"), "guest") as session:
                session.execute("query-status")


def test_the_watcher_of_guests_bears_it_as_well(tmp_path: Path) -> None:
    async def begin() -> bool:
        client = QMPClient("guest")
        client.logger = qmp.wire_logger()
        try:
            await qmp.connect(client, str(tmp_path / "qmp"))
        except (QMPError, OSError):
            return False
        await qmp.disconnect(client)
        return True

    with FakeQemu(tmp_path / "qmp", ENDING):
        assert any(not asyncio.run(begin()) for _ in range(2000)), "one is cut off in between"
