"""Doing nothing, or what a test says."""

from __future__ import annotations

from typing import Any

from ganeti import errors, opcodes
from ganeti.cmdlib import base


class LUTestDummy(base.LogicalUnit):
    """Log messages, fail, submit jobs or return a value, as the opcode says."""

    OP = opcodes.OpTestDummy

    def expand(self) -> None:
        self.messages = _messages(self.op.messages)
        self.further_jobs = [opcodes.load_many(job) for job in self.op.submit_jobs or []]

    def exec(self) -> Any:
        for message in self.messages:
            self.feedback(message)
        if self.op.fail:
            raise errors.OpExecError(str(self.op.fail))
        if self.further_jobs:
            for answer in self.job.submit_jobs(self.further_jobs):
                self.feedback(f"Submitted: {answer}")
        return self.op.result


def _messages(value: Any) -> list[Any]:
    """Nothing, one message, or a list of them."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
