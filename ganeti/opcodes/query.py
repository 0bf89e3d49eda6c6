"""Queries as opcodes; most clients ask the master daemon directly."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import shared, types
from ganeti.opcodes.base import Field, OpCode


class OpQuery(OpCode):
    """Ask for fields of resources, as a job."""

    SUMMARY = "what"

    what = Field(types.Resource, doc="Kind of the resource")
    use_locking = shared.USE_LOCKING
    fields = Field(ht.ListOf(ht.NonEmptyString), doc="Names of the fields")
    qfilter = Field(ht.Maybe(ht.ListOf(ht.Any)), None, doc="Filter in list form")
    RESULT = types.QueryAnswer


class OpQueryFields(OpCode):
    """Ask which fields a resource has, as a job."""

    SUMMARY = "what"

    what = Field(types.Resource, doc="Kind of the resource")
    fields = Field(ht.Maybe(ht.ListOf(ht.NonEmptyString)), None, doc="Names of the fields")
    RESULT = types.FieldsAnswer
