"""Volumes of an external storage provider: what they can do."""

from __future__ import annotations

from ganeti import constants
from ganeti.storage.base import DiskTemplate, Mirroring


class ExtTemplate(DiskTemplate):
    """A volume managed by a provider's scripts."""

    name = constants.DT_EXT
    storage_type = constants.ST_EXT
    mirroring = Mirroring.EXTERNAL
    shared = True
    growable = True
    can_snapshot = True
    userspace_uri = True
    counts_free_space = False
