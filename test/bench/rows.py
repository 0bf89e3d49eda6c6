"""A row of the table, and how times are taken."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Row:
    """One measured figure: `reference` is in the same unit, measured in the same run, or None."""

    name: str
    value: float
    unit: str
    budget: str
    within: bool
    reference: float | None = None
    reference_name: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.reference if self.reference else None


def at_most(name: str, value: float, unit: str, limit: float, reference: float | None = None,
            reference_name: str = "") -> Row:
    """A row whose value should stay at or below `limit`."""
    return Row(name, value, unit, f"<= {limit:g}", value <= limit, reference, reference_name)


def at_least(name: str, value: float, unit: str, limit: float, reference: float | None = None,
             reference_name: str = "") -> Row:
    """A row whose value should reach `limit`."""
    return Row(name, value, unit, f">= {limit:g}", value >= limit, reference, reference_name)


def median_ms(action: Callable[[], object], repeat: int, warm: int = 1) -> float:
    """Median wall time of an action in milliseconds."""
    for _ in range(warm):
        action()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        action()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)
