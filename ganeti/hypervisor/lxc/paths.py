"""Where the driver keeps its files: a directory a container below <run dir>/lxc, LXC's own path."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass

from ganeti import errors, pathutils

#: Parts of a container that get control groups of their own
PAYLOAD, MONITOR, PIVOT = "payload", "monitor", "pivot"
GROUP_KINDS = (PAYLOAD, MONITOR, PIVOT)


@dataclass(frozen=True)
class Files:
    """The files of one container."""

    name: str

    def __post_init__(self) -> None:
        if "/" in self.name or self.name.startswith("."):
            raise errors.HypervisorError(f"Wrong instance name '{self.name}'")

    def _own(self, name: str) -> str:
        return os.path.join(self.directory, name)

    @property
    def directory(self) -> str:
        return os.path.join(pathutils.LXC_DIR, self.name)

    @property
    def config(self) -> str:
        return self._own("config")

    @property
    def rootfs(self) -> str:
        """Where the root file system is mounted, in the container's own mount namespace."""
        return self._own("rootfs")

    @property
    def nics(self) -> str:
        """Directory of the interfaces' descriptions for the network scripts."""
        return self._own("nic")

    @property
    def messages(self) -> str:
        """What the mount and the network scripts said at the start."""
        return self._own("messages")

    @property
    def loops(self) -> str:
        """The files that have loop devices for this container, one a line."""
        return self._own("loops")

    def disk_link(self, number: int) -> str:
        """The symlink to the block device of a disk beyond the first."""
        return self._own(f"disk{number}")

    @property
    def monitor(self) -> str:
        """Process id of the container's monitor."""
        return self._own("pid")

    @property
    def log(self) -> str:
        return os.path.join(pathutils.LOG_LXC_DIR, f"{self.name}.log")

    @property
    def console_log(self) -> str:
        return os.path.join(pathutils.LOG_LXC_DIR, f"{self.name}.console")

    def group(self, kind: str) -> str:
        """Name of a control group; those of a virtual cluster's nodes share one machine."""
        return f"lxc.{kind}.{self.name}{root_mark(pathutils.ROOT)}"


def root_mark(root: str) -> str:
    """What tells a virtual node's control groups apart; empty on a real node."""
    return f"@{zlib.crc32(root.encode()):08x}" if root else ""


def ensure_directories() -> None:
    """Make what is missing of the tree."""
    for path in (pathutils.LXC_DIR, pathutils.LOG_LXC_DIR):
        try:
            os.makedirs(path, mode=0o750, exist_ok=True)
        except OSError as err:
            raise errors.HypervisorError(f"Can not prepare directory {path}: {err}") from err
