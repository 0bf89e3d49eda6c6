"""OP_QUERY and OP_QUERY_FIELDS."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, opcodes
from ganeti.cmdlib import base
from ganeti.masterd import livedata
from ganeti.query import engine

Level = base.Level


class LUQuery(base.LogicalUnit):
    """Answer a query as a job; the same as the LUXI call Query."""

    OP = opcodes.OpQuery

    def expand(self) -> None:
        if self.op.use_locking and self.op.what != constants.QR_EXPORT:
            raise errors.OpPrereqError(
                f"Queries of {self.op.what} take no locks; leave use_locking out",
                errors.ECODE_INVAL)

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.NODE and self.op.use_locking:
            return base.LockRequest(base.ALL, shared=True)
        return None

    def exec(self) -> dict[str, Any]:
        return engine.run(self.op.what, livedata.source(self.ctx), self.op.fields,
                          self.op.qfilter)


class LUQueryFields(base.LogicalUnit):
    """Tell which fields a query can have."""

    OP = opcodes.OpQueryFields

    def exec(self) -> dict[str, Any]:
        return engine.fields(self.op.what, self.op.fields)
