"""Logical volumes of LVM on one node: what they can do."""

from __future__ import annotations

from typing import Any

from ganeti import constants, objects
from ganeti.storage.base import DiskTemplate


class PlainTemplate(DiskTemplate):
    """A logical volume on the primary node."""

    name = constants.DT_PLAIN
    storage_type = constants.ST_LVM_VG
    growable = True
    can_snapshot = True
    adoptable = True
    copyable = True
    exclusive_storage = True
    uses_lvm = True

    def describe(self, disk: objects.Disk) -> dict[str, Any]:
        return {"VG": disk.logical_id[0], "ID": disk.logical_id[1]}
