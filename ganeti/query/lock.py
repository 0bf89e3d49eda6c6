"""Fields of locks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti import constants, errors
from ganeti.query.fields import OTHER, Context, FieldRow, Getter, Resource
from ganeti.utils import text


def _value(name: str) -> Getter:
    return lambda lock, context: lock.get(name)


def _items(context: Context, names: Sequence[Any] | None) -> list[Any]:
    locks = text.nice_sort(list(context.source.locks()), key=lambda lock: lock["name"])
    if names is None:
        return locks
    found = {lock["name"]: lock for lock in locks}
    for name in names:
        if name not in found:
            raise errors.OpPrereqError(f"There is no lock {name}", errors.ECODE_NOENT)
    return [found[name] for name in names]


ROWS = [
    FieldRow("name", "Name", OTHER, "Level and name of the lock", _value("name")),
    FieldRow("mode", "Mode", OTHER, "How it is held: exclusive, shared, or not at all",
             _value("mode")),
    FieldRow("owner", "Owner", OTHER, "The jobs that hold it", _value("owner")),
    FieldRow("pending", "Pending", OTHER, "The jobs that wait for it, by mode",
             _value("pending")),
]

RESOURCE = Resource(constants.QR_LOCK, "name", ROWS, _items)
