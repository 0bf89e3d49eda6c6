"""OP_EXT_STORAGE_DIAGNOSE."""

from __future__ import annotations

from typing import Any

from ganeti import constants, opcodes
from ganeti.cmdlib import base
from ganeti.masterd import livedata
from ganeti.query import engine


class LUExtStorageDiagnose(base.LogicalUnit):
    """Tell about the storage providers of all nodes together."""

    OP = opcodes.OpExtStorageDiagnose

    def exec(self) -> list[list[Any]]:
        return engine.old_style(constants.QR_EXTSTORAGE, livedata.source(self.ctx), self.op.names,
                                self.op.output_fields)
