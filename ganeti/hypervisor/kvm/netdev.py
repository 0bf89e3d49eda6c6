"""Network interfaces: each object makes its command-line arguments and QMP messages.

The host's side of an interface (the tap device and what it is connected to) is in :mod:`.tap`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganeti import objects
from ganeti.hypervisor.kvm import boot, tap
from ganeti.hypervisor.kvm.blockdev import device_id
from ganeti.hypervisor.kvm.command import device_option, netdev_option
from ganeti.hypervisor.kvm.pci import Places

_PARAVIRTUAL = "virtio-net-pci"
_ISA = "ne2k_isa"


@dataclass(frozen=True)
class NicDevice:
    """An interface of a guest: the configuration's object with its place in the machine."""

    nic: objects.Nic

    @classmethod
    def place(cls, nic: objects.Nic, hvp: Mapping[str, Any], slots: Places) -> NicDevice:
        kind = hvp["nic_type"]
        info: dict[str, Any] = {"id": device_id("nic", nic.uuid),
                                "driver": _PARAVIRTUAL if kind == "paravirtual" else kind}
        if kind != _ISA:
            info |= slots.take(info["id"])
        return cls(nic.replace(hvinfo=info))

    @classmethod
    def from_runtime(cls, entry: dict[str, Any]) -> NicDevice:
        return cls(objects.Nic.from_dict(entry))

    def to_runtime(self) -> dict[str, Any]:
        return self.nic.to_dict(wire=True)

    @property
    def hvinfo(self) -> Mapping[str, Any]:
        return self.nic.hvinfo or {}

    @property
    def id(self) -> str:
        return str(self.hvinfo["id"])

    @property
    def can_hotplug(self) -> bool:
        return bool(self.hvinfo["driver"] != _ISA)

    def queues(self, hvp: Mapping[str, Any]) -> int:
        return int(hvp["virtio_net_queues"]) if self._paravirtual else 1

    def wants_header(self, hvp: Mapping[str, Any]) -> bool:
        """Whether the tap device passes offload information on to the guest."""
        return self._paravirtual and bool(hvp["vnet_hdr"])

    @property
    def _paravirtual(self) -> bool:
        return bool(self.hvinfo["driver"] == _PARAVIRTUAL)

    def netdev(self, hvp: Mapping[str, Any], fds: Sequence[str]) -> dict[str, Any]:
        """Argument of ``-netdev`` and ``netdev_add``; `fds` are the tap's queues."""
        result: dict[str, Any] = {"type": "tap", "id": self.id}
        result["fds" if len(fds) > 1 else "fd"] = ":".join(fds)
        if self._paravirtual and hvp["vhost_net"] and tap.vhost_usable():
            result["vhost"] = True
        return result

    def device(self, hvp: Mapping[str, Any], index: int | None = None) -> dict[str, Any]:
        """Argument of ``-device`` and ``device_add``; `index` is the boot index."""
        properties: dict[str, Any] = {"netdev": self.id, "mac": self.nic.mac, **self.hvinfo}
        queues = self.queues(hvp)
        if queues > 1:
            properties |= {"mq": True, "vectors": 2 * queues + 2}
        if hvp["boot_order"] != "network" and self.can_hotplug:
            # no boot ROM, which not every host has, where nothing boots from the network
            properties["romfile"] = ""
        if index is not None:
            properties["bootindex"] = index
        return properties

    def arguments(self, number: int, hvp: Mapping[str, Any], fds: Sequence[int]) -> list[str]:
        index = boot.index(hvp, "network", number)
        return ["-netdev", netdev_option(self.netdev(hvp, [str(fd) for fd in fds])),
                "-device", device_option(self.device(hvp, index))]
