"""What ganeti-kvmd makes of the events of guests, and that it lets go of those that have ended."""

from __future__ import annotations

import asyncio
import os
import pathlib
from collections.abc import Sequence

import pytest

from ganeti import pathutils
from ganeti.hypervisor.kvm import kvmd, paths
from test.unit.hypervisor.kvm.fakeqemu import HANG_UP, FakeQemu, Step, event, returns, wait

FILES = paths.Files("guest")
#: A guest's own end, some time after the greeting, and at once that of its QEMU
ENDING = [wait(0.02), event("SHUTDOWN", guest=True, reason="guest-shutdown"), HANG_UP]


@pytest.fixture(autouse=True)
def directories(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pathutils, "KVM_DIR", str(tmp_path))
    monkeypatch.setattr(pathutils, "LOG_KVM_DIR", str(tmp_path / "log"))
    paths.ensure_directories()


@pytest.mark.parametrize("events,by_user", [
    (["SHUTDOWN"], True), (["POWERDOWN", "SHUTDOWN"], False), (["STOP", "SHUTDOWN"], False),
    (["STOP", "RESUME", "SHUTDOWN"], True), (["POWERDOWN", "RESET", "SHUTDOWN"], True),
    (["RTC_CHANGE", "STOP"], False)])
def test_who_shut_the_guest_down(events: list[str], by_user: bool) -> None:
    verdict = kvmd.Verdict()
    verdicts = [verdict.by_user({"event": name}) for name in events]
    assert any(verdicts) is by_user


def test_quit_is_not_the_user() -> None:
    assert not kvmd.Verdict().by_user({"event": "SHUTDOWN", "data": {"guest": False}})


def lives(said: Sequence[Step], count: int) -> list[bool]:
    """A guest lives again and again, its QEMU says this and ends; whether its user ended it."""
    async def watch_it() -> list[bool]:
        watch, found = kvmd.Watch(), []
        for _ in range(count):
            watch.look()
            listening = asyncio.all_tasks() - {asyncio.current_task()}
            assert listening, "the next life is watched as well"
            _, left = await asyncio.wait(listening, timeout=30)
            assert not left, "whoever has ended is let go of"
            found.append(os.path.exists(FILES.shutdown))
            pathlib.Path(FILES.shutdown).unlink(missing_ok=True)
        return found

    script = {"qmp_capabilities": [returns({}), *said]}
    with FakeQemu(pathlib.Path(FILES.kvmd), script):
        return asyncio.run(watch_it())


def test_a_guest_that_ends_with_its_last_word_is_watched_again() -> None:
    assert lives(ENDING, 50) == [True] * 50


def test_what_a_crashed_qemu_has_left_is_let_be_until_the_next_life(
        monkeypatch: pytest.MonkeyPatch) -> None:
    async def look() -> int:
        watch.look()
        listening = asyncio.all_tasks() - {asyncio.current_task()}
        if listening:
            await asyncio.wait(listening)
        return len(listening)

    async def watch_it() -> None:
        assert [await look() for _ in range(3)] == [1, 0, 0]
        pathlib.Path(FILES.kvmd).unlink()
        with FakeQemu(pathlib.Path(FILES.kvmd), {"qmp_capabilities": [returns({}), *ENDING]}):
            assert await look() == 1
        assert os.path.exists(FILES.shutdown)

    monkeypatch.setattr(kvmd, "_PATIENCE", 0.1)
    watch = kvmd.Watch()
    with FakeQemu(pathlib.Path(FILES.kvmd), {}):
        pass
    asyncio.run(watch_it())


def test_the_button_is_heard_as_soon_as_somebody_listens() -> None:
    assert lives([event("POWERDOWN"), *ENDING], 50) == [False] * 50
