"""The present state of some nodes, made ready to judge moves of their instances."""

from __future__ import annotations

import dataclasses

import numpy as np

from ganeti.htools import score
from ganeti.htools import state as states
from ganeti.htools.model import MIRROR_EXTERNAL, MIRROR_INTERNAL
from ganeti.htools.state import NONE, Bools, Floats, Ints, State


@dataclasses.dataclass(frozen=True)
class Rules:
    """Which moves the administrator allows."""

    disk_moves: bool = True
    inst_moves: bool = True
    restricted: bool = False
    ignore_soft: bool = False


@dataclasses.dataclass
class Spread:
    """One component that is a standard deviation, or several that are equal."""

    weight: float
    rows: tuple[int, ...]
    value: Floats
    both: bool
    squares: float = 0.0
    #: what was taken off all values, so that their mean is 0
    mean: float = 0.0


@dataclasses.dataclass(frozen=True)
class Traits:
    """What of the instances no move changes."""

    size: Floats
    internal: Bools
    external: Bools

    @classmethod
    def of(cls, state: State) -> Traits:
        mirrors = np.array([inst.kind.mirror for inst in state.instances], dtype=object)
        return cls(np.array([inst.mem for inst in state.instances], dtype=np.float64),
                   np.asarray(mirrors == MIRROR_INTERNAL, dtype=bool),
                   np.asarray(mirrors == MIRROR_EXTERNAL, dtype=bool))


class Round:
    """The present state of some nodes, made ready to judge moves of their instances."""

    def __init__(self, state: State, nodes: Ints, movable: Ints, rules: Rules,
                 traits: Traits | None = None):
        self.traits = traits or Traits.of(state)
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
        self.reserved_mean = float(self.reserved[self.online].mean()) if self.count else 0.0
        self.reserved = self.reserved - self.reserved_mean
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

    def _spreads(self) -> list[Spread]:
        """Components that the movable instances change, equal ones put together."""
        state = self.state
        result: list[Spread] = []
        values = state.values()
        exclusive = bool(state.exclusive.any())
        for component in score.COMPONENTS:
            rows = tuple(row for row in component.rows
                         if exclusive or row not in (states.SPN, states.SPN_F))
            if not rows:
                continue
            value = values[list(rows)].sum(axis=0)
            mean = float(value[self.online].mean()) if self.count else 0.0
            value = value - mean
            for known in result:
                if len(known.rows) == len(rows) and self._same(known, rows, value):
                    known.weight += component.weight
                    break
            else:
                both = bool(state.gain_sec[self.movable][:, list(rows)].any())
                result.append(Spread(component.weight, rows, value, both,
                                      float((value[self.online] ** 2).sum()), mean))
        return result

    def _same(self, known: Spread, rows: tuple[int, ...], value: Floats) -> bool:
        state = self.state
        return bool(np.abs(known.value[self.online] - value[self.online]).max(initial=0.0) < 1e-14
                    and all(np.array_equal(state.scale[a], state.scale[b])
                            and np.array_equal(state.gain_pri[self.movable, a],
                                               state.gain_pri[self.movable, b])
                            and np.array_equal(state.gain_sec[self.movable, a],
                                               state.gain_sec[self.movable, b])
                            for a, b in zip(known.rows, rows, strict=True)))
