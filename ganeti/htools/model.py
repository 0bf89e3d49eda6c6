"""A cluster as the loaders read it: groups, nodes, instances and policies, plain records.

The arrays that are computed with are made from these in `state`.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ganeti import constants, errors

#: Statuses of instances that hold memory on their primary node.
USES_MEMORY = frozenset([
    constants.INSTST_RUNNING, constants.INSTST_ERRORUP, constants.INSTST_NODEDOWN,
    constants.INSTST_NODEOFFLINE, constants.INSTST_WRONGNODE])

#: Hypervisors that do not tell what their host keeps for itself: it is assumed.
HOST_MEMORY_ASSUMED = frozenset([constants.HT_KVM])

#: How the disks of a template get to another node.
MIRROR_NONE, MIRROR_EXTERNAL, MIRROR_INTERNAL = "none", "external", "internal"


@dataclasses.dataclass(frozen=True, slots=True)
class Template:
    """What a disk template means for placement: how its disks get to another node, whether they
    lie on the nodes, whether balancing may move it, on how many nodes they are."""

    mirror: str
    local: bool
    movable: bool
    nodes: int = 1


#: An instance whose template nobody here knows stays where it is, and takes its room there
_UNKNOWN = Template(MIRROR_NONE, local=True, movable=False)


class LoadError(errors.GenericError):
    """The description of a cluster is not usable; the text says what is wrong in which line."""


class RequestError(errors.GenericError):
    """What was asked for (a node, a group, an instance, an option) does not exist or fit."""


@dataclasses.dataclass(frozen=True, slots=True)
class Spec:
    """Size of an instance, or a limit of it: MiB, virtual CPUs, numbers."""

    memory: int
    cpu: int
    disk: int
    disk_count: int = 1
    nic_count: int = 1
    spindle_use: int = 1

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Spec:
        return cls(int(data[constants.ISPEC_MEM_SIZE]), int(data[constants.ISPEC_CPU_COUNT]),
                   int(data[constants.ISPEC_DISK_SIZE]), int(data[constants.ISPEC_DISK_COUNT]),
                   int(data[constants.ISPEC_NIC_COUNT]), int(data[constants.ISPEC_SPINDLE_USE]))


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """An instance policy, filled."""

    std: Spec
    minmax: tuple[tuple[Spec, Spec], ...]
    templates: tuple[str, ...]
    vcpu_ratio: float
    spindle_ratio: float

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Policy:
        minmax = tuple((Spec.from_dict(pair[constants.ISPECS_MIN]),
                        Spec.from_dict(pair[constants.ISPECS_MAX]))
                       for pair in data[constants.ISPECS_MINMAX])
        return cls(Spec.from_dict(data[constants.ISPECS_STD]), minmax,
                   tuple(data[constants.IPOLICY_DTS]),
                   float(data[constants.IPOLICY_VCPU_RATIO]),
                   float(data[constants.IPOLICY_SPINDLE_RATIO]))


DEFAULT_POLICY = Policy.from_dict(constants.IPOLICY_DEFAULTS)


@dataclasses.dataclass(slots=True)
class Group:
    """A node group."""

    name: str
    uuid: str
    alloc_policy: str = constants.ALLOC_POLICY_PREFERRED
    tags: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    policy: Policy = DEFAULT_POLICY

    @property
    def allocable(self) -> bool:
        return self.alloc_policy != constants.ALLOC_POLICY_UNALLOCABLE


@dataclasses.dataclass(slots=True)
class Node:
    """A node as reported; memory and disk in MiB."""

    name: str
    group: str
    t_mem: float = 0.0
    n_mem: int = 0
    f_mem: int = 0
    t_dsk: float = 0.0
    f_dsk: int = 0
    t_cpu: float = 0.0
    n_cpu: int = 1
    cpu_speed: float = 1.0
    offline: bool = False
    master: bool = False
    spindles: int = 1
    f_spindles: int = 0
    exclusive: bool = False
    tags: tuple[str, ...] = ()
    alias: str = ""


@dataclasses.dataclass(slots=True)
class Instance:
    """An instance; load is its share of cpu, memory, disk and network."""

    name: str
    mem: int
    dsk: int
    vcpus: int
    status: str
    auto_balance: bool
    pnode: str
    snode: str
    template: str
    tags: tuple[str, ...] = ()
    spindle_use: int = 1
    disk_spindles: tuple[int, ...] | None = None
    disks: tuple[int, ...] = ()
    nics: int = 0
    networks: tuple[str, ...] = ()
    forthcoming: bool = False
    load: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    movable: bool = True
    alias: str = ""

    @property
    def running(self) -> bool:
        return self.status in USES_MEMORY

    @property
    def offline(self) -> bool:
        return self.status == constants.INSTST_ADMINOFFLINE

    @property
    def kind(self) -> Template:
        return template(self.template) if known(self.template) else _UNKNOWN

    @property
    def spindles(self) -> int:
        return sum(self.disk_spindles or ())


@dataclasses.dataclass(slots=True)
class Cluster:
    """Everything that a loader found, groups, nodes and instances each in their order."""

    groups: list[Group]
    nodes: list[Node]
    instances: list[Instance]
    tags: tuple[str, ...] = ()
    policy: Policy = DEFAULT_POLICY
    node_index: dict[str, int] = dataclasses.field(default_factory=dict)

    def reindex(self) -> None:
        """To be called when nodes have been added or removed."""
        self.node_index = {node.name: pos for pos, node in enumerate(self.nodes)}

    def group(self, wanted: str) -> Group:
        """Group by name or UUID."""
        for group in self.groups:
            if wanted in (group.uuid, group.name):
                return group
        raise RequestError(f"There is no node group '{wanted}'; there are: "
                           + ", ".join(group.name for group in self.groups))

    def group_of(self, node: str) -> str:
        return self.nodes[self.node_index[node]].group

    def split_instances(self) -> list[Instance]:
        """Instances whose nodes lie in different groups."""
        return [inst for inst in self.instances
                if inst.snode and self.group_of(inst.pnode) != self.group_of(inst.snode)]

    def part(self, group: Group) -> Cluster:
        """The group alone: its nodes, and the instances with their primary node there."""
        nodes = [node for node in self.nodes if node.group == group.uuid]
        names = {node.name for node in nodes}
        result = Cluster([group], nodes, [
            inst for inst in self.instances if inst.pnode in names], self.tags, self.policy)
        result.reindex()
        return result


@functools.cache
def template(name: str) -> Template:
    """Meaning of a disk template, by what its descriptor says."""
    try:
        kind = constants.DISK_TEMPLATES.load(name)
    except KeyError:
        raise LoadError(f"'{name}' is no disk template that placement knows; known are "
                        + ", ".join(sorted(constants.DISK_TEMPLATES))) from None
    return Template(kind.mirroring.value, local=not kind.shared,
                    movable=kind.mirroring.value != MIRROR_NONE and kind.has_disks,
                    nodes=2 if kind.needs_secondary else 1)


def known(name: str) -> bool:
    """Whether `template` can tell: not for disks of several kinds, nor if a package is gone."""
    return name in constants.DISK_TEMPLATES


def common_suffix(names: Sequence[str]) -> str:
    """The longest domain (from a dot on) that all names share."""
    if not names:
        return ""
    parts = names[0].split(".")
    for start in range(1, len(parts)):
        suffix = "." + ".".join(parts[start:])
        if all(name.endswith(suffix) for name in names):
            return suffix
    return ""


def find_names(wanted: Iterable[str], known: Mapping[str, Any], suffix: str) -> dict[str, str]:
    """Asked name -> full name; a name may leave out the common domain."""
    result = {}
    for name in wanted:
        if name in known:
            result[name] = name
        elif name + suffix in known:
            result[name] = name + suffix
    return result
