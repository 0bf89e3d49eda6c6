"""Opcodes that look at OS definitions and external storage providers."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import shared
from ganeti.opcodes.base import Field, OpCode


class OpOsDiagnose(OpCode):
    """Tell which OS definitions the nodes have, and what is wrong with them."""

    output_fields = shared.OUTPUT_FIELDS
    names = Field(ht.ListOf(ht.NonEmptyString), [], doc="Names; none for all")
    RESULT = ht.ListOf(ht.ListOf(ht.Any))


class OpExtStorageDiagnose(OpCode):
    """Tell which external storage providers the nodes have."""

    output_fields = shared.OUTPUT_FIELDS
    names = Field(ht.ListOf(ht.NonEmptyString), [], doc="Names; none for all")
    RESULT = ht.ListOf(ht.ListOf(ht.Any))
