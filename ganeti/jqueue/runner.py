"""Runs one job in a thread: opcode after opcode, each state on disk before the next step."""

from __future__ import annotations

import ctypes
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ganeti import constants, errors, opcodes
from ganeti.jqueue import job as jobs
from ganeti.jqueue.seat import JobSeat, Requeued

if TYPE_CHECKING:
    from ganeti.jqueue import queue as queues

PRECEDING_FAILED = "Preceding opcode failed"
CANCELED = "Job canceled by request"


class Runner:
    """Brings jobs from queued to their end."""

    def __init__(self, queue: queues.Queue, execute: Callable[[opcodes.OpCode, JobSeat], Any],
                 make_seat: Callable[[Any, jobs.Job], JobSeat]) -> None:
        self._queue = queue
        self._execute = execute
        self._make_seat = make_seat

    def make_seat(self, job: jobs.Job) -> JobSeat:
        """A seat for a job that the scheduler chose."""
        return self._make_seat(self, job)

    def run(self, job: jobs.Job) -> None:
        """Run a job to its end (in its thread)."""
        seat = self._queue.seats[job.id]
        seat.thread_id = threading.get_ident()
        try:
            self._run_ops(job, seat)
        except Exception as err:  # a job thread's boundary
            logging.exception("Job %d failed unexpectedly", job.id)
            self._finish(job, seat.index, constants.OP_STATUS_ERROR, errors.encode(err))
        finally:
            seat.locks.release_all()

    def _run_ops(self, job: jobs.Job, seat: JobSeat) -> None:
        for index, op in enumerate(job.ops):
            if op.is_final:
                continue
            seat.index = index
            seat.executing = False
            if seat.cancel_requested.is_set():
                self._finish(job, index, constants.OP_STATUS_CANCELED, CANCELED)
                return
            self._note_waiting(job, op)
            try:
                status, result = self._run_op(op, seat)
            except Requeued:
                self._requeue(job, op)
                return
            finally:
                seat.locks.release_all()
            if not self._finish(job, index, status, result):
                return

    def _note_waiting(self, job: jobs.Job, op: jobs.QueuedOp) -> None:
        """Waiting is stored only if it lasts: after a crash it means the same as queued."""
        with self._queue.mutex:
            op.status = constants.OP_STATUS_WAITING
            op.start_timestamp = jobs.now()
            if job.start_timestamp is None:
                job.start_timestamp = op.start_timestamp
        self._queue.changed(job)

    def _run_op(self, op: jobs.QueuedOp, seat: JobSeat) -> tuple[str, Any]:
        """(status, result) of one opcode."""
        try:
            opcode = op.opcode if op.opcode is not None else opcodes.load(op.input)
            logging.info("Job %d: %s begins", seat.job_id, op.summary())
            result = self._execute(opcode, seat)
        except Requeued:
            raise
        except errors.JobCanceled:
            logging.info("Job %d: %s is canceled", seat.job_id, op.summary())
            return constants.OP_STATUS_CANCELED, CANCELED
        except errors.GenericError as err:
            logging.info("Job %d: %s failed: %s", seat.job_id, op.summary(), errors.text(err))
            return constants.OP_STATUS_ERROR, errors.encode(err)
        except Exception as err:  # the boundary between units and the queue
            logging.exception("Job %d: %s failed unexpectedly", seat.job_id, op.summary())
            return constants.OP_STATUS_ERROR, errors.encode(err)
        logging.info("Job %d: %s done", seat.job_id, op.summary())
        return constants.OP_STATUS_SUCCESS, result

    def _requeue(self, job: jobs.Job, op: jobs.QueuedOp) -> None:
        with self._queue.mutex:
            op.status = constants.OP_STATUS_QUEUED
            op.start_timestamp = None
            ticket = self._queue.save(job)
        self._queue.store.insist(ticket)
        self._queue.note_requeued(job)

    def _finish(self, job: jobs.Job, index: int, status: str, result: Any) -> bool:
        """End an opcode (and the job with it, if it was the last or failed); True to go on.

        Nobody sees the new state before it is on disk and was offered to the candidates.
        """
        end = jobs.now()

        def apply(target: jobs.Job) -> None:
            target.ops[index].finish(status, result, end)
            if status == constants.OP_STATUS_ERROR:
                rest: Any = errors.encode(errors.OpExecError(PRECEDING_FAILED))
            else:
                rest = CANCELED
            if status != constants.OP_STATUS_SUCCESS:
                for op in target.unfinished():
                    op.finish(status, rest, end)
            if target.is_final:
                target.end_timestamp = end

        while True:
            with self._queue.mutex:
                version = job.version
                future = job.copy()
                apply(future)
                try:
                    text = future.encode()
                except (TypeError, ValueError) as err:
                    return self._finish(job, index, constants.OP_STATUS_ERROR, errors.encode(
                        errors.OpResultError(f"The result can not be stored as JSON: {err}")))
                self._queue.coming[job.id] = text
                ticket = self._queue.store.put_job(job.id, text)
            self._queue.store.insist(ticket)
            with self._queue.mutex:
                del self._queue.coming[job.id]
                if job.version != version:
                    continue  # it was changed meanwhile, and an older state written
                apply(job)
                final = job.is_final
                break
        if final:
            self._queue.note_end(job)
        else:
            self._queue.changed(job)
        return not final

    # What a seat asks of its host.

    def op_waits(self, job: jobs.Job) -> None:
        """The opcode has to wait for locks, so its state is worth storing."""
        with self._queue.mutex:
            self._queue.save(job)

    def op_started(self, job: jobs.Job, index: int) -> None:
        """The opcode's work begins; that is on disk first, so that no restart repeats it."""
        with self._queue.mutex:
            op = job.ops[index]
            op.status = constants.OP_STATUS_RUNNING
            op.exec_timestamp = jobs.now()
            ticket = self._queue.save(job)
        self._queue.store.insist(ticket)
        self._queue.changed(job)

    def op_priority_raised(self, job: jobs.Job, index: int, priority: int) -> None:
        """The opcode has waited long for its locks."""
        with self._queue.mutex:
            job.ops[index].priority = priority
            self._queue.save(job)
        self._queue.changed(job)

    def log(self, job: jobs.Job, index: int, log_type: str, message: Any) -> None:
        """Add an entry to the job's log."""
        with self._queue.mutex:
            job.log_serial += 1
            job.ops[index].log.append([job.log_serial, jobs.now(), log_type, message])
            self._queue.save(job)
        logging.debug("Job %d: %s", job.id, message)
        self._queue.changed(job)

    def submit_from_job(self, job_lists: Any) -> list[list[Any]]:
        """Submit jobs from within a job."""
        return self._queue.submit_from_job(job_lists)

    # Cancelling (queue's mutex held).

    def cancel_running(self, job: jobs.Job, seat: JobSeat, kill: bool) -> str:
        """Ask a job that is under way to stop; returns what to tell."""
        seat.cancel_requested.set()
        current = job.ops[seat.index]
        if current.status == constants.OP_STATUS_WAITING:
            current.status = constants.OP_STATUS_CANCELING
        for op in job.unfinished():
            if op.status == constants.OP_STATUS_QUEUED:
                op.status = constants.OP_STATUS_CANCELING
        self._queue.save(job)
        self._queue.locks.interrupt(job.id)
        if kill and seat.executing and seat.thread_id is not None:
            _raise_in_thread(seat.thread_id)
            self._queue.changed(job)
            return f"Job {job.id} is being killed"
        self._queue.changed(job)
        return f"Job {job.id} will be canceled at its next safe point"


def _raise_in_thread(thread_id: int) -> None:
    """Have a thread raise JobCanceled at its next Python instruction.

    A thread that waits in the kernel (for a node's answer) gets it when that wait ends.
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread_id), ctypes.py_object(errors.JobCanceled))
