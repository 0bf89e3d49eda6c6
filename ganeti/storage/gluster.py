"""Files on a Gluster volume: what they can do."""

from __future__ import annotations

from ganeti import constants
from ganeti.storage.base import DiskTemplate, Mirroring


class GlusterTemplate(DiskTemplate):
    """A file on a volume that every node mounts."""

    name = constants.DT_GLUSTER
    storage_type = constants.ST_GLUSTER
    mirroring = Mirroring.EXTERNAL
    shared = True
    growable = True
    file_based = True
    userspace_uri = True
    counts_free_space = False
