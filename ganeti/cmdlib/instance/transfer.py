"""Moving the contents of disks from node to node by the import and export daemons.

A *leg* is one daemon on one node; a copy inside the cluster has two, an exchange with another
cluster has one here and one there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ganeti import constants, errors, objects
from ganeti.cmdlib import base
from ganeti.utils import uuid as uuids

#: Seconds between two looks at the daemons: quick for small disks, then longer
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.5, 3.0)
#: Seconds between two messages about the progress
_REPORT_INTERVAL = 15.0
#: Looks that a node may leave unanswered, one after the other
_UNANSWERED = 5
#: Lines of a failed daemon's output that are shown
_OUTPUT_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class End:
    """Where contents come from or go to: a node, and what is opened there.

    `opened` is a kind (constants.IEIO_*) and its arguments as the node calls take them.
    """

    node_uuid: str
    instance: objects.Instance
    opened: Sequence[Any]


@dataclasses.dataclass(frozen=True)
class Copy:
    """One disk's way inside the cluster."""

    title: str
    component: str
    source: End
    target: End


class Leg:
    """One daemon: its node, the name of its transfer, and what it has told last."""

    def __init__(self, title: str, node_uuid: str, name: str | None, failure: str | None) -> None:
        self.title = title
        self.node_uuid = node_uuid
        self.name = name
        self.failure = failure
        self.status: Mapping[str, Any] = {}
        self.unanswered = 0

    @property
    def ended(self) -> bool:
        return self.failure is not None or self.status.get("exit_status") is not None

    @property
    def good(self) -> bool:
        return self.failure is None and self.status.get("exit_status") == 0

    @property
    def port(self) -> int | None:
        """Where a receiver listens."""
        return self.status.get("listen_port")

    @property
    def connected(self) -> bool:
        return bool(self.status.get("connected"))

    def progress(self) -> str:
        """How far it is, in words."""
        words = [f"{self.title}: {self.status.get('progress_mbytes') or 0:.0f} MiB"]
        if self.status.get("progress_percent") is not None:
            words.append(f"{self.status['progress_percent']:.0f}%")
        if self.status.get("progress_throughput"):
            words.append(f"{self.status['progress_throughput']:.1f} MiB/s")
        if self.status.get("progress_eta") is not None:
            words.append(f"{self.status['progress_eta']:.0f} s left")
        return ", ".join(words)

    def problem(self) -> str:
        """Why it failed."""
        if self.failure is not None:
            return self.failure
        return str(self.status.get("error_message")
                   or f"exit status {self.status.get('exit_status')}")


@contextlib.contextmanager
def board(lu: base.LogicalUnit) -> Iterator[Board]:
    """A board of transfers; whatever happens, its daemons have ended and are cleaned up after."""
    made = Board(lu)
    try:
        yield made
    finally:
        made.clean_up()


class Board:
    """Starts daemons and watches them."""

    def __init__(self, lu: base.LogicalUnit) -> None:
        self._lu = lu
        self._legs: list[Leg] = []
        self._reported = time.monotonic()

    def start_import(self, title: str, end: End, component: str, opts: Mapping[str, Any]) -> Leg:
        """Let a node wait for contents."""
        result = self._lu.rpc.import_start(
            end.node_uuid, dict(opts), end.instance, component, end.opened)
        return self._started(title, end, result)

    def start_export(self, title: str, end: End, component: str, opts: Mapping[str, Any],
                     host: str, port: int) -> Leg:
        """Let a node send contents to an address."""
        result = self._lu.rpc.export_start(
            end.node_uuid, dict(opts), host, port, end.instance, component, end.opened)
        return self._started(title, end, result)

    def _started(self, title: str, end: End, result: Any) -> Leg:
        leg = Leg(title, end.node_uuid, result.payload, result.fail_msg or None)
        self._legs.append(leg)
        return leg

    def wait(self, legs: Sequence[Leg], done: Callable[[Leg], Any]) -> None:
        """Wait until each leg has come to `done` or has ended."""
        looks = 0
        while any(not leg.ended and not done(leg) for leg in legs):
            time.sleep(_PAUSES[min(looks, len(_PAUSES) - 1)])
            looks += 1
            self._look(legs)
            self._report(legs)

    def _look(self, legs: Sequence[Leg]) -> None:
        running = [leg for leg in legs if not leg.ended]
        for node_uuid in dict.fromkeys(leg.node_uuid for leg in running):
            there = [leg for leg in running if leg.node_uuid == node_uuid]
            result = self._lu.rpc.impexp_status(node_uuid, [leg.name for leg in there])
            if result.fail_msg:
                self._unanswered(there, result.fail_msg)
                continue
            for leg, status in zip(there, result.payload, strict=True):
                leg.unanswered = 0
                leg.status = status or leg.status

    def _unanswered(self, legs: Sequence[Leg], text: str) -> None:
        for leg in legs:
            leg.unanswered += 1
            if leg.unanswered >= _UNANSWERED:
                leg.failure = f"node {self._node_name(leg.node_uuid)} does not answer: {text}"

    def _report(self, legs: Sequence[Leg]) -> None:
        if time.monotonic() - self._reported < _REPORT_INTERVAL:
            return
        self._reported = time.monotonic()
        for leg in legs:
            if leg.connected and not leg.ended:
                self._lu.feedback(f"  {leg.progress()}")

    def verdict(self, leg: Leg) -> bool:
        """Whether a leg went well; a failed one is explained in the job's log."""
        if leg.good:
            return True
        self._lu.feedback.warning(
            f"{leg.title} on node {self._node_name(leg.node_uuid)}: {leg.problem()}")
        for line in (leg.status.get("recent_output") or [])[-_OUTPUT_SHOWN:]:
            self._lu.feedback(f"      {line}")
        return False

    def _node_name(self, uuid: str) -> str:
        return self._lu.config.nodes[uuid].name

    def clean_up(self) -> None:
        """End what still runs, and remove what the daemons have left."""
        for leg in self._legs:
            if leg.name is None:
                continue
            result = self._lu.rpc.impexp_cleanup(leg.node_uuid, leg.name)
            if result.fail_msg:
                self._lu.feedback.warning(
                    f"Can not clean up transfer {leg.name} on node"
                    f" {self._node_name(leg.node_uuid)}: {result.fail_msg}")


def magic(secret: str, instance_name: str, index: int) -> str:
    """The text by which a receiver knows one disk's stream; format of the catalogue."""
    digest = hashlib.sha1(usedforsecurity=False)
    for part in (str(constants.RIE_VERSION), secret, instance_name, str(index)):
        digest.update(part.encode())
    return digest.hexdigest()


def options(lu: base.LogicalUnit, *, compress: str, magic: str, timeout: int,
            key_name: str | None = None, ca_pem: str | None = None) -> dict[str, Any]:
    """The catalogue's options of one leg."""
    ipv6 = lu.config.cluster.primary_ip_family == socket.AF_INET6
    return {"key_name": key_name, "ca_pem": ca_pem, "compress": compress, "magic": magic,
            "ipv6": ipv6, "connect_timeout": timeout}


def require_compression(lu: base.LogicalUnit, tool: str) -> None:
    """Refuse a compression tool that the cluster does not allow."""
    allowed = [constants.IEC_NONE, *lu.config.cluster.compression_tools]
    if tool not in allowed:
        raise errors.OpPrereqError(
            f"Compression tool '{tool}' is not among those of the cluster:"
            f" {', '.join(allowed)}; 'gnt-cluster modify --compression-tools' sets them",
            errors.ECODE_INVAL)


def run(lu: base.LogicalUnit, copies: Sequence[Copy], compress: str) -> list[bool]:
    """Copy inside the cluster, all disks at once; for each whether it arrived whole."""
    with board(lu) as transfers:
        opts = [options(lu, compress=compress, timeout=constants.RIE_CONNECT_TIMEOUT,
                        magic=magic(uuids.new(), copy.target.instance.name, index))
                for index, copy in enumerate(copies)]
        targets = [transfers.start_import(f"{copy.title}, receiver", copy.target, copy.component,
                                          opt)
                   for copy, opt in zip(copies, opts, strict=True)]
        transfers.wait(targets, lambda leg: leg.port)
        pairs: list[tuple[Leg, Leg | None]] = []
        for copy, opt, target in zip(copies, opts, targets, strict=True):
            if target.ended:
                pairs.append((target, None))
                continue
            assert target.port is not None
            host = lu.config.nodes[copy.target.node_uuid].secondary_ip
            pairs.append((target, transfers.start_export(
                copy.title, copy.source, copy.component,
                {**opt, "connect_timeout": constants.RIE_CONNECT_ATTEMPT_TIMEOUT}, host,
                target.port)))
        sources = [source for _, source in pairs if source is not None]
        transfers.wait(sources, lambda leg: leg.ended)
        # A receiver whose sender failed would wait for its whole time-out.
        transfers.wait([target for target, source in pairs if source is not None and source.good],
                       lambda leg: leg.ended)
        return [_arrived(transfers, target, source) for target, source in pairs]


def _arrived(transfers: Board, target: Leg, source: Leg | None) -> bool:
    """Both ends have to say so; the receiver is asked only where the sender went well."""
    if source is None:
        return transfers.verdict(target)
    return transfers.verdict(source) and transfers.verdict(target)
