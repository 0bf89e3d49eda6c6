"""Answering an allocator's request: which nodes an instance gets, where instances can go.

`answer` takes the request document and gives the reply, both as dicts: the program `hail` and the
master daemon call it alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ganeti import constants, errors
from ganeti.htools import alloc, evacuate, model, tags
from ganeti.htools.load import iallocator, prepare, utilisation
from ganeti.htools.state import NONE, Ints, State

Reply = dict[str, Any]
_POLICY_ORDER = {constants.ALLOC_POLICY_PREFERRED: 0, constants.ALLOC_POLICY_LAST_RESORT: 1}


@dataclasses.dataclass(frozen=True)
class Settings:
    """The options of the allocator."""

    ignore_soft_errors: bool = False
    capacity_checks: bool = True
    ignore_dynu: bool = False
    restrict_to: Sequence[str] | None = None
    static_node_memory: int = 4096

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Settings | None:
        """From a cluster's default_iallocator_params; None if they need the program `hail`."""
        known = {"ignore-soft-errors", "no-capacity-checks", "ignore-dynu",
                 "restrict-allocation-to", "static-kvm-node-memory"}
        if not set(params) <= known or any(
                params.get(flag) not in (None, "") for flag in (
                    "ignore-soft-errors", "no-capacity-checks", "ignore-dynu")):
            return None
        nodes, memory = params.get("restrict-allocation-to"), params.get(
            "static-kvm-node-memory", 4096)
        if not str(memory).isdigit():
            return None
        return cls("ignore-soft-errors" in params, "no-capacity-checks" not in params,
                   "ignore-dynu" in params, str(nodes).split(",") if nodes else None, int(memory))


class NoSolutionError(errors.GenericError):
    """There is no place; the text says why. It is an answer, not a failure of the program."""


@dataclasses.dataclass
class Allocator:
    """A request's cluster as a state, and the ways to answer."""

    cluster: model.Cluster
    state: State
    request: Mapping[str, Any]
    settings: Settings

    @classmethod
    def load(cls, document: Mapping[str, Any], settings: Settings,
             cluster: model.Cluster | None = None) -> Allocator:
        """Read a document; another source of the cluster may replace the one in it."""
        if cluster is None:
            cluster = iallocator.cluster(document, settings.static_node_memory)
        if settings.ignore_dynu:
            utilisation.clear(cluster)
        prepare.prepare(cluster)
        request = document.get("request")
        if not isinstance(request, dict) or not isinstance(request.get("type"), str):
            raise model.LoadError("The request has no type")
        return cls(cluster, State(cluster, tags.meaning(cluster)), request, settings)

    def reload(self) -> None:
        """Count anew after the cluster's utilisation has changed."""
        self.state = State(self.cluster, tags.meaning(self.cluster))

    def answer(self) -> Reply:
        """The reply; raises LoadError for a request that makes no sense."""
        mode = self.request["type"]
        try:
            action = {
                constants.IALLOCATOR_MODE_ALLOC: self._allocate,
                constants.IALLOCATOR_MODE_RELOC: self._relocate,
                constants.IALLOCATOR_MODE_MULTI_ALLOC: self._multi_allocate,
                constants.IALLOCATOR_MODE_NODE_EVAC: self._evacuate,
                constants.IALLOCATOR_MODE_CHG_GROUP: self._change_group,
                constants.IALLOCATOR_MODE_ALLOCATE_SECONDARY: self._allocate_secondary,
            }[mode]
        except KeyError:
            raise model.LoadError(f"'{mode}' is no type of request") from None
        try:
            info, result = action()
        except NoSolutionError as err:
            return {"success": False, "info": f"Request failed: {err}", "result": []}
        except (KeyError, TypeError, ValueError) as err:
            raise model.LoadError(f"The request of type {mode} is damaged: {type(err).__name__}"
                                  f" {err}") from err
        return {"success": True, "info": f"Request successful: {info}", "result": result}

    # -- new instances --------------------------------------------------------------------------

    def _allocate(self) -> tuple[str, Any]:
        info, _inst, nodes = self._place(self.request)
        return info, nodes

    def _multi_allocate(self) -> tuple[str, Any]:
        placed, failed = [], []
        for wanted in self.request["instances"]:
            try:
                _info, _inst, nodes = self._place(wanted)
            except NoSolutionError:
                failed.append(wanted["name"])
            else:
                placed.append([wanted["name"], nodes])
        return (f"{len(failed)} instances failed to allocate and {len(placed)} were allocated"
                " successfully", [placed, failed])

    def _place(self, wanted: Mapping[str, Any]) -> tuple[str, int, list[str]]:
        """Choose a group and nodes for a new instance, and put it there."""
        model.template(wanted["disk_template"])
        record = iallocator.instance(wanted["name"], wanted)
        if any(inst.name == record.name for inst in self.state.instances):
            raise NoSolutionError(f"Instance {record.name} exists already")
        groups, reasons = self._groups(wanted, record)
        if not groups:
            raise NoSolutionError(", ".join(reasons) or "There is no group to allocate in")
        inst = self.state.add(record, NONE)
        where = self._where(wanted)
        every = None if wanted.get("group_name") else np.arange(self.state.node_count)
        answers = [(group, self._in_group(inst, group, where, every)) for group in groups]
        answers.sort(key=lambda pair: (not pair[1].found, _POLICY_ORDER[pair[0].alloc_policy],
                                       pair[1].score))
        texts = [_group_text(self.cluster, group, found) for group, found in answers]
        group, found = answers[0]
        if not found.found:
            self.state.drop_last()
            raise NoSolutionError(", ".join([*texts, *reasons]))
        self.state.put(inst, found.pri, found.sec)
        chosen = [] if wanted.get("group_name") else [f"Selected group: {group.name}"]
        return (", ".join([*chosen, *texts, *reasons]), inst,
                list(self.state.placements(inst)))

    def _groups(self, wanted: Mapping[str, Any], record: model.Instance
                ) -> tuple[list[model.Group], list[str]]:
        """Groups that may take the instance, and why others may not."""
        groups = self.cluster.groups
        if name := wanted.get("group_name"):
            try:
                groups = [self.cluster.group(name)]
            except model.RequestError as err:
                raise NoSolutionError(str(err)) from None
        fitting, reasons = [], []
        for group in groups:
            if not group.allocable:
                reasons.append(f"group {group.name} is not allocable")
            elif not set(record.networks) <= set(group.networks):
                reasons.append(f"group {group.name} is not connected to a network required by"
                               f" instance {record.name}")
            else:
                fitting.append(group)
        return fitting, reasons

    def _where(self, wanted: Mapping[str, Any]) -> alloc.Where:
        names = wanted.get("restrict-to-nodes")
        if self.settings.restrict_to is not None:
            names = [name for name in self.settings.restrict_to if names is None or name in names]
        if names is None:
            return alloc.Where()
        nodes = frozenset(self.cluster.node_index[name] for name in names
                          if name in self.cluster.node_index)
        return alloc.Where(nodes, nodes)

    def _in_group(self, inst: int, group: model.Group, where: alloc.Where,
                  scored: Ints | None) -> alloc.Answer:
        places = alloc.Places(self.state, self.state.nodes_of_group(group), inst,
                              soft=self.settings.ignore_soft_errors, where=where,
                              scored=scored)
        return places.best(capacity=self.settings.capacity_checks, policy=group.policy)

    # -- existing instances ---------------------------------------------------------------------

    def _find(self, names: Iterable[str]) -> list[int]:
        index = {inst.name: pos for pos, inst in enumerate(self.state.instances)}
        result = []
        for name in names:
            if name not in index:
                raise model.LoadError(f"There is no instance '{name}' in the request's cluster")
            result.append(index[name])
        return result

    def _relocate(self) -> tuple[str, Any]:
        inst, = self._find([self.request["name"]])
        moved = self._mover(evacuate.SECONDARY if self.state.sec[inst] != NONE
                            else evacuate.PRIMARY)
        excluded = [self.cluster.node_index[name] for name in self.request["relocate_from"]
                    if name in self.cluster.node_index]
        group = self._group_of(inst)
        try:
            moved.move(inst, group, excluded)
        except evacuate.StuckError as err:
            raise NoSolutionError(str(err)) from None
        return "success", [self.state.placements(inst)[-1]]

    def _evacuate(self) -> tuple[str, Any]:
        mode = {constants.NODE_EVAC_PRI: evacuate.PRIMARY, constants.NODE_EVAC_SEC:
                evacuate.SECONDARY, constants.NODE_EVAC_ALL: evacuate.ALL}[
                    self.request["evac_mode"]]
        insts = self._find(self.request["instances"])
        leaving: set[int] = set()
        if mode in (evacuate.PRIMARY, evacuate.ALL):
            leaving |= {int(self.state.pri[inst]) for inst in insts}
        if mode in (evacuate.SECONDARY, evacuate.ALL):
            leaving |= {int(self.state.sec[inst]) for inst in insts} - {NONE}
        mover = self._mover(mode)
        return self._move_all(insts, mover, {
            inst: [self._group_of(inst)] for inst in insts}, sorted(leaving))

    def _change_group(self) -> tuple[str, Any]:
        insts = self._find(self.request["instances"])
        wanted = self.request["target_groups"]
        groups = [group for group in self.cluster.groups
                  if group.allocable and (not wanted or group.uuid in wanted)]
        targets = {inst: [group for group in groups if group is not self._group_of(inst)]
                   for inst in insts}
        return self._move_all(insts, self._mover(evacuate.ALL), targets, [])

    def _mover(self, mode: str) -> evacuate.Evacuation:
        return evacuate.Evacuation(self.state, mode, self.settings.ignore_soft_errors)

    def _move_all(self, insts: Sequence[int], mover: evacuate.Evacuation,
                  targets: Mapping[int, Sequence[model.Group]], leaving: Sequence[int]
                  ) -> tuple[str, Any]:
        moved, failed, jobs = [], [], []
        for inst in insts:
            name = self.state.instances[inst].name
            try:
                group, job = mover.move_to_best(inst, targets[inst], leaving)
            except evacuate.StuckError as err:
                failed.append([name, str(err)])
                continue
            moved.append([name, group.name, list(self.state.placements(inst))])
            jobs.append(job)
        return (f"{len(failed)} instances failed to move and {len(moved)} were moved"
                " successfully", [moved, failed, jobs])

    def _group_of(self, inst: int) -> model.Group:
        return self.cluster.groups[int(self.state.group_of[self.state.pri[inst]])]

    def _allocate_secondary(self) -> tuple[str, Any]:
        inst, = self._find([self.request["name"]])
        if self.state.sec[inst] != NONE:
            raise NoSolutionError("The instance has a secondary node already")
        pri, group = int(self.state.pri[inst]), self._group_of(inst)
        mirrored = dataclasses.replace(self.state.instances[inst], template=constants.DT_DRBD8)
        self.state.take(inst)
        extra = self.state.add(mirrored, NONE)
        places = alloc.Places(self.state, self.state.nodes_of_group(group), extra,
                              soft=self.settings.ignore_soft_errors,
                              where=alloc.Where(frozenset([pri]), None))
        found = places.best(capacity=self.settings.capacity_checks)
        if not found.found:
            raise NoSolutionError("No valid allocation solutions, failure reasons: "
                                  + found.failure_text())
        self.state.put(extra, found.pri, found.sec)
        return _solution_text(self.cluster, found), self.cluster.nodes[found.sec].name


def _solution_text(cluster: model.Cluster, found: alloc.Answer) -> str:
    nodes = "/".join(cluster.nodes[pos].name for pos in (found.pri, found.sec) if pos != NONE)
    return (f"score: {found.value_text()}, successes {found.successes},"
            f" failures {sum(found.failures.values())} ({found.failure_text()})"
            f" for node(s) {nodes}")


def _group_text(cluster: model.Cluster, group: model.Group, found: alloc.Answer) -> str:
    start = f"Group {group.name} ({group.alloc_policy}): "
    if found.found:
        return start + _solution_text(cluster, found)
    reasons = found.failure_text() or "no online node may be used"
    return f"{start}No valid allocation solutions, failure reasons: {reasons}"


def answer(document: Mapping[str, Any], settings: Settings) -> Reply:
    """The reply to a request document."""
    return Allocator.load(document, settings).answer()
