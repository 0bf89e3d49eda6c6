"""Block devices that the administrator made and Ganeti only adopts: what they can do."""

from __future__ import annotations

from ganeti import constants
from ganeti.storage.base import DiskTemplate, Mirroring


class BlockdevTemplate(DiskTemplate):
    """A device below /dev/disk that every node sees."""

    name = constants.DT_BLOCK
    storage_type = constants.ST_BLOCK
    mirroring = Mirroring.EXTERNAL
    shared = True
    adoptable = True
    must_adopt = True
    convertible_to = False
