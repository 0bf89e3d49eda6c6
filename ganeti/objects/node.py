"""A physical machine of the cluster."""

from __future__ import annotations

from typing import Any

from ganeti.objects.base import TaggedObject, field


class Node(TaggedObject):
    """A node: its addresses, its roles and its parameters."""

    KIND = "node"
    CONTAINER = "nodes"

    name: str = field(str)
    primary_ip: str = field(str)
    secondary_ip: str = field(str)
    master_candidate: bool = field(bool, default=False)
    offline: bool = field(bool, default=False)
    drained: bool = field(bool, default=False)
    #: uuid of its node group
    group: str = field(str)
    master_capable: bool = field(bool, default=True)
    vm_capable: bool = field(bool, default=True)
    ndparams: dict[str, Any] = field(dict, default={})
    powered: bool = field(bool, default=True)
    hv_state_static: dict[str, dict[str, Any]] = field(dict, default={}, omit_default=True)
    disk_state_static: dict[str, dict[str, Any]] = field(dict, default={}, omit_default=True)
