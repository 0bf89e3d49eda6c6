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
    os: str = field(str, "")
    hypervisor: str = field(str)
    hvparams: dict[str, Any] = field(dict, {})
    beparams: dict[str, Any] = field(dict, {})
    osparams: dict[str, Any] = field(dict, {})
    osparams_private: dict[str, Any] = field(dict, {}, private=True)
    admin_state: str = field(str, "down")
    admin_state_source: str = field(str, "admin")
    nics: list[Nic] = field([Nic], [])
    #: uuids of its disks, in order
    disks: list[str] = field(list, [])
    disks_active: bool = field(bool, False)
    network_port: int | None = field(int, optional=True)
    forthcoming: bool = field(bool, False, omit_default=True)
    #: On the wire: its disks with filled parameters.
    disks_info: list[Disk] | None = field([Disk], stored=False)
    #: On the wire: uuids of the other nodes of its disks.
    secondary_nodes: list[str] | None = field(list, stored=False)

    @classmethod
    def _complete(cls, values: dict[str, Any], where: str, lacking: str) -> None:
        if not values.get("forthcoming"):
            super()._complete(values, where, lacking)
        for name, value in (("name", ""), ("primary_node", ""), ("hypervisor", "")):
            values.setdefault(name, freeze(value))
