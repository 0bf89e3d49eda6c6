"""OP_OS_DIAGNOSE."""

from __future__ import annotations

from typing import Any

from ganeti import constants, opcodes
from ganeti.cmdlib import base
from ganeti.masterd import livedata
from ganeti.query import engine

#: Definitions in such a state are left out, unless the state itself is asked for.
_LEFT_OUT = (("hidden", True), ("blacklisted", True), ("valid", False))


class LUOsDiagnose(base.LogicalUnit):
    """Tell about the OS definitions of all nodes together."""

    OP = opcodes.OpOsDiagnose

    def exec(self) -> list[list[Any]]:
        wanted = self.op.output_fields
        rules = [(name, state) for name, state in _LEFT_OUT if name not in wanted]
        rows = engine.old_style(constants.QR_OS, livedata.source(self.ctx), self.op.names,
                                [*wanted, *(name for name, _state in rules)])
        return [row[:len(wanted)] for row in rows
                if all(value is not state for value, (_name, state)
                       in zip(row[len(wanted):], rules, strict=True))]
