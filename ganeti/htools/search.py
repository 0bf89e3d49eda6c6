"""The best move, round after round, without judging every move each time.

A move changes two or three nodes. A move of other instances between other nodes changes these as
it did before, and its score differs only by what the whole nodes' sums have become. How much that
is can be bounded for each instance from the range of what its moves change; so each instance
keeps a score that none of its moves is below, and only those instances are judged anew that are
on a touched node or might, by that bound, have the best move.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ganeti.htools import moves, score
from ganeti.htools.rounds import Round, Rules, Spread, Traits
from ganeti.htools.state import NONE, Bools, Floats, Ints, State

#: Bounds this far above the best score are out of question in spite of rounding.
_MARGIN = 1e-10
#: Part of a sum of squares that rounding may have changed.
_PAD = 1e-12
#: Instances that are judged at once, when it is not known how low the best score is.
_FEW = 64


class Search:
    """Finds the best moves of a state that changes by such moves only."""

    def __init__(self, state: State, nodes: Ints, rules: Rules):
        self.state, self.nodes, self.rules = state, nodes, rules
        self.traits = Traits.of(state)
        #: for each instance a score that none of its moves is below; -inf where that is unknown
        self.lower: Floats = np.full(len(state.instances), -np.inf)
        self._touched: Ints = np.zeros(0, dtype=np.int64)
        self._last: Round | None = None

    def touched(self, nodes: Iterable[int]) -> None:
        """To be called after each move, with all nodes that it changed."""
        self._touched = np.array(sorted(nodes), dtype=np.int64)

    def best(self, movable: Ints) -> moves.Move | None:
        """The best move of these instances; of equal ones the first."""
        around = Round(self.state, self.nodes, movable, self.rules, self.traits)
        found = self._carry_on(around)
        self._last = around
        left: Bools = np.zeros(len(self.lower), dtype=bool)
        left[movable] = True
        while True:
            todo = self._promising(left, found)
            if not len(todo):
                return found.move if found else None
            self.lower[todo], new = moves.judge(around, todo)
            left[todo] = False
            found = moves.better(found, new)

    def _promising(self, left: Bools, found: moves.Found | None) -> Ints:
        """Instances that are yet to be judged: the unknown ones first, then the lowest."""
        limit = found.move.score + _MARGIN if found else np.inf
        todo = np.flatnonzero(left & (self.lower <= limit) & (self.lower < np.inf))
        if (unknown := todo[self.lower[todo] == -np.inf]).size:
            return np.asarray(unknown)
        if found is None:
            return np.asarray(np.sort(todo[np.argsort(self.lower[todo], kind="stable")[:_FEW]]))
        return todo

    def _carry_on(self, around: Round) -> moves.Found | None:
        """Bring the bounds up to date; the best move to one of the touched nodes."""
        last = self._last
        if last is None or around.pairs is not None or not _alike(last, around):
            self.lower[:] = -np.inf
            return None
        state, changed = self.state, np.zeros(self.state.node_count, dtype=bool)
        changed[self._touched] = True
        there = around.movable
        dirty = changed[state.pri[there]] | (
            (state.sec[there] != NONE) & changed[state.sec[there]])
        self.lower[there[dirty]] = -np.inf
        rest = there[~dirty]
        self.lower[rest] += _Drift(last, around, rest).least()
        columns = around.column[self._touched]
        lowest, found = moves.judge(around, rest, np.sort(columns[columns != NONE]))
        self.lower[rest] = np.minimum(self.lower[rest], lowest)
        return found


def _alike(last: Round, around: Round) -> bool:
    """Whether the same components have been put together in both rounds."""
    return [(part.rows, part.weight, part.both) for part in last.spreads] == [
        (part.rows, part.weight, part.both) for part in around.spreads]


class _Drift:
    """How little the scores of moves between untouched nodes can have grown, by instance."""

    def __init__(self, last: Round, around: Round, insts: Ints):
        self.last, self.around, self.insts = last, around, insts
        state = self.state = around.state
        self.pri, self.sec = state.pri[insts], state.sec[insts]
        self.on_pri = around.on[self.pri]
        self.on_sec = around.on[self.sec] * (self.sec != NONE)

    def least(self) -> Floats:
        """The least growth of the scores (below 0 where they shrink)."""
        result = np.full(len(self.insts), self.around.constant - self.last.constant)
        for old, new in zip(self.last.spreads, self.around.spreads, strict=True):
            result += self._spread(old, new)
        return result + self._reserved()

    def _spread(self, old: Spread, new: Spread) -> Floats:
        """The part of one spread: receiving anywhere, and leaving either node."""
        state, insts, online = self.state, self.insts, self.around.online
        low, high = np.zeros(len(insts)), np.zeros(len(insts))
        for row in old.rows:
            scale = state.scale[row, online]
            ends = np.multiply.outer((scale.min(), scale.max()), state.gain_pri[insts, row])
            low, high = low + ends.min(axis=0), high + ends.max(axis=0)
        values = old.value[online]
        squares = _product((low, high), (2 * values.min() + low, 2 * values.max() + high))
        there = [(self.pri, self.on_pri), (self.sec, self.on_sec)]
        loss = np.array([
            -sum(state.gain_pri[insts, row] * state.scale[row, nodes] for row in old.rows) * on
            for nodes, on in there[:1 + old.both]])
        loss_squares = np.array([change * (2 * old.value[nodes] + change)
                                 for change, (nodes, _on) in zip(loss, there, strict=False)])
        return old.weight * self._least_root(
            old.squares, new.squares, new.mean - old.mean,
            (np.minimum(low, 0) + np.minimum(loss.min(axis=0), 0),
             np.maximum(high, 0) + np.maximum(loss.max(axis=0), 0)),
            (np.minimum(squares[0], 0) + np.minimum(loss_squares.min(axis=0), 0),
             np.maximum(squares[1], 0) + np.maximum(loss_squares.max(axis=0), 0)))

    def _reserved(self) -> Floats:
        """The part of the spread of what is kept for fail-overs."""
        state, old, new = self.state, self.last, self.around
        scale, values = new.scale[new.online], old.reserved[new.online]
        none = np.zeros(len(self.insts))
        more = state.reserve[self.insts] * scale.max()
        # the old secondary may keep less than before, never less than without its first need
        less = -(state.r_mem[self.sec] - state.r_mem2[self.sec]) * new.scale[self.sec] * self.on_sec
        less = np.maximum(less, -state.reserve[self.insts] * new.scale[self.sec])
        gained = _product((none, more), (2 * values.min() + none, 2 * values.max() + more))
        lost = _product((less, none), (2 * old.reserved[self.sec] + less,
                                       2 * old.reserved[self.sec] + none))
        return score.WEIGHT["reserved_mem_cv"] * self._least_root(
            old.reserved_squares, new.reserved_squares, new.reserved_mean - old.reserved_mean,
            (less, more), (np.minimum(gained[0], 0) + np.minimum(lost[0], 0),
                           np.maximum(gained[1], 0) + np.maximum(lost[1], 0)))

    def _least_root(self, before: float, after: float, shift: float,
                    totals: tuple[Floats, Floats], squares: tuple[Floats, Floats]) -> Floats:
        """The least growth of a standard deviation, if a move changes the total and the sum of
        squares within these limits.
        """
        count = self.around.count
        pad = _PAD * (before + after)
        growth = after - before - pad - np.maximum(2 * shift * totals[0], 2 * shift * totals[1])
        most = np.maximum(totals[0] ** 2, totals[1] ** 2) / count
        low = np.maximum(np.maximum(before + squares[0] - most - pad, -growth), 0.0)
        high = np.maximum(before + squares[1] + pad, low)
        # the root is the steeper the smaller the sum
        at = np.where(growth < 0, low, high)
        return np.asarray((np.sqrt(np.maximum(at + growth, 0.0)) - np.sqrt(at)) / np.sqrt(count))


def _product(one: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """The range of the products of two ranges."""
    corners = np.array([left * right for left in one for right in other])
    return corners.min(axis=0), corners.max(axis=0)
