"""The metric: how badly the nodes are balanced, component by component (lower is better).

Which nodes it is taken over is the caller's choice: a group, or the whole cluster.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ganeti.htools import state as states
from ganeti.htools.state import Floats, Ints, State


class Component(NamedTuple):
    """Weight, and of which rows the spread over the online nodes is taken (if it is a spread)."""

    name: str
    weight: float
    rows: tuple[int, ...] = ()


COMPONENTS = (
    Component("free_mem_cv", 0.5, (states.MEM,)),
    Component("free_disk_cv", 0.5, (states.DSK, states.SPN)),
    Component("n1_cnt", 1.0),
    Component("reserved_mem_cv", 1.0),
    Component("offline_all_cnt", 4.0),
    Component("offline_pri_cnt", 16.0),
    Component("vcpu_ratio_cv", 0.5, (states.CPU,)),
    Component("cpu_load_cv", 1.0, (states.LOAD_CPU,)),
    Component("mem_load_cv", 1.0, (states.LOAD_MEM,)),
    Component("disk_load_cv", 1.0, (states.LOAD_DSK,)),
    Component("net_load_cv", 1.0, (states.LOAD_NET,)),
    Component("pri_tags_score", 2.0),
    Component("spindles_cv", 0.5, (states.INST_SPN,)),
    Component("free_mem_cv_forth", 0.5, (states.MEM_F,)),
    Component("free_disk_cv_forth", 0.5, (states.DSK_F, states.SPN_F)),
    Component("vcpu_ratio_cv_forth", 0.5, (states.CPU_F,)),
    Component("spindles_cv_forth", 0.5, (states.INST_SPN_F,)),
    Component("location_score", 1.0),
    Component("location_exclusion_score", 1.0),
    Component("reserved_mem_rtotal", 0.25),
)
WEIGHT = {component.name: component.weight for component in COMPONENTS}


def components(state: State, nodes: Ints | None = None) -> dict[str, float]:
    """Value of each component over some nodes (all when none are given)."""
    chosen = np.arange(state.node_count) if nodes is None else nodes
    online, offline = chosen[~state.offline[chosen]], chosen[state.offline[chosen]]
    values = state.raw[:, online] * state.scale[:, online] + state.base[:, online]
    counts = state.pri_count + state.sec_count
    reserved = reserved_share(state)[online]
    special = {
        "n1_cnt": counts[online][state.fail_n1[online]].sum(),
        "reserved_mem_cv": _spread(reserved),
        "offline_all_cnt": counts[offline].sum(),
        "offline_pri_cnt": state.pri_count[offline].sum(),
        "pri_tags_score": np.maximum(state.tag_count[online] - 1, 0).sum(),
        "location_score": state.location_score[online].sum(),
        "location_exclusion_score": _location_exclusion(state, online),
        "reserved_mem_rtotal": reserved.sum(),
    }
    return {component.name: float(_spread(values[list(component.rows)].sum(axis=0))
                                  if component.rows else special[component.name])
            for component in COMPONENTS}


def total(values: dict[str, float]) -> float:
    """The score from its components."""
    return sum(component.weight * values[component.name] for component in COMPONENTS)


def score(state: State, nodes: Ints | None = None) -> float:
    """The score of some nodes, or of all."""
    return total(components(state, nodes))


def optimal(state: State, nodes: Ints | None = None) -> float:
    """The score that no placement of these instances can go below."""
    chosen = np.arange(state.node_count) if nodes is None else nodes
    online = chosen[~state.offline[chosen]]
    memory = state.t_mem[online]
    if len(online) < 2 or memory.sum() <= memory.max():
        return 0.0
    need = state.peers[online].sum()
    return float(WEIGHT["reserved_mem_rtotal"]
                 * (need / (memory.sum() - memory.max()) - need / memory.sum()))


def reserved_share(state: State) -> Floats:
    """Part of each node's memory that is kept for fail-overs."""
    return np.asarray(state.r_mem * state.scale[states.MEM])


def location_pairs(state: State, nodes: Ints) -> Floats:
    """Primaries a pair of (location tag of the node, exclusion tag of the instance)."""
    return np.asarray(state.locations[nodes].T @ state.real_tag_count[nodes])


def _location_exclusion(state: State, nodes: Ints) -> float:
    if not state.location_names or not state.exclusion_names:
        return 0.0
    return float(np.maximum(location_pairs(state, nodes) - 1, 0).sum())


def _spread(values: Floats) -> float:
    return float(values.std()) if len(values) else 0.0
