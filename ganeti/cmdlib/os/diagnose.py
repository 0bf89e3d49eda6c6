"""OP_OS_DIAGNOSE."""

from __future__ import annotations

from typing import Any

from ganeti import constants, opcodes
from ganeti.cmdlib import base
from ganeti.masterd import livedata
from ganeti.query import engine


class LUOsDiagnose(base.LogicalUnit[Any]):
    """Tell about the OS definitions of all nodes together."""

    OP = opcodes.OpOsDiagnose

    def exec(self) -> list[list[Any]]:
        return engine.old_style(constants.QR_OS, livedata.source(self.ctx), self.op.names,
                                self.op.output_fields)
