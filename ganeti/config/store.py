"""The configuration of the running master: its newest version, edits, and their durability.

Readers take ``snapshot`` and need no lock. Writers edit inside ``with store.edit() as draft``;
leaving the block publishes the next version and hands it to the writer thread.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from ganeti import errors, objects
from ganeti.config import claims, draft, files, reservations

Listener = Callable[[objects.ConfigData, objects.ConfigData], None]


class Distributor(Protocol):
    """Hands written versions to the candidates and nodes (``distribute.Distribution``)."""

    def announce(self, config: objects.ConfigData, encoded: bytes) -> None:
        """Hear of a version before it is written."""

    def distribute(self, config: objects.ConfigData, encoded: bytes) -> None:
        """Offer a version to every reachable candidate; failures are its own matter."""

    def include_all(self) -> None:
        """Offer the next version also to nodes that failed before."""


class ConfigStore:
    """The one configuration of this process."""

    def __init__(self, config: objects.ConfigData, path: str) -> None:
        self._config = config
        self._ledger = claims.Ledger(config)
        self._path = path
        self._edit_mutex = threading.RLock()
        self._state = threading.Condition()
        self._durable = config.serial_no
        self._failure: OSError | None = None
        self._failures = 0
        self._stopping = False
        self._listeners: list[Listener] = []
        self._distributor: Distributor | None = None
        self._writer: threading.Thread | None = None
        self._last_write: dict[int | str, int] = {}
        self._rewrite = False
        self.reserve = reservations.Reservations(lambda: (self._config, self._ledger))
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
        """Have ``listener(old, new)`` called at each commit, in the committing thread."""
        self._listeners.append(listener)

    def start(self, distributor: Distributor | None = None) -> None:
        """Start the writer."""
        self._distributor = distributor
        self._writer = threading.Thread(target=self._write_loop, name="config-writer",
                                        daemon=True)
        self._writer.start()

    def stop(self) -> None:
        """Write what is pending and end the writer."""
        with self._state:
            self._stopping = True
            self._state.notify_all()
        if self._writer is not None:
            self._writer.join()
            self._writer = None

    @contextlib.contextmanager
    def edit(self, job: int | str | None = None) -> Iterator[draft.Draft]:
        """Edit the newest version; leaving the block normally commits.

        Edits happen one after the other: don't call nodes inside the block. An exception in
        the block, or a change that breaks a rule, leaves the configuration as it was.
        """
        with self._edit_mutex:
            old = self._config
            pending = draft.Draft(old)
            yield pending
            pending.drop_unchanged()
            if pending.is_empty:
                return
            new, delta = pending.finish(self._ledger)
            self._ledger.accept(delta)
            if job is not None:
                self._last_write[job] = new.serial_no
            with self._state:
                self._config = new
                self._state.notify_all()
            for listener in self._listeners:
                listener(old, new)

    def written_by(self, job: int | str) -> int | None:
        """The newest version that holds a change of this job, forgotten by asking."""
        return self._last_write.pop(job, None)

    def rewrite(self) -> None:
        """Write and distribute the current version again, to all nodes, and wait for it."""
        if self._distributor is not None:
            self._distributor.include_all()
        with self._state:
            self._rewrite = True
            self._durable = min(self._durable, self._config.serial_no - 1)
            self._state.notify_all()
        self.wait_durable()

    def wait_durable(self, version: int | None = None, timeout: float | None = None) -> None:
        """Wait until a version (default: the newest) is on disk and was offered to candidates."""
        with self._state:
            wanted = self._config.serial_no if version is None else version
            if self._writer is None and self._durable < wanted:
                raise errors.ProgrammerError("The writer of the configuration does not run")
            before = self._failures  # a failure of former times says nothing: it is tried again
            done = self._state.wait_for(
                lambda: self._durable >= wanted or self._failures > before, timeout)
            if self._durable >= wanted:
                return
            if self._failure is not None:
                raise errors.OpExecError(
                    f"The configuration can not be written: {self._failure}; make room or mend"
                    f" {self._path}, the write is tried again") from self._failure
            assert not done
            raise errors.ConfigurationError(
                f"Version {wanted} of the configuration is not written after {timeout} s")

    @property
    def durable_version(self) -> int:
        """The newest version that is safe."""
        return self._durable

    def _write_loop(self) -> None:
        while True:
            with self._state:
                self._state.wait_for(
                    lambda: self._durable < self._config.serial_no or self._stopping)
                config = self._config
                if self._durable >= config.serial_no:
                    return
                self._rewrite = False
            try:
                encoded = config.encode()
                if self._distributor is not None:
                    self._distributor.announce(config, encoded)
                files.write(self._path, encoded)
            except OSError as err:
                logging.error("Writing %s failed: %s", self._path, err)
                self._note_failure(err)
                if self._stopping:
                    return
                time.sleep(1)
                continue
            self._offer(config, encoded)
            with self._state:
                if not self._rewrite:
                    self._durable = config.serial_no
                self._failure = None
                self._state.notify_all()

    def _note_failure(self, err: OSError) -> None:
        with self._state:
            self._failure = err
            self._failures += 1
            self._state.notify_all()

    def _offer(self, config: objects.ConfigData, encoded: bytes) -> None:
        if self._distributor is None:
            return
        try:
            self._distributor.distribute(config, encoded)
        except (errors.GenericError, OSError):
            logging.exception("Distributing version %d of the configuration failed",
                              config.serial_no)
