"""Images in a RADOS pool: what they can do."""

from __future__ import annotations

from ganeti import constants
from ganeti.storage.base import DiskTemplate, Mirroring


class RbdTemplate(DiskTemplate):
    """A RADOS block device."""

    name = constants.DT_RBD
    storage_type = constants.ST_RADOS
    mirroring = Mirroring.EXTERNAL
    shared = True
    growable = True
    userspace_uri = True
    counts_free_space = False
