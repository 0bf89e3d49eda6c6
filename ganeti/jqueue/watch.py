"""Those who wait for a job to change. An idle waiter costs nothing but its memory."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable


class Watchers:
    """Wakes coroutines when a job changes, from whatever thread it does."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._calls: dict[int, set[Callable[[], None]]] = {}

    def notify(self, job_id: int) -> None:
        """A job has changed."""
        if job_id not in self._calls:
            return
        with self._mutex:
            calls = list(self._calls.get(job_id, ()))
        for call in calls:
            call()

    def _add(self, job_id: int, call: Callable[[], None]) -> None:
        with self._mutex:
            self._calls.setdefault(job_id, set()).add(call)

    def _remove(self, job_id: int, call: Callable[[], None]) -> None:
        with self._mutex:
            calls = self._calls.get(job_id)
            if calls is not None:
                calls.discard(call)
                if not calls:
                    del self._calls[job_id]

    async def until(self, job_id: int, changed: Callable[[], bool], timeout: float) -> bool:
        """Wait until ``changed()`` holds; False after the time-out."""
        loop = asyncio.get_running_loop()
        event = asyncio.Event()

        def wake() -> None:
            try:
                loop.call_soon_threadsafe(event.set)
            except RuntimeError:
                logging.debug("A watcher of job %d outlived its event loop", job_id)

        self._add(job_id, wake)
        deadline = loop.time() + timeout
        try:
            while not changed():
                try:
                    await asyncio.wait_for(event.wait(), deadline - loop.time())
                except TimeoutError:
                    return False
                event.clear()
            return True
        finally:
            self._remove(job_id, wake)
