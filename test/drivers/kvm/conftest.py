"""Two nodes with the KVM driver, and guests that are gone after the test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from test.drivers.kvm import lab


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short path, since socket paths are limited."""
    with tempfile.TemporaryDirectory(prefix="gkvm-") as path:
        yield Path(path)


@pytest.fixture
def node(place: Path) -> Iterator[lab.Node]:
    with lab.Node(place / "a", "127.87.77.1") as node:
        yield node


@pytest.fixture
def other(place: Path) -> Iterator[lab.Node]:
    with lab.Node(place / "b", "127.87.77.2") as node:
        yield node
