"""What storage providers this node has; running their scripts is in :mod:`ganeti.storage`."""

from __future__ import annotations

from typing import Any

from ganeti import pathutils
from ganeti.storage import provider


def extstorage_diagnose() -> list[list[Any]]:
    """All providers: [name, path, ok, text, [[parameter, description]]]."""
    return [[found.name, pathutils.logical(found.path), found.valid, "; ".join(found.problems),
             [list(parameter) for parameter in found.parameters]]
            for found in provider.find_all()]
