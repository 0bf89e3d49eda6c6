"""The runtime file: with what a guest was started, so that it can be restarted, moved, changed.

conf/NAME.runtime is JSON, the catalogue's four elements: command, interfaces, hypervisor
parameters, disks. Disks and interfaces are not part of the command; they are put behind it when
it is run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ganeti import constants, errors, objects, pathutils, serializer
from ganeti.hypervisor.kvm.blockdev import DiskDevice, device_id
from ganeti.hypervisor.kvm.netdev import NicDevice
from ganeti.hypervisor.kvm.paths import Files
from ganeti.hypervisor.kvm.pci import PCI_BUS
from ganeti.storage import links
from ganeti.utils import io


@dataclass(frozen=True)
class Runtime:
    """How a guest was started, and what was plugged since."""

    command: list[str]
    nics: list[NicDevice]
    hvp: Mapping[str, Any]
    disks: list[DiskDevice]

    def replace(self, **changes: Any) -> Runtime:
        return replace(self, **changes)

    # What the command says -------------------------------------------------------------------

    @property
    def memory(self) -> int:
        """MiB at start."""
        return int(_leading_number(self._after("-m")))

    @property
    def vcpus(self) -> int:
        return int(_leading_number(self._after("-smp")))

    @property
    def accelerator(self) -> str:
        return "kvm" if "accel=kvm" in self._after("-machine") else "tcg"

    def _after(self, flag: str) -> str:
        try:
            return self.command[self.command.index(flag) + 1]
        except (ValueError, IndexError):
            return ""

    def relinked(self, instance: objects.Instance) -> Runtime:
        """With the links of this node: they are numbered by the disks' present order.

        On the sending node disks that were plugged or unplugged in between kept their numbers.
        """
        order = {disk.uuid: index for index, disk in enumerate(instance.disks_info or ())}
        return self.replace(disks=[
            replace(disk, link=links.link_path(instance.name, order[disk.disk.uuid]))
            if disk.disk.uuid in order else disk for disk in self.disks])

    # Text ------------------------------------------------------------------------------------

    def dumps(self) -> str:
        return serializer.dumps([self.command, [nic.to_runtime() for nic in self.nics],
                                 dict(self.hvp), [disk.to_runtime() for disk in self.disks]])

    @classmethod
    def loads(cls, text: Any, where: str) -> Runtime:
        """Read a runtime, also of older releases; `where` names it in errors."""
        try:
            content = serializer.load(text)
            command, nics, hvp = content[:3]
            disks = content[3] if len(content) > 3 else []
            return cls(
                command=_without_process_options([str(word) for word in command]),
                nics=[NicDevice.from_runtime(_upgrade(nic, "nic")) for nic in nics],
                hvp={**constants.HV_TABLES[constants.HT_KVM].defaults(), **hvp},
                disks=[DiskDevice.from_runtime([_upgrade(disk, "disk"), *rest, *([None] * (2 - len(
                    rest)))]) for disk, *rest in disks])
        except (errors.ParseError, errors.ConfigurationError, TypeError, ValueError,
                AttributeError, KeyError) as err:
            raise errors.HypervisorError(
                f"The runtime {where} can not be read ({errors.text(err)}); stop and start the"
                " instance to have it written anew") from err

    # Travel ----------------------------------------------------------------------------------

    def portable(self, notes: Mapping[str, Any] | None = None) -> str:
        """The text for another node: paths below this node's root are marked as such.

        `notes` go behind what makes up a runtime, where older releases do not look.
        """
        text = serializer.dumps([*serializer.load(self.dumps()), dict(notes or {})])
        root = pathutils.ROOT
        return text.replace(f"{root}/", f"{pathutils.VIRTUAL_PREFIX}/") if root else text

    @classmethod
    def from_portable(cls, text: str, where: str) -> Runtime:
        return cls.loads(text.replace(f"{pathutils.VIRTUAL_PREFIX}/", f"{pathutils.ROOT}/"), where)

    @staticmethod
    def notes(text: str) -> dict[str, Any]:
        """What the sending node told beside the runtime."""
        content = serializer.load(text)
        return dict(content[4]) if len(content) > 4 else {}

    # File ------------------------------------------------------------------------------------

    def save(self, files: Files) -> None:
        io.write_file(files.runtime, self.dumps().encode(), mode=0o600)


def load(files: Files) -> Runtime:
    """The runtime of a guest on this node."""
    try:
        text = io.read_file(files.runtime)
    except FileNotFoundError:
        raise errors.HypervisorError(
            f"Instance {files.name} has no runtime file {files.runtime}; was it started by"
            " Ganeti on this node?") from None
    return Runtime.loads(text, files.runtime)


def remove(files: Files) -> None:
    if os.path.exists(files.runtime):
        os.unlink(files.runtime)


def _without_process_options(command: list[str]) -> list[str]:
    """Older releases let QEMU put itself into the background; the driver does that now."""
    result = []
    words = iter(command)
    for word in words:
        if word == "-pidfile":
            next(words, None)
        elif word != "-daemonize":
            result.append(word)
    return result


def _leading_number(text: str) -> str:
    found = re.search(r"\d+", text)
    return found.group() if found else "-1"


def _upgrade(entry: dict[str, Any], kind: str) -> dict[str, Any]:
    """Older runtimes know the PCI slot only."""
    if entry.get("hvinfo") or entry.get("pci") is None:
        return entry
    drivers = {"disk": "virtio-blk-pci", "nic": "virtio-net-pci"}
    info = {"driver": drivers[kind], "id": device_id(kind, entry["uuid"]), "bus": PCI_BUS,
            "addr": hex(int(str(entry["pci"]), 0))}
    return {**{key: value for key, value in entry.items() if key != "pci"}, "hvinfo": info}
