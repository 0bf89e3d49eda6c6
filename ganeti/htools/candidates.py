"""Instances and the nodes that may receive them: which moves the nodes' limits let happen.

Rows of the arrays are instances, columns are nodes. What a move leads to is judged in `moves`.
"""

from __future__ import annotations

import numpy as np

from ganeti.htools import state as states
from ganeti.htools.rounds import Round
from ganeti.htools.state import NONE, Bools, Floats, Ints, State


class Candidates:
    """Some of the instances of a round, with the arrays of what moving them does."""

    def __init__(self, around: Round, insts: Ints, columns: Ints | None = None):
        self.round, self.insts = around, insts
        state = self.state = around.state
        self.pri, self.sec = state.pri[insts], state.sec[insts]
        self.has_sec: Bools = self.sec != NONE
        #: which of the online nodes may receive, by position
        self.columns: Ints = np.arange(around.count) if columns is None else columns
        self.every = columns is None
        self.to: Ints = around.online[self.columns]
        self.real = state.real[insts].astype(np.float64)
        self.need = state.reserve[insts]
        self.mem = state.gain_pri[insts, states.MEM]
        self.size = around.traits.size[insts]
        self.internal: Bools = around.traits.internal[insts] & self.has_sec
        self.external: Bools = around.traits.external[insts] & ~self.has_sec
        # what the old secondary must keep when this instance no longer needs it
        here = state.peers[self.sec, self.pri]
        self.sec_need: Floats = np.where(
            state.r_peer[self.sec] == self.pri,
            np.maximum(state.r_mem2[self.sec], here - self.need), state.r_mem[self.sec])
        self.needs = self._needs()
        if state.exclusion_names:
            self.own_tags: Floats = state.exclusions[insts]
            self.clashes: Floats = self.own_tags @ (state.tag_count[self.to] >= 1).T.astype(
                np.float64)
            self.sec_clashes: Floats = (self.own_tags * (state.tag_count[self.sec] >= 1)).sum(
                axis=1)

    def _needs(self) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """What must be kept: by X for p, by p for X, by s for X, by X for s, by p for s."""
        state, around, need = self.state, self.round, self.need[:, None]
        on_to = state.r_mem[self.to]
        return (
            np.maximum(on_to, self._of_columns(around.kept, self.pri) + need),
            np.maximum(state.r_mem[self.pri][:, None],
                       self._of_columns(around.keeps, self.pri) + need),
            np.maximum(self.sec_need[:, None], self._of_columns(around.keeps, self.sec) + need),
            np.maximum(on_to, self._of_columns(around.kept, self.sec) + need),
            np.maximum(state.r_mem[self.pri], state.peers[self.pri, self.sec] + self.need))

    def _of_columns(self, table: Floats, nodes: Ints) -> Floats:
        """Of a table of all nodes by online ones: a row for each of these, our columns."""
        return np.asarray(table[nodes] if self.every else table[nodes[:, None], self.columns])

    def possible(self) -> list[Bools]:
        """By kind of move: where it may be made."""
        state, around, rules = self.state, self.round, self.round.rules
        off_p = state.offline[self.pri]
        off_s = state.offline[self.sec] & self.has_sec
        soft_p, soft_s = off_p | rules.ignore_soft, off_s | rules.ignore_soft
        new = (self.to != self.pri[:, None]) & (self.to != self.sec[:, None])
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
