"""What holds for all tests."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import aiohttp
import hypothesis
import pytest

from test.drivers import results

# The same examples at every run, so that a change is judged and not the dice;
# HYPOTHESIS_PROFILE=default throws them.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_configure(config: pytest.Config) -> None:
    """aiohttp before 3.10 (Debian 12 has 3.8) leaves TLS transports to the garbage collector."""
    if tuple(int(part) for part in aiohttp.__version__.split(".")[:2]) < (3, 10):
        config.addinivalue_line(
            "filterwarnings", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None],
                              ) -> Generator[None, Any, Any]:
    """The outcome of the conformance suite of storage types goes into its table."""
    report = yield
    results.note_report(item, report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    results.show(terminalreporter)
