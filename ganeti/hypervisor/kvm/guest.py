"""What the subjects need to know about a guest that is about to be started, in one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganeti import constants, errors, objects
from ganeti.hypervisor.kvm.binary import Binary
from ganeti.hypervisor.kvm.paths import Files
from ganeti.hypervisor.kvm.state import Kept


@dataclass(frozen=True)
class Firmware:
    """UEFI files of this node: the code, and the variables that a new guest begins with."""

    code: str
    template: str


@dataclass(frozen=True)
class Guest:
    """A guest, its filled parameters and the node's answers about QEMU."""

    name: str
    uuid: str
    hvp: Mapping[str, Any]
    memory: int
    vcpus: int
    network_port: int | None
    binary: Binary
    files: Files
    #: "kvm" or "tcg"
    accelerator: str
    #: The machine type, never an alias: a target with a newer QEMU has to build the same one
    machine: str
    #: None boots by BIOS, or a kernel directly
    firmware: Firmware | None = None

    @classmethod
    def of(cls, instance: objects.Instance, binary: Binary, accelerator: str) -> Guest:
        hvp = instance.hvparams
        machine = hvp["machine_version"] or binary.default_machine
        return cls(
            name=instance.name, uuid=instance.uuid, hvp=hvp,
            memory=instance.beparams[constants.BE_MAXMEM],
            vcpus=instance.beparams[constants.BE_VCPUS],
            network_port=instance.network_port, binary=binary, files=Files(instance.name),
            accelerator=accelerator, machine=binary.machine_of(machine))

    @property
    def kept(self) -> Kept:
        """What it keeps on this node beside its disks."""
        return Kept(self.uuid)

    @property
    def is_q35(self) -> bool:
        return "q35" in self.machine

    @property
    def ide_units(self) -> int:
        """Drives on one IDE bus: q35 has SATA ports, pc has two cables of two drives."""
        return 1 if self.is_q35 else 2

    @property
    def display_port(self) -> int:
        """The port of the graphical console."""
        if self.network_port is None:
            raise errors.HypervisorError(
                f"Instance {self.name} has no network port for its graphical console; give it"
                " one by turning the console off and on with 'gnt-instance modify -H'")
        return self.network_port
