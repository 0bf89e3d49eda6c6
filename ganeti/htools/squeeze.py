"""How few nodes suffice: which to put on standby, or to bring back.

Only the instances that any node can run (their disks lie elsewhere) let a node be emptied, and a
node that they have to themselves. Room is counted in standard instances: one that is some factor
as big must fit on every online node.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ganeti import constants
from ganeti.htools import alloc, balance, model, tags
from ganeti.htools.balance import Goal, Step
from ganeti.htools.model import MIRROR_EXTERNAL
from ganeti.htools.rounds import Rules
from ganeti.htools.state import NONE, Bools, State

ONLINE, OFFLINE, NOTHING = "online", "offline", "none"
#: Emptying a node is worth any move.
_GOAL = Goal(min_gain=0.0, min_gain_limit=0.0)


@dataclasses.dataclass
class Plan:
    """What to do with which nodes, the moves for it, and the state after all that."""

    action: str
    nodes: list[int]
    steps: list[Step]
    state: State
    #: whether there is too little room even so
    short: bool = False


def removable(state: State) -> list[int]:
    """Nodes that could be emptied, the fullest first."""
    shared = np.array([inst.kind.mirror == MIRROR_EXTERNAL for inst in state.instances],
                      dtype=bool)
    count = state.node_count
    held = np.bincount(state.pri[~shared], minlength=count)
    held += np.bincount(state.sec[state.sec != NONE], minlength=count)
    found = [pos for pos, node in enumerate(state.cluster.nodes)
             if not (state.offline[pos] or node.master or held[pos])]
    return sorted(found, key=lambda pos: -int(state.pri_count[pos]))


def standby(state: State) -> list[int]:
    """Nodes that wait to be needed."""
    return [pos for pos, node in enumerate(state.cluster.nodes) if state.offline[pos]
            and any(tag.startswith(tags.STANDBY) for tag in node.tags)]


def plan(state: State, minimal: float, target: float) -> Plan:
    """Bring nodes back if there is too little room, else put as many as possible on standby."""
    if not has_room(state, minimal):
        return _expand(state, minimal)
    return _squeeze(state, target)


def _expand(state: State, minimal: float) -> Plan:
    nodes = standby(state)
    # perhaps it is enough to balance what is there
    for number in range(len(nodes) + 1):
        result = _rebalanced(state, ONLINE, nodes[:number])
        result.short = not has_room(result.state, minimal)
        if not result.short:
            break
    return result


def _squeeze(state: State, target: float) -> Plan:
    result = Plan(NOTHING, [], [], state)
    for node in reversed(removable(state)):
        if _is_last(result.state, node):
            continue
        trial = _rebalanced(state, OFFLINE, [node, *result.nodes])
        if not trial.state.offline[trial.state.pri].any() and has_room(trial.state, target):
            result = trial
    return result


def _is_last(state: State, node: int) -> bool:
    """Whether it is the only node of its group that is online."""
    return int((~state.offline & (state.group_of == state.group_of[node])).sum()) == 1


def _rebalanced(state: State, action: str, nodes: Sequence[int]) -> Plan:
    """Every group balanced, once these nodes are on or off."""
    offline: Bools = state.offline.copy()
    offline[list(nodes)] = action == OFFLINE
    after = state.with_offline(offline)
    steps = [step for group in state.cluster.groups
             for step in balance.balance(after, after.nodes_of_group(group), Rules(), _GOAL)]
    return Plan(action, list(nodes), steps, after)


def has_room(state: State, factor: float) -> bool:
    """Whether an instance of so many times the standard size fits on each online node."""
    spec = state.cluster.policy.std
    record = model.Instance(
        "room", int(spec.memory * factor), int(spec.disk * factor), int(spec.cpu * factor),
        constants.INSTST_RUNNING, True, "", "", constants.DT_EXT,
        spindle_use=int(spec.spindle_use * factor))
    trial = state.copy()
    inst = trial.add(record, NONE)
    places = alloc.Places(trial, np.arange(trial.node_count), inst)
    return bool((places.failures() == alloc.OK).all())
