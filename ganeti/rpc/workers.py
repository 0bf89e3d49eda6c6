"""Bounded workers of the node daemon, in lanes, so that slow calls never hold up quick ones.

A worker whose call takes much longer than its caller waits is written off and replaced (a
program that hangs on a dead disk must not take the daemon with it); so is one that a call kills.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from ganeti import errors

# Written-off workers of a lane, in multiples of its size, before it refuses more of the kind.
MAX_LOST = 4
# Waiting calls of a lane, in multiples of its size, before it refuses more.
MAX_WAITING = 50

_QUIT: Any = None


class _Task:
    """One call on its way through a lane."""

    __slots__ = ("done", "function", "future", "loop", "worker")

    def __init__(self, function: Callable[[], Any], loop: asyncio.AbstractEventLoop):
        self.function = function
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self.done = False
        self.worker: _Worker | None = None

    def finish(self, result: Any, error: BaseException | None) -> None:
        """Hand the outcome to the event loop; the caller may be gone."""
        self.done = True
        try:
            self.loop.call_soon_threadsafe(self._set, result, error)
        except RuntimeError:
            logging.debug("The daemon stopped before a call ended")

    def _set(self, result: Any, error: BaseException | None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class _Worker(threading.Thread):
    """A thread of a lane."""

    def __init__(self, lane: Lane, number: int):
        super().__init__(name=f"{lane.name}-{number}", daemon=True)
        self.lane = lane
        self.lost = False

    def run(self) -> None:
        while True:
            task = self.lane.next_task()
            if task is _QUIT:
                return
            task.worker = self
            died = False
            try:
                result, error = task.function(), None
            except Exception as err:  # noqa: BLE001 - the outcome belongs to the caller
                result, error = None, err
            except BaseException as err:  # noqa: BLE001 - whatever it is, it ends this worker
                logging.error("A call ended its worker %s by %r", self.name, err)
                result, error = None, errors.OpExecError(f"The call ended its worker: {err!r}")
                died = True
            task.finish(result, error)
            if not self.lane.keep(self, died):
                return


class Lane:
    """A queue with at most `size` useful workers, started as they are needed."""

    def __init__(self, name: str, size: int):
        self.name = name
        self.size = size
        self.lost = 0
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._workers: set[_Worker] = set()
        self._pending = 0
        self._started = 0

    async def run(self, function: Callable[[], Any], patience: float) -> Any:
        """Run a function in a worker, wait for it; write the worker off after `patience` s."""
        loop = asyncio.get_running_loop()
        task = _Task(function, loop)
        with self._lock:
            if self._pending >= self.size * MAX_WAITING or self.lost >= self.size * MAX_LOST:
                raise errors.OpExecError(
                    f"This node is overloaded: {self._pending} calls are waiting or running in "
                    f"the {self.name} lane, {self.lost} hang; look for hanging programs there")
            self._pending += 1
            self._start_worker_if_needed()
        self._queue.put(task)
        timer = loop.call_later(patience, self._overdue, task, patience)
        try:
            return await task.future
        finally:
            timer.cancel()

    def next_task(self) -> Any:
        """The next call; called by workers."""
        return self._queue.get()

    def _start_worker_if_needed(self) -> None:
        if len(self._workers) < min(self.size, self._pending):
            self._started += 1
            worker = _Worker(self, self._started)
            self._workers.add(worker)
            worker.start()

    def _overdue(self, task: _Task, patience: float) -> None:
        with self._lock:
            worker = task.worker
            if task.done:
                return
            if worker is None:  # still waiting for its turn
                task.loop.call_later(patience, self._overdue, task, patience)
                return
            worker.lost = True
            self.lost += 1
            self._pending -= 1
            self._workers.discard(worker)
            self._start_worker_if_needed()
        logging.error("A call hangs in worker %s, which is replaced (%d written off now)",
                      worker.name, self.lost)

    def keep(self, worker: _Worker, died: bool) -> bool:
        """Account for a call that left its worker; tells whether the worker may go on."""
        with self._lock:
            if worker.lost:
                self.lost -= 1
                logging.info("Worker %s, written off, has come back and ends", worker.name)
                return False
            self._pending -= 1
            if died:
                self._workers.discard(worker)
                self._start_worker_if_needed()
        return not died

    def close(self) -> None:
        """Let idle workers end; busy ones end after their call."""
        with self._lock:
            count = len(self._workers)
        for _ in range(count):
            self._queue.put(_QUIT)
