"""Opcodes about tags."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import types
from ganeti.opcodes.base import Field, OpCode


class OpTagsGet(OpCode):
    """Read the tags of an object."""

    SUMMARY = "name"

    kind = Field(types.TagKind, doc="Kind of the object")
    use_locking = Field(ht.Bool, False, doc="Take locks while reading")
    name = Field(ht.Maybe(ht.String), None, doc="Name of the object; none for the cluster")
    RESULT = ht.ListOf(ht.NonEmptyString)


class OpTagsSearch(OpCode):
    """Find tags by a pattern."""

    SUMMARY = "pattern"

    pattern = Field(ht.NonEmptyString, doc="Regular expression")
    RESULT = ht.ListOf(ht.TupleOf(ht.NonEmptyString, ht.NonEmptyString))


class OpTagsSet(OpCode):
    """Put tags on an object."""

    kind = Field(types.TagKind, doc="Kind of the object")
    tags = Field(ht.ListOf(ht.String), doc="Tags")
    name = Field(ht.Maybe(ht.String), None, doc="Name of the object; none for the cluster")
    RESULT = ht.Nothing


class OpTagsDel(OpCode):
    """Take tags off an object."""

    kind = Field(types.TagKind, doc="Kind of the object")
    tags = Field(ht.ListOf(ht.String), doc="Tags")
    name = Field(ht.Maybe(ht.String), None, doc="Name of the object; none for the cluster")
    RESULT = ht.Nothing
