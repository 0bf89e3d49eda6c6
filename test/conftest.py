"""What holds for all tests."""

from __future__ import annotations

import aiohttp
import pytest


def pytest_configure(config: pytest.Config) -> None:
    """aiohttp before 3.10 (Debian 12 has 3.8) leaves TLS transports to the garbage collector."""
    if tuple(int(part) for part in aiohttp.__version__.split(".")[:2]) < (3, 10):
        config.addinivalue_line(
            "filterwarnings", "ignore::pytest.PytestUnraisableExceptionWarning")
