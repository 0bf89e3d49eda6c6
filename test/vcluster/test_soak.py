"""The first rounds of `make soak`; a failure prints the seed that repeats it."""

from __future__ import annotations

import pytest

from test.vcluster import soak

ROUNDS = 20


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_rounds_of_killed_daemons() -> None:
    summary = soak.soak(ROUNDS)
    print(summary.text())
    assert summary.clean, summary.text()
    assert summary.rounds == ROUNDS and len(summary.kills) == 8
    assert summary.jobs > 10 * ROUNDS and summary.changes, "the load was no load"
