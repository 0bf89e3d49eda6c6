"""Logical volumes of LVM on one node: what they can do."""

from __future__ import annotations

from ganeti import constants
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
