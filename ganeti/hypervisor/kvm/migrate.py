"""Moving a running guest: QEMU's side of it, on the sending and on the receiving node."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from ganeti import constants, errors
from ganeti.hypervisor.base import MigrationStatus
from ganeti.hypervisor.kvm.qmp import Session

_MIB = 1 << 20
#: QEMU's states -> the catalogue's words; what is not here is under way
_STATES = {
    "completed": constants.HV_MIGRATION_COMPLETED,
    "failed": constants.HV_MIGRATION_FAILED,
    "cancelled": constants.HV_MIGRATION_CANCELLED,
    "none": constants.HV_MIGRATION_FAILED,
    "postcopy-active": constants.HV_KVM_MIGRATION_POSTCOPY_ACTIVE,
}
#: QEMU takes 0 as "send nothing"
_UNLIMITED = (1 << 63) - 1
_POSTCOPY = "postcopy-ram"
_UNDER_WAY = ("setup", "active", "device", "pre-switchover", "wait-unplug")
_POLL = 0.05


def capabilities(text: str) -> list[str]:
    """Names in `migration_caps`."""
    return [name for name in text.split(":") if name]


def parameters(now: Mapping[str, Any], at_start: Mapping[str, Any]) -> dict[str, Any]:
    """Those of now for both ends, but the capabilities that the guest was started with."""
    return {**now, "migration_caps": at_start["migration_caps"]}


def address(target: str, port: int) -> str:
    return f"tcp:[{target}]:{port}" if ":" in target else f"tcp:{target}:{port}"


def set_capabilities(session: Session, hvp: Mapping[str, Any]) -> None:
    """Both ends have to have the same."""
    wanted = capabilities(hvp["migration_caps"])
    if wanted:
        session.execute("migrate-set-capabilities", capabilities=[
            {"capability": name, "state": True} for name in wanted])


def receive(session: Session, hvp: Mapping[str, Any], target: str) -> None:
    """Listen for a guest at this node's address `target`."""
    set_capabilities(session, hvp)
    session.execute("migrate-incoming", uri=address(target, hvp["migration_port"]))


def send(session: Session, hvp: Mapping[str, Any], target: str, live: bool) -> None:
    """Begin to send; a guest that shall not run meanwhile is halted first."""
    set_capabilities(session, hvp)
    bandwidth = hvp["migration_bandwidth"]
    session.execute("migrate-set-parameters", {
        "max-bandwidth": bandwidth * _MIB if bandwidth else _UNLIMITED,
        "downtime-limit": _downtime(session, hvp)})
    if not live:
        session.execute("stop")
    session.execute("migrate", uri=address(target, hvp["migration_port"]))


def _downtime(session: Session, hvp: Mapping[str, Any]) -> int:
    """Milliseconds that QEMU may halt the guest for the rest of its memory.

    0 makes QEMU halt it after the first round, whatever is left, so it is not for those who want
    the least. For an emulated guest it is right (see _is_emulated), but for post-copy, which does
    not come about then.
    """
    if not _post_copies(hvp) and _is_emulated(session):
        return 0
    return max(1, int(hvp["migration_downtime"]))


def _post_copies(hvp: Mapping[str, Any]) -> bool:
    return _POSTCOPY in capabilities(hvp["migration_caps"])


def _is_emulated(session: Session) -> bool:
    """Whether QEMU's own emulation (TCG) runs the guest: as few rounds as possible are for it.

    It loses a write that coincides with a look at what was written, and each round is such a look
    (seen with 7.2: a guest in sixty dies on a loaded host, its kernel says that its stack is
    corrupted).
    """
    return not session.execute("query-kvm")["enabled"]


def status(session: Session, hvp: Mapping[str, Any]) -> MigrationStatus:
    """Progress; turns to post-copy, if that is allowed, once all memory was sent once.

    An emulated guest turns to it at once (see _is_emulated).
    """
    answer = session.execute("query-migrate")
    state = answer.get("status", "none")
    ram = answer.get("ram", {})
    word = _STATES.get(state, constants.HV_MIGRATION_ACTIVE)
    if (state == "active" and _post_copies(hvp)
            and (ram.get("dirty-sync-count", 0) > 1 or _is_emulated(session))):
        session.execute("migrate-start-postcopy")
        logging.info("The migration has turned to post-copy")
    return MigrationStatus(
        status=word, transferred_ram=_mib(ram.get("transferred")), total_ram=_mib(ram.get("total")),
        postcopy_status=state if state.startswith("postcopy") else None,
        downtime=answer.get("downtime"), total_time=answer.get("total-time"),
        reason=answer.get("error-desc"))


def report(session: Session) -> str:
    """What QEMU says about a migration that has ended: its times, or why it failed."""
    answer = session.execute("query-migrate")
    if answer.get("status") != "completed":
        return str(answer.get("error-desc", "QEMU gives no reason"))
    rounds = answer.get("ram", {}).get("dirty-sync-count")
    return (f"{answer.get('total-time')} ms in all, {answer.get('downtime')} ms of them without"
            f" the guest running, {_mib(answer.get('ram', {}).get('transferred')) or 0:.1f} MiB in"
            f" {rounds} rounds")


def _mib(count: int | None) -> float | None:
    return None if count is None else count / _MIB


def cancel(session: Session) -> bool:
    """End a migration that is under way; whether there was one."""
    state = session.execute("query-migrate").get("status", "none")
    if state not in _UNDER_WAY:
        return False
    session.execute("migrate_cancel")
    return True


def wait_cancelled(session: Session, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while session.execute("query-migrate").get("status") in (*_UNDER_WAY, "cancelling"):
        if time.monotonic() > deadline:
            raise errors.HypervisorError(
                f"QEMU did not cancel the migration within {timeout:g} s")
        time.sleep(_POLL)


def run(session: Session) -> None:
    """Continue a guest that is halted."""
    if not session.execute("query-status")["running"]:
        session.execute("cont")
