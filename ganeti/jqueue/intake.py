"""Checks that a job passes before it gets an id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ganeti import errors, opcodes

Prepared = list[opcodes.OpCode] | str
"""The opcodes of a job, or why it is refused."""


def load(data: Any, check_op: Callable[[opcodes.OpCode], None]) -> list[opcodes.OpCode]:
    """The opcodes of a job in their wire form; raises what is wrong with them."""
    ops = opcodes.load_many(data)
    if not ops:
        raise errors.OpPrereqError("A job needs at least one opcode", errors.ECODE_INVAL)
    for op in ops:
        check_op(op)
    return ops


def load_or_text(data: Any, check_op: Callable[[opcodes.OpCode], None]) -> Prepared:
    """The same for one job of many: a bad one leaves the others alone."""
    try:
        return load(data, check_op)
    except errors.GenericError as err:
        return errors.text(err)


def prepare(ops: Sequence[opcodes.OpCode],
            check_op: Callable[[opcodes.OpCode], None]) -> Prepared:
    """Check opcodes that a running job submits."""
    try:
        for op in ops:
            op.validate()
            check_op(op)
    except errors.GenericError as err:
        return errors.text(err)
    return list(ops) if ops else "A job needs at least one opcode"


def resolve_dependencies(ops: Sequence[opcodes.OpCode], earlier: Sequence[Sequence[Any]]) -> None:
    """Turn relative job ids (-1: the job before) into ids of the same submission."""
    for op in ops:
        if not op.depends:
            continue
        op.depends = [[_absolute(job_id, earlier), list(statuses)]
                      for job_id, statuses in op.depends]


def _absolute(job_id: Any, earlier: Sequence[Sequence[Any]]) -> int:
    number = int(job_id)
    if number >= 0:
        return number
    if -number > len(earlier):
        raise errors.OpPrereqError(
            f"Relative job id {number} does not refer to an earlier job of the same submission",
            errors.ECODE_INVAL)
    good, other = earlier[number]
    if not good:
        raise errors.OpPrereqError(
            f"Relative job id {number} refers to a job that was refused", errors.ECODE_INVAL)
    return int(other)
