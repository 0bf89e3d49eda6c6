"""Volumes of an external storage provider: what they can do."""

from __future__ import annotations

from typing import Any

from ganeti import constants, objects
from ganeti.storage.base import DiskTemplate, Mirroring


class ExtTemplate(DiskTemplate):
    """A volume managed by a provider's scripts."""

    name = constants.DT_EXT
    storage_type = constants.ST_EXT
    mirroring = Mirroring.EXTERNAL
    shared = True
    growable = True
    can_snapshot = True
    needs_provider = True
    userspace_uri = True
    counts_free_space = False

    def describe(self, disk: objects.Disk) -> dict[str, Any]:
        return {"PROVIDER": disk.logical_id[0], "ID": disk.logical_id[1]}
