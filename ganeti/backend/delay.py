"""Doing nothing for a while: how a node takes part in test jobs."""

from __future__ import annotations

import time

from ganeti import errors


def test_delay(duration: float) -> None:
    """Sleep for `duration` seconds."""
    if isinstance(duration, bool) or not isinstance(duration, int | float) or duration < 0:
        raise errors.OpExecError(f"Can not wait for {duration!r} seconds")
    time.sleep(duration)
