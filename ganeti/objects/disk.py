"""A disk of an instance, or a part of one (the volumes below a mirrored disk)."""

from __future__ import annotations

from typing import Any

from ganeti.objects.base import SELF, TrackedObject, field
from ganeti.objects.frozen import freeze


class Disk(TrackedObject):
    """A disk; sizes are MiB."""

    KIND = "disk"
    CONTAINER = "disks"

    dev_type: str = field(str)
    #: What identifies it to its storage; the form depends on `dev_type`.
    logical_id: list[Any] = field(list)
    children: list[Disk] = field([SELF], default=[])
    #: uuids of the nodes that hold its data; empty where the storage is shared
    nodes: list[str] = field(list, default=[])
    iv_name: str = field(str, default="")
    size: int = field(int)
    mode: str = field(str, default="rw")
    name: str | None = field(str, default=None)
    spindles: int | None = field(int, default=None)
    params: dict[str, Any] | None = field(dict, default=None)
    forthcoming: bool = field(bool, default=False, omit_default=True)
    #: On the wire: addresses and minors of both ends of a DRBD disk.
    dynamic_params: dict[str, Any] | None = field(dict, default=None, stored=False)
    #: In runtime files: where the hypervisor plugged it.
    hvinfo: dict[str, Any] | None = field(dict, default=None, stored=False)
    pci: int | str | None = field((int, str), default=None, stored=False)

    @classmethod
    def _complete(cls, values: dict[str, Any], where: str, lacking: str) -> None:
        if not values.get("forthcoming"):
            super()._complete(values, where, lacking)
        for name, value in (("dev_type", ""), ("logical_id", []), ("size", 0)):
            values.setdefault(name, freeze(value))
