"""All that the judges of a node group may look at: the configuration and the nodes' answers."""

from __future__ import annotations

import dataclasses
import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganeti import constants, objects
from ganeti.cmdlib import ancillary
from ganeti.cmdlib.cluster.verify import footprint
from ganeti.cmdlib.cluster.verify.answers import NodeAnswer
from ganeti.cmdlib.instance.mirror_health import Finding


@dataclasses.dataclass(frozen=True)
class GroupView:
    """A group at one moment. `answers` also holds nodes outside it that were asked for a part.

    `disk_states` gives for each instance uuid and node uuid one pair (ok, status or text) a
    disk. `started` and `ended` frame the calls on the master's clock.
    """

    config: objects.ConfigData
    group: objects.NodeGroup
    answers: Mapping[str, NodeAnswer]
    started: float = 0.0
    ended: float = 0.0
    disk_states: Mapping[str, Mapping[str, Sequence[tuple[bool, Any]]]] = dataclasses.field(
        default_factory=dict)
    files: Sequence[ancillary.AncillaryFile] = ()
    #: Disk uuid -> how its two copies stand, of mirrored disks whose nodes are not connected
    mirrors: Mapping[str, Finding] = dataclasses.field(default_factory=dict)

    @property
    def master(self) -> objects.Node:
        return self.config.master_node

    @functools.cached_property
    def members(self) -> list[objects.Node]:
        """The group's nodes, by name."""
        return sorted((node for node in self.config.nodes.values()
                       if node.group == self.group.uuid), key=lambda node: node.name)

    def member_answers(self) -> Iterator[NodeAnswer]:
        """The answers of the group's nodes, arrived or not."""
        for node in self.members:
            answer = self.answers.get(node.uuid)
            if answer is not None:
                yield answer

    def arrived(self, *, vm_only: bool = False) -> Iterator[NodeAnswer]:
        """The answers of the group's nodes that gave one."""
        for answer in self.member_answers():
            if answer.arrived and (answer.node.vm_capable or not vm_only):
                yield answer

    @functools.cached_property
    def instances(self) -> list[objects.Instance]:
        """Instances whose primary node is in the group, by name."""
        uuids = {node.uuid for node in self.members}
        return sorted((inst for inst in self.config.instances.values()
                       if inst.primary_node in uuids), key=lambda inst: inst.name)

    @functools.cached_property
    def all_running(self) -> dict[str, list[str]]:
        """Instance name -> uuids of the nodes on which it runs."""
        found: dict[str, list[str]] = defaultdict(list)
        for answer in self.answers.values():
            names = answer.get(constants.NV_INSTANCELIST)
            if isinstance(names, list):
                for name in names:
                    found[name].append(answer.node.uuid)
        return found

    @functools.cached_property
    def volumes(self) -> dict[str, dict[str, str]]:
        """Node uuid -> volume "vg/lv" -> name of the instance that it belongs to."""
        return footprint.volumes(self.config)

    @functools.cached_property
    def minors(self) -> dict[str, dict[int, str]]:
        """Node uuid -> DRBD minor -> name of the instance that uses it."""
        return footprint.minors(self.config)

    @functools.cached_property
    def active_names(self) -> set[str]:
        """Names of the instances whose disks should be in use."""
        return {inst.name for inst in self.config.instances.values() if inst.disks_active}

    def name_of(self, node_uuid: str) -> str:
        """A node's name; the uuid of a node that does not exist."""
        node = self.config.nodes.get(node_uuid)
        return node.name if node is not None else node_uuid
