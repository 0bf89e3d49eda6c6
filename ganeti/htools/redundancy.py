"""Global redundancy: could the cluster go on after the loss of any one node?

Mirrored instances fail over to their secondary, shared ones start elsewhere in the group, and those
that exist on one node only are made anew elsewhere, big ones first. Only what is impossible counts:
memory, disk, spindles; soft limits do not.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ganeti.htools import state as states
from ganeti.htools.model import MIRROR_EXTERNAL, MIRROR_INTERNAL
from ganeti.htools.state import NONE, Bools, Floats, Ints, State


@dataclasses.dataclass
class Room:
    """What the online nodes have left: memory, disk, spindles."""

    memory: Floats
    disk: Floats
    spindles: Floats

    def copy(self) -> Room:
        return Room(self.memory.copy(), self.disk.copy(), self.spindles.copy())

    def add(self, node: int, gain: Floats) -> None:
        """What an instance does to a node that it comes to."""
        self.memory[node] += gain[states.MEM]
        self.disk[node] += gain[states.DSK]
        self.spindles[node] += gain[states.SPN]


class Redundancy:
    """The present state of a group, made ready to judge it and additions to it."""

    def __init__(self, state: State, nodes: Ints):
        self.state = state
        #: offline ones too: what has its other copy there is not redundant
        self.nodes: Ints = nodes
        self.online: Bools = ~state.offline[nodes]
        self.column = np.full(state.node_count, NONE)
        self.column[nodes] = np.arange(len(nodes))
        count = len(nodes)
        #: nodes whose mirrored instances may not go to their secondaries, by migration tags
        self.lost_mirror: Bools = np.zeros(count, dtype=bool)
        #: memory that [this node] must find when [that node] is lost
        self.need: Floats = np.zeros((count, count))
        self.homeless: list[list[int]] = [[] for _ in range(count)]
        #: whether [this node] is the secondary of a mirrored primary of [that node]
        self.leads_to: Bools = np.zeros((count, count), dtype=bool)
        self.room = Room(*(state.raw[row, nodes]
                           for row in (states.MEM, states.DSK, states.SPN)))
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
        if state.can_migrate is not None:
            barred = there & ~state.can_migrate[state.pri[mirrored], state.sec[mirrored]]
            self.lost_mirror[pri[barred]] = True
        self.leads_to[sec[there], pri[there]] = True
        self.lost_mirror |= self.leads_to[self._full(self.room)].any(axis=0)
        np.add.at(self.need, (sec[there], pri[there]),
                  -state.gain_pri[mirrored[there], states.MEM])
        for inst in np.flatnonzero(mine & ~internal):
            self.homeless[self.column[state.pri[inst]]].append(int(inst))
        for some in self.homeless:
            some.sort(key=self._order)

    def _full(self, room: Room) -> Bools:
        """Nodes that hold more than they have; nothing can fail over to them."""
        exclusive = self.state.exclusive[self.nodes]
        return np.asarray((room.disk <= 0) | (exclusive & (room.spindles < 0)))

    def _order(self, inst: int) -> tuple[bool, float]:
        record = self.state.instances[inst]
        shared = record.kind.mirror == MIRROR_EXTERNAL
        return (not shared, 0.0 if shared else -float(record.mem))

    def failing(self) -> list[int]:
        """Nodes (columns of the state) whose loss the group does not survive."""
        return [int(self.nodes[pos]) for pos in range(len(self.nodes))
                if self.lost_mirror[pos]
                or not self._survives(pos, self.room, self.need, self.homeless[pos])]

    def _survives(self, lost: int, room: Room, need: Floats, homeless: list[int]) -> bool:
        wanted = need[:, lost]
        if (room.memory[wanted > 0] <= wanted[wanted > 0]).any():
            return False
        if not homeless:
            return True
        left = room.copy()
        left.memory -= wanted
        return self._rehouse(lost, left, homeless)

    def _rehouse(self, lost: int, left: Room, homeless: list[int]) -> bool:
        """Whether all homeless instances find a place, each where most memory is free."""
        state, nodes = self.state, self.nodes
        left.memory[lost] = -np.inf
        left.memory[~self.online] = -np.inf
        for inst in homeless:
            gain = state.gain_pri[inst]
            fits = left.memory + gain[states.MEM] > 0
            if state.can_migrate is not None and self._order(inst)[0] is False:
                fits &= state.can_migrate[nodes[lost], nodes]
            if gain[states.DSK]:
                fits &= left.disk + gain[states.DSK] > 0
                fits &= ~state.exclusive[nodes] | (left.spindles + gain[states.SPN] >= 0)
            if not fits.any():
                return False
            left.add(int(np.where(fits, left.memory, -np.inf).argmax()), gain)
        return True

    def pairs(self, memory: float) -> Bools:
        """For each pair (primary, secondary) of online nodes: does an addition of a mirrored
        instance keep every fail-over possible? (Homeless instances are asked after by `after`.)
        """
        free, worst = self.room.memory, self.need.max(axis=1, initial=0.0)
        fine_now = bool(((free > worst) | (worst == 0)).all()) and not self.lost_mirror.any()
        if not fine_now:
            return np.zeros((int(self.online.sum()),) * 2, dtype=bool)
        as_primary = (free - memory > worst) | (worst == 0)
        as_secondary = free[:, None] > self.need + memory
        if (allowed := self.state.can_migrate) is not None:
            as_secondary &= allowed[np.ix_(self.nodes, self.nodes)].T
        fine = as_primary[:, None] & (as_secondary.T | (memory == 0))
        return np.asarray(fine[np.ix_(self.online, self.online)])

    def after(self, inst: int, pri: int, sec: int) -> bool:
        """Whether the group survives every loss once the instance is on these nodes."""
        state, at = self.state, int(self.column[pri])
        room, need, leads_to = self.room.copy(), self.need, self.leads_to
        room.add(at, state.gain_pri[inst])
        if sec != NONE:
            if state.can_migrate is not None and not state.can_migrate[pri, sec]:
                return False
            other = int(self.column[sec])
            room.add(other, state.gain_sec[inst])
            need, leads_to = need.copy(), leads_to.copy()
            need[other, at] -= state.gain_pri[inst, states.MEM]
            leads_to[other, at] = True
        if self.lost_mirror.any() or leads_to[self._full(room)].any():
            return False
        for lost in range(len(self.nodes)):
            homeless = self.homeless[lost]
            if sec == NONE and lost == at:
                homeless = sorted([*homeless, inst], key=self._order)
            if not self._survives(lost, room, need, homeless):
                return False
        return True

    @property
    def simple(self) -> bool:
        """Whether there are only mirrored instances, so that `pairs` says everything."""
        return not any(self.homeless)


def failing(state: State, nodes: Ints) -> list[int]:
    """Nodes of a group whose loss it does not survive."""
    return Redundancy(state, nodes).failing()
