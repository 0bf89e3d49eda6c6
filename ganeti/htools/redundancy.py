"""Global redundancy: could the cluster go on after the loss of any one node?

Mirrored instances fail over to their secondary, shared ones start elsewhere in the group, and those
that exist on one node only are made anew elsewhere, big ones first. Only what is impossible counts:
memory, disk, spindles; soft limits do not.
"""

from __future__ import annotations

import numpy as np

from ganeti.htools import state as states
from ganeti.htools.model import MIRROR_EXTERNAL, MIRROR_INTERNAL
from ganeti.htools.state import NONE, Bools, Floats, Ints, State


class Redundancy:
    """The present state of a group, made ready to judge it and additions to it."""

    def __init__(self, state: State, nodes: Ints):
        self.state = state
        self.online: Ints = nodes[~state.offline[nodes]]
        self.column = np.full(state.node_count, NONE)
        self.column[self.online] = np.arange(len(self.online))
        count = len(self.online)
        #: nodes whose mirrored instances may not go to their secondaries, by migration tags
        self.lost_mirror: Bools = np.zeros(count, dtype=bool)
        #: memory that [this node] must find when [that node] is lost
        self.need: Floats = np.zeros((count, count))
        self.homeless: list[list[int]] = [[] for _ in range(count)]
        self.free: Floats = state.raw[states.MEM, self.online].copy()
        self._sort_instances()

    def _sort_instances(self) -> None:
        state = self.state
        internal = np.array([inst.kind.mirror == MIRROR_INTERNAL for inst in state.instances],
                            dtype=bool)
        mine = (state.pri != NONE) & (state.real > 0)
        mine &= self.column[state.pri] != NONE
        mirrored = np.flatnonzero(mine & internal)
        pri, sec = self.column[state.pri[mirrored]], self.column[state.sec[mirrored]]
        there = (sec != NONE) & (state.sec[mirrored] != NONE)
        # where the secondary is offline already there is nothing left to lose
        if state.can_migrate is not None:
            barred = there & ~state.can_migrate[state.pri[mirrored], state.sec[mirrored]]
            self.lost_mirror[pri[barred]] = True
        full = (state.raw[states.DSK] <= 0) | (state.exclusive & (state.raw[states.SPN] < 0))
        self.lost_mirror[pri[there & full[state.sec[mirrored]]]] = True
        np.add.at(self.need, (sec[there], pri[there]),
                  -state.gain_pri[mirrored[there], states.MEM])
        for inst in np.flatnonzero(mine & ~internal):
            self.homeless[self.column[state.pri[inst]]].append(int(inst))
        for some in self.homeless:
            some.sort(key=self._order)

    def _order(self, inst: int) -> tuple[bool, float]:
        record = self.state.instances[inst]
        shared = record.kind.mirror == MIRROR_EXTERNAL
        return (not shared, 0.0 if shared else -float(record.mem))

    def failing(self) -> list[int]:
        """Nodes (columns of the state) whose loss the group does not survive."""
        return [int(self.online[pos]) for pos in range(len(self.online))
                if not self._survives(pos, self.free, self.need, self.homeless[pos])]

    def _survives(self, lost: int, free: Floats, need: Floats, homeless: list[int]) -> bool:
        if self.lost_mirror[lost]:
            return False
        wanted = need[:, lost]
        left = free - wanted
        if (left[wanted > 0] <= 0).any():
            return False
        if not homeless:
            return True
        return self._rehouse(lost, left, homeless)

    def _rehouse(self, lost: int, left: Floats, homeless: list[int]) -> bool:
        """Whether all homeless instances find a place, each where most memory is free."""
        state, online = self.state, self.online
        left[lost] = -np.inf
        disk = state.raw[states.DSK, online].copy()
        spindles = state.raw[states.SPN, online].copy()
        for inst in homeless:
            gain = state.gain_pri[inst]
            fits = left + gain[states.MEM] > 0
            if state.can_migrate is not None and self._order(inst)[0] is False:
                fits &= state.can_migrate[online[lost], online]
            if gain[states.DSK]:
                fits &= disk + gain[states.DSK] > 0
                fits &= ~state.exclusive[online] | (spindles + gain[states.SPN] >= 0)
            if not fits.any():
                return False
            place = int(np.where(fits, left, -np.inf).argmax())
            left[place] += gain[states.MEM]
            disk[place] += gain[states.DSK]
            spindles[place] += gain[states.SPN]
        return True

    def pairs(self, memory: float) -> Bools:
        """For each pair (primary, secondary) of online nodes: does an addition of a mirrored
        instance keep every fail-over possible? (Homeless instances are asked after by `after`.)
        """
        worst = self.need.max(axis=1, initial=0.0)
        fine_now = bool(((self.free > worst) | (worst == 0)).all()) and not self.lost_mirror.any()
        if not fine_now:
            return np.zeros_like(self.need, dtype=bool)
        as_primary = (self.free - memory > worst) | (worst == 0)
        as_secondary = self.free[:, None] > self.need + memory
        if (allowed := self.state.can_migrate) is not None:
            as_secondary &= allowed[np.ix_(self.online, self.online)].T
        return np.asarray(as_primary[:, None] & (as_secondary.T | (memory == 0)))

    def after(self, inst: int, pri: int, sec: int) -> bool:
        """Whether the group survives every loss once the instance is on these nodes."""
        memory = -self.state.gain_pri[inst, states.MEM]
        at, other = int(self.column[pri]), int(self.column[sec]) if sec != NONE else NONE
        free, need = self.free.copy(), self.need
        free[at] -= memory
        if sec != NONE:
            allowed = self.state.can_migrate
            if allowed is not None and not allowed[pri, sec]:
                return False
            need = need.copy()
            need[other, at] += memory
        for lost in range(len(self.online)):
            homeless = self.homeless[lost]
            if sec == NONE and lost == at:
                homeless = sorted([*homeless, inst], key=self._order)
            if not self._survives(lost, free, need, homeless):
                return False
        return True

    @property
    def simple(self) -> bool:
        """Whether there are only mirrored instances, so that `pairs` says everything."""
        return not any(self.homeless)


def failing(state: State, nodes: Ints) -> list[int]:
    """Nodes of a group whose loss it does not survive."""
    return Redundancy(state, nodes).failing()
