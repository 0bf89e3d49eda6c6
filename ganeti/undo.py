"""The stack of reverse steps of an operation that may fail half-way.

    with Undo(feedback) as undo:
        create(disk)
        undo.push("remove the new disk", remove, disk)
        ...
        undo.forget()

Leaving the block by an exception, or without `forget`, takes the steps back, newest first.
A reverse step that fails is reported, and the others are still done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any

from ganeti import errors

_LOG = logging.getLogger(__name__)

Feedback = Callable[[str], object]
"""Tells people how an operation goes, a line at a time."""


class Undo:
    """Reverse steps, taken on the way out of a `with` block unless forgotten."""

    def __init__(self, feedback: Feedback | None = None) -> None:
        self._steps: list[tuple[str, Callable[..., object], tuple[Any, ...]]] = []
        self._feedback = feedback
        self.failed: list[str] = []

    def push(self, text: str, step: Callable[..., object], *args: Any) -> None:
        """Remember how to reverse what has just been done."""
        self._steps.append((text, step, args))

    def forget(self) -> None:
        """The operation has succeeded: nothing will be taken back."""
        self._steps.clear()

    def run(self) -> None:
        """Take all steps back now, the newest first."""
        while self._steps:
            text, step, args = self._steps.pop()
            self._say(logging.INFO, f"Undo: {text}")
            try:
                step(*args)
            except (errors.GenericError, OSError) as err:
                self.failed.append(text)
                self._say(logging.ERROR, f"Undo failed: {text}: {errors.text(err)}")

    def _say(self, level: int, line: str) -> None:
        _LOG.log(level, "%s", line)
        if self._feedback is not None:
            self._feedback(line)

    def __enter__(self) -> Undo:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.run()

    def __len__(self) -> int:
        return len(self._steps)
