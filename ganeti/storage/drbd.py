"""DRBD over two logical volumes: what it can do."""

from __future__ import annotations

from typing import Any

from ganeti import constants, objects, serializer
from ganeti.storage.base import DiskTemplate, Mirroring


class DrbdTemplate(DiskTemplate):
    """A volume mirrored over the network to a secondary node."""

    name = constants.DT_DRBD8
    storage_type = constants.ST_LVM_VG
    mirroring = Mirroring.INTERNAL
    needs_secondary = True
    growable = True
    can_snapshot = True
    uses_lvm = True
    assemble_on_secondary = True

    def minors(self, disk: objects.Disk) -> list[tuple[str, int]]:
        """Both ends: the logical id is [node, node, port, minor, minor, secret]."""
        first, second, _, minor_first, minor_second = disk.logical_id[:5]
        return [(first, minor_first), (second, minor_second)]

    def ports(self, disk: objects.Disk) -> list[int]:
        return [disk.logical_id[2]]

    def shown_id(self, disk: objects.Disk) -> list[Any]:
        """The same without the secret by which both ends know each other."""
        return [*disk.logical_id[:5], serializer.REDACTED]

    def describe(self, disk: objects.Disk) -> dict[str, Any]:
        first, second, port, minor_first, minor_second = disk.logical_id[:5]
        env = {"PNODE": first, "SNODE": second, "PORT": port, "PMINOR": minor_first,
               "SMINOR": minor_second}
        for label, child in zip(("DATA", "META"), disk.children, strict=False):
            env[f"{label}_VG"], env[f"{label}_ID"] = child.logical_id
        return env
