"""LUXI methods of the job queue."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from ganeti import constants, errors, ht, pathutils
from ganeti.jqueue import intake
from ganeti.jqueue import job as jobs
from ganeti.luxi import protocol, server
from ganeti.masterd import context, livedata
from ganeti.masterd.luxi import args as arguments
from ganeti.masterd.luxi import queries
from ganeti.query import engine
from ganeti.query.fields import Context, Special
from ganeti.utils import io

_CHUNK = 50
"""Jobs of one submission that are read before others get their turn."""


def handlers(ctx: context.MasterContext) -> dict[str, server.Handler]:
    """The handlers of this subject."""
    subject = JobMethods(ctx)
    return {
        protocol.REQ_SUBMIT_JOB: subject.submit,
        protocol.REQ_SUBMIT_JOB_TO_DRAINED_QUEUE: subject.submit_to_drained,
        protocol.REQ_SUBMIT_MANY_JOBS: subject.submit_many,
        protocol.REQ_QUERY_JOBS: subject.query,
        protocol.REQ_WAIT_FOR_JOB_CHANGE: subject.wait_for_change,
        protocol.REQ_PICKUP_JOB: subject.pickup,
        protocol.REQ_ARCHIVE_JOB: subject.archive,
        protocol.REQ_AUTO_ARCHIVE_JOBS: subject.autoarchive,
        protocol.REQ_CANCEL_JOB: subject.cancel,
        protocol.REQ_CHANGE_JOB_PRIORITY: subject.change_priority,
        protocol.REQ_SET_DRAIN_FLAG: subject.set_drain_flag,
    }


class JobMethods:
    """Submitting, watching and changing jobs."""

    def __init__(self, ctx: context.MasterContext) -> None:
        self._ctx = ctx
        self._queue = ctx.queue

    async def submit(self, args: list[Any], _peer: server.Peer) -> int:
        (data,) = arguments.check(protocol.REQ_SUBMIT_JOB, args, ht.Any)
        return await self._submit_one(data, ignore_drain=False)

    async def submit_to_drained(self, args: list[Any], _peer: server.Peer) -> int:
        (data,) = arguments.check(protocol.REQ_SUBMIT_JOB_TO_DRAINED_QUEUE, args, ht.Any)
        return await self._submit_one(data, ignore_drain=True)

    async def _submit_one(self, data: Any, ignore_drain: bool) -> int:
        self._check_drain(ignore_drain)
        ops = intake.load(data, self._queue.check_op)
        intake.resolve_dependencies(ops, [])
        (answer,) = await self._enqueue([ops], ignore_drain)
        if not answer[0]:
            raise errors.JobQueueFull()
        return int(answer[1])

    async def submit_many(self, args: list[Any], _peer: server.Peer) -> list[list[Any]]:
        (data,) = arguments.check(protocol.REQ_SUBMIT_MANY_JOBS, args, ht.ListOf(ht.Any))
        self._check_drain(False)
        prepared = []
        for number, job in enumerate(data):
            prepared.append(intake.load_or_text(job, self._queue.check_op))
            if number % _CHUNK == _CHUNK - 1:
                await asyncio.sleep(0)
        return await self._enqueue(prepared, False)

    def _check_drain(self, ignore: bool) -> None:
        """A drained queue refuses with the class that clients know for it."""
        if self._queue.drained and not ignore:
            raise errors.GenericError(
                "The job queue is drained; 'gnt-cluster queue undrain' opens it again")

    async def _enqueue(self, prepared: Sequence[intake.Prepared],
                       ignore_drain: bool) -> list[list[Any]]:
        """Give ids, and answer once the jobs are safe on disk and on the candidates."""
        answers: list[list[Any]] = []
        ticket = None
        for start in range(0, len(prepared), _CHUNK):
            part, last = self._queue.enqueue(prepared[start:start + _CHUNK], ignore_drain, answers)
            answers += part
            ticket = ticket if last is None else last
            if start + _CHUNK < len(prepared):
                await asyncio.sleep(0)
        if ticket is None:
            return answers
        try:
            await self._queue.store.durable(ticket)
        except OSError as err:
            self._queue.withdraw(answers)
            raise errors.JobQueueError(
                f"The job can not be stored: {err.strerror or err}; make room in"
                f" {pathutils.QUEUE_DIR}") from err
        self._queue.activate(answers)
        return answers

    async def query(self, args: list[Any], _peer: server.Peer) -> list[Any]:
        ids, fields = arguments.check(
            protocol.REQ_QUERY_JOBS, args, ht.Maybe(ht.ListOf(ht.Any)), arguments.Words)
        return list(await queries.off_loop(self._query, ids, fields))

    def _query(self, ids: list[Any] | None, fields: list[str]) -> list[Any]:
        source = livedata.source(self._ctx)
        if not ids:
            return engine.old_style(constants.QR_JOB, source, None, fields)
        wanted = [jobs.parse_id(job_id) for job_id in ids]
        known = {job.id for job in self._queue.views(wanted, "archived" in fields)}
        found = [job_id for job_id in dict.fromkeys(wanted) if job_id in known]
        rows: dict[int, Any] = {}
        if found:
            rows = dict(zip(found, engine.old_style(constants.QR_JOB, source, found, fields),
                            strict=True))
        else:
            _check_fields(fields)
        return [rows.get(job_id) for job_id in wanted]

    async def wait_for_change(self, args: list[Any], _peer: server.Peer) -> list[Any]:
        raw_id, fields, known_row, known_serial, timeout = arguments.check(
            protocol.REQ_WAIT_FOR_JOB_CHANGE, args, ht.Any, arguments.Words,
            ht.Maybe(ht.ListOf(ht.Any)), ht.Maybe(ht.Int), ht.Number)
        job_id = jobs.parse_id(raw_id)
        _check_fields(fields)
        view = _View(livedata.source(self._ctx), fields)
        serial = -1 if known_serial is None else known_serial
        job = self._queue.get(job_id)
        found: list[Any] = []

        def changed() -> bool:
            with self._queue.mutex:
                row, entries = view.row(job), job.log_after(serial)
            found[:] = [row, entries]
            return row != known_row or bool(entries)

        limit = max(0.0, min(float(timeout), float(constants.LUXI_WFJC_TIMEOUT)))
        if await self._queue.watchers.until(job_id, changed, limit):
            return found
        return [known_row, []]

    async def pickup(self, args: list[Any], _peer: server.Peer) -> None:
        """Other daemons' way to hand over a job; this one picks up all its jobs itself."""
        arguments.check(protocol.REQ_PICKUP_JOB, args, ht.Any)

    async def archive(self, args: list[Any], _peer: server.Peer) -> bool:
        (job_id,) = arguments.check(protocol.REQ_ARCHIVE_JOB, args, ht.Any)
        done, ticket = self._queue.archive(jobs.parse_id(job_id))
        await self._durable(ticket)
        return done

    async def autoarchive(self, args: list[Any], _peer: server.Peer) -> list[int]:
        age, timeout = arguments.check(protocol.REQ_AUTO_ARCHIVE_JOBS, args, ht.Number, ht.Number)
        archived, left, ticket = await asyncio.to_thread(self._queue.autoarchive, age, timeout)
        await self._durable(ticket)
        return [archived, left]

    async def cancel(self, args: list[Any], _peer: server.Peer) -> list[Any]:
        job_id, kill = arguments.check(protocol.REQ_CANCEL_JOB, args, ht.Any, ht.Maybe(ht.Bool),
                                       optional=1)
        done, text, ticket = self._queue.cancel(jobs.parse_id(job_id), bool(kill))
        await self._durable(ticket)
        return [done, text]

    async def change_priority(self, args: list[Any], _peer: server.Peer) -> list[Any]:
        job_id, priority = arguments.check(protocol.REQ_CHANGE_JOB_PRIORITY, args, ht.Any, ht.Int)
        if not constants.OP_PRIO_HIGHEST <= priority <= constants.OP_PRIO_LOWEST:
            raise errors.OpPrereqError(
                f"Priority {priority} is not between {constants.OP_PRIO_HIGHEST} and"
                f" {constants.OP_PRIO_LOWEST}", errors.ECODE_INVAL)
        done, text, ticket = self._queue.change_priority(jobs.parse_id(job_id), priority)
        await self._durable(ticket)
        return [done, text]

    async def _durable(self, ticket: int | None) -> None:
        if ticket is not None:
            try:
                await self._queue.store.durable(ticket)
            except OSError as err:
                raise errors.JobQueueError(
                    f"The change can not be stored yet: {err.strerror or err}; make room in"
                    f" {pathutils.QUEUE_DIR}") from err

    async def set_drain_flag(self, args: list[Any], _peer: server.Peer) -> bool:
        (flag,) = arguments.check(protocol.REQ_SET_DRAIN_FLAG, args, ht.Bool)
        await asyncio.to_thread(self._set_drain_flag, flag)
        return True

    def _set_drain_flag(self, flag: bool) -> None:
        if flag:
            io.write_file(pathutils.JOB_QUEUE_DRAIN_FILE, "", mode=0o644)
        else:
            io.remove_file(pathutils.JOB_QUEUE_DRAIN_FILE)
        self._queue.drained = os.path.exists(pathutils.JOB_QUEUE_DRAIN_FILE)
        config = self._ctx.cfg.snapshot
        others = [node.uuid for node in config.master_candidates()
                  if node.uuid != config.cluster.master_node and not node.offline]
        self._ctx.rpc.multi(others, "jobqueue_set_drain_flag", flag)


def _check_fields(fields: Sequence[str]) -> None:
    rows = engine.resource(constants.QR_JOB).rows
    for name in fields:
        if name not in rows:
            raise errors.OpPrereqError(
                f"There is no job field '{name}'{ht.nearest_hint(name, rows)}",
                errors.ECODE_INVAL)


class _View:
    """The row of one job, as often as it is asked for."""

    def __init__(self, source: livedata.LiveSource, fields: Sequence[str]) -> None:
        rows = engine.resource(constants.QR_JOB).rows
        self._getters = [rows[name].getter for name in fields]
        self._context = Context(source)

    def row(self, job: jobs.Job) -> list[Any]:
        values = (getter(job, self._context) for getter in self._getters)
        return [None if isinstance(value, Special) else value for value in values]
