"""Lists of changes to an instance's disks or interfaces: their forms, and which device is meant."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ganeti import constants, errors

_INDEX = re.compile(r"-?\d+")


@dataclasses.dataclass(frozen=True)
class Change:
    """One change: what is done, to which device (index, name or UUID), with which settings."""

    action: str
    identifier: int | str
    params: Mapping[str, Any]


def read(items: Iterable[Sequence[Any]], kind: str, actions: frozenset[str]) -> list[Change]:
    """Changes in their one form; the older form has no identifier, or an index as its action."""
    result = []
    for item in items:
        if len(item) == 3:
            action, identifier, params = item
        else:
            first, params = item
            action, identifier = (
                (constants.DDM_MODIFY, first) if isinstance(first, int) else (first, -1))
        if action not in actions:
            raise errors.OpPrereqError(
                f"{kind} can not be changed by '{action}', only by {', '.join(sorted(actions))}",
                errors.ECODE_INVAL)
        if isinstance(identifier, str) and _INDEX.fullmatch(identifier):
            identifier = int(identifier)
        if action in (constants.DDM_REMOVE, constants.DDM_DETACH) and params:
            raise errors.OpPrereqError(
                f"{kind} {identifier}: '{action}' takes no settings", errors.ECODE_INVAL)
        result.append(Change(action, identifier, dict(params)))
    return result


def find(change: Change, devices: Sequence[Any], kind: str) -> int:
    """Index of the device that a change means; -1 is the last one."""
    identifier = change.identifier
    if isinstance(identifier, str):
        for index, device in enumerate(devices):
            if identifier in (device.uuid, device.name):
                return index
        raise errors.OpPrereqError(
            f"The instance has no {kind} '{identifier}'", errors.ECODE_NOENT)
    index = len(devices) - 1 if identifier == -1 else identifier
    if not 0 <= index < len(devices):
        raise errors.OpPrereqError(
            f"The instance has no {kind} {identifier}, only {len(devices)} (counted from 0)",
            errors.ECODE_INVAL)
    return index


def place(change: Change, count: int, limit: int, kind: str) -> int:
    """Index at which a new device goes; -1 is behind the last one."""
    if count >= limit:
        raise errors.OpPrereqError(
            f"An instance can have {limit} {kind}s at most", errors.ECODE_STATE)
    identifier = change.identifier
    if isinstance(identifier, str):
        raise errors.OpPrereqError(
            f"A {kind} is added at an index, not at '{identifier}'", errors.ECODE_INVAL)
    index = count if identifier == -1 else identifier
    if not 0 <= index <= count:
        raise errors.OpPrereqError(
            f"A {kind} can not be added at index {identifier}: the instance has {count}",
            errors.ECODE_INVAL)
    return index
