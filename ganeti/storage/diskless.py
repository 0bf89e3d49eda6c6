"""Instances without disks."""

from __future__ import annotations

from ganeti import constants
from ganeti.storage.base import DiskTemplate, Mirroring


class DisklessTemplate(DiskTemplate):
    """Nothing to store: such an instance can run anywhere."""

    name = constants.DT_DISKLESS
    storage_type = constants.ST_DISKLESS
    mirroring = Mirroring.EXTERNAL
    shared = True
    convertible_from = False
    convertible_to = False
    has_disks = False
