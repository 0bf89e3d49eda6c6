"""A storage kit: what the conformance suite has to know of one storage type on this machine."""

from __future__ import annotations

import abc
import pathlib
import uuid
from collections.abc import Mapping
from typing import Any

from ganeti import objects
from ganeti.storage import registry
from ganeti.storage.base import DiskRequest, DiskTemplate


class StorageKit(abc.ABC):
    """How to make disks of one type on this machine, and how to see what they leave behind."""

    #: Name of the disk template
    template_name: str
    #: What is behind it, where one type has several kits: "kernel, a server of the tests"
    variant: str = ""
    #: Why the suite can not run here, or None
    unavailable: str | None = None
    #: Parameters of the disks
    params: Mapping[str, Any] = {}
    #: The node's kernel has a device or file for each disk
    has_path: bool = True
    #: A directory of the test, set before `set_up`
    scratch: pathlib.Path

    @property
    def template(self) -> DiskTemplate:
        return registry.template(self.template_name)

    @classmethod
    def label(cls) -> str:
        """What the table of results calls it."""
        return f"{cls.template_name} ({cls.variant})" if cls.variant else cls.template_name

    def environment(self) -> dict[str, str]:
        """Variables that the node daemon would have."""
        return {}

    def set_up(self) -> None:
        """Prepare the place where disks will live."""

    def tear_down(self) -> None:
        """Undo `set_up`."""

    def request(self, size: int, index: int = 0, instance: str = "inst1.example.org",
                **further: Any) -> DiskRequest:
        """A request that the type can lay out."""
        return DiskRequest(
            uuid=str(uuid.uuid4()), unique_id=str(uuid.uuid4()), instance_name=instance,
            instance_uuid="i-uuid", index=index, size=size, primary_node="n1-uuid",
            params=self.params, **further)

    def disk(self, size: int, index: int = 0) -> objects.Disk:
        """A disk as a node daemon gets it: with all its parameters."""
        disk = self.template.layout(self.request(size, index))
        return disk.replace(params={**self.template.parameters.defaults(), **disk.params})

    def make(self, disk: objects.Disk, size: int) -> None:
        """Make a laid out disk; where only the administrator can, be the administrator."""
        registry.device(disk).create(size)

    def unmake(self, disk: objects.Disk) -> None:
        """Remove a disk, if it is there."""
        device = registry.device(disk)
        if device.attach():
            device.remove()

    def other_id(self, disk: objects.Disk) -> list[Any] | None:
        """A free logical id for renaming; None for types that refuse it."""
        return None

    @abc.abstractmethod
    def leftovers(self) -> list[str]:
        """Everything that exists in the place where disks live."""
