"""A DRBD 8.4 and an LVM that exist in memory only, for clusters inside one process.

Volumes are files in each node's tree. The mirror understands the command lines that the driver
makes, keeps generations as the kernel does, and synchronises in no time; a split brain ends in
two nodes that stand alone, as the real one does (recorded in test/data/drbd).
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import shutil
from collections.abc import Sequence
from typing import Any

from ganeti import errors, pathutils
from ganeti.storage import registry
from ganeti.storage.base import BlockDev
from ganeti.storage.drbd import device, generations, kernel
from ganeti.storage.drbd.generations import Relation
from ganeti.utils import process
from test import drbdhelp

MIB = 1024 * 1024
VERSION = "version: 8.4.11 (api:1/proto:86-101)\n"
_numbers = itertools.count(0x1000, 2)


def here() -> str:
    """The node whose functions run now, as its directory."""
    return str(pathutils.DATA_DIR)


class Volume(BlockDev):
    """A logical volume as a file."""

    @property
    def path(self) -> str:
        return os.path.join(here(), "volumes", *self.disk.logical_id)

    def create(self, size: int, *, spindles: int | None = None, exclusive: bool = False) -> None:
        if os.path.exists(self.path):
            raise errors.BlockDeviceError(f"{self.path} exists")
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path, "wb") as fobj:
            fobj.truncate(size * MIB)
        self.attached = True

    def attach(self) -> bool:
        self.attached = os.path.exists(self.path)
        return self.attached

    def remove(self) -> None:
        if os.path.exists(self.path):
            os.unlink(self.path)

    def rename(self, new_logical_id: Sequence[Any]) -> None:
        target = os.path.join(here(), "volumes", *new_logical_id)
        os.rename(self.path, target)
        Mirrors.metas[target] = Mirrors.metas.pop(self.path, None) or Meta()

    def grow(self, amount: int, *, dry_run: bool = False, backing_store: bool = True,
             exclusive: bool = False) -> None:
        if backing_store and not dry_run:
            with open(self.path, "r+b") as fobj:
                fobj.truncate(os.path.getsize(self.path) + amount * MIB)

    def actual_size(self) -> int:
        return os.path.getsize(self.path)


@dataclasses.dataclass
class Meta:
    """What lies in a meta volume."""

    uuids: list[int] = dataclasses.field(default_factory=lambda: [generations.JUST_CREATED, 0, 0])
    complete: bool = False
    changed: int = 0

    def text(self) -> str:
        return ":".join(f"{number:016X}" for number in self.uuids) + ":1:1:0:0:0:0:0"


@dataclasses.dataclass
class Minor:
    """One minor of one node."""

    node: str
    number: int
    data: str | None = None
    meta: str | None = None
    primary: bool = False
    ends: tuple[str, str] | None = None
    two_primaries: bool = False
    discard: bool = False
    protocol: str = "C"

    @property
    def stored(self) -> Meta:
        assert self.meta is not None
        return Mirrors.metas[self.meta]


class Mirrors:
    """All nodes' kernels."""

    metas: dict[str, Meta] = {}
    MAJOR = 8

    def __init__(self) -> None:
        self.minors: dict[tuple[str, int], Minor] = {}
        self.commands: list[tuple[str, list[str]]] = []
        self.cut: set[str] = set()
        Mirrors.metas = {}

    def install(self, monkeypatch: Any) -> Mirrors:
        """Be the LVM and the DRBD of this process."""
        monkeypatch.setattr(registry.template("plain"), "device_class", Volume)
        monkeypatch.setattr(kernel, "run", self.run)
        monkeypatch.setattr(kernel, "loaded", lambda: True)
        monkeypatch.setattr(kernel, "status_text", self.status)
        monkeypatch.setattr(kernel, "helper", lambda: "/bin/true")
        monkeypatch.setattr(device, "PEER_PATIENCE", 0.0)
        monkeypatch.setattr(device, "PATIENCE", 0.0)
        monkeypatch.setattr(
            device.DrbdDevice, "path", property(lambda dev: self.path(dev.ends.minor)))
        monkeypatch.setattr(
            device.DrbdDevice, "actual_size", lambda dev: os.path.getsize(dev.path))
        return self

    def path(self, number: int) -> str:
        """Where the data of a minor of this node is, on the peer if need be."""
        minor = self.minors.get((here(), number))
        if minor is None:
            return f"/dev/drbd{number}"
        peer = self.peer(minor)
        return minor.data or (peer.data if peer and peer.data else f"/dev/drbd{number}")

    # commands

    def run(self, argv: Sequence[str], *, secret: bool = False) -> process.Result:
        """Understand a command line."""
        words = list(argv)
        self.commands.append((here(), words))
        if "--shared-secret" in words:
            assert secret, "a secret would be logged"
        if words[0] == "drbdsetup":
            drbdhelp.split(words, self.MAJOR)
        try:
            text = self._meta(words) if words[0] == "drbdmeta" else self._setup(words)
        except errors.BlockDeviceError as err:
            return process.Result(" ".join(words[:3]), 10, None, "", str(err))
        self.meet()
        return process.Result(" ".join(words[:3]), 0, None, text, "")

    def _meta(self, words: list[str]) -> str:
        path = next(word for word in words if "/volumes/" in word)
        action = words[words.index("flex-external") + 1]
        if not os.path.exists(path):
            raise errors.BlockDeviceError(f"{path} is missing")
        if action == "create-md":
            Mirrors.metas[path] = Meta()
        elif path not in Mirrors.metas:
            raise errors.BlockDeviceError("No valid meta data found")
        return Mirrors.metas[path].text() if action == "get-gi" else ""

    def _setup(self, words: list[str]) -> str:
        action, rest = words[1], words[2:]
        if action == "disconnect":
            minor = next(m for m in self.minors.values()
                         if m.node == here() and m.ends == (rest[0], rest[1]))
            minor.ends = None
            return ""
        if action == "net-options":
            minor = next(m for m in self.minors.values() if m.ends == (rest[0], rest[1]))
            return self._net_options(minor, rest[2:])
        number = int(rest[0].removeprefix("resource"))
        if action == "new-resource":
            return ""
        if action == "new-minor":
            self.minors.setdefault((here(), number), Minor(here(), number))
            return ""
        found = self.minors.get((here(), number))
        if action == "down":
            if found and found.primary and self.cut:
                raise errors.BlockDeviceError("State change failed: (-12) Device is held open")
            self.minors.pop((here(), number), None)
            return ""
        if found is None:
            raise errors.BlockDeviceError("(127) Device minor not allocated")
        return str(getattr(self, "_" + action.replace("-", "_"))(found, rest[1:]) or "")

    def _net_options(self, minor: Minor, words: list[str]) -> str:
        for word in words:
            if word.startswith("--allow-two-primaries="):
                minor.two_primaries = word.endswith("yes")
        if "--protocol" in words:
            minor.protocol = words[words.index("--protocol") + 1]
        return ""

    def _attach(self, minor: Minor, words: list[str]) -> None:
        if minor.data:
            raise errors.BlockDeviceError("(124) Device is attached to a disk")
        minor.data, minor.meta = words[0], words[1]

    def _connect(self, minor: Minor, words: list[str]) -> None:
        if minor.ends:
            raise errors.BlockDeviceError("(102) Local address(port) already in use.")
        minor.ends = words[0], words[1]
        minor.two_primaries = "--allow-two-primaries" in words
        minor.discard = "--discard-my-data" in words

    def _primary(self, minor: Minor, words: list[str]) -> None:
        peer = self.peer(minor)
        if peer and peer.primary and not (minor.two_primaries and peer.two_primaries):
            raise errors.BlockDeviceError("State change failed: (-1) Multiple primaries")
        complete = bool(minor.meta and minor.stored.complete) or bool(
            peer and peer.meta and peer.stored.complete)
        if not complete and "--force" not in words:
            raise errors.BlockDeviceError("State change failed: (-2) Need access to UpToDate data")
        minor.primary = True
        if not complete:
            minor.stored.complete = True
            minor.stored.uuids = [next(_numbers) << 8, generations.JUST_CREATED, 0]

    def _secondary(self, minor: Minor, words: list[str]) -> None:
        minor.primary = False

    def _detach(self, minor: Minor, words: list[str]) -> None:
        minor.data = minor.meta = None

    def _resize(self, minor: Minor, words: list[str]) -> None:
        if not minor.primary:
            raise errors.BlockDeviceError("(131) Need one Primary node to resize.")

    def _disk_options(self, minor: Minor, words: list[str]) -> None:
        if not minor.data:
            raise errors.BlockDeviceError("(138) Device does not have a disk-config")

    def _pause_sync(self, minor: Minor, words: list[str]) -> None: ...

    def _resume_sync(self, minor: Minor, words: list[str]) -> None: ...

    def _get_gi(self, minor: Minor, words: list[str]) -> str:
        return minor.stored.text()

    def _show(self, minor: Minor, words: list[str]) -> str:
        net = ends = ""
        if minor.ends:
            yes = "allow-two-primaries yes;" if minor.two_primaries else ""
            net = f'net {{ {yes} shared-secret "xyz"; }}'
            ends = "_remote_host { address " + minor.ends[1].replace(":", " ", 1) + "; }"
        local = "address " + minor.ends[0].replace(":", " ", 1) + ";" if minor.ends else ""
        disk = f'disk "{minor.data}"; meta-disk "{minor.meta}";' if minor.data else ""
        return (f"resource resource{minor.number} {{ {net} {ends} _this_host {{ {local}"
                f" volume 0 {{ device minor {minor.number}; {disk} }} }} }}\n")

    # the wire

    def peer(self, minor: Minor) -> Minor | None:
        """The other end, when both look for each other."""
        if minor.ends is None or minor.node in self.cut:
            return None
        return next((other for other in self.minors.values()
                     if other.ends == minor.ends[::-1] and other.node not in self.cut), None)

    def meet(self) -> None:
        """Let those find each other that can."""
        for minor in list(self.minors.values()):
            peer = self.peer(minor)
            if peer is None or not minor.meta or not peer.meta:
                continue
            mine, theirs = (generations.parse(m.stored.text()) for m in (minor, peer))
            relation = generations.compare(mine, theirs)
            if relation is Relation.SPLIT and (minor.discard or peer.discard):
                relation = Relation.OLDER if minor.discard else Relation.NEWER
            if relation in (Relation.SPLIT, Relation.UNRELATED):
                minor.ends = peer.ends = None
            elif relation is not Relation.EQUAL:
                good, bad = (minor, peer) if relation is Relation.NEWER else (peer, minor)
                assert good.data and bad.data
                shutil.copyfile(good.data, bad.data)
                bad.stored.uuids = list(good.stored.uuids)
                bad.stored.complete = True
                good.stored.changed = bad.stored.changed = 0
                good.discard = bad.discard = False

    def write(self, node: str, number: int, text: bytes) -> None:
        """What a guest writes into a primary."""
        minor = self.minors[node, number]
        assert minor.primary, "only a primary can be written to"
        peer = self.peer(minor)
        for copy in (minor, peer):
            if copy and copy.data:
                with open(copy.data, "r+b") as fobj:
                    fobj.write(text)
        if peer is None and minor.meta and not minor.stored.changed:
            minor.stored.uuids = [next(_numbers) << 8, minor.stored.uuids[0],
                                  minor.stored.uuids[1]]
        if peer is None and minor.meta:
            minor.stored.changed += 4

    def status(self) -> str:
        """The text of /proc/drbd on this node."""
        lines = [VERSION]
        for (node, number), minor in sorted(self.minors.items()):
            if node == here():
                lines.append(self._line(number, minor))
        return "".join(lines)

    def _line(self, number: int, minor: Minor) -> str:
        if not minor.meta and not minor.ends:
            return f" {number}: cs:Unconfigured\n"
        peer = self.peer(minor)
        state = "Connected" if peer else ("WFConnection" if minor.ends else "StandAlone")
        roles = ["Primary" if m.primary else "Secondary" for m in (minor, peer) if m]
        disks = [("UpToDate" if m.stored.complete else "Inconsistent") if m.meta else "Diskless"
                 for m in (minor, peer) if m]
        changed = minor.stored.changed if minor.meta else 0
        return (f" {number}: cs:{state} ro:{'/'.join(roles + ['Unknown'][:2 - len(roles)])}"
                f" ds:{'/'.join(disks + ['DUnknown'][:2 - len(disks)])} {minor.protocol} r-----\n"
                f"    ns:0 nr:0 oos:{changed}\n")
