"""All moves of a round at once: the score that each would lead to, in arrays.

A move ends with an instance on one of four pairs of nodes that involve a new node X (it and its
old primary p or secondary s), or on the swapped pair. What each does to a component of the metric
is an addition at two or three nodes, so sums and sums of squares over the nodes change by outer
products; rows of the arrays here are instances, columns are the nodes that may receive.
"""

from __future__ import annotations

import os
from concurrent import futures
from typing import NamedTuple

import numpy as np

from ganeti.htools import score, spread
from ganeti.htools import state as states
from ganeti.htools.candidates import Candidates
from ganeti.htools.rounds import Round, Spread
from ganeti.htools.state import NONE, Floats, Ints

#: Differences of scores below this are rounding.
EPSILON = 1e-12
#: Elements of one array; a handful of them should stay in the processor's cache.
_BLOCK = 15000
#: Rounds of fewer blocks are over before threads have started.
_FEW_BLOCKS = 8
_THREADS = min(4, os.cpu_count() or 1)

REPLACE, REPLACE_FAILOVER, FAILOVER_REPLACE_FAILOVER, FAILOVER_REPLACE = range(4)
FAILOVER = 4
FAILOVER_TO = 5


class Move(NamedTuple):
    """One move: instance, kind, where it ends, and the score it leads to."""

    inst: int
    kind: int
    pri: int
    sec: int
    score: float


class Found(NamedTuple):
    """A move with what decides between equal ones: instance, receiving node, kind."""

    inst: int
    new: int
    kind: int
    move: Move


class Judged(NamedTuple):
    """The lowest score that each instance can lead to, and the best move of all."""

    lowest: Floats
    found: Found | None


def judge(around: Round, insts: Ints, columns: Ints | None = None) -> Judged:
    """Judge the moves of instances, to some of the online nodes or to all of them."""
    width = around.count if columns is None else len(columns)
    if not len(insts) or not width:
        return Judged(np.full(len(insts), np.inf), None)
    step = max(1, _BLOCK // width)
    blocks = [insts[start:start + step] for start in range(0, len(insts), step)]

    def one(block: Ints) -> Judged:
        return Block(around, block, columns).judge()

    if len(blocks) < _FEW_BLOCKS:
        results = [one(block) for block in blocks]
    else:
        # NumPy lets other threads run while it works on arrays of this size
        with futures.ThreadPoolExecutor(_THREADS) as pool:
            results = list(pool.map(one, blocks))
    return Judged(np.concatenate([result.lowest for result in results]),
                  better(*(result.found for result in results)))


def better(*found: Found | None) -> Found | None:
    """The move with the lowest score; of equal ones the first."""
    there = [one for one in found if one is not None]
    if not there:
        return None
    limit = min(one.move.score for one in there) + EPSILON
    return min((one for one in there if one.move.score <= limit), key=lambda one: one[:3])


class _Loss(NamedTuple):
    """What each instance takes from one node: where, how much, what its square loses."""

    column: Ints
    change: Floats
    square: Floats


class Block(Candidates):
    """What the moves of some instances lead to."""

    def judge(self) -> Judged:
        """Judge all of them."""
        arrays = self.scores()
        lowest = np.min([array.min(axis=1) for array in arrays], axis=0)
        best = float(lowest.min())
        return Judged(lowest, self.first(arrays, best + EPSILON) if np.isfinite(best) else None)

    def first(self, arrays: list[Floats], limit: float) -> Found | None:
        """The first move (by instance, receiving node, kind) whose score is in the limit."""
        found = []
        for kind, array in enumerate(arrays):
            if not array.size:
                continue
            at = int((array <= limit).argmax())
            row, column = divmod(at, array.shape[1])
            if array[row, column] <= limit:
                found.append((row, -1 if kind == FAILOVER else column, kind,
                              float(array[row, column])))
        if not found:
            return None
        row, column, kind, value = min(found)
        new = int(self.to[column]) if column >= 0 else NONE
        return Found(int(self.insts[row]), new, kind, self._move(row, new, kind, value))

    def _move(self, row: int, new: int, kind: int, value: float) -> Move:
        inst, pri, sec = int(self.insts[row]), int(self.pri[row]), int(self.sec[row])
        if kind == FAILOVER_REPLACE_FAILOVER and not self.has_sec[row]:
            return Move(inst, FAILOVER_TO, new, NONE, value)
        ends = {REPLACE: (pri, new), REPLACE_FAILOVER: (new, pri),
                FAILOVER_REPLACE_FAILOVER: (new, sec), FAILOVER_REPLACE: (sec, new),
                FAILOVER: (sec, pri)}
        return Move(inst, kind, *ends[kind], value)

    def scores(self) -> list[Floats]:
        """Scores by kind of move; infinite where the move is not possible."""
        arrays = self._add_spreads()
        self._add_reserves(arrays)
        self._add_counts(arrays)
        if self.state.exclusion_names:
            self._add_exclusions(arrays)
        if self.state.common is not None:
            self._add_locations(arrays)
        for array, possible in zip(arrays, self.possible(), strict=True):
            array[~possible] = np.inf
        return arrays

    # -- the spreads ----------------------------------------------------------------------------

    def _gain(self, rows: tuple[int, ...], nodes: Ints) -> Floats:
        """What having the instance as primary adds to the value of one node each."""
        state = self.state
        return np.asarray(sum(state.gain_pri[self.insts, row] * state.scale[row, nodes]
                              for row in rows))

    def _loss(self, part: Spread, nodes: Ints, there: Floats) -> _Loss:
        """What changes when each instance leaves one node."""
        change = -self._gain(part.rows, nodes) * there
        return _Loss(self.round.column[nodes], change, change * (2 * part.value[nodes] + change))

    def _add_spreads(self) -> list[Floats]:
        around, state = self.round, self.state
        on_pri, on_sec = around.on[self.pri], around.on[self.sec] * self.has_sec
        shape = (len(self.insts), len(self.to))
        new_pri, with_pri, with_sec = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        swap = np.zeros(len(self.insts))
        buffers = np.empty(shape), np.empty(shape)
        stay = 0.0
        for part in around.spreads:
            now = part.weight * np.sqrt(part.squares / around.count)
            gain = sum(np.multiply.outer(state.gain_pri[self.insts, row],
                                         state.scale[row, self.to]) for row in part.rows)
            squares = (gain + 2 * part.value[self.to]) * gain
            pri_loss = self._loss(part, self.pri, on_pri)
            if part.both:
                sec_loss = self._loss(part, self.sec, on_sec)
                self._spread(part, gain, squares, sec_loss, with_pri, buffers)
                self._spread(part, gain, squares, pri_loss, with_sec, buffers)
                swap += now
            else:
                self._spread(part, gain, squares, pri_loss, new_pri, buffers)
                stay += now
                change = self._gain(part.rows, self.sec) * on_sec
                square = pri_loss.square + change * (2 * part.value[self.sec] + change)
                swap += part.weight * self._deviation(
                    part.value, part.squares, square, pri_loss.change + change,
                    [(pri_loss.column, pri_loss.change), (around.column[self.sec], change)])
        # the old secondary as primary: what does not depend on the new node
        both_now = sum(part.weight * np.sqrt(part.squares / around.count)
                       for part in around.spreads if part.both)
        only_sec = swap - both_now
        return [with_pri + stay, with_pri + new_pri, with_sec + new_pri,
                with_sec + only_sec[:, None], swap[:, None].copy()]

    def _deviation(self, values: Floats, squares: float, square: Floats, total: Floats,
                   changes: list[spread.Change]) -> Floats:
        """The standard deviation once the sums have changed."""
        around = self.round
        sums = np.asarray(squares + square - total * total / around.count)
        spread.mend(sums, values[around.online], squares, changes)
        return np.asarray(np.sqrt(np.maximum(sums, 0.0) / around.count))

    def _spread(self, part: Spread, gain: Floats, squares: Floats, loss: _Loss, target: Floats,
                buffers: tuple[Floats, Floats]) -> None:
        """Add a weighted standard deviation, in place."""
        one, two = buffers
        count = self.round.count
        np.add(gain, loss.change[:, None], out=one)
        np.multiply(one, one, out=one)
        one *= 1.0 / count
        np.add(squares, (part.squares + loss.square)[:, None], out=two)
        two -= one
        spread.mend(two, part.value[self.round.online], part.squares,
                    [(self.columns, gain), (loss.column[:, None], loss.change[:, None])])
        np.maximum(two, 0.0, out=two)
        np.sqrt(two, out=two)
        two *= part.weight / np.sqrt(count)
        target += two

    # -- memory kept for fail-overs, and redundancy ---------------------------------------------

    def _add_reserves(self, arrays: list[Floats]) -> None:
        state, around, scale = self.state, self.round, self.round.scale
        x_for_p, p_for_x, s_for_x, x_for_s, p_for_s = self.needs
        on_pri, on_sec = around.on[self.pri], around.on[self.sec] * self.has_sec

        def change(new: Floats, nodes: Ints, there: Floats | float) -> Floats:
            return np.asarray((new - state.r_mem[nodes]) * (scale[nodes] * there))

        def squared(delta: Floats, nodes: Ints) -> Floats:
            return np.asarray(delta * (2 * around.reserved[nodes] + delta))

        lost = change(self.sec_need, self.sec, on_sec)
        lost_sq = squared(lost, self.sec)
        at_p = (p_for_x - state.r_mem[self.pri][:, None]) * (scale[self.pri] * on_pri)[:, None]
        at_p_sq = at_p * (2 * around.reserved[self.pri][:, None] + at_p)
        at_s = (s_for_x - state.r_mem[self.sec][:, None]) * (scale[self.sec] * on_sec)[:, None]
        at_s_sq = at_s * (2 * around.reserved[self.sec][:, None] + at_s)
        x_p, x_s = change(x_for_p, self.to, 1.0), change(x_for_s, self.to, 1.0)
        swapped = change(p_for_s, self.pri, on_pri)
        to = self.columns
        at_pri, at_sec = around.column[self.pri][:, None], around.column[self.sec][:, None]
        leave = (at_sec, lost[:, None], lost_sq[:, None])
        terms = [
            [(to, x_p, squared(x_p, self.to)), leave],
            [(at_pri, at_p, at_p_sq), leave],
            [(at_sec, at_s, at_s_sq)],
            [(to, x_s, squared(x_s, self.to)), leave],
            [(at_pri, swapped[:, None], squared(swapped, self.pri)[:, None]), leave]]
        weight, total_weight = score.WEIGHT["reserved_mem_cv"], score.WEIGHT["reserved_mem_rtotal"]
        for array, changes in zip(arrays, terms, strict=True):
            total = np.asarray(sum(change for _where, change, _square in changes))
            square = np.asarray(sum(square for _where, _change, square in changes))
            array += weight * self._deviation(
                around.reserved, around.reserved_squares, square, total,
                [(where, change) for where, change, _square in changes])
            array += total_weight * total

    def _add_counts(self, arrays: list[Floats]) -> None:
        """Nodes that are not redundant, and instances on offline nodes."""
        state, around = self.state, self.round
        x_for_p, p_for_x, s_for_x, x_for_s, p_for_s = self.needs
        free, counts = state.raw[states.MEM], around.counts
        free_p, free_s = free[self.pri] - self.mem, free[self.sec] + self.mem
        on_pri, on_sec = around.on[self.pri], around.on[self.sec] * self.has_sec
        more = counts[self.to] + self.real[:, None]
        as_pri = (free[self.to] + self.mem[:, None] <= state.r_mem[self.to]) * more
        as_sec_p = (free[self.to] <= x_for_p) * more
        as_sec_s = (free[self.to] <= x_for_s) * more
        count_p, count_s = counts[self.pri] * on_pri, counts[self.sec] * on_sec
        less_p = (counts[self.pri] - self.real) * on_pri
        less_s = (counts[self.sec] - self.real) * on_sec
        lost_p = (free_p <= state.r_mem[self.pri]) * less_p
        lost_s = (free[self.sec] <= self.sec_need) * less_s
        p_sec = (free_p[:, None] <= p_for_x) * count_p[:, None]
        s_sec = (free[self.sec][:, None] <= s_for_x) * count_s[:, None]
        s_pri = (free_s <= self.sec_need) * count_s
        old_p, old_s = around.fails[self.pri], around.fails[self.sec] * self.has_sec
        old_x = around.fails[self.to]
        off_p, off_s = around.off[self.pri] * self.real, around.off[self.sec] * self.has_sec
        off_s = off_s * self.real
        all_w, pri_w = score.WEIGHT["offline_all_cnt"], score.WEIGHT["offline_pri_cnt"]

        def rows(vector: Floats) -> Floats:
            return np.asarray(vector)[:, None]

        constant = around.constant
        leave_s, leave_p = all_w * off_s, all_w * off_p
        arrays[0] += as_sec_p - old_x + rows(lost_s - old_s - leave_s + constant)
        arrays[1] += (as_pri - old_x + p_sec
                      + rows(lost_s - old_s - old_p - leave_s - pri_w * off_p + constant))
        arrays[2] += (as_pri - old_x + np.where(self.has_sec[:, None], s_sec, 0.0)
                      + rows(lost_p - old_p - old_s - leave_p - pri_w * off_p + constant))
        arrays[3] += (as_sec_s - old_x
                      + rows(lost_p + s_pri - old_p - old_s - leave_p - pri_w * off_p
                             + pri_w * off_s + constant))
        arrays[4] += rows((free_p <= p_for_s) * count_p + s_pri - old_p - old_s
                          - pri_w * off_p + pri_w * off_s + constant)

    # -- tags -----------------------------------------------------------------------------------

    def _add_exclusions(self, arrays: list[Floats]) -> None:
        state, around = self.state, self.round
        own, weight = self.own_tags, score.WEIGHT["pri_tags_score"]
        freed = (own * (state.tag_count[self.pri] >= 2)).sum(axis=1) * around.on[self.pri]
        moved = weight * (self.clashes - freed[:, None])
        failed = (weight * (self.sec_clashes * around.on[self.sec] - freed))[:, None]
        arrays[1] += moved
        arrays[2] += moved
        arrays[3] += failed
        arrays[4] += failed
        if around.pairs is None:
            return
        weight = score.WEIGHT["location_exclusion_score"]
        here = state.locations[self.pri] * around.on[self.pri][:, None]
        own = own * self.real[:, None]
        gained = own @ (around.pairs >= 1).T.astype(np.float64) * (1 - here)
        lost = own @ (around.pairs >= 2).T.astype(np.float64) * here
        there = state.locations[self.to]
        moved = weight * (gained @ there.T - lost @ (1 - there).T)
        at_sec = state.locations[self.sec] * around.on[self.sec][:, None]
        failed = (weight * ((gained * at_sec).sum(axis=1)
                            - (lost * (1 - at_sec)).sum(axis=1)))[:, None]
        arrays[1] += moved
        arrays[2] += moved
        arrays[3] += failed
        arrays[4] += failed

    def _add_locations(self, arrays: list[Floats]) -> None:
        state, around = self.state, self.round
        common = state.common
        assert common is not None
        at_x = state.misses[np.ix_(self.insts, self.to)]
        at_p = state.misses[self.insts, self.pri]
        at_s = state.misses[self.insts, self.sec]
        shared = common[self.pri, self.sec] * self.has_sec
        on_pri, on_sec = around.on[self.pri], around.on[self.sec]
        old = (at_p + shared) * on_pri
        p_x, s_x = common[self.pri][:, self.to], common[self.sec][:, self.to]
        s_x = s_x * self.has_sec[:, None]
        values = [(at_p[:, None] + p_x) * on_pri[:, None], at_x + p_x, at_x + s_x,
                  (at_s[:, None] + s_x) * on_sec[:, None], ((at_s + shared) * on_sec)[:, None]]
        weight = score.WEIGHT["location_score"] * self.real[:, None]
        for array, value in zip(arrays, values, strict=True):
            array += weight * (value - old[:, None])
