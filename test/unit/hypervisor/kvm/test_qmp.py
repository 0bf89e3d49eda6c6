"""The QMP session against a server that does not behave."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganeti.hypervisor.kvm.qmp import CommandRefused, QmpError, Session
from test.unit.hypervisor.kvm.fakeqemu import (
    HANG_UP,
    FakeQemu,
    event,
    raw,
    refuses,
    returns,
    wait,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "qmp"


def test_answers_are_given_back(path: Path) -> None:
    with FakeQemu(path, {"query-status": [returns({"status": "running"})],
                         "balloon": [returns({})]}) as qemu:
        with Session(str(path), "inst1") as session:
            assert session.execute("query-status") == {"status": "running"}
            assert session.execute("balloon", value=4096) == {}
    assert qemu.named("balloon") == [{"value": 4096}]


def test_late_answers_and_events_in_between_are_sorted_out(path: Path) -> None:
    script = {"query-status": [event("STOP"), wait(0.2), event("RESUME"), returns({"n": 1}),
                               event("RESET")]}
    with FakeQemu(path, script), Session(str(path), "inst1") as session:
        assert session.execute("query-status") == {"n": 1}
        assert session.execute("query-status") == {"n": 1}
        assert session.wait_event(("RESET",), 1)["event"] == "RESET"


def test_events_that_came_before_are_not_lost_and_others_are_passed_by(path: Path) -> None:
    script = {"device_del": [event("DEVICE_DELETED", device="other"), returns({}),
                             event("STOP"), event("DEVICE_DELETED", device="mine")]}
    with FakeQemu(path, script), Session(str(path), "inst1") as session:
        session.execute("device_del", id="mine")
        devices = [session.wait_event(("DEVICE_DELETED",), 1)["data"]["device"] for _ in range(2)]
        assert devices == ["other", "mine"]
        assert session.wait_event(("DEVICE_DELETED",), 0.05) is None


def test_an_event_before_the_negotiations_answer_is_survived(path: Path) -> None:
    script = {"qmp_capabilities": [[event("RESUME"), returns({})], [event("RESUME")],
                                   [returns({})]],
              "query-status": [returns({"running": True})]}
    with FakeQemu(path, script) as qemu, Session(str(path), "inst1") as session:
        assert session.execute("query-status") == {"running": True}
    assert len(qemu.named("qmp_capabilities")) == 3


def test_a_negotiation_that_never_succeeds_is_given_up(path: Path) -> None:
    with FakeQemu(path, {"qmp_capabilities": [event("RESUME")]}):
        with pytest.raises(QmpError, match="Can not talk to QEMU of instance inst1"):
            with Session(str(path), "inst1"):
                pass


def test_a_refusal_names_command_instance_and_reason(path: Path) -> None:
    with FakeQemu(path, {"device_del": [refuses("Device 'x' not found", "DeviceNotFound")]}):
        with Session(str(path), "inst1") as session:
            with pytest.raises(CommandRefused, match="inst1.*'device_del'.*'x' not found") as info:
                session.execute("device_del", id="x")
            assert info.value.kind == "DeviceNotFound"


def test_no_answer_in_time(path: Path) -> None:
    with FakeQemu(path, {"query-status": [wait(0.4)]}):
        with Session(str(path), "inst1", timeout=0.1) as session:
            with pytest.raises(QmpError, match="did not answer 'query-status' within 0.1 s"):
                session.execute("query-status")


def test_no_greeting_in_time(path: Path) -> None:
    with FakeQemu(path, {}, greeting=b""):
        with pytest.raises(QmpError, match="did not greet"):
            with Session(str(path), "inst1", connect_timeout=0.1):
                pass


@pytest.mark.parametrize("greeting", [b"garbage\r\n", b'{"QMP": 1}\r\n', b"[]\r\n"])
def test_a_server_that_is_no_qemu(path: Path, greeting: bytes) -> None:
    with FakeQemu(path, {}, greeting=greeting):
        with pytest.raises(QmpError, match="Can not talk to QEMU of instance inst1"):
            with Session(str(path), "inst1", connect_timeout=2):
                pass


def test_hanging_up_during_a_command(path: Path) -> None:
    with FakeQemu(path, {"quit": [HANG_UP]}):
        with Session(str(path), "inst1") as session:
            with pytest.raises(QmpError, match="broke during 'quit'"):
                session.execute("quit")
            with pytest.raises(QmpError):
                session.execute("query-status")


@pytest.mark.parametrize("data", [b"\xff\xfe\r\n", b"{broken\r\n", b'{"neither": 1}\r\n'])
def test_garbage_instead_of_an_answer(path: Path, data: bytes) -> None:
    with FakeQemu(path, {"query-status": [raw(data)]}):
        with Session(str(path), "inst1", timeout=2) as session:
            with pytest.raises(QmpError):
                session.execute("query-status")


def test_nobody_listens(path: Path) -> None:
    with pytest.raises(QmpError, match="No such file or directory"):
        with Session(str(path), "inst1"):
            pass


def test_passwords_are_not_logged(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with FakeQemu(path, {"set_password": [returns({})]}), Session(str(path), "i") as session:
        session.execute("set_password", protocol="vnc", password="s3cret")
    assert "set_password" in caplog.text and "s3cret" not in caplog.text
