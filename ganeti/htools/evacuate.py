"""Taking instances off nodes, or to other groups, one after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ganeti import constants, errors
from ganeti.htools import alloc, commands, model
from ganeti.htools.model import MIRROR_INTERNAL, MIRROR_NONE
from ganeti.htools.state import NONE, State

PRIMARY, SECONDARY, ALL = "primary-only", "secondary-only", "all"
Job = list[dict[str, Any]]
_POLICY_ORDER = (constants.ALLOC_POLICY_PREFERRED, constants.ALLOC_POLICY_LAST_RESORT)


class StuckError(errors.GenericError):
    """An instance can not leave; the text says why."""


@dataclasses.dataclass
class Evacuation:
    """Moves instances of a state in place, as the mode says."""

    state: State
    mode: str
    ignore_soft: bool = False

    def move_to_best(self, inst: int, groups: Sequence[model.Group], leaving: Sequence[int]
                     ) -> tuple[model.Group, Job]:
        """Move to the best of some groups; the group and the job."""
        if not groups:
            raise StuckError("There is no other group that it may go to")
        found, reasons = [], []
        for group in groups:
            trial = dataclasses.replace(self, state=self.state.copy())
            try:
                answer = trial.choose(inst, group, leaving)
            except StuckError as err:
                reasons.append(str(err))
            else:
                found.append((_POLICY_ORDER.index(group.alloc_policy)
                              if group.allocable else 2, answer.score, group))
        if not found:
            raise StuckError("; ".join(reasons))
        group = min(found, key=lambda item: item[:2])[2]
        return group, self.move(inst, group, leaving)

    def move(self, inst: int, group: model.Group, leaving: Sequence[int]) -> Job:
        """Move inside one group; the job that does it."""
        old = int(self.state.pri[inst]), int(self.state.sec[inst])
        new = self.choose(inst, group, leaving)
        self.state.put(inst, new.pri, new.sec)
        return self._job(inst, old, (new.pri, new.sec))

    def choose(self, inst: int, group: model.Group, leaving: Sequence[int]) -> alloc.Answer:
        """Find the place, the instance then being off its nodes (as before if it is stuck)."""
        state, record = self.state, self.state.instances[inst]
        pri, sec = int(state.pri[inst]), int(state.sec[inst])
        self._check(record)
        soft = self.ignore_soft or bool(state.offline[pri]) or (
            sec != NONE and bool(state.offline[sec]))
        nodes = state.nodes_of_group(group)
        kept = state.fail_n1[pri]
        state.take(inst)
        if self.mode == SECONDARY:
            state.fail_n1[pri] = kept
        free = frozenset(nodes.tolist()) - set(leaving) - {pri, sec}
        places = alloc.Places(state, nodes, inst, soft=soft,
                              where=self._where(record, pri, sec, free))
        answer = places.best()
        if not answer.found:
            state.put(inst, pri, sec)
            raise StuckError(answer.failure_text() and "Can't find any good nodes for relocation: "
                             + answer.failure_text()
                             or "There is no online node left that it could go to")
        return answer

    def _where(self, record: model.Instance, pri: int, sec: int, free: frozenset[int]
               ) -> alloc.Where:
        if record.kind.mirror != MIRROR_INTERNAL:
            return alloc.Where(free)
        if self.mode == PRIMARY:
            return alloc.Where(frozenset([sec]), frozenset([pri]))
        if self.mode == SECONDARY:
            return alloc.Where(frozenset([pri]), free)
        return alloc.Where(free, free)

    def _check(self, record: model.Instance) -> None:
        if record.kind.mirror == MIRROR_NONE:
            raise StuckError(f"Instances of template {record.template} can not be moved")
        if self.mode == SECONDARY and record.kind.mirror != MIRROR_INTERNAL:
            raise StuckError(f"Instances of template {record.template} have no secondary node")

    def _job(self, inst: int, old: tuple[int, int], new: tuple[int, int]) -> Job:
        record, nodes = self.state.instances[inst], self.state.cluster.nodes
        if new[1] == NONE:
            return [commands.migrate(record, nodes[new[0]].name)]
        if self.mode == PRIMARY:
            return [commands.migrate(record)]
        if self.mode == SECONDARY:
            return [commands.replace(record, nodes[new[1]].name)]
        return [commands.replace(record, nodes[new[0]].name), commands.migrate(record),
                commands.replace(record, nodes[new[1]].name)]
