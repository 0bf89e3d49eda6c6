"""Memory of a running guest: how much it has, and changing that."""

from __future__ import annotations

from ganeti.hypervisor.kvm.qmp import Session

_MIB = 1 << 20


def set_size(session: Session, memory: int) -> None:
    """Ask the guest to give back or take memory until it has `memory` MiB."""
    session.execute("balloon", value=memory * _MIB)


def size(session: Session) -> int:
    """MiB that the guest has now."""
    return int(session.execute("query-balloon")["actual"]) // _MIB
