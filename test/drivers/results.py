"""The table at the end of a run: storage type x capability x what was seen.

Any test records a row with :func:`record`; the conformance suite does so by itself.
"""

from __future__ import annotations

from collections import defaultdict

import pytest

PASSED, FAILED, SKIPPED, REFUSED = "passed", "FAILED", "not run", "refused"
#: Columns in the order of a disk's life; others that tests name follow
CAPABILITIES = ["create", "attach", "pattern", "grow", "snapshot", "rename", "restart", "remove",
                "boot", "migrate"]

#: (kind, capability) -> outcomes, and the reason of what was not run
_SEEN: dict[tuple[str, str], list[str]] = defaultdict(list)
_WHY: dict[str, str] = {}


def record(kind: str, capability: str, outcome: str = PASSED) -> None:
    """Note that a capability of a kind of storage was tried; the worst outcome is shown."""
    _SEEN[kind, capability].append(outcome)


def not_run(kind: str, why: str) -> None:
    """Note why a kind of storage could not be tried on this machine."""
    _WHY[kind] = why


def note_report(item: pytest.Item, report: pytest.TestReport) -> None:
    """Record a test of the conformance suite: its marker names the capability, its kit the kind."""
    marker = item.get_closest_marker("capability")
    kit = getattr(item, "funcargs", {}).get("kit")
    callspec = getattr(item, "callspec", None)
    kind = callspec.params.get("kit") if callspec is not None else None
    kind = kind or (type(kit) if kit is not None else None)
    if kind is None:
        return
    if report.skipped and kind.unavailable:
        not_run(kind.label(), f"not run: {kind.unavailable}")
    if marker is None or not (report.failed or report.when == "call" and report.passed):
        return
    refused = ("refused", True) in report.user_properties
    for capability in marker.args:
        record(kind.label(), capability,
               FAILED if report.failed else REFUSED if refused else PASSED)


def _cell(outcomes: list[str]) -> str:
    for worst in (FAILED, SKIPPED):
        if worst in outcomes:
            return worst
    return (PASSED if PASSED in outcomes else outcomes[0]) if outcomes else "-"


def table() -> list[str]:
    """The table's lines; none when no storage was tried."""
    if not _SEEN and not _WHY:
        return []
    columns = CAPABILITIES + sorted({capability for _, capability in _SEEN} - set(CAPABILITIES))
    kinds = sorted({kind for kind, _ in _SEEN} | set(_WHY))
    width = max(len(kind) for kind in [*kinds, "storage"])
    lines = ["  ".join(["storage".ljust(width), *(name.ljust(8) for name in columns)]).rstrip()]
    tried = {kind for kind, _ in _SEEN}
    for kind in kinds:
        cells = [_cell(_SEEN.get((kind, name), [])).ljust(8) for name in columns]
        lines.append("  ".join([kind.ljust(width), *cells]).rstrip()
                     + (f"  ({_WHY[kind]})" if kind in _WHY.keys() - tried else ""))
    return lines


def show(reporter: pytest.TerminalReporter) -> None:
    """Print the table at the end of a run."""
    lines = table()
    if lines:
        reporter.section("storage types: what was seen to work")
        for line in lines:
            reporter.write_line(line)
