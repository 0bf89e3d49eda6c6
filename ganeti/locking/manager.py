"""Grants the locks: who holds what, who waits for what, and whose turn it is.

A request for a level is granted as a whole or waits as a whole, so nobody holds one lock
of a level while waiting for another of it; with the fixed order of the levels that makes a
deadlock impossible. Waiters sleep on an event of their own and are woken only when granted.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Iterable

from ganeti import errors
from ganeti.locking import levels

Level = levels.Level
Owner = int | str
Names = Collection[str] | levels.AllLocks

_SET = "[lockset]"


class Interrupted(errors.LockError):
    """The wait for a lock was ended from outside (the job was cancelled)."""


class _Request:
    """One owner waiting at one level."""

    __slots__ = ("event", "granted", "interrupted", "names", "owner", "priority", "seq", "shared")

    def __init__(self, owner: Owner, names: frozenset[str] | None, shared: bool,
                 priority: int, seq: int) -> None:
        self.owner = owner
        self.names = names
        self.shared = shared
        self.priority = priority
        self.seq = seq
        self.event = threading.Event()
        self.granted = False
        self.interrupted = False

    @property
    def turn(self) -> tuple[int, int, int]:
        """Urgent ones first, then older jobs; arrival decides only between others."""
        return (self.priority, self.owner if isinstance(self.owner, int) else 0, self.seq)


class _LevelState:
    """Holders and waiters of one level.

    ``holders`` maps a lock name to its holders (owner -> shared?); ``whole`` are those who
    hold every lock of the level.
    """

    __slots__ = ("holders", "pending", "whole")

    def __init__(self) -> None:
        self.holders: dict[str, dict[Owner, bool]] = {}
        self.whole: dict[Owner, bool] = {}
        self.pending: list[_Request] = []

    def is_free(self, owner: Owner, names: Iterable[str] | None, shared: bool) -> bool:
        """Whether no other holder stands in the way."""
        for other, other_shared in self.whole.items():
            if other != owner and not (shared and other_shared):
                return False
        held = self.holders if names is None else [n for n in names if n in self.holders]
        for name in held:
            for other, other_shared in self.holders[name].items():
                if other != owner and not (shared and other_shared):
                    return False
        return True

    def give(self, owner: Owner, names: Iterable[str] | None, shared: bool) -> None:
        if names is None:
            self.whole[owner] = shared
            return
        for name in names:
            self.holders.setdefault(name, {})[owner] = shared

    def take_back(self, owner: Owner, name: str) -> None:
        holders = self.holders.get(name)
        if holders is not None and holders.pop(owner, None) is not None and not holders:
            del self.holders[name]

    def names_of(self, owner: Owner) -> list[str]:
        return [name for name, holders in self.holders.items() if owner in holders]


class _Ahead:
    """What the requests earlier in the queue wait for: later ones must not overtake them."""

    __slots__ = ("all_exclusive", "all_shared", "exclusive", "shared")

    def __init__(self) -> None:
        self.all_exclusive = self.all_shared = False
        self.exclusive: set[str] = set()
        self.shared: set[str] = set()

    def blocks(self, names: Iterable[str] | None, shared: bool) -> bool:
        if self.all_exclusive or (self.all_shared and not shared):
            return True
        if names is None:
            return bool(self.exclusive) or (not shared and bool(self.shared))
        return any(n in self.exclusive or (not shared and n in self.shared) for n in names)

    def add(self, request: _Request) -> None:
        if request.names is None:
            if request.shared:
                self.all_shared = True
            else:
                self.all_exclusive = True
        else:
            (self.shared if request.shared else self.exclusive).update(request.names)


class LockManager:
    """All locks of the cluster. Locks come into being when they are first asked for."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._levels = {level: _LevelState() for level in Level}
        self._highest: dict[Owner, Level] = {}
        self._waiting: dict[Owner, tuple[Level, _Request]] = {}
        self._seq = itertools.count()

    def acquire(self, owner: Owner, level: Level, names: Names, *, shared: bool = False,
                priority: int | Callable[[], int] = 0, timeout: float | None = None,
                opportunistic: bool = False) -> frozenset[str] | levels.AllLocks | None:
        """Take locks of one level; returns what was got, or None after the time-out.

        A level is asked once and only after all earlier levels. Raises ``Interrupted`` when
        ``interrupt`` is called for the owner meanwhile. Opportunistic requests (names only)
        get the subset that is free and never wait. A priority that may change meanwhile is
        given as a function.
        """
        wanted = None if isinstance(names, levels.AllLocks) else frozenset(names)
        with self._mutex:
            self._check_order(owner, level)
            state = self._levels[level]
            place = priority() if callable(priority) else priority
            if opportunistic:
                return self._take_free(owner, level, state, wanted, shared, place)
            request = _Request(owner, wanted, shared, place, next(self._seq))
            state.pending.append(request)
            self._waiting[owner] = (level, request)
            self._grant(level)
            if request.granted:
                return levels.ALL if wanted is None else wanted
        try:
            request.event.wait(timeout)
        finally:
            granted = self._finish_wait(owner, level, request)
        if request.interrupted:
            raise Interrupted(f"Waiting for {levels.NAMES[level]} locks was cancelled")
        if not granted:
            return None
        return levels.ALL if wanted is None else wanted

    def _check_order(self, owner: Owner, level: Level) -> None:
        highest = self._highest.get(owner)
        if highest is not None and level <= highest:
            raise errors.LockError(
                f"Locks of level {levels.NAMES[level]} asked after those of"
                f" {levels.NAMES[highest]}")
        if owner in self._waiting:
            raise errors.LockError(f"{owner} waits for locks already")

    def _take_free(self, owner: Owner, level: Level, state: _LevelState,
                   wanted: frozenset[str] | None, shared: bool,
                   priority: int) -> frozenset[str]:
        if wanted is None:
            raise errors.LockError("An opportunistic request needs the names of the locks")
        ahead = _Ahead()
        for request in state.pending:
            if request.priority <= priority:
                ahead.add(request)
        got = frozenset(name for name in wanted
                        if state.is_free(owner, (name,), shared)
                        and not ahead.blocks((name,), shared))
        state.give(owner, got, shared)
        self._highest[owner] = level
        return got

    def _finish_wait(self, owner: Owner, level: Level, request: _Request) -> bool:
        with self._mutex:
            if self._waiting.get(owner, (None, None))[1] is request:
                del self._waiting[owner]
            state = self._levels[level]
            if request in state.pending:
                state.pending.remove(request)
                self._grant(level)
            elif request.interrupted and request.granted:
                self._release(owner, level, None)
            return request.granted

    def _grant(self, level: Level) -> None:
        """Grant every request of the level whose turn has come (mutex held)."""
        state = self._levels[level]
        if not state.pending:
            return
        state.pending.sort(key=lambda request: request.turn)
        ahead = _Ahead()
        remaining: list[_Request] = []
        for request in state.pending:
            if (not ahead.blocks(request.names, request.shared)
                    and state.is_free(request.owner, request.names, request.shared)):
                state.give(request.owner, request.names, request.shared)
                self._highest[request.owner] = level
                self._waiting.pop(request.owner, None)
                request.granted = True
                request.event.set()
            else:
                ahead.add(request)
                remaining.append(request)
        state.pending = remaining

    def interrupt(self, owner: Owner) -> bool:
        """End the owner's wait, if it waits; its ``acquire`` raises ``Interrupted``."""
        with self._mutex:
            waiting = self._waiting.get(owner)
            if waiting is None:
                return False
            waiting[1].interrupted = True
            waiting[1].event.set()
            return True

    def set_priority(self, owner: Owner, priority: int) -> None:
        """Change the place of a waiting owner in its queue."""
        with self._mutex:
            waiting = self._waiting.get(owner)
            if waiting is not None:
                waiting[1].priority = priority
                self._grant(waiting[0])

    def downgrade(self, owner: Owner, level: Level, names: Collection[str] | None = None) -> None:
        """Make exclusive locks shared: those named, or all the owner has at the level."""
        with self._mutex:
            state = self._levels[level]
            if names is None and owner in state.whole:
                state.whole[owner] = True
            for name in state.names_of(owner) if names is None else names:
                holders = state.holders.get(name)
                if holders is None or owner not in holders:
                    raise errors.LockError(f"Lock {levels.NAMES[level]}/{name} is not held")
                holders[owner] = True
            self._grant(level)

    def release(self, owner: Owner, level: Level, names: Collection[str] | None = None) -> None:
        """Give back the named locks of a level, or all of them."""
        with self._mutex:
            self._release(owner, level, names)

    def _release(self, owner: Owner, level: Level, names: Collection[str] | None) -> None:
        state = self._levels[level]
        if names is None:
            state.whole.pop(owner, None)
            names = state.names_of(owner)
        for name in names:
            state.take_back(owner, name)
        self._grant(level)

    def narrow(self, owner: Owner, level: Level, keep: Collection[str]) -> None:
        """Exchange the lock of a whole level for the locks of the names to keep."""
        with self._mutex:
            state = self._levels[level]
            shared = state.whole.pop(owner, None)
            if shared is None:
                raise errors.LockError(f"The {levels.NAMES[level]} level is not held as a whole")
            state.give(owner, keep, shared)
            self._grant(level)

    def release_all(self, owner: Owner) -> None:
        """Give back everything; the owner may begin again with the first level."""
        with self._mutex:
            highest = self._highest.pop(owner, None)
            for level in Level:
                if highest is None or level > highest:
                    break
                self._release(owner, level, None)

    def held(self, owner: Owner, level: Level) -> tuple[frozenset[str], bool]:
        """Names held at the level, and whether the level is held as a whole."""
        with self._mutex:
            state = self._levels[level]
            return frozenset(state.names_of(owner)), owner in state.whole

    def report(self) -> list[tuple[str, str | None, list[str], list[tuple[str, list[str]]]]]:
        """For the lock query: (name, mode, owners, pending) of each lock in use.

        Owners are texts: a job id or a name; pending is a list of (mode, owners).
        """
        with self._mutex:
            rows: list[tuple[str, str | None, list[str], list[tuple[str, list[str]]]]] = []
            for level in Level:
                rows.extend(_report_level(level, self._levels[level]))
            return rows


def _mode(shared: bool) -> str:
    return "shared" if shared else "exclusive"


def _report_level(level: Level, state: _LevelState) -> Iterable[
        tuple[str, str | None, list[str], list[tuple[str, list[str]]]]]:
    pending: dict[str, list[tuple[str, list[str]]]] = {}
    for request in sorted(state.pending, key=lambda request: request.turn):
        entry = (_mode(request.shared), [owner_text(request.owner)])
        for name in [_SET] if request.names is None else request.names:
            pending.setdefault(name, []).append(entry)
    holders = dict(state.holders)
    if state.whole:
        holders[_SET] = state.whole
    for name in sorted(set(holders) | set(pending)):
        owners = holders.get(name, {})
        mode = None
        if owners:
            mode = _mode(all(owners.values()))
        yield (f"{levels.NAMES[level]}/{name}", mode,
               [owner_text(owner) for owner in owners], pending.get(name, []))


def owner_text(owner: Owner) -> str:
    """As the lock query shows owners: a bare job id, or a quoted name."""
    return str(owner) if isinstance(owner, int) else f'"{owner}"'


class Holdings:
    """One job's view of its locks: what logical units talk to."""

    def __init__(self, manager: LockManager, owner: Owner,
                 names_of: Callable[[Level], Collection[str]]) -> None:
        self._manager = manager
        self._names_of = names_of
        self.owner = owner

    def acquire(self, level: Level, names: Names, *, shared: bool,
                priority: int | Callable[[], int] = 0, timeout: float | None = None,
                opportunistic: bool = False) -> bool:
        """Take the locks of a level; False after the time-out."""
        if opportunistic and isinstance(names, levels.AllLocks):
            names = self._names_of(level)
        got = self._manager.acquire(self.owner, level, names, shared=shared, priority=priority,
                                    timeout=timeout, opportunistic=opportunistic)
        return got is not None

    def owned(self, level: Level) -> frozenset[str]:
        """Names held; for a level held as a whole, every existing name."""
        names, whole = self._manager.held(self.owner, level)
        return names | frozenset(self._names_of(level)) if whole else names

    def owns_all(self, level: Level) -> bool:
        return self._manager.held(self.owner, level)[1]

    def downgrade(self, level: Level, names: Collection[str] | None = None) -> None:
        """Make exclusive locks of the level shared."""
        self._manager.downgrade(self.owner, level, names)

    def release(self, level: Level, *, keep: Collection[str] = (),
                names: Collection[str] | None = None) -> None:
        """Give back locks of the level early: all but ``keep``, or exactly ``names``."""
        held, whole = self._manager.held(self.owner, level)
        if whole:
            everything = frozenset(self._names_of(level))
            kept = frozenset(keep) if names is None else everything - frozenset(names)
            self._manager.narrow(self.owner, level, kept)
            return
        give_back = held - frozenset(keep) if names is None else held & frozenset(names)
        self._manager.release(self.owner, level, give_back)

    def release_all(self) -> None:
        self._manager.release_all(self.owner)
