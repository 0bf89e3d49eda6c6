"""The queue on disk and on the master candidates.

Changes of job files are collected and made durable in rounds: one flush on this node and one
call to each candidate carry everything that is pending at that moment.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from ganeti import constants, errors
from ganeti.jqueue import replica
from ganeti.utils import journal

_JOB_FILE = re.compile(constants.JOB_FILE_REGEX)

SERIAL = "serial"
VERSION = "version"
ARCHIVE = "archive"
RETRY_SECONDS = 1.0

Done = Callable[[OSError | None], None]


def job_name(job_id: int) -> str:
    """File name of a live job."""
    return f"job-{job_id}"


def archive_name(job_id: int) -> str:
    """File name of an archived job."""
    return f"{ARCHIVE}/{job_id // constants.JOBS_PER_ARCHIVE_DIRECTORY}/job-{job_id}"


class Store:
    """Job files of the queue directory, and their copies."""

    def __init__(self, directory: str, *, uid: int = -1, gid: int = -1) -> None:
        self._directory = directory
        self._journal = journal.Journal(directory, mode=constants.JOB_QUEUE_FILES_PERMS,
                                        uid=uid, gid=gid)
        self._state = threading.Condition()
        self._pending: list[list[str]] = []
        self._put = 0
        self._written = 0
        self._waiting: list[tuple[int, Done]] = []
        self._replicas: dict[str, replica.Replica] = {}
        self._stopping = False
        self._writer: threading.Thread | None = None

    # Reading.

    def recover(self) -> None:
        """After a crash: bring the files to the state the journal tells."""
        try:
            os.makedirs(os.path.join(self._directory, ARCHIVE), mode=0o750, exist_ok=True)
            count = self._journal.replay()
        except OSError as err:
            raise errors.JobQueueError(
                f"The journal of the job queue can not be carried out in {self._directory}:"
                f" {err.strerror}; nothing is lost: make room or mend the file system, then start"
                " the master daemon again") from err
        if count:
            logging.info("Job queue: did %d journalled changes again", count)

    def read_serial(self) -> int:
        """The last id that was given out."""
        try:
            text = self._read(SERIAL).decode("ascii", "replace").strip()
        except FileNotFoundError:
            return 0
        if not text.isdecimal() or len(text) > constants.JOB_ID_DIGITS:
            logging.error("Job queue: the serial file holds %r; going by the job files", text[:40])
            return 0
        return int(text)

    def live_ids(self) -> list[int]:
        """Ids of the jobs that are not archived."""
        return _ids_in(self._directory)

    def highest_archived(self) -> int:
        """The newest archived id, 0 without any."""
        base = os.path.join(self._directory, ARCHIVE)
        folders = sorted((int(name) for name in os.listdir(base) if name.isdigit()), reverse=True)
        for folder in folders:
            ids = _ids_in(os.path.join(base, str(folder)))
            if ids:
                return max(ids)
        return 0

    def archived_ids(self) -> list[int]:
        """Ids of all archived jobs."""
        base = os.path.join(self._directory, ARCHIVE)
        return sorted(job_id for folder in os.listdir(base) if folder.isdigit()
                      for job_id in _ids_in(os.path.join(base, folder)))

    def read_live(self, job_id: int) -> bytes:
        """The file of a live job."""
        return self._read(job_name(job_id))

    def read_archived(self, job_id: int) -> bytes | None:
        """The file of an archived job, None without such a job."""
        try:
            return self._read(archive_name(job_id))
        except FileNotFoundError:
            return None

    def _read(self, name: str) -> bytes:
        with open(os.path.join(self._directory, name), "rb") as stream:
            return stream.read()

    # Writing.

    def start(self) -> None:
        """Start the writer."""
        self._writer = threading.Thread(target=self._write_loop, name="queue-writer", daemon=True)
        self._writer.start()

    def stop(self) -> None:
        """Write what is pending, and leave no journal behind."""
        with self._state:
            self._stopping = True
            self._state.notify_all()
        if self._writer is not None:
            self._writer.join()
        for copy in self._replicas.values():
            copy.stop()
        self._journal.close()

    def put(self, changes: Iterable[list[str]]) -> int:
        """Queue changes; returns the ticket to wait with."""
        batch = list(changes)
        with self._state:
            self._pending.extend(batch)
            self._put += 1
            ticket = self._put
            for copy in self._replicas.values():
                copy.push(batch, ticket)
            self._state.notify_all()
        return ticket

    def put_job(self, job_id: int, text: str) -> int:
        """Queue the new state of a job."""
        return self.put([[journal.WRITE, job_name(job_id), text]])

    def when_durable(self, ticket: int, done: Done) -> None:
        """Have ``done`` called (in any thread) when a ticket's changes are safe, or cannot be."""
        with self._state:
            if not self._is_durable(ticket):
                self._waiting.append((ticket, done))
                return
        done(None)

    def wait(self, ticket: int) -> None:
        """Wait until a ticket's changes are safe; raises OSError while the disk refuses."""
        event = threading.Event()
        failure: list[OSError] = []

        def done(err: OSError | None) -> None:
            if err is not None:
                failure.append(err)
            event.set()

        self.when_durable(ticket, done)
        event.wait()
        if failure:
            raise failure[0]

    def insist(self, ticket: int) -> None:
        """Wait until a ticket's changes are safe, however long the disk refuses."""
        while True:
            try:
                self.wait(ticket)
                return
            except OSError as err:
                logging.error("Job queue: waiting for the disk: %s", err)
                time.sleep(RETRY_SECONDS)

    async def durable(self, ticket: int) -> None:
        """The same for coroutines."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()

        def settle(err: OSError | None) -> None:
            if future.cancelled():
                return
            if err is None:
                future.set_result(None)
            else:
                future.set_exception(err)

        self.when_durable(ticket, lambda err: _call_in(loop, settle, err))
        await future

    def _is_durable(self, ticket: int) -> bool:
        return ticket <= self._written and all(
            copy.acked >= ticket for copy in self._replicas.values() if copy.trusted)

    def _progress(self) -> None:
        """Something was written or acknowledged: tell those who wait for it."""
        with self._state:
            ready = [done for ticket, done in self._waiting if self._is_durable(ticket)]
            if ready:
                self._waiting = [entry for entry in self._waiting
                                 if not self._is_durable(entry[0])]
        for done in ready:
            done(None)

    def _fail_waiting(self, err: OSError) -> None:
        with self._state:
            failed, self._waiting = self._waiting, []
        for _, done in failed:
            done(err)

    def _write_loop(self) -> None:
        while True:
            with self._state:
                self._state.wait_for(lambda: self._pending or self._stopping)
                batch, self._pending = self._pending, []
                ticket = self._put
                if not batch:
                    return
            try:
                self._journal.apply(replica.coalesce(batch))
            except OSError as err:
                logging.error("Job queue: writing failed: %s", err)
                with self._state:
                    self._pending[:0] = batch
                self._fail_waiting(err)
                if self._stopping:
                    return
                time.sleep(RETRY_SECONDS)
                continue
            with self._state:
                self._written = ticket
            self._progress()

    # Copies.

    def set_candidates(self, uuids: Iterable[str], send: replica.Send,
                       loop: asyncio.AbstractEventLoop,
                       everything: Callable[[], list[list[str]]]) -> None:
        """Tell which nodes keep copies; a new one gets everything first."""
        wanted = set(uuids)
        with self._state:
            for uuid in set(self._replicas) - wanted:
                self._replicas.pop(uuid).stop()
            for uuid in wanted - set(self._replicas):
                copy = replica.Replica(uuid, send, loop, self._progress, everything,
                                       lambda: self._put)
                self._replicas[uuid] = copy
                copy.resync()
        self._progress()

    def lagging(self) -> dict[str, str]:
        """Candidates whose copies are not up to date, with the reason."""
        with self._state:
            return {uuid: copy.trouble for uuid, copy in self._replicas.items()
                    if not copy.trusted}


def _ids_in(directory: str) -> list[int]:
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    return sorted(int(match.group(1)) for match in map(_JOB_FILE.match, names) if match)


def _call_in(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *args: Any) -> None:
    try:
        loop.call_soon_threadsafe(function, *args)
    except RuntimeError:
        logging.debug("Job queue: the event loop is closed already")
