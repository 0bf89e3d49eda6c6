"""A network interface of an instance."""

from __future__ import annotations

from typing import Any

from ganeti.objects.base import ConfigObject, field


class Nic(ConfigObject):
    """A network interface; it lies inside its instance."""

    KIND = "nic"

    uuid: str = field(str, "")
    mac: str = field(str)
    ip: str | None = field(str, optional=True)
    nicparams: dict[str, Any] = field(dict, {})
    #: uuid of the network
    network: str | None = field(str, optional=True)
    name: str | None = field(str, optional=True)
    #: On the wire: the network as the node has to know it.
    netinfo: dict[str, Any] | None = field(dict, stored=False)
    #: In runtime files: where the hypervisor plugged it.
    hvinfo: dict[str, Any] | None = field(dict, stored=False)
    pci: int | str | None = field((int, str), stored=False)
