"""The lock levels, in the order in which a job takes them."""

from __future__ import annotations

import enum
from typing import Final


class Level(enum.IntEnum):
    """A job that holds locks of one level may only ask for later levels."""

    CLUSTER = 0
    INSTANCE = 1
    NODEGROUP = 2
    NODE = 3
    NODE_RES = 4
    NETWORK = 5


BGL: Final = "BGL"
"""The one lock of the cluster level: shared by nearly everything."""

NAMES: Final = {
    Level.CLUSTER: "cluster",
    Level.INSTANCE: "instance",
    Level.NODEGROUP: "nodegroup",
    Level.NODE: "node",
    Level.NODE_RES: "node-res",
    Level.NETWORK: "network",
}
"""As the lock query spells them (``node/UUID``)."""


class AllLocks(enum.Enum):
    """The type of ``ALL``: every lock of a level, those that do not exist yet included."""

    ALL = "all"

    def __repr__(self) -> str:
        return "ALL"


ALL: Final = AllLocks.ALL
