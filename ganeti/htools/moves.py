"""All moves of a round at once: the score that each would lead to, in arrays.

A move ends with an instance on one of four pairs of nodes that involve a new node X (it and its
old primary p or secondary s), or on the swapped pair. What each does to a component of the metric
is an addition at two or three nodes, so sums and sums of squares over the nodes change by outer
products; rows of the arrays here are instances, columns are the nodes that may receive.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from concurrent import futures
from typing import NamedTuple

import numpy as np

from ganeti.htools import score
from ganeti.htools import state as states
from ganeti.htools.model import MIRROR_EXTERNAL, MIRROR_INTERNAL
from ganeti.htools.state import NONE, Bools, Floats, Ints, State

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


@dataclasses.dataclass(frozen=True)
class Rules:
    """Which moves the administrator allows."""

    disk_moves: bool = True
    inst_moves: bool = True
    restricted: bool = False
    ignore_soft: bool = False


class Move(NamedTuple):
    """One move: instance, kind, where it ends, and the score it leads to."""

    inst: int
    kind: int
    pri: int
    sec: int
    score: float


@dataclasses.dataclass
class _Spread:
    """One component that is a standard deviation, or several that are equal."""

    weight: float
    rows: tuple[int, ...]
    value: Floats
    both: bool
    squares: float = 0.0


class Round:
    """The present state of some nodes, made ready to judge moves of their instances."""

    def __init__(self, state: State, nodes: Ints, movable: Ints, rules: Rules):
        self.state, self.rules = state, rules
        self.online: Ints = nodes[~state.offline[nodes]]
        self.count = len(self.online)
        self.on = np.zeros(state.node_count)
        self.on[self.online] = 1.0
        self.off = np.zeros(state.node_count)
        self.off[nodes[state.offline[nodes]]] = 1.0
        self.movable = movable
        self.column: Ints = np.full(state.node_count, NONE)
        self.column[self.online] = np.arange(self.count)
        self.spreads = self._spreads()
        self.reserved = score.reserved_share(state)
        if self.count:
            self.reserved = self.reserved - self.reserved[self.online].mean()
        self.reserved_squares = float((self.reserved[self.online] ** 2).sum())
        values = score.components(state, nodes)
        self.constant = sum(score.WEIGHT[name] * values[name] for name in (
            "n1_cnt", "offline_all_cnt", "offline_pri_cnt", "pri_tags_score", "location_score",
            "location_exclusion_score", "reserved_mem_rtotal"))
        self.counts = state.pri_count + state.sec_count
        self.fails = state.fail_n1 * self.counts * self.on
        self.scale = state.scale[states.MEM]
        #: what each online node (row) as secondary keeps for each node, and the other way round
        self.kept = np.ascontiguousarray(state.peers[self.online].T)
        self.keeps = np.ascontiguousarray(state.peers[:, self.online])
        self.pairs = (score.location_pairs(state, self.online)
                      if state.location_names and state.exclusion_names else None)

    def _spreads(self) -> list[_Spread]:
        """Components that the movable instances change, equal ones put together."""
        state = self.state
        result: list[_Spread] = []
        values = state.values()
        exclusive = bool(state.exclusive.any())
        for component in score.COMPONENTS:
            rows = tuple(row for row in component.rows
                         if exclusive or row not in (states.SPN, states.SPN_F))
            if not rows:
                continue
            value = values[list(rows)].sum(axis=0)
            value = value - (value[self.online].mean() if self.count else 0.0)
            for known in result:
                if len(known.rows) == len(rows) and self._same(known, rows, value):
                    known.weight += component.weight
                    break
            else:
                both = bool(state.gain_sec[self.movable][:, list(rows)].any())
                result.append(_Spread(component.weight, rows, value, both,
                                      float((value[self.online] ** 2).sum())))
        return result

    def _same(self, known: _Spread, rows: tuple[int, ...], value: Floats) -> bool:
        state = self.state
        return bool(np.abs(known.value[self.online] - value[self.online]).max(initial=0.0) < 1e-14
                    and all(np.array_equal(state.scale[a], state.scale[b])
                            and np.array_equal(state.gain_pri[self.movable, a],
                                               state.gain_pri[self.movable, b])
                            and np.array_equal(state.gain_sec[self.movable, a],
                                               state.gain_sec[self.movable, b])
                            for a, b in zip(known.rows, rows, strict=True)))

    def best(self) -> Move | None:
        """The move with the lowest score; of equal ones the first."""
        if not self.count or not len(self.movable):
            return None
        step = max(1, _BLOCK // self.count)
        blocks = [self.movable[start:start + step]
                  for start in range(0, len(self.movable), step)]
        if len(blocks) < _FEW_BLOCKS:
            return _lowest(map(self._best_of, blocks))
        # NumPy lets other threads run while it works on arrays of this size
        with futures.ThreadPoolExecutor(_THREADS) as pool:
            return _lowest(pool.map(self._best_of, blocks))

    def _best_of(self, insts: Ints) -> Move | None:
        return Block(self, insts).best()


def _lowest(found: Iterable[Move | None]) -> Move | None:
    """The move with the lowest score; of equal ones the first."""
    best: Move | None = None
    for move in found:
        if move is not None and (best is None or move.score < best.score - EPSILON):
            best = move
    return best


class Block:
    """Some of the instances of a round, with the arrays of what moving them does."""

    def __init__(self, around: Round, insts: Ints):
        self.round, self.insts = around, insts
        state = self.state = around.state
        self.pri, self.sec = state.pri[insts], state.sec[insts]
        self.has_sec: Bools = self.sec != NONE
        self.to: Ints = around.online
        self.real = state.real[insts].astype(np.float64)
        self.need = state.reserve[insts]
        self.mem = state.gain_pri[insts, states.MEM]
        self.size = np.array([state.instances[pos].mem for pos in insts], dtype=np.float64)
        self.internal = np.array([state.instances[pos].kind.mirror == MIRROR_INTERNAL
                                  for pos in insts], dtype=bool) & self.has_sec
        self.external = np.array([state.instances[pos].kind.mirror == MIRROR_EXTERNAL
                                  for pos in insts], dtype=bool) & ~self.has_sec
        # what the old secondary must keep when this instance no longer needs it
        here = state.peers[self.sec, self.pri]
        self.sec_need: Floats = np.where(
            state.r_peer[self.sec] == self.pri,
            np.maximum(state.r_mem2[self.sec], here - self.need), state.r_mem[self.sec])

    def best(self) -> Move | None:
        """The best move of these instances."""
        arrays = self.scores()
        lowest = min(float(array.min()) for array in arrays)
        if not np.isfinite(lowest):
            return None
        return self._first(arrays, lowest + EPSILON)

    def _first(self, arrays: list[Floats], limit: float) -> Move:
        """The first move (by instance, receiving node, kind) that is as good as the best."""
        found = []
        for kind, array in enumerate(arrays):
            at = int((array <= limit).argmax())
            row, column = divmod(at, array.shape[1])
            if array[row, column] <= limit:
                found.append((row, -1 if kind == FAILOVER else column, kind,
                              float(array[row, column])))
        row, column, kind, value = min(found)
        inst, pri, sec = int(self.insts[row]), int(self.pri[row]), int(self.sec[row])
        new = int(self.to[column]) if column >= 0 else NONE
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
        for array, possible in zip(arrays, self._possible(), strict=True):
            array[~possible] = np.inf
        return arrays

    # -- the spreads ----------------------------------------------------------------------------

    def _gain(self, rows: tuple[int, ...], nodes: Ints) -> Floats:
        """What having the instance as primary adds to the value of one node each."""
        state = self.state
        return np.asarray(sum(state.gain_pri[self.insts, row] * state.scale[row, nodes]
                              for row in rows))

    def _loss(self, spread: _Spread, nodes: Ints, there: Floats) -> tuple[Floats, Floats]:
        """Changes of sum and sum of squares when each instance leaves one node."""
        change = -self._gain(spread.rows, nodes) * there
        return change, change * (2 * spread.value[nodes] + change)

    def _add_spreads(self) -> list[Floats]:
        around, state = self.round, self.state
        on_pri, on_sec = around.on[self.pri], around.on[self.sec] * self.has_sec
        shape = (len(self.insts), len(self.to))
        new_pri, with_pri, with_sec = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        swap = np.zeros(len(self.insts))
        buffers = np.empty(shape), np.empty(shape)
        stay = 0.0
        for spread in around.spreads:
            now = spread.weight * np.sqrt(spread.squares / around.count)
            gain = sum(np.multiply.outer(state.gain_pri[self.insts, row],
                                         state.scale[row, self.to]) for row in spread.rows)
            squares = (gain + 2 * spread.value[self.to]) * gain
            pri_loss = self._loss(spread, self.pri, on_pri)
            if spread.both:
                sec_loss = self._loss(spread, self.sec, on_sec)
                self._spread(spread, gain, squares, sec_loss, with_pri, buffers)
                self._spread(spread, gain, squares, pri_loss, with_sec, buffers)
                swap += now
            else:
                self._spread(spread, gain, squares, pri_loss, new_pri, buffers)
                stay += now
                change = self._gain(spread.rows, self.sec) * on_sec
                total = pri_loss[0] + change
                square = pri_loss[1] + change * (2 * spread.value[self.sec] + change)
                swap += spread.weight * self._deviation(spread.squares + square, total)
        # the old secondary as primary: what does not depend on the new node
        both_now = sum(spread.weight * np.sqrt(spread.squares / around.count)
                       for spread in around.spreads if spread.both)
        only_sec = swap - both_now
        return [with_pri + stay, with_pri + new_pri, with_sec + new_pri,
                with_sec + only_sec[:, None], swap[:, None].copy()]

    def _deviation(self, squares: Floats, total: Floats) -> Floats:
        count = self.round.count
        return np.asarray(np.sqrt(np.maximum(squares / count - (total / count) ** 2, 0.0)))

    def _spread(self, spread: _Spread, gain: Floats, squares: Floats,
                loss: tuple[Floats, Floats], target: Floats,
                buffers: tuple[Floats, Floats]) -> None:
        """Add a weighted standard deviation, in place."""
        one, two = buffers
        count = self.round.count
        np.add(gain, loss[0][:, None], out=one)
        np.multiply(one, one, out=one)
        one *= 1.0 / count
        np.add(squares, (spread.squares + loss[1])[:, None], out=two)
        two -= one
        np.maximum(two, 0.0, out=two)
        np.sqrt(two, out=two)
        two *= spread.weight / np.sqrt(count)
        target += two

    # -- memory kept for fail-overs, and redundancy ---------------------------------------------

    def _needs(self) -> list[Floats]:
        """What must be kept: by X for p, by p for X, by s for X, by X for s, by p for s."""
        state, need = self.state, self.need[:, None]
        return [
            np.maximum(state.r_mem[self.to], self.round.kept[self.pri] + need),
            np.maximum(state.r_mem[self.pri][:, None],
                       self.round.keeps[self.pri] + need),
            np.maximum(self.sec_need[:, None], self.round.keeps[self.sec] + need),
            np.maximum(state.r_mem[self.to], self.round.kept[self.sec] + need),
            np.maximum(state.r_mem[self.pri], state.peers[self.pri, self.sec] + self.need)]

    def _add_reserves(self, arrays: list[Floats]) -> None:
        state, around, scale = self.state, self.round, self.round.scale
        x_for_p, p_for_x, s_for_x, x_for_s, p_for_s = self.needs = self._needs()
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
        terms = [
            (x_p + lost[:, None], squared(x_p, self.to) + lost_sq[:, None]),
            (at_p + lost[:, None], at_p_sq + lost_sq[:, None]),
            (at_s, at_s_sq),
            (x_s + lost[:, None], squared(x_s, self.to) + lost_sq[:, None]),
            ((swapped + lost)[:, None], (squared(swapped, self.pri) + lost_sq)[:, None])]
        weight, total_weight = score.WEIGHT["reserved_mem_cv"], score.WEIGHT["reserved_mem_rtotal"]
        for array, (total, squares) in zip(arrays, terms, strict=True):
            array += weight * self._deviation(around.reserved_squares + squares, total)
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
        own, weight = state.exclusions[self.insts], score.WEIGHT["pri_tags_score"]
        self.clashes = own @ (state.tag_count[self.to] >= 1).T.astype(np.float64)
        sec_clashes = (own * (state.tag_count[self.sec] >= 1)).sum(axis=1)
        self.sec_clashes = sec_clashes
        freed = (own * (state.tag_count[self.pri] >= 2)).sum(axis=1) * around.on[self.pri]
        moved = weight * (self.clashes - freed[:, None])
        failed = (weight * (sec_clashes * around.on[self.sec] - freed))[:, None]
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

    # -- what is possible -----------------------------------------------------------------------

    def _possible(self) -> list[Bools]:
        state, around, rules = self.state, self.round, self.round.rules
        off_p = state.offline[self.pri]
        off_s = state.offline[self.sec] & self.has_sec
        soft_p, soft_s = off_p | rules.ignore_soft, off_s | rules.ignore_soft
        new: Bools = np.ones((len(self.insts), len(self.to)), dtype=bool)
        for nodes in (self.pri, self.sec):
            columns = around.column[nodes]
            seen = (columns != NONE) & ((nodes == self.pri) | self.has_sec)
            new[np.flatnonzero(seen), columns[seen]] = False
        self.disk_hard, self.disk_soft = self._disk_fits(False), self._disk_fits(True)
        receive = new & self._primary_fits(soft_p)
        x_for_p, p_for_x, s_for_x, x_for_s, p_for_s = self.needs
        as_sec_p = new & self._secondary_fits(x_for_p, soft_s)
        as_sec_s = new & self._secondary_fits(x_for_s, soft_p)
        swap = self._failover_fits(soft_p) & self.internal & (around.on[self.sec] > 0)
        live_x, live_s, live_sx = self._live()
        swap = swap & live_s
        inst_moves = np.full(len(self.insts), rules.inst_moves)
        disks = self.internal & rules.disk_moves
        if rules.restricted:
            inst_moves &= off_p
        thrice = swap & inst_moves & disks & (not rules.restricted)
        p_stays = self._old_primary_fits(p_for_x, soft_s)
        s_stays = self._old_secondary_fits(s_for_x, soft_p)
        external = self.external & inst_moves
        return [
            as_sec_p & disks[:, None],
            receive & p_stays & live_x & (disks & inst_moves)[:, None],
            receive & ((s_stays & live_sx & thrice[:, None]) | (live_x & external[:, None])),
            as_sec_s & (swap & inst_moves & disks)[:, None],
            (swap & inst_moves & self._swap_fits(p_for_s, soft_s))[:, None]]

    def _live(self) -> tuple[Bools, Bools, Bools]:
        """Whether tags let a running guest go p to X, p to s, and on from s to X."""
        allowed = self.state.can_migrate
        if allowed is None:
            every = np.ones(1, dtype=bool)
            return every[:, None], every, every[:, None]
        return (allowed[self.pri][:, self.to], allowed[self.pri, self.sec],
                allowed[self.sec][:, self.to])

    def _primary_fits(self, soft: Bools) -> Bools:
        """Whether X can have the instance as primary."""
        state, own = self.state, state_gain(self.state, self.insts)
        free = state.raw[states.MEM, self.to]
        hard = free + self.mem[:, None] > 0
        hard &= self.disk_hard
        after = state.raw[:, self.to]
        limits = ((free + self.mem[:, None] > state.r_mem[self.to]) | state.fail_n1[self.to])
        limits &= after[states.CPU] + own[:, states.CPU, None] <= state.hi_cpu[self.to]
        limits &= after[states.CPU_F] + own[:, states.CPU_F, None] <= state.hi_cpu[self.to]
        limits &= after[states.MEM_F] + own[:, states.MEM_F, None] > 0
        if state.exclusion_names:
            limits &= self.clashes == 0
        return np.asarray(hard & (limits & self.disk_soft | soft[:, None]))

    def _disk_fits(self, strict: bool) -> Bools:
        """Whether X has the disk space (and spindles) that both roles need alike."""
        state, own, to = self.state, state_gain(self.state, self.insts), self.to
        moves_disk = own[:, states.DSK_F] != 0
        elsewhere = ~moves_disk[:, None]
        free = state.raw[states.DSK, to] + own[:, states.DSK, None]
        if not strict:
            enough = (free > 0) | elsewhere
            if state.exclusive.any():
                left = state.raw[states.SPN, to] + own[:, states.SPN, None]
                enough &= (left >= 0) | ~state.exclusive[to] | elsewhere
            return np.asarray(enough)
        later = state.raw[states.DSK_F, to] + own[:, states.DSK_F, None]
        enough = (free >= state.lo_dsk[to]) & (later > 0) & (later >= state.lo_dsk[to])
        for row in (states.INST_SPN, states.INST_SPN_F):
            enough &= state.raw[row, to] + own[:, row, None] <= state.hi_spn[to]
        return np.asarray(enough | elsewhere)

    def _secondary_fits(self, needs: Floats, soft: Bools) -> Bools:
        """Whether X can be the secondary."""
        state = self.state
        free = state.raw[states.MEM, self.to]
        limits = self.size[:, None] < free
        limits &= (free > needs) | state.fail_n1[self.to]
        return np.asarray(self.disk_hard & (limits & self.disk_soft | soft[:, None]))

    def _failover_fits(self, soft: Bools) -> Bools:
        """Whether the old secondary can run the instance, if only for a moment."""
        state, own = self.state, state_gain(self.state, self.insts)
        free = state.raw[states.MEM, self.sec]
        after = free + self.mem
        hard = (after > 0) & self._has_space(self.sec)
        limits = (after > self.sec_need) | (free <= self.sec_need)
        limits &= state.raw[states.CPU, self.sec] + own[:, states.CPU] <= state.hi_cpu[self.sec]
        limits &= state.raw[states.CPU_F, self.sec] + own[:, states.CPU_F] <= state.hi_cpu[self.sec]
        limits &= state.raw[states.MEM_F, self.sec] + own[:, states.MEM_F] > 0
        limits &= state.raw[states.DSK, self.sec] >= state.lo_dsk[self.sec]
        for row in (states.INST_SPN, states.INST_SPN_F):
            limits &= state.raw[row, self.sec] <= state.hi_spn[self.sec]
        if state.exclusion_names:
            limits &= self.sec_clashes == 0
        return np.asarray(hard & (limits | soft))

    def _has_space(self, nodes: Ints) -> Bools:
        """Whether nodes that hold the disks already have not more than they can."""
        state = self.state
        return np.asarray((state.raw[states.DSK, nodes] > 0)
                          & ~(state.exclusive[nodes] & (state.raw[states.SPN, nodes] < 0)))

    def _old_primary_fits(self, needs: Floats, soft: Bools) -> Bools:
        """Whether the old primary can stay as secondary of an instance on X."""
        state = self.state
        free = state.raw[states.MEM, self.pri] - self.mem
        fine = (free[:, None] > needs) | (free <= state.r_mem[self.pri])[:, None]
        hard = self._has_space(self.pri)
        return np.asarray(hard[:, None]
                          & (fine & (self.size < free)[:, None] | soft[:, None]))

    def _old_secondary_fits(self, needs: Floats, soft: Bools) -> Bools:
        """Whether the old secondary can go on, with X as primary."""
        state = self.state
        free = state.raw[states.MEM, self.sec]
        fine = (free[:, None] > needs) | (free <= self.sec_need)[:, None]
        return np.asarray(fine & (self.size < free)[:, None] | soft[:, None])

    def _swap_fits(self, needs: Floats, soft: Bools) -> Bools:
        """Whether the old primary can be the secondary after a plain fail-over."""
        state = self.state
        free = state.raw[states.MEM, self.pri] - self.mem
        fine = (free > needs) | (free <= state.r_mem[self.pri])
        # an offline primary stays as what it is: there is nothing to check on it
        return np.asarray((fine & (self.size < free)) | soft | (self.round.on[self.pri] == 0))


def state_gain(state: State, insts: Ints) -> Floats:
    """What the instances add to the rows of a node as primary."""
    return np.asarray(state.gain_pri[insts])
