"""Where an instance that is nowhere fits, and which place leaves the best score: all at once.

Rows are primaries, columns are secondaries (one column where there is none).
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator

import numpy as np

from ganeti.htools import model, redundancy, score, spread
from ganeti.htools import state as states
from ganeti.htools.state import NONE, Bools, Floats, Ints, State

FAILURES = ("FailMem", "FailDisk", "FailCPU", "FailN1", "FailTags", "FailMig", "FailDiskCount",
            "FailSpindles", "FailForthcoming", "FailInternal")
OK = 0
MEM, DISK, CPU, N1, TAGS, _MIG, DISK_COUNT, SPINDLES = range(1, 9)


@dataclasses.dataclass
class Answer:
    """The best place, if there is one, and how the others fared."""

    pri: int = NONE
    sec: int = NONE
    score: float = np.inf
    successes: int = 0
    failures: Counter[str] = dataclasses.field(default_factory=Counter)
    lost: tuple[int, ...] | None = None
    disk_left: float = 0.0

    @property
    def found(self) -> bool:
        return self.pri != NONE

    def failure_text(self) -> str:
        return ", ".join(f"{kind}: {self.failures[kind]}" for kind in FAILURES
                         if self.failures[kind])

    def value_text(self) -> str:
        if self.lost is None:
            return f"{self.score:.8f}"
        return f"([{','.join(map(str, self.lost))}],{self.disk_left:.0f})"


@dataclasses.dataclass(frozen=True)
class Where:
    """Which nodes may be used: all online ones of the group, or fewer."""

    primaries: frozenset[int] | None = None
    secondaries: frozenset[int] | None = None


def policy_failure(inst: model.Instance, policy: model.Policy) -> int:
    """What of the instance is outside the policy (a failure code), or OK."""
    if inst.template not in policy.templates:
        return DISK
    failures = [_outside(inst, low, high) for low, high in policy.minmax]
    return OK if OK in failures else failures[0]


def _outside(inst: model.Instance, low: model.Spec, high: model.Spec) -> int:
    # without a list of disks (text data) there is one; the diskless have none to judge
    sizes = inst.disks or ((inst.dsk,) if inst.dsk else ())
    checks = ((MEM, low.memory <= inst.mem <= high.memory),
              (DISK, all(low.disk <= size <= high.disk for size in sizes)),
              (CPU, low.cpu <= inst.vcpus <= high.cpu),
              (SPINDLES, low.spindle_use <= inst.spindle_use <= high.spindle_use),
              (DISK_COUNT, not sizes or low.disk_count <= len(sizes) <= high.disk_count))
    return next((code for code, fine in checks if not fine), OK)


class Places:
    """All places of one instance in a group."""

    def __init__(self, state: State, nodes: Ints, inst: int, *, soft: bool = False,
                 where: Where | None = None, scored: Ints | None = None):
        self.state, self.nodes, self.inst, self.soft = state, nodes, inst, soft
        #: the nodes whose score counts, all of the cluster where groups compete
        self.scored = nodes if scored is None else scored
        self.online: Ints = self.scored[~state.offline[self.scored]]
        self.record = state.instances[inst]
        self.to: Ints = nodes[~state.offline[nodes]]
        self.two = self.record.kind.nodes > 1
        self.gain, self.sec_gain = state.gain_pri[inst], state.gain_sec[inst]
        where = where or Where()
        self.pri_allowed = self._mask(where.primaries)
        self.sec_allowed = self._mask(where.secondaries)

    def _mask(self, allowed: frozenset[int] | None) -> Bools:
        if allowed is None:
            return np.ones(len(self.to), dtype=bool)
        return np.isin(self.to, list(allowed))

    # -- scores ---------------------------------------------------------------------------------

    def scores(self) -> Floats:
        """The score after each placement."""
        state, to, count = self.state, self.to, len(self.to)
        values = score.components(state, self.scored)
        total = np.zeros((count, count if self.two else 1))
        total += sum(score.WEIGHT[name] * values[name] for name in (
            "offline_all_cnt", "offline_pri_cnt", "pri_tags_score", "location_score",
            "location_exclusion_score", "n1_cnt", "reserved_mem_rtotal"))
        raw = (state.raw[:, self.online] * state.scale[:, self.online]
               + state.base[:, self.online])
        self.at = np.searchsorted(self.online, to)
        for component in score.COMPONENTS:
            if component.rows:
                rows = list(component.rows)
                at_pri = (self.gain[rows, None] * state.scale[rows][:, to]).sum(axis=0)
                at_sec = (self.sec_gain[rows, None] * state.scale[rows][:, to]).sum(axis=0)
                total += component.weight * self._spread(raw[rows].sum(axis=0), at_pri, at_sec)
        self._add_reserves(total)
        self._add_tags(total)
        return total

    def _spread(self, values: Floats, at_pri: Floats, at_sec: Floats) -> Floats:
        values = values - values.mean()
        here = values[self.at]
        changes = [(self.at[:, None], at_pri[:, None], (at_pri * (2 * here + at_pri))[:, None])]
        if self.two and at_sec.any():
            changes.append((self.at, at_sec, at_sec * (2 * here + at_sec)))
        return _deviation(values, changes)

    def _needs(self) -> Floats:
        """Memory that each secondary must keep, if each node were primary (rows)."""
        state, to = self.state, self.to
        return np.asarray(np.maximum(
            state.r_mem[to], state.peers[np.ix_(to, to)].T + state.reserve[self.inst]))

    def _add_reserves(self, total: Floats) -> None:
        state, to, real = self.state, self.to, float(state_real(self.state, self.inst))
        scale = state.scale[states.MEM, to]
        now = state.r_mem[self.online] * state.scale[states.MEM, self.online]
        free = state.raw[states.MEM, to]
        counts = state.pri_count[to] + state.sec_count[to]
        failing = state.fail_n1[to] * counts
        total += ((free + self.gain[states.MEM] <= state.r_mem[to]) * (counts + real)
                  - failing)[:, None]
        weight = score.WEIGHT["reserved_mem_cv"]
        if not self.two:
            total += weight * now.std()
            return
        self.needs = self._needs()
        change = (self.needs - state.r_mem[to]) * scale
        centred = now - now.mean()
        total += weight * _deviation(
            centred, [(self.at, change, change * (2 * centred[self.at] + change))])
        total += score.WEIGHT["reserved_mem_rtotal"] * change
        total += (free <= self.needs) * (counts + real) - failing

    def _add_tags(self, total: Floats) -> None:
        state, to = self.state, self.to
        real = state_real(state, self.inst)
        own = state.exclusions[self.inst]
        if own.any():
            clashes = (state.tag_count[to] >= 1) @ own
            total += score.WEIGHT["pri_tags_score"] * clashes[:, None]
            if state.location_names and real:
                pairs = score.location_pairs(state, self.online)
                total += (score.WEIGHT["location_exclusion_score"]
                          * (state.locations[to] @ ((pairs >= 1) @ own)))[:, None]
        if state.common is not None and real:
            weight = score.WEIGHT["location_score"]
            total += weight * state.misses[self.inst, to][:, None]
            if self.two:
                total += weight * state.common[np.ix_(to, to)]

    # -- what fits ------------------------------------------------------------------------------

    def failures(self) -> NDArrayInt:
        """A failure code a place (OK where it fits); places that are none have -1."""
        state, to = self.state, self.to
        free = state.raw[states.MEM, to]
        pri = self._primary_failures()
        pri[~self.pri_allowed] = -1
        if not self.two:
            return pri[:, None]
        sec = _first(len(to), [
            *self._disk_checks(), *self._soft([(MEM, self.record.mem >= free)])])
        result = np.where(pri[:, None] != OK, pri[:, None], sec)
        if not self.soft:
            broken = (free <= self._needs()) & ~state.fail_n1[to]
            result = np.where((result == OK) & broken, MEM, result)
        result[:, ~self.sec_allowed] = -1
        result[~self.pri_allowed] = -1
        np.fill_diagonal(result, -1)
        return np.asarray(result)

    def _primary_failures(self) -> NDArrayInt:
        """A failure code a node, for the role of the primary."""
        state, to = self.state, self.to
        free = state.raw[states.MEM, to]
        return _first(len(to), [
            (MEM, free + self.gain[states.MEM] <= 0), *self._disk_checks(),
            *self._soft([
                (N1_AS_MEM, (free + self.gain[states.MEM] <= state.r_mem[to])
                 & ~state.fail_n1[to]),
                (CPU, state.raw[states.CPU, to] + self.gain[states.CPU] > state.hi_cpu[to]),
                (TAGS, (state.tag_count[to] >= 1) @ state.exclusions[self.inst] > 0),
                (MEM, state.raw[states.MEM_F, to] + self.gain[states.MEM_F] <= 0),
                (CPU, state.raw[states.CPU_F, to] + self.gain[states.CPU_F] > state.hi_cpu[to]),
            ])])

    def primary_failure(self, node: int) -> str | None:
        """Why an online node can not be the primary, whoever is secondary."""
        code = int(self._primary_failures()[self.to == node][0])
        return None if code == OK else FAILURES[code - 1]

    def failures_by_node(self) -> list[tuple[int, str]] | None:
        """What is wrong with each node, if only one of the roles is to be given."""
        codes = self.failures()
        places = [(int(row), int(column)) for row, column in zip(*np.nonzero(codes > 0),
                                                                 strict=True)]
        rows, columns = ({place[axis] for place in places} for axis in (0, 1))
        if len(rows) > 1 and len(columns) > 1:
            return None
        chosen = 1 if len(rows) == 1 and self.two else 0
        return [(int(self.to[place[chosen]]), FAILURES[codes[place] - 1]) for place in places]

    def _soft(self, checks: list[tuple[int, Bools]]) -> list[tuple[int, Bools]]:
        return [] if self.soft else checks

    def _disk_checks(self) -> list[tuple[int, Bools]]:
        """Hard and soft limits of disk and spindles, the same for both roles."""
        state, to = self.state, self.to
        if not self.record.kind.local:
            return []
        free = state.raw[states.DSK, to] + self.gain[states.DSK_F]
        exclusive = state.exclusive[to]
        spindles = state.raw[states.SPN, to] + self.gain[states.SPN_F]
        unknown = self.record.disk_spindles is None
        later = state.raw[states.DSK_F, to] + self.gain[states.DSK_F]
        return [(DISK, free <= 0), (SPINDLES, exclusive & (unknown | (spindles < 0))),
                *self._soft([
                    (DISK, (free < state.lo_dsk[to]) | (later <= 0)),
                    (DISK, state.raw[states.INST_SPN, to] + self.gain[states.INST_SPN]
                     > state.hi_spn[to]),
                    (DISK, state.raw[states.INST_SPN_F, to] + self.gain[states.INST_SPN_F]
                     > state.hi_spn[to])])]

    def fits(self, policy: model.Policy) -> bool:
        """Whether there is any place, the redundancy of the whole group not asked."""
        return policy_failure(self.record, policy) == OK and bool((self.failures() == OK).any())

    # -- the best -------------------------------------------------------------------------------

    def best(self, *, capacity: bool = False, policy: model.Policy | None = None) -> Answer:
        """The place with the lowest score; with `capacity` the group must stay redundant."""
        answer = Answer()
        if not len(self.to):
            return answer
        codes = self.failures()
        if policy is not None and (code := policy_failure(self.record, policy)) != OK:
            codes[codes >= 0] = code
        check = redundancy.Redundancy(self.state, self.nodes) if capacity else None
        if check is not None and self.two:
            fine = check.pairs(-float(self.gain[states.MEM]))
            codes[(codes == OK) & ~fine] = N1
        values = self.scores()
        values[codes != OK] = np.inf
        dedicated = bool(self.state.exclusive[self.to].all()) and policy is not None
        order = self._order_dedicated(values, policy) if dedicated and policy else _order(values)
        for row, column in order:
            pri, sec = int(self.to[row]), int(self.to[column]) if self.two else NONE
            if check is not None and not (self.two and check.simple) and not check.after(
                    self.inst, pri, sec):
                codes[row, column] = N1
                continue
            answer.pri, answer.sec, answer.score = pri, sec, float(values[row, column])
            if dedicated and policy:
                answer.lost, answer.disk_left = self._lost(row, column, policy)
            break
        kinds, numbers = np.unique(codes, return_counts=True)
        for kind, number in zip(kinds.tolist(), numbers.tolist(), strict=True):
            if kind == OK:
                answer.successes = number
            elif kind > 0:
                answer.failures[FAILURES[kind - 1]] += number
        return answer

    def _fits(self, spec: model.Spec, node: int, taken: bool) -> int:
        """How many instances of a spec a node could take, before or after this one."""
        state, pos = self.state, self.to[node]
        gain = self.gain if taken else np.zeros_like(self.gain)
        memory = state.raw[states.MEM, pos] - state.r_mem[pos] + gain[states.MEM]
        spindles = state.raw[states.SPN, pos] + gain[states.SPN]
        disk = state.raw[states.DSK, pos] + gain[states.DSK]
        return int(max(0, min(memory // spec.memory, disk // max(1, spec.disk),
                              spindles // max(1, spec.spindle_use))))

    def _lost(self, row: int, column: int, policy: model.Policy) -> tuple[tuple[int, ...], float]:
        """What a place costs on dedicated nodes: small instances that no longer fit, by spec."""
        specs = sorted((low for low, _high in policy.minmax), key=lambda spec: -spec.disk)
        nodes = [row, column] if self.two else [row]
        lost = tuple(sum(self._fits(spec, node, False) - self._fits(spec, node, True)
                         for node in nodes) for spec in specs)
        left = sum(self.state.raw[states.DSK, self.to[node]] + self.gain[states.DSK]
                   for node in nodes)
        return lost, float(left)

    def _order_dedicated(self, values: Floats, policy: model.Policy) -> list[tuple[int, int]]:
        places = list(zip(*np.nonzero(np.isfinite(values)), strict=True))
        return sorted(((int(row), int(column)) for row, column in places),
                      key=lambda place: self._lost(place[0], place[1], policy))


NDArrayInt = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
#: Failing N+1 is told as a lack of memory.
N1_AS_MEM = MEM


def _deviation(values: Floats, changes: list[tuple[Ints, Floats, Floats]]) -> Floats:
    """The standard deviation of values (their mean is 0) after changes: where, how much, and what
    becomes of its square.
    """
    count, squares = len(values), float(values @ values)
    total = sum(change for _where, change, _square in changes)
    sums = np.asarray(squares + sum(square for _where, _change, square in changes)
                      - total * total / count)
    spread.mend(sums, values, squares, [(where, change) for where, change, _square in changes])
    return np.asarray(np.sqrt(np.maximum(sums, 0.0) / count))


def _first(count: int, checks: list[tuple[int, Bools]]) -> NDArrayInt:
    """The code of the first check that is true, a node."""
    result = np.zeros(count, dtype=np.int64)
    for code, failed in checks:
        result[(result == OK) & failed] = code
    return result


def _order(values: Floats) -> Iterator[tuple[int, int]]:
    """Places from the lowest score on; equal ones in order."""
    flat = values.ravel()
    best = flat.min(initial=np.inf)
    if not np.isfinite(best):
        return
    first = int((flat <= best + 1e-12).argmax())
    yield divmod(first, values.shape[1])
    for place in np.argsort(np.round(flat, 11), kind="stable"):
        if not np.isfinite(flat[place]):
            return
        if place != first:
            row, column = divmod(int(place), values.shape[1])
            yield row, column


def state_real(state: State, inst: int) -> int:
    """1, or 0 for a forthcoming instance."""
    return int(state.real[inst])
