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
    master_candidate: bool = field(bool, False)
    offline: bool = field(bool, False)
    drained: bool = field(bool, False)
    #: uuid of its node group
    group: str = field(str)
    master_capable: bool = field(bool, True)
    vm_capable: bool = field(bool, True)
    ndparams: dict[str, Any] = field(dict, {})
    powered: bool = field(bool, True)
    hv_state_static: dict[str, dict[str, Any]] = field(dict, {}, omit_default=True)
    disk_state_static: dict[str, dict[str, Any]] = field(dict, {}, omit_default=True)
