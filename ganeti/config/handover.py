"""Quick hand-over of small changes of the configuration to the candidates.

A candidate that has the former version gets the difference and appends it to the journal of its
copy; once changes have come to rest it writes the copy whole. Whatever does not succeed here is
left to a complete upload.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from ganeti.config import files
from ganeti.utils import patch

if TYPE_CHECKING:
    from ganeti.rpc import runner

ANSWER_SECONDS: Final = 5
"""A candidate that takes longer is left to the complete upload, which is more patient."""
SETTLE_SECONDS: Final = 30


class Handover:
    """What each candidate has: the name of the state there, and its content."""

    def __init__(self, rpc: runner.RpcRunner) -> None:
        self._rpc = rpc
        self._mutex = threading.Lock()
        self._has: dict[str, tuple[str, bytes]] = {}
        self._unsettled: set[str] = set()

    def send(self, encoded: bytes, uuids: Iterable[str]) -> set[str]:
        """Send the difference to those nodes that have a former version; gives who took it."""
        groups: dict[tuple[str, int], tuple[bytes, list[str]]] = {}
        with self._mutex:
            for uuid in uuids:
                if uuid in self._has and len(encoded) >= files.SHORT:
                    state, old = self._has[uuid]
                    groups.setdefault((state, id(old)), (old, []))[1].append(uuid)
        done: set[str] = set()
        for (state, _), (old, members) in groups.items():
            pieces = patch.make(old, encoded, files.SMALL)
            if pieces is not None:
                done |= self._append(members, state, pieces, encoded)
        return done

    def _append(self, uuids: list[str], state: str, pieces: list[patch.Piece],
                encoded: bytes) -> set[str]:
        results = self._rpc.multi_within(ANSWER_SECONDS, uuids, "config_append", state, pieces)
        took = {uuid: result.payload for uuid, result in results.items() if not result.fail_msg}
        with self._mutex:
            self._has.update({uuid: (new, encoded) for uuid, new in took.items()})
            self._unsettled.update(took)
        return set(took)

    def settle(self) -> None:
        """Have the copies that got differences written whole."""
        with self._mutex:
            uuids, self._unsettled = sorted(self._unsettled), set()
        if not uuids:
            return
        results = self._rpc.multi_within(SETTLE_SECONDS, uuids, "config_settle")
        for uuid, result in results.items():
            if result.fail_msg:
                logging.warning("The copy of the configuration on node %s is not written whole"
                                " yet: %s", uuid, result.fail_msg)

    def note(self, encoded: bytes, uuids: Iterable[str]) -> None:
        """These nodes were sent this version as a whole."""
        state = hashlib.sha1(encoded, usedforsecurity=False).hexdigest()
        with self._mutex:
            self._has.update(dict.fromkeys(uuids, (state, encoded)))

    def forget(self, uuids: Iterable[str]) -> None:
        """What these nodes have is not known any more."""
        with self._mutex:
            for uuid in uuids:
                self._has.pop(uuid, None)
