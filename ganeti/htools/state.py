"""The cluster in arrays, and putting instances on nodes and taking them off.

Every quantity of a node that the metric or a check looks at is a row of `raw` (one column a
node). An instance changes a row by the same amount wherever it goes (`gain_pri`, `gain_sec`), so a
placement is an addition of columns and a whole round of moves is an outer product (`moves`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganeti.htools import model, tags

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: Rows of `raw`: what is unallocated or used. Those with F count forthcoming instances too.
(MEM, DSK, SPN, CPU, LOAD_CPU, LOAD_MEM, LOAD_DSK, LOAD_NET, INST_SPN,
 MEM_F, DSK_F, SPN_F, CPU_F, INST_SPN_F) = range(14)
ROWS = 14
NONE = -1


@dataclasses.dataclass
class Gains:
    """What one instance does to the rows of the node that has it as primary or secondary."""

    primary: Floats
    secondary: Floats


def gains(inst: model.Instance) -> Gains:
    """The two columns of an instance."""
    pri, sec = np.zeros(ROWS), np.zeros(ROWS)
    local = inst.kind.local
    if not inst.forthcoming:
        pri[MEM] = -inst.mem if inst.running else 0
        pri[CPU] = 0 if inst.offline else inst.vcpus
        pri[LOAD_CPU], pri[LOAD_MEM], pri[LOAD_DSK], pri[LOAD_NET] = inst.load
        sec[LOAD_DSK] = inst.load[2]
        pri[SPN] = sec[SPN] = -inst.spindles
        if local:
            pri[DSK] = sec[DSK] = -inst.dsk
            pri[INST_SPN] = sec[INST_SPN] = inst.spindle_use
    pri[MEM_F] = -inst.mem
    pri[CPU_F] = 0 if inst.offline else inst.vcpus
    pri[SPN_F] = sec[SPN_F] = -inst.spindles
    if local:
        pri[DSK_F] = sec[DSK_F] = -inst.dsk
        pri[INST_SPN_F] = sec[INST_SPN_F] = inst.spindle_use
    return Gains(pri, sec)


def reserve(inst: model.Instance) -> float:
    """Memory that the secondary must keep for the fail-over of this instance."""
    return float(inst.mem) if (inst.auto_balance and not inst.offline
                               and not inst.forthcoming) else 0.0


class State:
    """Nodes as columns, instances as rows; `pri` and `sec` say which instance is where."""

    def __init__(self, cluster: model.Cluster, meaning: tags.Meaning, *,
                 max_cpu: float | None = None, min_disk: float = 0.0):
        self.cluster, self.meaning = cluster, meaning
        cluster.reindex()
        self.instances: list[model.Instance] = list(cluster.instances)
        self._load_nodes(max_cpu, min_disk)
        self._load_instances()
        self._load_tags()
        self._sum_up()

    @property
    def node_count(self) -> int:
        return len(self.cluster.nodes)

    def _load_nodes(self, max_cpu: float | None, min_disk: float) -> None:
        nodes = self.cluster.nodes
        policies = {group.uuid: group.policy for group in self.cluster.groups}

        def column(values: Any) -> Floats:
            return np.array(list(values), dtype=np.float64)

        self.offline: Bools = np.array([node.offline for node in nodes], dtype=bool)
        self.exclusive: Bools = np.array([node.exclusive for node in nodes], dtype=bool)
        self.t_mem = column(node.t_mem for node in nodes)
        self.n_mem = column(node.n_mem for node in nodes)
        self.f_mem = column(node.f_mem for node in nodes)
        self.t_dsk = column(node.t_dsk for node in nodes)
        self.t_cpu = column(node.t_cpu for node in nodes)
        self.spindles = column(node.spindles for node in nodes)
        self.lo_dsk = np.floor(min_disk * self.t_dsk)
        self.ratio = column(max_cpu if max_cpu is not None
                            else policies[node.group].vcpu_ratio if node.group in policies
                            else self.cluster.policy.vcpu_ratio for node in nodes)
        self.hi_cpu = np.floor(self.ratio * self.t_cpu)
        self.hi_spn = self.spindles * column(
            policies[node.group].spindle_ratio if node.group in policies
            else self.cluster.policy.spindle_ratio for node in nodes)
        groups = {group.uuid: pos for pos, group in enumerate(self.cluster.groups)}
        self.group_of: Ints = np.array([groups.get(node.group, NONE) for node in nodes],
                                       dtype=np.int64)
        self._load_scales(column(node.cpu_speed for node in nodes))

    def _load_scales(self, speed: Floats) -> None:
        """What a row is divided by to become the value of a component."""
        scale = np.zeros((ROWS, self.node_count))
        scale[[MEM, MEM_F]] = _inverse(self.t_mem)
        scale[[DSK, DSK_F]] = np.where(self.exclusive, 0.0, _inverse(self.t_dsk))
        scale[[SPN, SPN_F]] = np.where(self.exclusive, _inverse(self.spindles), 0.0)
        scale[[CPU, CPU_F]] = _inverse(self.t_cpu * speed)
        scale[LOAD_CPU:LOAD_NET + 1] = 1.0
        # where spindles are dedicated their use is no matter of ratios
        scale[[INST_SPN, INST_SPN_F]] = np.where(self.exclusive, 0.0, _inverse(self.hi_spn))
        self.hi_spn = np.where(self.exclusive, np.inf, self.hi_spn)
        self.scale: Floats = scale
        self.base = np.zeros((ROWS, self.node_count))
        self.base[[DSK, DSK_F]] = (~self.exclusive) & (self.t_dsk == 0)

    def _load_instances(self) -> None:
        index = self.cluster.node_index
        both = [gains(inst) for inst in self.instances]
        self.gain_pri: Floats = _stack([gain.primary for gain in both])
        self.gain_sec: Floats = _stack([gain.secondary for gain in both])
        self.reserve: Floats = np.array([reserve(inst) for inst in self.instances])
        self.real: Ints = np.array([not inst.forthcoming for inst in self.instances],
                                   dtype=np.int64)
        self.pri: Ints = np.array([index[inst.pnode] for inst in self.instances], dtype=np.int64)
        self.sec: Ints = np.array([index[inst.snode] if inst.snode else NONE
                                   for inst in self.instances], dtype=np.int64)

    def _load_tags(self) -> None:
        """Tags as columns of zeros and ones; empty when the cluster declares none."""
        nodes, meaning = self.cluster.nodes, self.meaning
        self.exclusions, self.exclusion_names = _incidence(
            [meaning.exclusion_tags(inst) for inst in self.instances])
        locations = [meaning.location_tags(node) for node in nodes]
        self.locations, self.location_names = _incidence(locations)
        desired = [meaning.desired_tags(inst) for inst in self.instances]
        self.misses = np.zeros((len(self.instances), self.node_count))
        for pos in (pos for pos, wanted in enumerate(desired) if wanted):
            self.misses[pos] = [len(desired[pos] - has) for has in locations]
        self.has_locations = bool(self.location_names) or bool(self.misses.any())
        migration = [meaning.migration_tags(node) for node in nodes]
        self.can_migrate: Bools | None = None
        if any(migration):
            receivable = [meaning.receivable(node) for node in nodes]
            self.can_migrate = np.array([[source <= target for target in receivable]
                                         for source in migration], dtype=bool)

    def _sum_up(self) -> None:
        """All dynamic quantities from the placements and what the nodes reported."""
        count, on_sec = self.node_count, self.sec != NONE
        raw = np.zeros((ROWS, count))
        for row in range(ROWS):
            raw[row] += np.bincount(self.pri, self.gain_pri[:, row], count)
            raw[row] += np.bincount(self.sec[on_sec], self.gain_sec[on_sec, row], count)
        nodes = self.cluster.nodes
        self.x_mem: Floats = np.trunc(self.t_mem) - self.n_mem + raw[MEM] - self.f_mem
        raw[MEM] += np.trunc(self.t_mem) - self.n_mem - np.maximum(0, self.x_mem)
        n_cpu = np.array([node.n_cpu for node in nodes], dtype=np.float64)
        raw[CPU] += n_cpu
        raw[CPU_F] += n_cpu
        free = np.array([node.f_dsk for node in nodes], dtype=np.float64)
        spindles = np.array([node.f_spindles for node in nodes], dtype=np.float64)
        # what is there already is out of the reported numbers
        raw[DSK_F] += free - raw[DSK]
        raw[SPN_F] += spindles - raw[SPN]
        raw[DSK], raw[SPN] = free, spindles
        running = np.array([inst.running and not inst.forthcoming for inst in self.instances],
                           dtype=bool)
        raw[MEM_F] += self.f_mem - np.bincount(
            self.pri[running], self.gain_pri[running, MEM_F], count)
        self.raw: Floats = raw
        self.pri_count = np.bincount(self.pri, self.real, count)
        self.sec_count = np.bincount(self.sec[on_sec], self.real[on_sec], count)
        self.peers: Floats = np.zeros((count, count))
        np.add.at(self.peers, (self.sec[on_sec], self.pri[on_sec]), self.reserve[on_sec])
        self.tag_count = np.zeros((count, self.exclusions.shape[1]))
        np.add.at(self.tag_count, self.pri, self.exclusions)
        self.real_tag_count = np.zeros((count, self.exclusions.shape[1]))
        np.add.at(self.real_tag_count, self.pri, self.exclusions * self.real[:, None])
        self._sum_up_reserves()
        self._sum_up_locations()

    def _sum_up_reserves(self) -> None:
        """Biggest and second biggest need of a secondary, and whose the biggest is."""
        count = self.node_count
        self.r_mem = np.zeros(count)
        self.r_mem2 = np.zeros(count)
        self.r_peer: Ints = np.zeros(count, dtype=np.int64)
        for node in range(count):
            self._refresh_reserve(node)
        # a node that nothing has touched yet may have exactly what it needs
        self.fail_n1: Bools = self.raw[MEM] < self.r_mem

    def _refresh_reserve(self, node: int) -> None:
        row = self.peers[node]
        peer = int(row.argmax())
        self.r_peer[node], self.r_mem[node] = peer, row[peer]
        self.r_mem2[node] = max(row[:peer].max(initial=0.0), row[peer + 1:].max(initial=0.0))

    def _sum_up_locations(self) -> None:
        self.location_score: Floats = np.zeros(self.node_count)
        self.common: Floats | None = None
        if not self.has_locations:
            return
        self.common = self.locations @ self.locations.T
        scores = self.misses[np.arange(len(self.pri)), self.pri] if len(self.pri) else np.zeros(0)
        on_sec = self.sec != NONE
        scores[on_sec] += self.common[self.pri[on_sec], self.sec[on_sec]]
        self.location_score = np.bincount(self.pri, scores * self.real, self.node_count).astype(
            np.float64)

    def values(self) -> Floats:
        """Every row as the metric sees it."""
        return self.raw * self.scale + self.base

    def touch(self, node: int) -> None:
        """Judge the redundancy of a node anew, as one that a move has changed."""
        self.fail_n1[node] = self.raw[MEM, node] <= self.r_mem[node]

    def _location_of(self, inst: int, pri: int, sec: int) -> float:
        if self.common is None:
            return 0.0
        return float(self.real[inst] * (
            self.misses[inst, pri] + (self.common[pri, sec] if sec != NONE else 0.0)))

    def take(self, inst: int) -> None:
        """Take an instance off its nodes."""
        pri, sec = int(self.pri[inst]), int(self.sec[inst])
        self._change(inst, pri, sec, -1)
        self.pri[inst] = self.sec[inst] = NONE

    def put(self, inst: int, pri: int, sec: int = NONE) -> None:
        """Put an instance that is nowhere on nodes."""
        self.pri[inst], self.sec[inst] = pri, sec
        self._change(inst, pri, sec, 1)

    def _change(self, inst: int, pri: int, sec: int, sign: int) -> None:
        self.raw[:, pri] += sign * self.gain_pri[inst]
        self.pri_count[pri] += sign * self.real[inst]
        self.tag_count[pri] += sign * self.exclusions[inst]
        self.real_tag_count[pri] += sign * self.real[inst] * self.exclusions[inst]
        self.location_score[pri] += sign * self._location_of(inst, pri, sec)
        if sec != NONE:
            self.raw[:, sec] += sign * self.gain_sec[inst]
            self.sec_count[sec] += sign * self.real[inst]
            self.peers[sec, pri] += sign * self.reserve[inst]
            self._refresh_reserve(sec)
            self.touch(sec)
        self.touch(pri)

    def move(self, inst: int, pri: int, sec: int = NONE) -> None:
        """Take it off and put it elsewhere; nodes that keep their role stay untouched."""
        old_pri, kept = int(self.pri[inst]), bool(self.fail_n1[self.pri[inst]])
        self.take(inst)
        self.put(inst, pri, sec)
        if pri == old_pri:
            self.fail_n1[pri] = kept

    def add(self, inst: model.Instance, pri: int, sec: int = NONE) -> int:
        """Add a new instance; its index."""
        self.instances.append(inst)
        gain = gains(inst)
        self.gain_pri = np.vstack([self.gain_pri, gain.primary])
        self.gain_sec = np.vstack([self.gain_sec, gain.secondary])
        self.reserve = np.append(self.reserve, reserve(inst))
        self.real = np.append(self.real, int(not inst.forthcoming))
        self.pri, self.sec = np.append(self.pri, NONE), np.append(self.sec, NONE)
        self._add_tags(inst)
        pos = len(self.instances) - 1
        if pri != NONE:
            self.put(pos, pri, sec)
        return pos

    def drop_last(self) -> None:
        """Forget the instance that was added last; it must be on no node."""
        self.instances.pop()
        for name in ("gain_pri", "gain_sec", "reserve", "real", "pri", "sec", "exclusions",
                     "misses"):
            setattr(self, name, getattr(self, name)[:-1])

    def _add_tags(self, inst: model.Instance) -> None:
        wanted = self.meaning.exclusion_tags(inst)
        for name in sorted(wanted - set(self.exclusion_names)):
            self.exclusion_names.append(name)
            self.exclusions = np.hstack([self.exclusions, np.zeros((len(self.pri) - 1, 1))])
            none = np.zeros((self.node_count, 1))
            self.tag_count = np.hstack([self.tag_count, none])
            self.real_tag_count = np.hstack([self.real_tag_count, none])
        self.exclusions = np.vstack([self.exclusions, [
            float(name in wanted) for name in self.exclusion_names]])
        desired = self.meaning.desired_tags(inst)
        misses = np.zeros(self.node_count)
        if desired:
            misses[:] = [len(desired - self.meaning.location_tags(node))
                         for node in self.cluster.nodes]
            if self.common is None:
                self.common, self.has_locations = self.locations @ self.locations.T, True
        self.misses = np.vstack([self.misses, misses])

    def copy(self) -> State:
        """A state that may be changed apart; what never changes is shared."""
        other = object.__new__(State)
        other.__dict__.update(self.__dict__)
        other.instances = list(self.instances)
        other.exclusion_names = list(self.exclusion_names)
        for name in ("raw", "pri", "sec", "pri_count", "sec_count", "peers", "tag_count",
                     "real_tag_count", "r_mem",
                     "r_mem2", "r_peer", "fail_n1", "location_score"):
            setattr(other, name, getattr(self, name).copy())
        return other

    def with_offline(self, offline: Bools) -> State:
        """A copy in which other nodes are offline."""
        other = self.copy()
        other.offline = offline
        other.cluster = dataclasses.replace(self.cluster, nodes=[
            dataclasses.replace(node, offline=bool(is_off))
            for node, is_off in zip(self.cluster.nodes, offline, strict=True)])
        return other

    def recomputed(self) -> State:
        """The same placements, every sum made anew; for checking the sums that were carried on."""
        other = self.copy()
        on_sec = other.sec != NONE
        other.peers[:] = 0.0
        np.add.at(other.peers, (other.sec[on_sec], other.pri[on_sec]), other.reserve[on_sec])
        first = State(self.cluster, self.meaning)
        moved = first.raw.copy()
        count = self.node_count
        for row in range(ROWS):
            for state, sign in ((first, -1), (other, 1)):
                on = state.sec != NONE
                moved[row] += sign * np.bincount(state.pri, state.gain_pri[:, row], count)
                moved[row] += sign * np.bincount(state.sec[on], state.gain_sec[on, row], count)
        other.raw = moved
        other.pri_count = np.bincount(other.pri, other.real, count)
        other.sec_count = np.bincount(other.sec[on_sec], other.real[on_sec], count)
        other.tag_count = np.zeros_like(self.tag_count)
        np.add.at(other.tag_count, other.pri, other.exclusions)
        other.real_tag_count = np.zeros_like(self.tag_count)
        np.add.at(other.real_tag_count, other.pri, other.exclusions * other.real[:, None])
        other._sum_up_reserves()
        other.fail_n1 = self.fail_n1.copy()
        other._sum_up_locations()
        return other

    def nodes_of_group(self, group: model.Group) -> Ints:
        """Columns of a group's nodes."""
        return np.flatnonzero(self.group_of == self.cluster.groups.index(group))

    def placements(self, inst: int) -> Sequence[str]:
        """Names of the nodes of an instance, primary first."""
        names = [self.cluster.nodes[self.pri[inst]].name]
        if self.sec[inst] != NONE:
            names.append(self.cluster.nodes[self.sec[inst]].name)
        return names


def _inverse(values: Floats) -> Floats:
    return np.divide(1.0, values, out=np.zeros_like(values), where=values != 0)


def _stack(rows: list[Floats]) -> Floats:
    return np.array(rows) if rows else np.zeros((0, ROWS))


def _incidence(sets: Sequence[frozenset[str]]) -> tuple[Floats, list[str]]:
    names = sorted(frozenset().union(*sets))
    where = {name: pos for pos, name in enumerate(names)}
    matrix = np.zeros((len(sets), len(names)))
    for row, members in enumerate(sets):
        matrix[row, [where[name] for name in members]] = 1.0
    return matrix, names
