"""LUXI methods that change job filters."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from ganeti import errors, ht, objects
from ganeti.jqueue import filters
from ganeti.luxi import protocol, server
from ganeti.masterd import context
from ganeti.masterd.luxi import args as arguments
from ganeti.utils import uuid as uuids


def handlers(ctx: context.MasterContext) -> dict[str, server.Handler]:
    """The handlers of this subject."""
    async def replace(args: list[Any], _peer: server.Peer) -> str:
        values = arguments.check(
            protocol.REQ_REPLACE_FILTER, args, ht.Maybe(ht.NonEmptyString), ht.NonNegativeInt,
            ht.ListOf(ht.Any), ht.Any, ht.ListOf(ht.Any))
        return await asyncio.to_thread(_replace, ctx, *values)

    async def delete(args: list[Any], _peer: server.Peer) -> None:
        (uuid,) = arguments.check(protocol.REQ_DELETE_FILTER, args, ht.NonEmptyString)
        await asyncio.to_thread(_delete, ctx, uuid)

    return {protocol.REQ_REPLACE_FILTER: replace, protocol.REQ_DELETE_FILTER: delete}


def _replace(ctx: context.MasterContext, uuid: str | None, priority: int, predicates: list[Any],
             action: Any, reason: list[Any]) -> str:
    """Add a rule, or put it in the place of the one with its uuid."""
    if uuid is not None and not uuids.is_uuid(uuid):
        raise errors.OpPrereqError(f"'{uuid}' is not a UUID", errors.ECODE_INVAL)
    key = uuid or uuids.new()
    trail = [*reason, ["gnt:daemon:masterd", "filter replaced", time.time_ns()]]
    rule = objects.FilterRule(
        uuid=key, watermark=ctx.queue.last_id, priority=priority,
        predicates=filters.check_predicates(predicates), action=filters.check_action(action),
        reason_trail=trail)
    with ctx.cfg.edit() as draft:
        draft.put(rule)
    ctx.cfg.wait_durable()
    return key


def _delete(ctx: context.MasterContext, uuid: str) -> None:
    with ctx.cfg.edit() as draft:
        rule = draft.config.filters.get(uuid)
        if rule is None:
            raise errors.OpPrereqError(f"There is no job filter {uuid}", errors.ECODE_NOENT)
        draft.remove(rule)
    ctx.cfg.wait_durable()
