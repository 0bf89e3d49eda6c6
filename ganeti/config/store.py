"""The configuration of the running master: its newest version, edits, and their durability.

Readers take ``snapshot`` and need no lock. Writers edit inside ``with store.edit() as draft``;
when the block has been left, the next version is on this node's disk and published, or the edit
was refused and nothing has changed.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, Protocol

from ganeti import errors, objects
from ganeti.config import claims, draft, files, reservations

Listener = Callable[[objects.ConfigData, objects.ConfigData], None]

SETTLE_SECONDS: Final = 1.0
"""How long changes may lie in the journal before the file is written whole."""

RETRY_SECONDS: Final = 1.0


class Distributor(Protocol):
    """Hands written versions to the candidates and nodes (``distribute.Distribution``)."""

    def distribute(self, config: objects.ConfigData, encoded: bytes) -> None:
        """Offer a version to every reachable candidate; failures are its own matter."""

    def settle(self) -> None:
        """Have candidates that got changes only write their copies whole."""

    def include_all(self) -> None:
        """Offer the next version also to nodes that failed before."""


class _Written(NamedTuple):
    """A version that is on this node's disk."""

    config: objects.ConfigData
    encoded: bytes
    rewrite: int
    """The newest call of ``rewrite`` that it answers."""
    patched: bool
    """Whether only the difference was written."""


class _Commit:
    """An edit on its way to the disk."""

    __slots__ = ("error", "version")

    def __init__(self, version: objects.ConfigData) -> None:
        self.version = version
        self.error: OSError | None = None


class ConfigStore:
    """The one configuration of this process."""

    def __init__(self, config: objects.ConfigData, path: str) -> None:
        self._config = config
        self._tip = config
        self._ledger = claims.Ledger(config)
        self._path = path
        self._file = files.ConfigFile(path)
        self._edit_mutex = threading.RLock()
        self._state = threading.Condition()
        self._pending: list[_Commit] = []
        self._failure: OSError | None = None
        self._written: _Written | None = None
        self._offered = config.serial_no
        self._rewrites = self._rewritten = 0
        self._unsettled = False
        self._ended = 0
        self._listeners: list[Listener] = []
        self._distributor: Distributor | None = None
        self._threads: list[threading.Thread] = []
        self._last_write: dict[int | str, int] = {}
        self.reserve = reservations.Reservations(lambda: (self._tip, self._ledger))
        for conflict in self._ledger.conflicts:
            logging.warning("Configuration: %s is claimed twice (%s, %s)",
                            claims.describe(conflict[0], config), *conflict[1:])

    @classmethod
    def load(cls, path: str | None = None) -> ConfigStore:
        """Read the configuration of this node; a damaged or foreign file is refused.

        The file of an older release is kept as a copy, since the next write has the new form.
        """
        path = path or files.default_path()
        return cls(files.read(path, keep_old=True), path)

    @property
    def snapshot(self) -> objects.ConfigData:
        """The newest published version."""
        return self._config

    def listen(self, listener: Listener) -> None:
        """Have ``listener(old, new)`` called when versions are published, one after the other."""
        self._listeners.append(listener)

    def start(self, distributor: Distributor | None = None) -> None:
        """Start the writer."""
        self._distributor = distributor
        for name, loop in (("config-writer", self._write_loop),
                           ("config-offer", self._offer_loop),
                           ("config-settle", self._settle_loop)):
            thread = threading.Thread(target=loop, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Write what is pending, leave whole files everywhere, and end the writer."""
        for number, thread in enumerate(self._threads, 1):
            with self._state:
                self._ended = number
                self._state.notify_all()
            thread.join()
        self._threads = []

    @contextlib.contextmanager
    def edit(self, job: int | str | None = None) -> Iterator[draft.Draft]:
        """Edit the newest version; leaving the block normally commits and waits for the disk.

        Edits happen one after the other: don't call nodes inside the block. An exception in
        the block, a change that breaks a rule, or a disk that refuses the write leave the
        configuration as it was.
        """
        commit = None
        with self._edit_mutex:
            base, ledger = self._tip, self._ledger
            pending = draft.Draft(base)
            yield pending
            pending.drop_unchanged()
            if not pending.is_empty:
                new, delta = pending.finish(ledger)
                commit = self._enter(base, new)
                ledger.accept(delta)
        if commit is not None:
            self._conclude(commit)
            if job is not None:
                self._last_write[job] = commit.version.serial_no

    def _enter(self, base: objects.ConfigData, new: objects.ConfigData) -> _Commit:
        """Queue a version for the writer."""
        commit = _Commit(new)
        with self._state:
            if self._tip is not base:  # what it builds upon was refused meanwhile
                raise self._refusal(self._failure)
            self._tip = new
            if self._threads:
                self._pending.append(commit)
                self._state.notify_all()
                return commit
        self._publish(new)
        return commit

    def _conclude(self, commit: _Commit) -> None:
        with self._state:
            self._state.wait_for(lambda: commit.error or commit not in self._pending)
        if commit.error is not None:
            raise self._refusal(commit.error)

    def _refusal(self, err: OSError | None) -> errors.OpExecError:
        return errors.OpExecError(
            f"The configuration can not be written: {err}; this change was not made. Make room or"
            f" mend {self._path}, then try again")

    def written_by(self, job: int | str) -> int | None:
        """The newest version that holds a change of this job, forgotten by asking."""
        return self._last_write.pop(job, None)

    def rewrite(self) -> None:
        """Write and distribute the current version again, to all nodes, and wait for it."""
        with self._state:
            self._rewrites += 1
            mine = self._rewrites
            self._failure = None
            self._state.notify_all()
            self._state.wait_for(lambda: self._rewritten >= mine or self._failure)
            if self._rewritten < mine:
                raise self._refusal(self._failure)

    def wait_durable(self, version: int | None = None, timeout: float | None = None) -> None:
        """Wait until a version (default: the newest) was offered to the candidates as well."""
        with self._state:
            wanted = self._config.serial_no if version is None else version
            if not self._threads and self._offered < wanted:
                raise errors.ProgrammerError("The writer of the configuration does not run")
            if not self._state.wait_for(lambda: self._offered >= wanted, timeout):
                raise errors.ConfigurationError(
                    f"Version {wanted} of the configuration is not with the master candidates"
                    f" after {timeout} s")

    @property
    def durable_version(self) -> int:
        """The newest version that is on the disk and was offered to the candidates."""
        return self._offered

    # The writer: group commit.

    def _write_loop(self) -> None:
        whole = 0
        while True:
            with self._state:
                while not (self._pending or self._ended or self._rewrites > whole):
                    self._state.wait()
                group, wanted, config = len(self._pending), self._rewrites, self._tip
            if not group and wanted == whole:
                return
            encoded = config.encode()
            try:
                patched = self._file.write(encoded, whole=wanted > whole)
            except OSError as err:
                logging.error("Writing %s failed: %s", self._path, err)
                self._refuse(err)
                if self._ended:
                    return
                if not group:
                    time.sleep(RETRY_SECONDS)
                continue
            whole = wanted
            self._publish(config)
            with self._state:
                del self._pending[:group]
                self._written = _Written(config, encoded, wanted, patched)
                self._unsettled |= patched
                self._failure = None
                self._state.notify_all()

    def _refuse(self, err: OSError) -> None:
        """Nothing of what is pending has happened."""
        with self._state:
            if self._pending:
                self._ledger = claims.Ledger(self._config)
            for commit in self._pending:
                commit.error = err
            self._pending = []
            self._tip = self._config
            self._failure = err
            self._state.notify_all()

    def _publish(self, config: objects.ConfigData) -> None:
        old, self._config = self._config, config
        if old is not config:
            for listener in self._listeners:
                try:
                    listener(old, config)
                except Exception:  # noqa: BLE001 - the writer must live: all edits wait for it
                    logging.exception("A follower of the configuration failed at version %d",
                                      config.serial_no)

    # The copies.

    def _offer_loop(self) -> None:
        seen: _Written | None = None
        while True:
            with self._state:
                while self._written is seen and self._ended < 2:
                    self._state.wait()
                if self._written is seen or self._written is None:
                    return
                seen = self._written
                again = seen.rewrite > self._rewritten
            self._offer(seen, again)
            with self._state:
                self._offered = seen.config.serial_no
                self._rewritten = seen.rewrite
                self._unsettled |= seen.patched  # the copies have it only now
                self._state.notify_all()

    def _offer(self, written: _Written, again: bool) -> None:
        if self._distributor is None:
            return
        if again:
            self._distributor.include_all()
        try:
            self._distributor.distribute(written.config, written.encoded)
        except (errors.GenericError, OSError):
            logging.exception("Distributing version %d of the configuration failed",
                              written.config.serial_no)

    # Whole files.

    def _settle_loop(self) -> None:
        last = False
        while not last:
            with self._state:
                self._state.wait_for(lambda: self._unsettled or self._ended >= 3)
                self._state.wait_for(lambda: self._ended >= 3, SETTLE_SECONDS)
                last, wanted = self._ended >= 3, self._unsettled
                self._unsettled = False
            if (wanted or last) and not self._settle() and not last:
                with self._state:
                    self._unsettled = True

    def _settle(self) -> bool:
        """Write the files whole, here and on the candidates; False when there is no room."""
        try:
            self._file.settle()
        except (errors.GenericError, OSError) as err:
            logging.error("%s can not be written whole: %s; its changes are safe in its journal",
                          self._path, errors.text(err))
            return False
        if self._distributor is not None:
            self._distributor.settle()
        return True
