"""The processor: brings one opcode's logical unit through its phases.

Names, then locks level by level, then the prerequisites, then the pre hooks, then the work,
then the post hooks; then the result is checked and made durable.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from ganeti import constants, errors, ht
from ganeti.cmdlib import base, registry
from ganeti.locking import levels
from ganeti.masterd import hooks

if TYPE_CHECKING:
    from ganeti import opcodes
    from ganeti.jqueue import seat as seats
    from ganeti.masterd import context


class Processor:
    """Executes opcodes in the threads of their jobs."""

    def __init__(self, ctx: context.MasterContext) -> None:
        self._ctx = ctx

    def execute(self, op: opcodes.OpCode, seat: seats.JobSeat) -> Any:
        """Run an opcode to its end and return its checked result."""
        unit = registry.unit_class(op.OP_ID)(self._ctx, op, seat)
        try:
            result = self._run(unit, seat)
        finally:
            self._settle(seat)
        return self._check_result(op, result)

    def _run(self, unit: base.LogicalUnit, seat: seats.JobSeat) -> Any:
        unit.expand()
        self._take_locks(unit, seat)
        seat.started()
        unit.check_prereq()
        runner = hooks.HooksRunner(self._ctx, unit)
        runner.run_pre()
        if unit.op.dry_run:
            unit.feedback.info("Dry run: stopping before any change")
            return self._dry_run_result(unit)
        result = unit.exec()
        if isinstance(result, base.JobsResult):
            result = self._submit_jobs(unit, seat, result)
        return runner.run_post(result)

    @staticmethod
    def _take_locks(unit: base.LogicalUnit, seat: seats.JobSeat) -> None:
        seat.acquire(levels.Level.CLUSTER, [levels.BGL], shared=not unit.EXCLUSIVE,
                     opportunistic=False)
        for level in levels.Level:
            if level is levels.Level.CLUSTER:
                continue
            request = unit.locks(level)
            if request is not None:
                seat.acquire(level, request.names, shared=request.shared,
                             opportunistic=request.opportunistic)

    @staticmethod
    def _dry_run_result(unit: base.LogicalUnit) -> Any:
        """What a dry run returns: nothing, where the opcode's type allows it."""
        try:
            return unit.op.RESULT.check(None)
        except ht.Mismatch:
            return unit.dry_run_result()

    @staticmethod
    def _submit_jobs(unit: base.LogicalUnit, seat: seats.JobSeat,
                     result: base.JobsResult) -> dict[str, Any]:
        """Submit the jobs of a result; they inherit priority, debugging and reason."""
        parent = unit.op
        for job in result.jobs:
            for op in job:
                op.priority = parent.priority
                if op.debug_level is None:
                    op.debug_level = parent.debug_level
                if not op.comment:
                    op.comment = f"Submitted by {seat.opcode_summary} (job {seat.job_id})"
                op.reason = [*(parent.reason or []),
                             [parent.reason_source(), f"submitted by job {seat.job_id}",
                              time.time_ns()], *(op.reason or [])]
        return {constants.JOB_IDS_KEY: seat.submit_jobs(result.jobs), **result.other}

    def _settle(self, seat: seats.JobSeat) -> None:
        """Give back what was reserved, and see that the changes are safe."""
        cfg = self._ctx.cfg
        cfg.reserve.release(seat.job_id)
        version = cfg.written_by(seat.job_id)
        if version is not None:
            cfg.wait_durable(version)

    @staticmethod
    def _check_result(op: opcodes.OpCode, result: Any) -> Any:
        if op.dry_run:
            return result
        try:
            return op.RESULT.check(result)
        except ht.Mismatch as err:
            logging.error("The result of %s has the wrong form: %s", op.OP_ID, err)
            raise errors.OpResultError(
                f"The result of {op.summary()} has the wrong form: {err}") from None
