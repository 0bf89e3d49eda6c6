"""Facts about jobs that several rooms need: state and priority, from those of the opcodes."""

from __future__ import annotations

from collections.abc import Iterable

from ganeti import constants


def job_status(op_statuses: Iterable[str]) -> str:
    """The state of a job from the states of its opcodes in their order."""
    statuses = list(op_statuses)
    result = constants.JOB_STATUS_QUEUED
    for status in statuses:
        if status in (constants.OP_STATUS_ERROR, constants.OP_STATUS_CANCELING,
                      constants.OP_STATUS_CANCELED):
            return status
        if status not in (constants.OP_STATUS_QUEUED, constants.OP_STATUS_SUCCESS):
            result = status
    if statuses and all(status == constants.OP_STATUS_SUCCESS for status in statuses):
        return constants.JOB_STATUS_SUCCESS
    return result


def job_priority(ops: Iterable[tuple[str, int]]) -> int:
    """The priority of a job from state and priority of its opcodes."""
    waiting = [priority for status, priority in ops if status not in constants.OPS_FINALIZED]
    return min(waiting, default=constants.OP_PRIO_DEFAULT)
