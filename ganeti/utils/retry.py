"""Trying again until something works or the time is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class RetryAgain(Exception):  # noqa: N818 - a request, not an error
    """Raised by the tried function: not yet, try again."""


class RetryTimeout(Exception):  # noqa: N818
    """The time is over; carries the arguments of the last RetryAgain."""


def retry(attempt: Callable[[], T], delay: float, timeout: float, *, factor: float = 1.0,
          max_delay: float = 60.0, sleep: Callable[[float], object] = time.sleep) -> T:
    """Call until it does not raise RetryAgain, with pauses that grow by `factor`."""
    limit = time.monotonic() + timeout
    while True:
        try:
            return attempt()
        except RetryAgain as again:
            left = limit - time.monotonic()
            if left <= 0:
                raise RetryTimeout(*again.args) from None
        sleep(min(delay, left))
        delay = min(delay * factor, max_delay)


def wait_until(condition: Callable[[], bool], timeout: float, delay: float = 0.05) -> bool:
    """Wait for a condition; whether it came true in time."""
    limit = time.monotonic() + timeout
    while not condition():
        if time.monotonic() >= limit:
            return False
        time.sleep(delay)
    return True
