"""What the parts of the running master daemon share."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from ganeti.cmdlib import base
from ganeti.jqueue.seat import JobSeat
from ganeti.locking import levels, manager

if TYPE_CHECKING:
    from ganeti import objects
    from ganeti.config import store
    from ganeti.jqueue import job as jobs
    from ganeti.jqueue import queue
    from ganeti.rpc import runner


class MasterContext:
    """Configuration, nodes, locks and jobs: handed to everything that works with them."""

    def __init__(self, cfg: store.ConfigStore, rpc: runner.RpcRunner,
                 locks: manager.LockManager) -> None:
        self.cfg = cfg
        self.rpc = rpc
        self.locks = locks
        self.queue: queue.Queue
        """Set once the queue is made, which needs this context for its jobs."""


def names_of_level(config: objects.ConfigData, level: levels.Level) -> Collection[str]:
    """Names of all locks of a level that exist: instances by name, the others by uuid."""
    if level is levels.Level.CLUSTER:
        return [levels.BGL]
    if level is levels.Level.INSTANCE:
        return [instance.name for instance in config.instances.values() if instance.name]
    containers = {levels.Level.NODEGROUP: config.nodegroups, levels.Level.NODE: config.nodes,
                  levels.Level.NODE_RES: config.nodes, levels.Level.NETWORK: config.networks}
    return list(containers[level])


def make_seat(ctx: MasterContext) -> Callable[[Any, jobs.Job], JobSeat]:
    """How the queue seats a job: with its view of the locks and its feedback."""
    def seat(host: Any, job: jobs.Job) -> JobSeat:
        holdings = manager.Holdings(
            ctx.locks, job.id, lambda level: names_of_level(ctx.cfg.snapshot, level))
        return JobSeat(host, job, holdings, base.Feedback)
    return seat
