"""Waiting for what the daemons, guests and programs under test bring about."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T | None], what: str | Callable[[], object] = "",
               timeout: float = 30, pause: float = 0.02) -> T:
    """Ask until the answer is true, and give it back.

    After `timeout` seconds the test fails with `what` was waited for; a function is asked then,
    for the state that things are in.
    """
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(
                f"not within {timeout:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(pause)
    return answer
