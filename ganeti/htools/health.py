"""Is a cluster healthy: what is wrong now, and what would be left after balancing."""

from __future__ import annotations

import dataclasses

import numpy as np

from ganeti.htools import balance, model, redundancy, rounds, score
from ganeti.htools.state import Ints, State


@dataclasses.dataclass(frozen=True)
class Counts:
    """What is wrong in a group, or summed up in a cluster."""

    n1_fail: int = 0
    conflict_tags: int = 0
    offline_pri: int = 0
    offline_sec: int = 0
    gn1_fail: int | None = None
    score: float | None = None

    @property
    def healthy(self) -> bool:
        return not (self.n1_fail or self.conflict_tags or self.offline_pri or self.offline_sec
                    or self.gn1_fail)


def judge(state: State, nodes: Ints, *, capacity: bool) -> Counts:
    """Count the troubles of a group."""
    offline = nodes[state.offline[nodes]]
    online = nodes[~state.offline[nodes]]
    clashes = (np.maximum(state.tag_count[online] - 1, 0).sum(axis=1) > 0)
    return Counts(
        n1_fail=int(state.fail_n1[online].sum()), conflict_tags=int(clashes.sum()),
        offline_pri=int((np.isin(state.pri, offline) & (state.real > 0)).sum()),
        # the catalogue: as in the original this is the number of offline nodes
        offline_sec=len(offline),
        gn1_fail=len(redundancy.failing(state, nodes)) if capacity else None,
        score=score.score(state, nodes))


def total(groups: list[Counts]) -> Counts:
    """The troubles of all groups together; there is no score of a cluster here."""
    return Counts(
        sum(group.n1_fail for group in groups), sum(group.conflict_tags for group in groups),
        sum(group.offline_pri for group in groups), sum(group.offline_sec for group in groups),
        None if any(group.gn1_fail is None for group in groups)
        else sum(group.gn1_fail or 0 for group in groups))


def rebalanced(state: State, groups: list[model.Group], rules: rounds.Rules,
               goal: balance.Goal) -> State:
    """A copy with every group balanced."""
    result = state.copy()
    for group in groups:
        balance.balance(result, result.nodes_of_group(group), rules, goal)
    return result
