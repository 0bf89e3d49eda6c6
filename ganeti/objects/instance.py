"""An instance: a virtual machine or a container, as the administrator wants it."""

from __future__ import annotations

from typing import Any

from ganeti.objects.base import TaggedObject, field
from ganeti.objects.disk import Disk
from ganeti.objects.frozen import freeze
from ganeti.objects.nic import Nic


class Instance(TaggedObject):
    """An instance; its disks are objects of their own, its interfaces lie inside it."""

    KIND = "instance"
    CONTAINER = "instances"

    name: str = field(str)
    #: uuid of the node it runs on
    primary_node: str = field(str)
    os: str = field(str, default="")
    hypervisor: str = field(str)
    hvparams: dict[str, Any] = field(dict, default={})
    beparams: dict[str, Any] = field(dict, default={})
    osparams: dict[str, Any] = field(dict, default={})
    osparams_private: dict[str, Any] = field(dict, default={}, private=True)
    admin_state: str = field(str, default="down")
    admin_state_source: str = field(str, default="admin")
    nics: list[Nic] = field([Nic], default=[])
    #: uuids of its disks, in order
    disks: list[str] = field(list, default=[])
    disks_active: bool = field(bool, default=False)
    network_port: int | None = field(int, default=None)
    forthcoming: bool = field(bool, default=False, omit_default=True)
    #: On the wire: its disks with filled parameters.
    disks_info: list[Disk] | None = field([Disk], default=None, stored=False)
    #: On the wire: uuids of the other nodes of its disks.
    secondary_nodes: list[str] | None = field(list, default=None, stored=False)

    @classmethod
    def _complete(cls, values: dict[str, Any], where: str, lacking: str) -> None:
        if not values.get("forthcoming"):
            super()._complete(values, where, lacking)
        for name, value in (("name", ""), ("primary_node", ""), ("hypervisor", "")):
            values.setdefault(name, freeze(value))
