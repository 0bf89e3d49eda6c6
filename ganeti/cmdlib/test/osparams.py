"""Handling of secret OS parameters."""

from __future__ import annotations

from ganeti import opcodes
from ganeti.cmdlib import base


class LUTestOsParams(base.LogicalUnit):
    """Receive secret parameters, and tell how many: their values are for nobody."""

    OP = opcodes.OpTestOsParams

    def exec(self) -> None:
        names = sorted(self.op.osparams_secret or {})
        if names:
            self.feedback(f"Received {len(names)} secret parameters: {', '.join(names)}")
