"""A network interface of an instance."""

from __future__ import annotations

from typing import Any

from ganeti.objects.base import ConfigObject, field


class Nic(ConfigObject):
    """A network interface; it lies inside its instance."""

    KIND = "nic"

    uuid: str = field(str, default="")
    mac: str = field(str)
    ip: str | None = field(str, default=None)
    nicparams: dict[str, Any] = field(dict, default={})
    #: uuid of the network
    network: str | None = field(str, default=None)
    name: str | None = field(str, default=None)
    #: On the wire: the network as the node has to know it.
    netinfo: dict[str, Any] | None = field(dict, default=None, stored=False)
    #: In runtime files: where the hypervisor plugged it.
    hvinfo: dict[str, Any] | None = field(dict, default=None, stored=False)
    pci: int | str | None = field((int, str), default=None, stored=False)
