"""Opcodes about the storage units of nodes."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import shared, types
from ganeti.opcodes.base import Field, Flag, OpCode
from ganeti.opcodes.targets import NodeOpCode


class OpNodeQueryvols(OpCode):
    """List the logical volumes on nodes."""

    output_fields = shared.OUTPUT_COLUMNS
    nodes = Field(ht.ListOf(ht.NonEmptyString), [], doc="Nodes; none for all")
    RESULT = ht.ListOf(ht.Any)


class OpNodeQueryStorage(OpCode):
    """List the storage units of nodes."""

    output_fields = shared.OUTPUT_COLUMNS
    storage_type = Field(ht.Maybe(types.StorageType), None,
                         flag=Flag("-t", "--storage-type", metavar="STORAGE_TYPE"),
                         doc="Type of the storage unit")
    nodes = Field(ht.ListOf(ht.NonEmptyString), [], doc="Nodes; none for all")
    name = Field(ht.Maybe(ht.NonEmptyString), None, doc="Only units with this name")
    RESULT = ht.ListOf(ht.ListOf(ht.Any))


class OpNodeModifyStorage(NodeOpCode):
    """Change a property of a storage unit."""

    storage_type = Field(types.StorageType, doc="Type of the storage unit")
    name = Field(ht.Maybe(ht.NonEmptyString), None, doc="Name of the storage unit")
    changes = Field(types.Params, flag=Flag("--allocatable", type="bool", metavar="yes|no"),
                    doc="Properties to change, with their new values")
    RESULT = ht.Nothing


class OpRepairNodeStorage(NodeOpCode):
    """Repair a storage unit."""

    storage_type = Field(types.StorageType, doc="Type of the storage unit")
    name = Field(ht.Maybe(ht.NonEmptyString), None, doc="Name of the storage unit")
    ignore_consistency = shared.IGNORE_CONSISTENCY
    RESULT = ht.Nothing
