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
        reason = self._unreachable(record, places, pri, sec)
        if reason is None and self._swaps(record) and state.offline[pri]:
            # an offline node can not be chosen, but it stays what the instance has
            return alloc.Answer(sec, pri)
        answer = places.best() if reason is None else alloc.Answer()
        if not answer.found:
            state.put(inst, pri, sec)
            state.fail_n1[pri] = kept
            raise StuckError(reason or self._explain(answer, places))
        return answer

    def _swaps(self, record: model.Instance) -> bool:
        return self.mode == PRIMARY and record.kind.mirror == MIRROR_INTERNAL

    def _unreachable(self, record: model.Instance, places: alloc.Places, pri: int, sec: int
                     ) -> str | None:
        """Why the copies of a mirrored instance can not be used as the mode would."""
        if record.kind.mirror != MIRROR_INTERNAL:
            return None
        offline, nodes = self.state.offline, self.state.cluster.nodes
        if self.mode == SECONDARY:
            return (f"Its primary node {nodes[pri].name} is offline, there is nothing to copy from"
                    if offline[pri] else None)
        if not offline[pri] and self.mode != PRIMARY:
            return None
        if offline[sec]:
            return f"Its secondary node {nodes[sec].name} is offline"
        # from an offline primary the instance must start on its secondary, at least for a while
        failure = places.primary_failure(sec) if offline[pri] else None
        return None if failure is None else (
            f"Failing over to the secondary node {nodes[sec].name}: {failure}")

    def _explain(self, answer: alloc.Answer, places: alloc.Places) -> str:
        """Why nothing was found: node by node where one is chosen, else by numbers."""
        if not answer.failures:
            return "There is no online node left that it could go to"
        by_node = places.failures_by_node()
        details = answer.failure_text() if by_node is None else "; ".join(
            f"{self.state.cluster.nodes[node].name}: {failure}" for node, failure in by_node)
        return f"Can't find any good nodes for relocation: {details}"

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
        first = [commands.migrate(record)] if self.state.offline[old[0]] else []
        return [*first, commands.replace(record, nodes[new[0]].name), commands.migrate(record),
                commands.replace(record, nodes[new[1]].name)]
