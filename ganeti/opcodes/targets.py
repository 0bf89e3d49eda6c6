"""What opcodes about one instance or one node have in common."""

from __future__ import annotations

from typing import ClassVar

from ganeti import ht
from ganeti.opcodes.base import Field, OpCode


class InstanceOpCode(OpCode):
    """An opcode about one instance."""

    SUMMARY: ClassVar[str | None] = "instance_name"

    instance_name = Field(ht.String, doc="Name of the instance")
    instance_uuid = Field(ht.Maybe(ht.NonEmptyString), None,
                          doc="Its UUID, filled in by the master daemon")


class NodeOpCode(OpCode):
    """An opcode about one node."""

    SUMMARY: ClassVar[str | None] = "node_name"

    node_name = Field(ht.NonEmptyString, doc="Name of the node")
    node_uuid = Field(ht.Maybe(ht.NonEmptyString), None,
                      doc="Its UUID, filled in by the master daemon")
