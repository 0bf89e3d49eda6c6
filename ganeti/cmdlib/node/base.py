"""What the units of one existing node share."""

from __future__ import annotations

from collections.abc import Sequence

from ganeti import errors, objects
from ganeti.cmdlib import base
from ganeti.utils import text

Level = base.Level


class NodeUnit(base.LogicalUnit):
    """A unit for one node that exists. After `expand` there is `node`."""

    node: objects.Node

    def expand(self) -> None:
        self.node = expand_node(self.config, self.op.node_uuid, self.op.node_name)

    def refresh(self) -> objects.Node:
        """Read the node again, after waiting for locks."""
        self.node = base.still_there(self.config.nodes.get(self.node.uuid),
                                    f"Node {self.node.name}")
        return self.node

    @property
    def is_master(self) -> bool:
        """Whether the node is the master."""
        return self.node.uuid == self.config.cluster.master_node


def expand_node(config: objects.ConfigData, uuid: str | None, name: str) -> objects.Node:
    """A node by name; a uuid that comes along has to belong to it."""
    node = config.expand_node(name)
    if uuid is not None and node.uuid != uuid:
        raise errors.OpPrereqError(
            f"Node {name} has the UUID {node.uuid}, not the given {uuid}; it was replaced by"
            " another one of that name", errors.ECODE_NOTUNIQUE)
    return node


def wanted_nodes(config: objects.ConfigData, names: Sequence[str],
                 uuids: Sequence[str] | None = None) -> list[objects.Node]:
    """Nodes in the order given, by name or uuid; all nodes by name when none is given.

    Uuids that come along with names have to belong to them, pair by pair.
    """
    if names and uuids and len(names) != len(uuids):
        raise errors.OpPrereqError(
            f"There are {len(names)} names of nodes, but {len(uuids)} UUIDs", errors.ECODE_INVAL)
    if names:
        found = (expand_node(config, uuids[index] if uuids else None, name)
                 for index, name in enumerate(names))
        return list(dict.fromkeys(found))
    if uuids:
        return list(dict.fromkeys(config.expand_node(uuid) for uuid in uuids))
    return text.nice_sort(config.nodes.values(), key=lambda node: node.name)


def other_nodes(config: objects.ConfigData, uuid: str) -> list[str]:
    """Uuids of all nodes but one."""
    return [node for node in config.nodes if node != uuid]


def unique(*uuids: str) -> list[str]:
    """Each uuid once, in order."""
    return list(dict.fromkeys(uuids))

