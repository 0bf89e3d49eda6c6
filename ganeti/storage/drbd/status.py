"""The state of mirrors, read from ``/proc/drbd`` (8.4) and ``drbdsetup status --json`` (9)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ganeti import errors, serializer

UNCONFIGURED = "Unconfigured"
STANDALONE = "StandAlone"
WAITING = "WFConnection"
CONNECTED = "Connected"
PRIMARY = "Primary"
UP_TO_DATE = "UpToDate"
DISKLESS = "Diskless"
UNKNOWN = "Unknown"

#: Connection states in which the two copies are being made equal, or are about to be
RESYNC = frozenset([
    "SyncSource", "SyncTarget", "PausedSyncS", "PausedSyncT", "StartingSyncS", "StartingSyncT",
    "WFBitMapS", "WFBitMapT", "WFSyncUUID", "Ahead", "Behind"])
#: States that pass by themselves within moments
PASSING_CONNECTION = frozenset([
    "Unconnected", "WFReportParams", "Disconnecting", "TearDown", "NetworkFailure", "BrokenPipe",
    "ProtocolError", "Timeout", "StartingSyncS", "StartingSyncT", "WFBitMapS", "WFBitMapT",
    "WFSyncUUID"])
PASSING_DISK = frozenset(["Attaching", "Negotiating", "Detaching"])

#: Connection states of version 9 by their names in 8.4
_OLD_WORDS = {"Connecting": WAITING}
_ESTABLISHED = "Established"

_DEVICE = re.compile(r"^\s*(?P<minor>\d+):\s+cs:(?P<cs>\S+)"
                     r"(?:\s+ro:(?P<role>\w+)/(?P<peer_role>\w+))?"
                     r"(?:\s+ds:(?P<disk>\w+)/(?P<peer_disk>\w+))?")
_OUT_OF_SYNC = re.compile(r"\boos:(\d+)")
_PROGRESS = re.compile(r"sync'ed:\s*([0-9.]+)%")
_FINISH = re.compile(r"finish:\s*(\d+):(\d+):(\d+)")
_VERSION = re.compile(r"^version:\s*((\d+)\.(\d+)\S*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mirror:
    """One minor as the kernel sees it; sizes in KiB, times in seconds."""

    minor: int
    connection: str
    role: str = UNKNOWN
    peer_role: str = UNKNOWN
    disk: str = DISKLESS
    peer_disk: str = "DUnknown"
    #: Per cent that are equal, while a resynchronisation runs
    percent: float | None = None
    estimated: int | None = None
    out_of_sync: int = 0

    @property
    def configured(self) -> bool:
        return self.connection != UNCONFIGURED

    @property
    def primary(self) -> bool:
        return self.role == PRIMARY

    @property
    def connected(self) -> bool:
        """The peer answers, and nothing has to be brought in step."""
        return self.connection == CONNECTED

    @property
    def resyncing(self) -> bool:
        return self.connection in RESYNC

    @property
    def standalone(self) -> bool:
        """Cut off for good: nothing but a command makes it look for its peer again."""
        return self.connection == STANDALONE

    @property
    def diskless(self) -> bool:
        return self.disk == DISKLESS

    @property
    def up_to_date(self) -> bool:
        return self.disk == UP_TO_DATE

    @property
    def passing(self) -> bool:
        """In a state that is about to become another one by itself."""
        return self.connection in PASSING_CONNECTION or self.disk in PASSING_DISK


def version(text: str) -> tuple[str, int]:
    """(whole, major) version of the module from the text of /proc/drbd."""
    match = _VERSION.search(text)
    if match is None:
        raise errors.BlockDeviceError("The status of DRBD names no version")
    return match.group(1), int(match.group(2))


def _blocks(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """The head of each minor, with the lines that belong to it."""
    head: re.Match[str] | None = None
    lines: list[str] = []
    for line in text.splitlines():
        match = _DEVICE.match(line)
        if match is None:
            lines.append(line)
            continue
        if head is not None:
            yield head, "\n".join(lines)
        head, lines = match, []
    if head is not None:
        yield head, "\n".join(lines)


def parse_proc(text: str) -> dict[int, Mirror]:
    """Minor -> state, from the text of /proc/drbd of version 8.4."""
    found = {}
    for head, rest in _blocks(text):
        minor, connection = int(head["minor"]), head["cs"]
        oos, percent, finish = (pattern.search(rest)
                                for pattern in (_OUT_OF_SYNC, _PROGRESS, _FINISH))
        estimated = None
        if finish:
            hours, minutes, seconds = map(int, finish.groups())
            estimated = hours * 3600 + minutes * 60 + seconds
        found[minor] = Mirror(
            minor, connection, head["role"] or UNKNOWN, head["peer_role"] or UNKNOWN,
            head["disk"] or DISKLESS, head["peer_disk"] or "DUnknown",
            _percent(connection, float(percent[1]) if percent else None), estimated,
            int(oos[1]) if oos else 0)
    return found


def _percent(connection: str, told: float | None) -> float | None:
    """A resynchronisation that has only been agreed upon has done nothing yet."""
    if connection not in RESYNC:
        return None
    return 0.0 if told is None else told


def parse_json(text: str) -> dict[int, Mirror]:
    """Minor -> state, from ``drbdsetup status --json --verbose --statistics`` of version 9."""
    try:
        return {mirror.minor: mirror for resource in serializer.load(text)
                for mirror in _of_resource(resource)}
    except (KeyError, TypeError, ValueError, AttributeError, errors.ParseError) as err:
        raise errors.BlockDeviceError(f"Can not read the status of DRBD: {err}") from err


def _of_resource(resource: Mapping[str, Any]) -> Iterator[Mirror]:
    peers = resource.get("connections") or []
    peer = peers[0] if peers else {}
    state = peer.get("connection-state", STANDALONE)
    for device in resource["devices"]:
        about: Mapping[str, Any] = next((other for other in peer.get("peer_devices", ())
                      if other["volume"] == device["volume"]), {})
        connection = _OLD_WORDS.get(state, state)
        if connection == CONNECTED:
            replication = about.get("replication-state", _ESTABLISHED)
            connection = CONNECTED if replication == _ESTABLISHED else replication
        percent = about.get("percent-in-sync", about.get("done"))
        left = about.get("estimated-seconds-to-finish")
        yield Mirror(
            int(device["minor"]), connection, resource["role"], peer.get("peer-role", UNKNOWN),
            device["disk-state"], about.get("peer-disk-state", "DUnknown"),
            _percent(connection, None if percent is None else float(percent)),
            None if left is None or connection not in RESYNC else int(left),
            int(about.get("out-of-sync") or 0))
