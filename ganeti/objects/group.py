"""A group of nodes that share a network, and so can take over from one another."""

from __future__ import annotations

from typing import Any

from ganeti.objects.base import TaggedObject, field


class NodeGroup(TaggedObject):
    """A node group with what it sets differently from the cluster."""

    KIND = "nodegroup"
    CONTAINER = "nodegroups"

    name: str = field(str)
    #: Always stored empty: membership is told by Node.group.
    members: list[str] = field(list, default=[])
    ndparams: dict[str, Any] = field(dict, default={})
    alloc_policy: str = field(str, default="preferred")
    ipolicy: dict[str, Any] = field(dict, default={})
    diskparams: dict[str, dict[str, Any]] = field(dict, default={})
    #: network uuid -> mode, link and vlan of that network in this group
    networks: dict[str, dict[str, Any]] = field(dict, default={})
    hv_state_static: dict[str, dict[str, Any]] = field(dict, default={}, omit_default=True)
    disk_state_static: dict[str, dict[str, Any]] = field(dict, default={}, omit_default=True)
