"""The pool of user ids from which guests get their own: ranges, and changes to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ganeti import constants, errors

Range = Sequence[int]


def checked(pool: Iterable[Range]) -> list[list[int]]:
    """Ranges in order, each [first, last]; refuses what is out of bounds or overlaps."""
    result = sorted([int(low), int(high)] for low, high in pool)
    for low, high in result:
        if low > high:
            raise errors.OpPrereqError(
                f"User id range {low}-{high} ends before it begins", errors.ECODE_INVAL)
        if low < constants.UIDPOOL_UID_MIN or high > constants.UIDPOOL_UID_MAX:
            raise errors.OpPrereqError(
                f"User id range {low}-{high} is not within {constants.UIDPOOL_UID_MIN}-"
                f"{constants.UIDPOOL_UID_MAX}", errors.ECODE_INVAL)
    for left, right in zip(result, result[1:], strict=False):
        if right[0] <= left[1]:
            raise errors.OpPrereqError(
                f"User id ranges {left[0]}-{left[1]} and {right[0]}-{right[1]} overlap",
                errors.ECODE_INVAL)
    return result


def added(pool: Iterable[Range], extra: Iterable[Range]) -> list[list[int]]:
    """The pool with further ranges."""
    return checked([*pool, *extra])


def removed(pool: Iterable[Range], gone: Iterable[Range]) -> list[list[int]]:
    """The pool without some of its ranges; only whole ranges can be taken out."""
    result = [list(item) for item in pool]
    for low, high in gone:
        if [low, high] not in result:
            raise errors.OpPrereqError(
                f"User id range {low}-{high} is not in the pool", errors.ECODE_INVAL)
        result.remove([low, high])
    return checked(result)
