"""Opcodes about tags."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import shared
from ganeti.opcodes.base import Field, OpCode


class OpTagsGet(OpCode):
    """Read the tags of an object."""

    SUMMARY = "name"

    kind = shared.KIND
    use_locking = shared.USE_LOCKING
    name = shared.NAME
    RESULT = ht.ListOf(ht.NonEmptyString)


class OpTagsSearch(OpCode):
    """Find tags by a pattern."""

    SUMMARY = "pattern"

    pattern = Field(ht.NonEmptyString, doc="Regular expression")
    RESULT = ht.ListOf(ht.TupleOf(ht.NonEmptyString, ht.NonEmptyString))


class OpTagsSet(OpCode):
    """Put tags on an object."""

    kind = shared.KIND
    tags = Field(ht.ListOf(ht.String), doc="Tags")
    name = shared.NAME
    RESULT = ht.Nothing


class OpTagsDel(OpCode):
    """Take tags off an object."""

    kind = shared.KIND
    tags = Field(ht.ListOf(ht.String), doc="Tags")
    name = shared.NAME
    RESULT = ht.Nothing
