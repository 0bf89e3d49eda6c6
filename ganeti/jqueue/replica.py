"""The copy of the queue on one master candidate.

A candidate that fails is no longer waited for; it is brought up to date in the background and
trusted again when it has caught up.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from ganeti.utils import journal

Send = Callable[[str, list[list[str]]], Awaitable[str]]
"""Sends a batch to a node (uuid); the answer is empty, or what went wrong."""

BATCH_FILES: Final = 500
BATCH_BYTES: Final = 2 * 1024 * 1024
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0


class Replica:
    """Sends changes to one node, in order, one batch at a time."""

    def __init__(self, uuid: str, send: Send, loop: asyncio.AbstractEventLoop,
                 progress: Callable[[], None], everything: Callable[[], list[list[str]]],
                 newest: Callable[[], int]) -> None:
        """
        :param everything: the whole queue, with all changes up to ``newest()`` in it
        """
        self.uuid = uuid
        self.acked = newest()
        self._newest = newest
        self.trusted = True
        self.trouble = ""
        self._send = send
        self._loop = loop
        self._progress = progress
        self._everything = everything
        self._mutex = threading.Lock()
        self._pending: list[tuple[int, list[str]]] = []
        self._running = False
        self._stopped = False
        self._needs_everything = False

    def push(self, changes: Iterable[list[str]], ticket: int) -> None:
        """Queue changes (from any thread)."""
        with self._mutex:
            if self._needs_everything and not self.trusted:
                return  # the complete copy that is due will hold them
            self._pending.extend((ticket, change) for change in changes)
            start = not self._running and not self._stopped
            self._running = self._running or start
        if start:
            self._start()

    def resync(self) -> None:
        """Send the whole queue; until then the copy does not count."""
        with self._mutex:
            self.trusted = False
            self.trouble = "is being brought up to date"
            self._needs_everything = True
            self._pending = []
            start = not self._running and not self._stopped
            self._running = self._running or start
        if start:
            self._start()

    def stop(self) -> None:
        """Send nothing more."""
        with self._mutex:
            self._stopped = True
            self._pending = []

    def _start(self) -> None:
        try:
            self._loop.call_soon_threadsafe(lambda: asyncio.ensure_future(self._run()))
        except RuntimeError:
            logging.debug("Job queue: the event loop is closed already")

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            batch = self._next_batch()
            if batch is None:
                return
            ticket, changes = batch
            trouble = await self._send(self.uuid, changes) if changes else ""
            if not trouble:
                pause = FIRST_PAUSE
                self._note_success(ticket)
                continue
            self._note_failure(trouble)
            self._progress()
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _next_batch(self) -> tuple[int, list[list[str]]] | None:
        with self._mutex:
            if self._needs_everything and not self._stopped:
                self._needs_everything = False
                fresh = True
            elif self._stopped or not self._pending:
                self._running = False
                return None
            else:
                fresh = False
        if fresh:
            covered = self._newest()
            changes = self._everything()  # begins with the order to remove all other jobs
            with self._mutex:
                self._pending[:0] = [*((self.acked, change) for change in changes[:-1]),
                                     (covered, changes[-1])]
        with self._mutex:
            count = size = 0
            for _, change in self._pending:
                size += sum(map(len, change))
                if count >= BATCH_FILES or (count and size > BATCH_BYTES):
                    break
                count += 1
            taken, self._pending = self._pending[:count], self._pending[count:]
        if not taken:
            return self.acked, []
        # A ticket counts as sent when none of its changes is left.
        ticket = taken[-1][0]
        if self._pending and self._pending[0][0] == ticket:
            ticket -= 1
        return max(ticket, self.acked), coalesce([change for _, change in taken])

    def _note_success(self, ticket: int) -> None:
        with self._mutex:
            self.acked = max(self.acked, ticket)
            if not self.trusted and not self._pending and not self._needs_everything:
                self.trusted = True
                self.trouble = ""
                logging.info("Job queue: the copy on node %s is up to date", self.uuid)
        self._progress()

    def _note_failure(self, trouble: str) -> None:
        """Give the copy up for now; what it missed comes with a complete copy."""
        with self._mutex:
            if self.trusted or not self.trouble:
                logging.warning("Job queue: the copy on node %s is behind: %s",
                                self.uuid, trouble)
            self.trusted = False
            self.trouble = trouble
            self._needs_everything = True
            self._pending = []


def coalesce(changes: Iterable[list[str]]) -> list[list[str]]:
    """Leave out states of a file that a later write in the same batch replaces."""
    result: list[list[str]] = []
    place: dict[str, int] = {}
    for change in changes:
        name = change[1]
        if change[0] == journal.WRITE and name in place:
            result[place[name]] = change
            continue
        if change[0] == journal.WRITE:
            place[name] = len(result)
        else:
            place.pop(name, None)
            if change[0] == journal.RENAME:
                place.pop(change[2], None)
        result.append(change)
    return result
