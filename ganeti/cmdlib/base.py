"""What every logical unit shares: its phases, lock requests, hooks, feedback, sub-jobs.

The order in which the phases run belongs to ``ganeti.mcpu``; nothing here runs anything.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ganeti import constants, errors
from ganeti.locking import levels

if TYPE_CHECKING:
    from ganeti import objects, opcodes
    from ganeti.config import store
    from ganeti.jqueue import seat
    from ganeti.masterd import context

Level = levels.Level
ALL = levels.ALL
Found = TypeVar("Found")


@dataclasses.dataclass(frozen=True, slots=True)
class LockRequest:
    """The locks that a unit wants at one level.

    ``names`` are instance names at the instance level, uuids at the others, or ``ALL``.
    An opportunistic request takes whatever is free at once (perhaps nothing) and never waits.
    """

    names: Collection[str] | levels.AllLocks
    shared: bool = False
    opportunistic: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Hooks:
    """Which hook scripts accompany a unit: directory stem and kind of the object touched."""

    path: str
    object_type: str


def still_there(found: Found | None, what: str) -> Found:
    """What was found after waiting for locks; the object may have gone in the meantime."""
    if found is None:
        raise errors.OpPrereqError(f"{what} was removed by another job", errors.ECODE_NOENT)
    return found


class JobsResult:
    """A unit's result that makes the processor submit further jobs.

    ``jobs`` is a list of jobs, each a list of opcodes. The opcode's result is then a dict:
    ``other`` plus the key ``jobs`` with ``[[true, id] | [false, text], ...]``.
    """

    __slots__ = ("jobs", "other")

    def __init__(self, jobs: Iterable[Sequence[opcodes.OpCode]], **other: Any) -> None:
        self.jobs = [list(job) for job in jobs]
        self.other = other


class Feedback:
    """The voice of a running opcode: each call adds one entry to the job's log."""

    __slots__ = ("_sink",)

    def __init__(self, sink: Callable[[str, Any], None]) -> None:
        self._sink = sink

    def __call__(self, message: Any, log_type: str = constants.ELOG_MESSAGE) -> None:
        """Log a message; other log types than plain text carry structured messages."""
        self._sink(log_type, message)

    def step(self, number: int, total: int, message: str) -> None:
        """Say which of a known number of steps begins."""
        self(f"STEP {number}/{total} {message}")

    def warning(self, message: str, hint: str | None = None) -> None:
        """Tell about trouble that does not end the operation, and what to do about it."""
        self(f" - WARNING: {message}")
        if hint:
            self(f"      Hint: {hint}")

    def info(self, message: str) -> None:
        """Tell something worth knowing."""
        self(f" - INFO: {message}")


class LogicalUnit:
    """One operation. Subclasses set ``OP`` and override the phases they need.

    Phases, in the order in which the processor calls them: ``expand`` (names to objects, no
    locks held, no RPC), ``locks`` level by level (locks of earlier levels are held),
    ``check_prereq`` (all locks held; may call nodes; must not change anything), pre hooks,
    ``exec``, post hooks. With ``dry_run`` it ends after the pre hooks.
    """

    OP: ClassVar[type[opcodes.OpCode]]
    HOOKS: ClassVar[Hooks | None] = None
    EXCLUSIVE: ClassVar[bool] = False
    """Whether the unit must run alone in the cluster (takes the big lock exclusively)."""

    def __init__(self, ctx: context.MasterContext, op: Any, job: seat.JobSeat) -> None:
        self.ctx = ctx
        self.op = op
        self.job = job
        self.job_id: int = job.job_id
        self.cfg: store.ConfigStore = ctx.cfg
        self.rpc = ctx.rpc
        self.feedback: Feedback = job.feedback

    @property
    def config(self) -> objects.ConfigData:
        """The newest version of the configuration (read it again after waiting for locks)."""
        return self.cfg.snapshot

    # The phases.

    def expand(self) -> None:
        """Resolve the names in the opcode and check what needs no lock."""

    def locks(self, level: levels.Level) -> LockRequest | None:
        """Say what is needed at this level; asked once a level, in the order of the levels."""
        return None

    def check_prereq(self) -> None:
        """Check everything that can be checked before a change is made."""

    def hooks_env(self) -> dict[str, Any]:
        """Variables for the hooks, without the ``GANETI_`` prefix; asked again after exec."""
        return {}

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        """Uuids of the nodes that run the pre hooks, and of those that run the post hooks."""
        return [], []

    def hooks_done(self, phase: str, results: Mapping[str, Any], result: Any) -> Any:
        """See the hooks' results (phase, node uuid -> RpcResult); returns the final result."""
        return result

    def exec(self) -> Any:
        """Do it, and return the opcode's result."""
        raise errors.ProgrammerError(f"{type(self).__name__} has no exec")

    def dry_run_result(self) -> Any:
        """What a dry run returns, for units whose opcode's result may not be null."""
        return None

    # Locks while running.

    def owned(self, level: levels.Level) -> frozenset[str]:
        """Names of the locks this job holds at a level (for ALL: every existing name)."""
        return self.job.locks.owned(level)

    def owns_all(self, level: levels.Level) -> bool:
        """Whether the level as a whole is held."""
        return self.job.locks.owns_all(level)

    def downgrade(self, level: levels.Level, names: Collection[str] | None = None) -> None:
        """Turn exclusive locks of a level (or those named) into shared ones, without waiting."""
        self.job.locks.downgrade(level, names)

    def release(self, level: levels.Level, keep: Collection[str] = (),
                names: Collection[str] | None = None) -> None:
        """Give back the locks of a level early: all but ``keep``, or exactly ``names``."""
        self.job.locks.release(level, keep=keep, names=names)

    def check_cancel(self) -> None:
        """A safe point: ends the opcode here when the job was asked to stop.

        For units that wait long in small steps; call it only where nothing is half done.
        """
        self.job.check_cancel()
