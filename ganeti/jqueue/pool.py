"""Threads that run jobs: made when needed, used again, never in the way of the end."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

IDLE_SECONDS = 60.0


class ThreadPool:
    """Runs tasks at once; a thread that finds no new task for a while ends."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: queue.SimpleQueue[tuple[Callable[..., None], tuple[Any, ...]]] = (
            queue.SimpleQueue())
        self._mutex = threading.Lock()
        self._idle = 0
        self._count = 0

    def run(self, task: Callable[..., None], *args: Any) -> None:
        """Run a task in a thread; whatever it raises is logged."""
        with self._mutex:
            spare = self._idle > 0
            if spare:
                self._idle -= 1
            else:
                self._count += 1
                name = f"{self._name}-{self._count}"
        self._tasks.put((task, args))
        if not spare:
            threading.Thread(target=self._serve, name=name, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                task, args = self._tasks.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                with self._mutex:
                    if self._idle > 0:
                        self._idle -= 1
                        return
                continue
            try:
                task(*args)
            except Exception:  # the boundary of the daemon's threads
                logging.exception("A job thread failed")
            with self._mutex:
                self._idle += 1
