"""How many more fit: placing copies of an instance until no more go, fixed or ever smaller."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np

from ganeti import constants
from ganeti.htools import alloc, model, redundancy
from ganeti.htools import state as states
from ganeti.htools.state import NONE, State

#: Step by which the tiered run makes the instance smaller.
STEPS = {"FailMem": ("memory", 64), "FailDisk": ("disk", 256), "FailCPU": ("cpu", 1),
         "FailSpindles": ("spindle_use", 1), "FailN1": ("memory", 64)}
_ORDER = {constants.ALLOC_POLICY_PREFERRED: 0, constants.ALLOC_POLICY_LAST_RESORT: 1}


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is placed, and under which conditions."""

    template: str
    max_length: int = -1
    capacity_checks: bool = True
    independent_groups: bool = False
    accept_existing: bool = False
    spindle_use: int | None = None


@dataclasses.dataclass
class Result:
    """The state after a run, what was placed, why it ended."""

    state: State
    placed: list[int]
    failures: Counter[str]
    specs: list[tuple[model.Spec, int]] = dataclasses.field(default_factory=list)
    reason: str = ""

    def finish(self) -> Result:
        """Name the most frequent reason."""
        if not self.reason:
            self.reason = (self.failures.most_common(1)[0][0] if self.failures
                           else alloc.FAILURES[0])
        return self


class Filling:
    """One run over a copy of a state."""

    def __init__(self, state: State, wanted: Wanted):
        self.state, self.wanted = state.copy(), wanted
        self.result = Result(self.state, [], Counter())
        self.groups = self._open_groups()

    def _open_groups(self) -> list[model.Group]:
        """Groups that may be filled; none if what is there forbids it."""
        state, wanted = self.state, self.wanted
        groups = [group for group in state.cluster.groups if group.allocable]
        bad = set(np.flatnonzero((state.raw[states.MEM] <= state.r_mem)
                                 & ~state.offline).tolist())
        closed = [group for group in state.cluster.groups
                  if bad & set(state.nodes_of_group(group).tolist())]
        still_open = [group for group in groups if group not in closed]
        if wanted.independent_groups:
            still_open = [group for group in still_open if not redundancy.failing(
                state, state.nodes_of_group(group))]
        if bad and not wanted.accept_existing and not (
                wanted.independent_groups and still_open):
            self.result.reason = "FailN1"
            return []
        return groups if wanted.accept_existing else still_open

    @property
    def _left(self) -> bool:
        limit = self.wanted.max_length
        return limit < 0 or len(self.result.placed) < limit

    def place(self, spec: model.Spec) -> bool:
        """Place one copy; False, with the reasons counted, if there is no place."""
        state = self.state
        inst = state.add(self._record(spec), NONE)
        found: list[tuple[int, float, int, alloc.Answer]] = []
        failures: Counter[str] = Counter()
        for group in self.groups:
            nodes = state.nodes_of_group(group)
            places = alloc.Places(state, nodes, inst)
            answer = places.best(capacity=self.wanted.capacity_checks and not places.two,
                                 policy=group.policy)
            failures += answer.failures
            if answer.found:
                found.append((_ORDER[group.alloc_policy], answer.score, len(found), answer))
        self.result.failures = failures
        if not found:
            state.drop_last()
            return False
        answer = min(found, key=lambda item: item[:3])[3]
        state.put(inst, answer.pri, answer.sec)
        self.result.placed.append(inst)
        return True

    def _record(self, spec: model.Spec) -> model.Instance:
        name = f"new-{len(self.result.placed)}"
        sizes = (spec.disk,) * spec.disk_count
        # as the original: the spec's spindles count where they are dedicated, else each takes one
        use = self.wanted.spindle_use or (
            spec.spindle_use if self.state.exclusive.any() else 1)
        return model.Instance(
            name, spec.memory, sum(sizes), spec.cpu, constants.INSTST_RUNNING, True, "", "",
            self.wanted.template, (), use, (spec.spindle_use,) * spec.disk_count,
            sizes, alias=name)

    def standard(self, spec: model.Spec) -> Result:
        """Copies of one spec."""
        while self.groups and self._left and self.place(spec):
            pass
        if self.result.placed:
            self.result.specs = [(spec, len(self.result.placed))]
        return self.result.finish()

    def tiered(self, specs: Sequence[model.Spec]) -> Result:
        """Copies that get smaller when no more fit, from each of the specs."""
        for start in specs:
            spec: model.Spec | None = start
            while spec is not None and self.groups and self._left:
                before = len(self.result.placed)
                while self._left and self.place(spec):
                    pass
                if number := len(self.result.placed) - before:
                    self.result.specs.append((spec, number))
                if self._left:
                    spec = self._smaller(spec)
        return self.result.finish()

    def _smaller(self, spec: model.Spec) -> model.Spec | None:
        """The next spec that fits, or None when nothing can become smaller any more.

        What fails most shrinks step by step, until shrinking one dimension alone is enough.
        """
        while kinds := self._kinds():
            for kind in kinds:
                jumped = self._jump(spec, kind)
                if jumped is not None:
                    return jumped
            smaller = next((found for kind in kinds
                            if (found := self._until_others_can(spec, kind)) is not None), None)
            if smaller is None or self._would_fit(smaller):
                return smaller
            spec = smaller
            self.place(spec)
        return None

    def _kinds(self) -> list[str]:
        """What failed and can be shrunk, the most frequent first."""
        failures = self.result.failures
        return sorted((kind for kind in STEPS if failures[kind]),
                      key=lambda kind: -failures[kind])

    def _until_others_can(self, spec: model.Spec, kind: str) -> model.Spec | None:
        """The fewest steps in one dimension after which shrinking the others can be enough."""
        field = STEPS[kind][0]
        least = {other: self._least(spec, other, step) for other, step in STEPS.values()
                 if other != field}
        steps = self._fewest(dataclasses.replace(spec, **least), kind)
        if not steps:
            return None
        return dataclasses.replace(spec, **{field: getattr(spec, field) - steps * STEPS[kind][1]})

    def _least(self, spec: model.Spec, field: str, step: int) -> int:
        """The smallest value that a dimension may get, in whole steps from the present one."""
        value = int(getattr(spec, field))
        floor = max(step, min((getattr(low, field) for group in self.groups
                               for low, _high in group.policy.minmax), default=step))
        return value - max(0, (value - floor) // step) * step

    def _fewest(self, spec: model.Spec, kind: str) -> int | None:
        """How often one dimension must shrink until the spec fits; None if that is never."""
        field, step = STEPS[kind]
        value = int(getattr(spec, field))
        low, high = 0, (value - self._least(spec, field, step)) // step

        def fits(steps: int) -> bool:
            return self._would_fit(dataclasses.replace(spec, **{field: value - steps * step}))

        if not fits(high):
            return None
        # what fits also fits when it is smaller: halve
        while low < high:
            middle = (low + high) // 2
            if fits(middle):
                high = middle
            else:
                low = middle + 1
        return high

    def _would_fit(self, spec: model.Spec) -> bool:
        if not self._might_fit(spec):
            return False
        if model.template(self.wanted.template).nodes > 1 or not self.wanted.capacity_checks:
            return True
        touched, kept = self.state.fail_n1.copy(), self.result.failures
        fits = self.place(spec)
        self.result.failures = kept
        if fits:
            self.state.take(self.result.placed.pop())
            self.state.drop_last()
            self.state.fail_n1 = touched
        return fits

    def _might_fit(self, spec: model.Spec) -> bool:
        """Whether a place exists for itself: what no place can have needs no further question."""
        state = self.state
        inst = state.add(self._record(spec), NONE)
        result = any(alloc.Places(state, state.nodes_of_group(group), inst).fits(group.policy)
                     for group in self.groups)
        state.drop_last()
        return result

    def _jump(self, spec: model.Spec, kind: str) -> model.Spec | None:
        """The largest value of one dimension, the others kept, that fits."""
        field, step = STEPS[kind]
        steps = self._fewest(spec, kind)
        if not steps:
            return None
        return dataclasses.replace(spec, **{field: getattr(spec, field) - steps * step})
