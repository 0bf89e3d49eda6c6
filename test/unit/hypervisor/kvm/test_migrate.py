"""QEMU's side of migrations, told by a scripted QEMU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganeti import constants, errors
from ganeti.hypervisor.kvm import life, migrate
from ganeti.hypervisor.kvm.qmp import Session
from test.unit.hypervisor.kvm.fakeqemu import FakeQemu, event, refuses, returns

HVP = constants.HV_TABLES[constants.HT_KVM].defaults()
DONE = [returns({})]
ACCELERATED = [returns({"enabled": True, "present": True})]
EMULATED = [returns({"enabled": False, "present": True})]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "qmp"


def test_parameters_are_set_before_the_guest_is_sent(path: Path) -> None:
    script = {"migrate-set-parameters": DONE, "migrate": DONE, "migrate-set-capabilities": DONE,
              "query-kvm": ACCELERATED}
    hvp = HVP | {"migration_bandwidth": 10, "migration_downtime": 250, "migration_port": 8200,
                 "migration_caps": "xbzrle:auto-converge"}
    with FakeQemu(path, script) as qemu, Session(str(path), "i") as session:
        migrate.send(session, hvp, "192.0.2.7", live=True)
    assert [command["execute"] for command in qemu.commands[1:]] == [
        "migrate-set-capabilities", "query-kvm", "migrate-set-parameters", "migrate"]
    assert qemu.named("migrate") == [{"uri": "tcp:192.0.2.7:8200"}]
    assert qemu.named("migrate-set-parameters") == [
        {"max-bandwidth": 10 << 20, "downtime-limit": 250}]
    assert [cap["capability"] for cap in qemu.named("migrate-set-capabilities")[0][
        "capabilities"]] == ["xbzrle", "auto-converge"]


def test_not_live_halts_the_guest_first_and_zero_is_no_limit(path: Path) -> None:
    script = {"migrate-set-parameters": DONE, "migrate": DONE, "stop": DONE,
              "query-kvm": ACCELERATED}
    hvp = HVP | {"migration_bandwidth": 0, "migration_downtime": 0}
    with FakeQemu(path, script) as qemu, Session(str(path), "i") as session:
        migrate.send(session, hvp, "2001:db8::7", live=False)
    names = [command["execute"] for command in qemu.commands]
    assert names.index("stop") < names.index("migrate")
    assert qemu.named("migrate") == [{"uri": "tcp:[2001:db8::7]:8102"}]
    assert qemu.named("migrate-set-parameters")[0]["max-bandwidth"] > 1 << 60
    assert qemu.named("migrate-set-parameters")[0]["downtime-limit"] == 1, "0 would be no limit"


@pytest.mark.parametrize("caps,limit", [("", 0), ("xbzrle", 0), ("xbzrle:postcopy-ram", 250)])
def test_an_emulated_guest_is_halted_after_the_first_round(path: Path, caps: str, limit: int
                                                           ) -> None:
    script = {"migrate-set-parameters": DONE, "migrate": DONE, "migrate-set-capabilities": DONE,
              "query-kvm": EMULATED}
    hvp = HVP | {"migration_downtime": 250, "migration_caps": caps}
    with FakeQemu(path, script) as qemu, Session(str(path), "i") as session:
        migrate.send(session, hvp, "192.0.2.7", live=True)
    assert qemu.named("migrate-set-parameters")[0]["downtime-limit"] == limit


@pytest.mark.parametrize("state,word", [
    ("setup", "active"), ("active", "active"), ("device", "active"), ("cancelling", "active"),
    ("completed", "completed"), ("failed", "failed"), ("cancelled", "cancelled"),
    ("none", "failed"), ("postcopy-active", "postcopy-active")])
def test_states_become_the_catalogues_words(path: Path, state: str, word: str) -> None:
    answer = {"status": state, "ram": {"transferred": 3 << 20, "total": 16 << 20}}
    with FakeQemu(path, {"query-migrate": [returns(answer)]}):
        with Session(str(path), "i") as session:
            status = migrate.status(session, HVP)
    assert (status.status, status.transferred_ram, status.total_ram) == (word, 3, 16)
    assert word in constants.HV_KVM_MIGRATION_VALID_STATUSES


def test_why_it_failed_is_told(path: Path) -> None:
    answer = {"status": "failed", "error-desc": "Failed to connect to 192.0.2.2:8102"}
    with FakeQemu(path, {"query-migrate": [returns(answer)]}), Session(str(path), "i") as session:
        assert migrate.status(session, HVP).reason == "Failed to connect to 192.0.2.2:8102"


def test_both_ends_have_the_port_of_now_and_the_capabilities_of_the_start() -> None:
    now, start = ({"migration_port": port, "migration_caps": caps}
                  for port, caps in ((9000, "xbzrle"), (8102, "multifd")))
    assert migrate.parameters(now, start) == {"migration_port": 9000, "migration_caps": "multifd"}


def test_never_begun_is_no_success(path: Path) -> None:
    with FakeQemu(path, {"query-migrate": [returns({})]}), Session(str(path), "i") as session:
        assert migrate.status(session, HVP).status == constants.HV_MIGRATION_FAILED


@pytest.mark.parametrize("caps,rounds,emulated,turned", [
    ("postcopy-ram", 2, False, 1), ("postcopy-ram", 1, False, 0), ("", 5, True, 0),
    ("postcopy-ram", 1, True, 1)])
def test_post_copy_begins_after_the_first_round_or_with_it(
        path: Path, caps: str, rounds: int, emulated: bool, turned: int) -> None:
    answer: dict[str, Any] = {"status": "active", "ram": {
        "transferred": 1, "total": 1, "dirty-sync-count": rounds}}
    script = {"query-migrate": [returns(answer)], "migrate-start-postcopy": DONE,
              "query-kvm": [returns({"enabled": not emulated, "present": True})]}
    with FakeQemu(path, script) as qemu, Session(str(path), "i") as session:
        migrate.status(session, HVP | {"migration_caps": caps})
    assert len(qemu.named("migrate-start-postcopy")) == turned


def test_cancelling_what_is_under_way_is_waited_for(path: Path) -> None:
    states = [[returns({"status": state})]
              for state in ("active", "cancelling", "cancelling", "cancelled")]
    with FakeQemu(path, {"query-migrate": states, "migrate_cancel": DONE}) as qemu:
        with Session(str(path), "i") as session:
            assert migrate.cancel(session)
            migrate.wait_cancelled(session, 5)
    assert len(qemu.named("migrate_cancel")) == 1


def test_what_has_ended_is_not_cancelled(path: Path) -> None:
    with FakeQemu(path, {"query-migrate": [returns({"status": "failed"})]}):
        with Session(str(path), "i") as session:
            assert not migrate.cancel(session)


def test_cancelling_that_takes_too_long(path: Path) -> None:
    with FakeQemu(path, {"query-migrate": [returns({"status": "cancelling"})]}):
        with Session(str(path), "i") as session:
            with pytest.raises(errors.HypervisorError, match="did not cancel"):
                migrate.wait_cancelled(session, 0.1)


@pytest.mark.parametrize("running", [True, False])
def test_only_a_halted_guest_is_continued(path: Path, running: bool) -> None:
    script = {"query-status": [returns({"running": running, "status": "x"})], "cont": DONE}
    with FakeQemu(path, script) as qemu, Session(str(path), "i") as session:
        migrate.run(session)
    assert len(qemu.named("cont")) == (0 if running else 1)


# Reboot ----------------------------------------------------------------------------------------


def test_the_button_is_pressed_until_the_guest_is_off(path: Path) -> None:
    script = {"set-action": DONE, "query-status": [[returns({"running": True})],
                                                   [returns({"status": "shutdown"})]],
              "system_powerdown": [returns({}), event("POWERDOWN"), event("SHUTDOWN")]}
    with FakeQemu(path, script) as qemu, Session(str(path), "i") as session:
        life.shut_down_inside(session, "i")
    assert [action["shutdown"] for action in qemu.named("set-action")] == ["pause", "poweroff"]


def test_a_qemu_that_can_not_be_kept_alive_is_left_to_its_reset(
        path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """5.2 has no set-action."""
    script = {"set-action": [refuses("The command set-action has not been found",
                                     "CommandNotFound")]}
    with FakeQemu(path, script) as qemu, Session(str(path), "i") as session:
        life.shut_down_inside(session, "i")
    assert qemu.named("system_powerdown") == [] and "it is reset" in caplog.text
