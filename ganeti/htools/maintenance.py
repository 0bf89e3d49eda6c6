"""In which waves nodes can be rebooted, and which instances must step aside meanwhile.

Nodes of one wave must not need each other: no two are primary and secondary of an instance, and
(unless instances are shut down) no two have instances that would fail over to the same node. That
is a colouring of a graph.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ganeti import errors
from ganeti.htools import alloc
from ganeti.htools.model import MIRROR_EXTERNAL, MIRROR_INTERNAL, MIRROR_NONE
from ganeti.htools.state import NONE, Ints, State

Graph = dict[int, list[int]]
Colours = dict[int, int]


class NoRoomError(errors.GenericError):
    """The instances of a node fit nowhere else."""


class StepAside(NamedTuple):
    """An instance and the nodes that it is on while its wave lasts."""

    inst: int
    pri: int
    sec: int


@dataclasses.dataclass
class Wave:
    """Nodes to reboot together, and the moves that must come first."""

    nodes: list[int]
    moves: list[StepAside]


def graph(state: State, vertices: Iterable[int], *, offline_maintenance: bool) -> Graph:
    """Which of the nodes exclude each other: a neighbour for each instance that they share, and
    one for each other node (or the node itself) whose primaries have the same secondary.
    """
    edges: Graph = {node: [] for node in vertices}
    sharing: dict[int, set[int]] = {}
    for pri, sec in zip(state.pri.tolist(), state.sec.tolist(), strict=True):
        if sec == NONE or pri not in edges or sec not in edges:
            continue
        edges[pri].append(sec)
        edges[sec].append(pri)
    if offline_maintenance:
        return edges
    for pri, sec in zip(state.pri.tolist(), state.sec.tolist(), strict=True):
        if sec != NONE and pri in edges:
            sharing.setdefault(sec, set()).add(pri)
    more: dict[int, set[int]] = {node: set() for node in edges}
    for primaries in sharing.values():
        for node in primaries:
            more[node] |= primaries - set(edges[node])
    return {node: [*near, *sorted(more[node])] for node, near in edges.items()}


def _colour(edges: Graph, key: Callable[[int, Colours], tuple[int, ...]]) -> Colours:
    """Greedy: the node with the greatest key next (of equal ones the last), with the smallest
    free colour.
    """
    colours: Colours = {}
    left = list(edges)
    while left:
        node = max(left, key=lambda one: (*key(one, colours), one))
        left.remove(node)
        taken = {colours[other] for other in edges[node] if other in colours}
        colours[node] = next(colour for colour in range(len(edges)) if colour not in taken)
    return colours


def colourings(edges: Graph) -> list[tuple[str, list[list[int]]]]:
    """The three heuristics with their groups."""
    def degree(node: int, _colours: Colours) -> tuple[int, ...]:
        return (len(edges[node]),)

    def saturation(node: int, colours: Colours) -> tuple[int, ...]:
        near = {colours[other] for other in edges[node] if other in colours}
        return (len(near), len(edges[node]))

    def coloured(node: int, colours: Colours) -> tuple[int, ...]:
        return (sum(other in colours for other in edges[node]), len(edges[node]))

    return [(name, groups_of(_colour(edges, key))) for name, key in (
        ("LF", degree), ("Dsatur", saturation), ("Dcolor", coloured))]


def groups_of(colours: Colours) -> list[list[int]]:
    """Nodes by colour."""
    result: dict[int, list[int]] = {}
    for node in sorted(colours):
        result.setdefault(colours[node], []).append(node)
    return [result[colour] for colour in sorted(result)]


def best(found: Sequence[tuple[str, list[list[int]]]]) -> list[list[int]]:
    """The first with the fewest colours."""
    return min((groups for _name, groups in found), key=len)


@dataclasses.dataclass(frozen=True)
class Care:
    """What must find another place before a node goes down."""

    non_redundant: bool = True
    everything: bool = False


def waves(state: State, group: Sequence[int], care: Care) -> list[Wave]:
    """Split a group of nodes so that what must step aside fits on the nodes that stay."""
    result: list[Wave] = []
    left = list(group)
    while left:
        wave, left = _fill(state, left, care)
        result.append(wave)
    return result


def _fill(state: State, nodes: Sequence[int], care: Care) -> tuple[Wave, list[int]]:
    """As many of the nodes as can go together; the others."""
    wave, left, now = Wave([], []), [], state
    for node in nodes:
        trial = now.copy()
        try:
            moves = _clear(trial, node, {*wave.nodes, node}, care)
        except NoRoomError:
            left.append(node)
            continue
        # instances that stepped onto this node in the same wave would have to move twice
        wave.nodes.append(node)
        wave.moves += moves
        now = trial
    if not wave.nodes:
        raise NoRoomError("No other node has room for the instances of "
                          + state.cluster.nodes[nodes[0]].name)
    return wave, left


def _clear(state: State, node: int, closed: set[int], care: Care) -> list[StepAside]:
    moves = []
    for inst in np.flatnonzero((state.pri == node) | (state.sec == node)).tolist():
        pri, sec = int(state.pri[inst]), int(state.sec[inst])
        if not _must_go(state, inst, care):
            continue
        nodes = state.nodes_of_group(state.cluster.groups[int(state.group_of[node])])
        free = frozenset(nodes.tolist()) - closed
        if sec == NONE:
            where = alloc.Where(free)
        else:
            keeps = sec if pri == node else pri
            # a kept node that is offline, or goes down too, keeps nothing
            able = keeps in free and not state.offline[keeps]
            where = alloc.Where(frozenset([keeps]), free) if able else alloc.Where(free, free)
        state.take(inst)
        answer = alloc.Places(state, nodes, inst, soft=False, where=where).best()
        if not answer.found:
            raise NoRoomError
        state.put(inst, answer.pri, answer.sec)
        moves.append(StepAside(inst, answer.pri, answer.sec))
    return moves


def _must_go(state: State, inst: int, care: Care) -> bool:
    mirror = state.instances[inst].kind.mirror
    if mirror == MIRROR_NONE:
        return care.non_redundant
    return care.everything and mirror in (MIRROR_INTERNAL, MIRROR_EXTERNAL)


def has_non_redundant(state: State, node: int) -> bool:
    """Whether instances exist on this node only."""
    return any(state.instances[pos].kind.mirror == MIRROR_NONE
               for pos in np.flatnonzero(state.pri == node))


def vertices(state: State, nodes: Ints, tags: Sequence[str] | None) -> list[int]:
    """Online nodes, with one of the tags if there are any."""
    return [node for node in nodes.tolist() if not state.offline[node] and (
        tags is None or set(tags) & set(state.cluster.nodes[node].tags))]
