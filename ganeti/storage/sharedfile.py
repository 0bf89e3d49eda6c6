"""Disks as files in a directory that every node of the group mounts (NFS and the like)."""

from __future__ import annotations

from ganeti import constants
from ganeti.storage.base import Mirroring
from ganeti.storage.file import FileDevice, FileTemplate


class SharedFileDevice(FileDevice):
    """A file that every node sees; the same operations as on a local one."""


class SharedFileTemplate(FileTemplate):
    """Files that every node reaches: an instance can migrate without copying."""

    name = constants.DT_SHARED_FILE
    storage_type = constants.ST_SHARED_FILE
    mirroring = Mirroring.EXTERNAL
    shared = True
    copyable = False
    device_class = SharedFileDevice
