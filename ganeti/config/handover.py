"""Quick hand-over of small changes of the configuration to the candidates.

While the master writes its own file, a candidate that has the former version is sent the
difference and puts the new version beside its file; once the master's file is safe, the candidate
is told to take it over. So no candidate ever has a version that the master lacks, and both disks
work at the same time. Whatever does not succeed here is left to a complete upload.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from ganeti import errors
from ganeti.utils import patch

if TYPE_CHECKING:
    from ganeti.rpc import runner

ANSWER_SECONDS: Final = 5
"""A candidate that takes longer is left to the complete upload, which is more patient."""
SMALL: Final = 256 * 1024
"""Bytes of new text up to which a difference is worth while."""
WORTH: Final = 64 * 1024
"""Shorter configurations are sent as a whole."""


class Handover:
    """What each candidate has, and the version that is on its way."""

    def __init__(self, rpc: runner.RpcRunner) -> None:
        self._rpc = rpc
        self._has: dict[str, bytes] = {}
        self._pool = concurrent.futures.ThreadPoolExecutor(1, "config-handover")
        self._under_way: tuple[bytes, concurrent.futures.Future[tuple[str, list[str]]]] | None = (
            None)
        self._stopped = False

    def announce(self, encoded: bytes, uuids: Iterable[str]) -> None:
        """Begin to hand a version over to those nodes that have the former one."""
        self._under_way = None
        ready = [uuid for uuid in uuids if uuid in self._has]
        former = {id(self._has[uuid]): self._has[uuid] for uuid in ready}
        if self._stopped or len(former) != 1 or len(encoded) < WORTH:
            return
        (old,) = former.values()
        self._under_way = encoded, self._pool.submit(self._prepare, old, encoded, ready)

    def _prepare(self, old: bytes, new: bytes, uuids: list[str]) -> tuple[str, list[str]]:
        """The digest of the version, and the nodes that have it ready."""
        digest = hashlib.sha1(new).hexdigest()
        pieces = patch.make(old, new, SMALL)
        results = {} if pieces is None else self._rpc.multi_within(
            ANSWER_SECONDS, uuids, "config_prepare", pieces, digest)
        return digest, [uuid for uuid, result in results.items() if not result.fail_msg]

    def complete(self, encoded: bytes) -> set[str]:
        """The master's file is safe: have the version taken over; gives the nodes that have it."""
        under_way, self._under_way = self._under_way, None
        if under_way is None or under_way[0] is not encoded:
            return set()
        try:
            digest, prepared = under_way[1].result()
            adopted = self._rpc.multi_within(
                ANSWER_SECONDS, prepared, "config_adopt", digest) if prepared else {}
        except errors.GenericError as err:
            logging.warning("The configuration is sent as a whole: %s", errors.text(err))
            return set()
        done = {uuid for uuid, result in adopted.items() if not result.fail_msg}
        self.note(encoded, done)
        return done

    def note(self, encoded: bytes, uuids: Iterable[str]) -> None:
        """These nodes have this version now."""
        self._has.update(dict.fromkeys(uuids, encoded))

    def forget(self, uuids: Iterable[str]) -> None:
        """What these nodes have is not known any more."""
        for uuid in uuids:
            self._has.pop(uuid, None)

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopped = True
