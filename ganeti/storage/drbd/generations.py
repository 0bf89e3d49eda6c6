"""Generation identifiers: which of two copies is newer, or whether both went their own way.

DRBD gives each generation of data a random number. A copy that changes without its peer starts
a new generation and remembers the one that both had in its bitmap's identifier; older ones
are its history. Only the numbers are compared here; nothing is decided.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ganeti import errors

#: A copy of which nothing was ever written
JUST_CREATED = 4
#: The lowest bit tells the role, not the generation
_ROLE_BIT = 1


class Relation(enum.Enum):
    """How the first copy stands to the second one."""

    EQUAL = "equal"
    NEWER = "newer"
    OLDER = "older"
    #: Both have changed since they were equal
    SPLIT = "split"
    #: They never were copies of each other
    UNRELATED = "unrelated"


@dataclass(frozen=True, slots=True)
class Generation:
    """The identifiers of one copy."""

    current: int
    bitmap: int
    history: tuple[int, ...]

    @property
    def fresh(self) -> bool:
        return self.current == JUST_CREATED


def parse(text: str) -> Generation:
    """Read ``drbdsetup get-gi`` or ``drbdmeta ... get-gi``: CURRENT:BITMAP:HISTORY...:flags."""
    words = text.strip().split(":")
    numbers = [word for word in words if len(word) == 16]
    if len(numbers) < 3:
        raise errors.BlockDeviceError(f"Can not read these generation identifiers: {text[:80]!r}")
    try:
        current, bitmap, *history = (int(number, 16) & ~_ROLE_BIT for number in numbers)
    except ValueError:
        raise errors.BlockDeviceError(
            f"Can not read these generation identifiers: {text[:80]!r}") from None
    return Generation(current, bitmap, tuple(number for number in history if number))


def compare(first: Generation, second: Generation) -> Relation:
    """How the first copy stands to the second one."""
    if first.current == second.current:
        return Relation.EQUAL
    if first.fresh or second.fresh:
        return Relation.OLDER if first.fresh else Relation.NEWER
    if first.current == second.bitmap or first.current in second.history:
        return Relation.OLDER
    if second.current == first.bitmap or second.current in first.history:
        return Relation.NEWER
    ancestors = {number for number in (first.bitmap, *first.history)
                 if number not in (0, JUST_CREATED)}
    if ancestors & {second.bitmap, *second.history}:
        return Relation.SPLIT
    return Relation.UNRELATED
