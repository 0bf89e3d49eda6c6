"""An IP network from which instances get their addresses."""

from __future__ import annotations

from ganeti.objects.base import TaggedObject, field


class Network(TaggedObject):
    """A network and which of its addresses are taken."""

    KIND = "network"
    CONTAINER = "networks"

    name: str = field(str)
    mac_prefix: str | None = field(str, default=None)
    network: str = field(str)
    network6: str | None = field(str, default=None)
    gateway: str | None = field(str, default=None)
    gateway6: str | None = field(str, default=None)
    #: one character, 0 or 1, an address: taken by instances
    reservations: str | None = field(str, default=None)
    #: the same: kept out of the pool by the administrator
    ext_reservations: str | None = field(str, default=None)
