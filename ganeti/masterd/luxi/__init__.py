"""What the master daemon answers to each LUXI method, one module a subject."""

from __future__ import annotations

from ganeti.luxi import server
from ganeti.masterd import context
from ganeti.masterd.luxi import cluster, filters, jobs, queries


def handlers(ctx: context.MasterContext) -> dict[str, server.Handler]:
    """The handler of every method."""
    return {**queries.handlers(ctx), **jobs.handlers(ctx), **filters.handlers(ctx),
            **cluster.handlers(ctx)}
