"""Balancing: move after move the best one, until none helps; and the moves as sets of jobs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ganeti.htools import moves, score
from ganeti.htools.moves import Move
from ganeti.htools.rounds import Rules
from ganeti.htools.search import Search
from ganeti.htools.state import NONE, Ints, State


@dataclasses.dataclass(frozen=True)
class Goal:
    """When a move is worth it, and when to end."""

    min_gain: float = 0.01
    min_gain_limit: float = 0.1
    min_score: float = 1e-9
    max_length: int = -1
    evacuate: bool = False


@dataclasses.dataclass(frozen=True)
class Step:
    """A move that was made: where the instance was and is, and the score after it."""

    inst: int
    kind: int
    old: tuple[int, int]
    new: tuple[int, int]
    score: float

    @property
    def nodes(self) -> frozenset[int]:
        """All nodes that it touches."""
        return frozenset(node for node in (*self.old, *self.new) if node != NONE)


def members(state: State, nodes: Ints) -> Ints:
    """Instances with their primary node among these."""
    return np.flatnonzero(np.isin(state.pri, nodes))


def bad(state: State, nodes: Ints) -> tuple[Ints, Ints]:
    """Online nodes that are not redundant, and the instances on them."""
    failing = nodes[state.fail_n1[nodes] & ~state.offline[nodes]]
    return failing, np.flatnonzero(np.isin(state.pri, failing) | np.isin(state.sec, failing))


def movable(state: State, nodes: Ints, evacuate: bool) -> Ints:
    """Instances that balancing these nodes may move: wholly on them, and allowed to."""
    allowed = np.array([inst.movable for inst in state.instances], dtype=bool)
    inside = np.isin(state.pri, nodes) & ((state.sec == NONE) | np.isin(state.sec, nodes))
    if evacuate:
        inside &= state.offline[state.pri] | ((state.sec != NONE) & state.offline[state.sec])
    return np.flatnonzero(allowed & inside)


def apply(state: State, move: Move) -> Step:
    """Make a move; the exact score is the caller's to ask."""
    old = (int(state.pri[move.inst]), int(state.sec[move.inst]))
    state.move(move.inst, move.pri, move.sec)
    return Step(move.inst, move.kind, old, (move.pri, move.sec), move.score)


def balance(state: State, nodes: Ints, rules: Rules, goal: Goal,
            tell: Callable[[Step], None] | None = None) -> list[Step]:
    """Improve the state in place; the steps that were made."""
    steps = []
    for step in walk(state, nodes, rules, goal):
        steps.append(step)
        if tell is not None:
            tell(step)
    return steps


def walk(state: State, nodes: Ints, rules: Rules, goal: Goal) -> Iterator[Step]:
    """Make and yield step after step."""
    now, best_possible = score.score(state, nodes), score.optimal(state, nodes)
    count = 0
    search = Search(state, nodes, rules)
    while (goal.max_length < 0 or count < goal.max_length) and now > best_possible + goal.min_score:
        candidates = movable(state, nodes, goal.evacuate)
        move = search.best(candidates)
        if move is None or not worth(now, move.score, goal):
            return
        touched = state.fail_n1.copy()
        step = apply(state, move)
        new = score.score(state, nodes)
        if not worth(now, new, goal):
            # it was rounding
            state.move(step.inst, *step.old)
            state.fail_n1 = touched
            return
        now = new
        count += 1
        search.touched(step.nodes)
        yield dataclasses.replace(step, score=now)


def worth(old: float, new: float, goal: Goal) -> bool:
    """Whether a step is accepted."""
    return new < old - moves.EPSILON and (old > goal.min_gain_limit or old - new >= goal.min_gain)


def job_sets(steps: Sequence[Step]) -> list[list[Step]]:
    """Consecutive moves whose nodes do not overlap may run side by side; the last set is filled
    first, as the original does.
    """
    sets: list[list[Step]] = []
    busy: set[int] = set()
    for step in reversed(steps):
        if not sets or busy & step.nodes:
            sets.append([])
            busy = set()
        sets[-1].append(step)
        busy |= step.nodes
    return [some[::-1] for some in reversed(sets)]
