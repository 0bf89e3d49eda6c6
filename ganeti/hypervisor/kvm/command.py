"""QEMU's command line while it is put together; what is on it is told by the subjects' modules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Properties = Mapping[str, Any]


def escape(value: str) -> str:
    """A value as QEMU's option strings want it: commas doubled."""
    return value.replace(",", ",,")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return escape(str(value))


def option(head: str, properties: Properties) -> str:
    """An option string ``head,key=value,...``; booleans become on and off, None is left out."""
    parts = [head] if head else []
    parts += [f"{key}={_text(value)}" for key, value in properties.items() if value is not None]
    return ",".join(parts)


def device_option(properties: Properties) -> str:
    """The argument of ``-device`` for the same dict that QMP's ``device_add`` takes."""
    rest = {key: value for key, value in properties.items() if key != "driver"}
    return option(escape(str(properties["driver"])), rest)


def netdev_option(properties: Properties) -> str:
    """The argument of ``-netdev`` for the same dict that QMP's ``netdev_add`` takes."""
    rest = {key: value for key, value in properties.items() if key != "type"}
    return option(str(properties["type"]), rest)


def blockdev_option(properties: Properties) -> str:
    """The argument of ``-blockdev`` for the same dict that QMP's ``blockdev-add`` takes."""
    return json.dumps(properties, separators=(",", ":"))


@dataclass
class CommandLine:
    """Arguments in order, and how many PCI devices without a fixed slot are among them."""

    argv: list[str] = field(default_factory=list)
    pci_devices: int = 0

    def add(self, *words: str) -> None:
        self.argv += words

    def device(self, *, pci: bool = False, **properties: Any) -> None:
        """A device by its properties; underscores in names stand for dashes."""
        self.add_device({key.replace("_", "-"): value for key, value in properties.items()},
                        pci=pci)

    def add_device(self, properties: Properties, *, pci: bool = False) -> None:
        self.pci_devices += pci
        self.add("-device", device_option(properties))

    def count_pci(self) -> None:
        """Note a PCI device that comes with another option."""
        self.pci_devices += 1

    def blockdev(self, properties: Properties) -> None:
        self.add("-blockdev", blockdev_option(properties))

    def object(self, kind: str, **properties: Any) -> None:
        self.add("-object", option(kind, {key.replace("_", "-"): value
                                          for key, value in properties.items()}))

    def socket_chardev(self, name: str, path: str) -> None:
        """A character device behind a listening unix socket."""
        self.add("-chardev", option("socket", {"id": name, "path": path, "server": True,
                                               "wait": False}))
