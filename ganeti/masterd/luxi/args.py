"""Arguments of LUXI methods: number and types, with a refusal that names the method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti import errors, ht

Words = ht.ListOf(ht.NonEmptyString)
Names = ht.Maybe(Words)


def check(method: str, args: Sequence[Any], *types: ht.Type, optional: int = 0) -> list[Any]:
    """The checked arguments; missing optional ones (the last) become None."""
    if not len(types) - optional <= len(args) <= len(types):
        raise errors.OpPrereqError(
            f"{method} takes {len(types)} arguments, got {len(args)}", errors.ECODE_INVAL)
    values: list[Any] = []
    for number, kind in enumerate(types):
        if number >= len(args):
            values.append(None)
            continue
        try:
            values.append(kind.check(args[number]))
        except ht.Mismatch as err:
            raise errors.OpPrereqError(
                f"{method}: argument {number + 1}: {err}", errors.ECODE_INVAL) from None
    return values


def refuse_locking(method: str, use_locking: bool) -> None:
    """Queries never take locks."""
    if use_locking:
        raise errors.OpPrereqError(f"{method}: queries with locking are not supported",
                                   errors.ECODE_INVAL)
