"""What a group's watcher remembers between its runs: tries to restart, and the nodes' boots."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Any

from ganeti import constants, errors, pathutils, serializer
from ganeti.utils import io

_LOG = logging.getLogger(__name__)
RESTART = "restart"
CLEANUP = "cleanup"


class GroupState:
    """The state file of one node group; only one watcher at a time may have it open.

    A damaged file is set aside, and the counting begins anew: the worst that follows are five
    more tries.
    """

    def __init__(self, group_uuid: str) -> None:
        self.path = pathutils.WATCHER_GROUP_STATE_FILE % group_uuid
        self._lock = io.lock_file(f"{self.path}.lock")
        self._instances: dict[str, dict[str, Any]] = {}
        self._nodes: dict[str, dict[str, Any]] = {}
        self._load()

    def _load(self) -> None:
        try:
            data = serializer.load(io.read_bytes(self.path), self.path)
            if not isinstance(data, dict):
                raise errors.ParseError(f"{self.path} holds no object")
            self._instances = _section(data, "instance")
            self._nodes = _section(data, "node")
        except FileNotFoundError:
            return
        except errors.ParseError as err:
            kept = io.create_backup(self.path)
            _LOG.error("%s; it is kept as %s, and counting begins anew", err, kept)

    def save(self) -> None:
        """Write what is remembered."""
        data = {"instance": self._instances, "node": self._nodes}
        io.write_file(self.path, serializer.dump(data), mode=0o600)

    def close(self) -> None:
        """Let another watcher have the group."""
        self._lock.release()

    def tries(self, name: str, what: str = RESTART) -> int:
        """How often something was tried with an instance without lasting success."""
        record = self._instances.get(name, {})
        return int(record.get(f"{what}_count", 0))

    def note_try(self, name: str, what: str = RESTART) -> None:
        """Remember one more try."""
        record = self._instances.setdefault(name, {})
        record[f"{what}_count"] = self.tries(name, what) + 1
        record[f"{what}_when"] = time.time()

    def forget(self, name: str, what: str = RESTART) -> None:
        """The instance is as it should be: the next trouble is a new one."""
        record = self._instances.get(name)
        if record is None:
            return
        for key in (f"{what}_count", f"{what}_when"):
            record.pop(key, None)
        if not record:
            del self._instances[name]

    def forget_old(self, known: Iterable[str]) -> None:
        """Drop instances that are gone, and tries that are hours ago."""
        names = set(known)
        limit = time.time() - constants.WATCHER_FORGET_AFTER
        for name in list(self._instances):
            if name not in names:
                del self._instances[name]
                continue
            for what in (RESTART, CLEANUP):
                if self._instances.get(name, {}).get(f"{what}_when", limit) < limit:
                    self.forget(name, what)

    def boot_id(self, node: str) -> str | None:
        """The boot of a node that was seen last."""
        return self._nodes.get(node, {}).get("bootid")

    def note_boot_id(self, node: str, boot_id: str) -> None:
        """Remember the boot of a node, after what follows from it has been done."""
        self._nodes[node] = {"bootid": boot_id}


def _section(data: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    section = data.get(name, {})
    if not isinstance(section, dict) or not all(
            isinstance(item, dict) for item in section.values()):
        raise errors.ParseError(f"The part '{name}' has the wrong form")
    return section
