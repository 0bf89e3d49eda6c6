"""The command lines of DRBD 8.4 and 9; whoever runs them need not know which it is.

8.4 has one connection a resource, named by both addresses; in 9 a peer has a number, and the
speed of resynchronisation belongs to the peer's device.
"""

from __future__ import annotations

import ipaddress
import shlex
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganeti import constants
from ganeti.storage.drbd.kernel import JSON_SINCE

Argv = list[str]

_SETUP = "drbdsetup"
_META = "drbdmeta"
_ALGORITHM = "md5"
_BARRIERS = (("b", "disk-barrier"), ("f", "disk-flushes"), ("d", "disk-drain"))
_DYNAMIC = ("c-plan-ahead", "c-fill-target", "c-delay-target", "c-max-rate", "c-min-rate")


def endpoint(address: str, port: int) -> str:
    """One end of a connection as commands take it."""
    if ipaddress.ip_address(address).version == constants.IP6_VERSION:
        return f"ipv6:[{address}]:{port}"
    return f"ipv4:{address}:{port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """A mirrored disk as one node's commands name it."""

    minor: int
    #: Numbers of both nodes in the resource
    node_id: int
    peer_id: int
    local: str | None = None
    remote: str | None = None

    @property
    def resource(self) -> str:
        return f"resource{self.minor}"


# Options from parameters ---------------------------------------------------------------------

def barrier_options(params: Mapping[str, Any], *, every: bool) -> Argv:
    """Write-ordering methods that are not to be used; `every` names those to be used, too."""
    off = set(params["disk-barriers"]) - {constants.DRBD_B_NONE}
    wanted = [(option, letter not in off) for letter, option in _BARRIERS]
    wanted.append(("md-flushes", not params["meta-barriers"]))
    return [f"--{option}={'yes' if use else 'no'}" for option, use in wanted if every or not use]


def sync_options(params: Mapping[str, Any]) -> Argv:
    """The speed of resynchronisation: fixed, or adapted by DRBD itself."""
    if params["dynamic-resync"]:
        return [f"--{name}={params[name]}" for name in _DYNAMIC]
    return [f"--resync-rate={max(1, params['resync-rate'])}", "--c-plan-ahead=0"]


def net_options(params: Mapping[str, Any]) -> Argv:
    """Options of a connection that can be changed while it is there."""
    return ["--protocol", params["protocol"], *shlex.split(params["net-custom"])]


def connection_options(params: Mapping[str, Any], secret: str, *, two_primaries: bool) -> Argv:
    """All options of a new connection.

    A split brain is settled by itself only where one side has not changed anything at all.
    """
    result = ["--protocol", params["protocol"], "--after-sb-0pri", "discard-zero-changes",
              "--after-sb-1pri", "consensus"]
    if two_primaries:
        result.append("--allow-two-primaries")
    return [*result, "--cram-hmac-alg", _ALGORITHM, "--shared-secret", secret,
            *shlex.split(params["net-custom"])]


# Dialects ------------------------------------------------------------------------------------

class Dialect(ABC):
    """Command lines of one version."""

    #: Format of the meta data, and what of create-md follows from it
    format: str
    create_words: Sequence[str] = ()

    def create_meta(self, minor: int, meta: str) -> Argv:
        return [_META, "--force", f"/dev/drbd{minor}", self.format, meta, "flex-external",
                "create-md", *self.create_words]

    def apply_log(self, minor: int, meta: str) -> Argv:
        """After a crash: what the activity log holds becomes part of the bitmap."""
        return [_META, f"/dev/drbd{minor}", self.format, meta, "flex-external", "apply-al"]

    def stored_generation(self, ends: Ends, meta: str) -> Argv:
        """The identifiers of a copy that is not in use."""
        return [_META, f"/dev/drbd{ends.minor}", self.format, meta, "flex-external", "get-gi"]

    def attach(self, minor: int, data: str, meta: str, size: int, params: Mapping[str, Any]
               ) -> Argv:
        """`size` in MiB; 0 takes what there is."""
        return [_SETUP, "attach", str(minor), data, meta, "flexible", "--on-io-error=detach",
                *(["--size", f"{size}m"] if size else []),
                *barrier_options(params, every=False), *shlex.split(params["disk-custom"])]

    def disk_options(self, minor: int, params: Mapping[str, Any]) -> Argv:
        return [_SETUP, "disk-options", str(minor), *barrier_options(params, every=True),
                *shlex.split(params["disk-custom"])]

    def new_minor(self, ends: Ends) -> Argv:
        return [_SETUP, "new-minor", ends.resource, str(ends.minor), "0"]

    def detach(self, minor: int) -> Argv:
        return [_SETUP, "detach", str(minor)]

    def down(self, ends: Ends) -> Argv:
        return [_SETUP, "down", ends.resource]

    def resize(self, minor: int, size: int) -> Argv:
        return [_SETUP, "resize", str(minor), "--size", f"{size}m"]

    def show(self, ends: Ends) -> Argv:
        return [_SETUP, "show", ends.resource]

    @abstractmethod
    def new_resource(self, ends: Ends) -> Argv: ...

    @abstractmethod
    def sync(self, ends: Ends, params: Mapping[str, Any]) -> list[Argv]:
        """Set the speed of resynchronisation."""

    @abstractmethod
    def connect(self, ends: Ends, options: Argv, *, discard: bool = False) -> list[Argv]:
        """Look for the peer; `discard` gives up what this copy has changed since the split."""

    def forget_peer(self, ends: Ends) -> list[Argv]:
        """Make room for a new connection to a peer that is known but not looked for."""
        return []

    @abstractmethod
    def disconnect(self, ends: Ends, local: str, remote: str) -> list[Argv]: ...

    @abstractmethod
    def change_net(self, ends: Ends, options: Argv) -> Argv: ...

    @abstractmethod
    def primary(self, ends: Ends, *, force: bool = False) -> Argv: ...

    @abstractmethod
    def secondary(self, ends: Ends) -> Argv: ...

    @abstractmethod
    def pause(self, ends: Ends, pause: bool) -> Argv: ...

    @abstractmethod
    def generation(self, ends: Ends) -> Argv:
        """The identifiers of a copy in use."""


class Dialect84(Dialect):
    """DRBD 8.4."""

    format = "v08"

    def new_resource(self, ends: Ends) -> Argv:
        return [_SETUP, "new-resource", ends.resource]

    def sync(self, ends: Ends, params: Mapping[str, Any]) -> list[Argv]:
        return [[_SETUP, "disk-options", str(ends.minor), *sync_options(params)]]

    def connect(self, ends: Ends, options: Argv, *, discard: bool = False) -> list[Argv]:
        return [[_SETUP, "connect", ends.resource, *_pair(ends), *options,
                 *(["--discard-my-data"] if discard else [])]]

    def disconnect(self, ends: Ends, local: str, remote: str) -> list[Argv]:
        return [[_SETUP, "disconnect", local, remote]]

    def change_net(self, ends: Ends, options: Argv) -> Argv:
        return [_SETUP, "net-options", *_pair(ends), *options]

    def primary(self, ends: Ends, *, force: bool = False) -> Argv:
        return [_SETUP, "primary", str(ends.minor), *(["--force"] if force else [])]

    def secondary(self, ends: Ends) -> Argv:
        return [_SETUP, "secondary", str(ends.minor)]

    def pause(self, ends: Ends, pause: bool) -> Argv:
        return [_SETUP, "pause-sync" if pause else "resume-sync", str(ends.minor)]

    def generation(self, ends: Ends) -> Argv:
        return [_SETUP, "get-gi", str(ends.minor)]


class Dialect9(Dialect):
    """DRBD 9, used with one peer."""

    format = "v09"
    create_words = ("1",)

    def new_resource(self, ends: Ends) -> Argv:
        return [_SETUP, "new-resource", ends.resource, str(ends.node_id)]

    def sync(self, ends: Ends, params: Mapping[str, Any]) -> list[Argv]:
        if ends.remote is None:
            return []
        return [[_SETUP, "peer-device-options", *_peer(ends), "0", *sync_options(params)]]

    def connect(self, ends: Ends, options: Argv, *, discard: bool = False) -> list[Argv]:
        return [[_SETUP, "new-peer", *_peer(ends), f"--_name=peer{ends.peer_id}", *options],
                [_SETUP, "new-path", *_peer(ends), *_pair(ends)],
                [_SETUP, "connect", *_peer(ends),
                 *(["--discard-my-data"] if discard else [])]]

    def disconnect(self, ends: Ends, local: str, remote: str) -> list[Argv]:
        """The peer stays known: the generation of this copy is told in relation to it."""
        return [[_SETUP, "disconnect", *_peer(ends)]]

    def forget_peer(self, ends: Ends) -> list[Argv]:
        return [[_SETUP, "del-peer", *_peer(ends)]]

    def change_net(self, ends: Ends, options: Argv) -> Argv:
        return [_SETUP, "net-options", *_peer(ends), *options]

    def primary(self, ends: Ends, *, force: bool = False) -> Argv:
        return [_SETUP, "primary", ends.resource, *(["--force"] if force else [])]

    def secondary(self, ends: Ends) -> Argv:
        return [_SETUP, "secondary", ends.resource]

    def pause(self, ends: Ends, pause: bool) -> Argv:
        return [_SETUP, "pause-sync" if pause else "resume-sync", *_peer(ends), "0"]

    def generation(self, ends: Ends) -> Argv:
        return [_SETUP, "get-gi", *_peer(ends), "0"]

    def stored_generation(self, ends: Ends, meta: str) -> Argv:
        """Meta data of 9 has a bitmap and identifiers for each peer."""
        return [*super().stored_generation(ends, meta), f"--node-id={ends.peer_id}"]


def _pair(ends: Ends) -> Argv:
    return [str(ends.local), str(ends.remote)]


def _peer(ends: Ends) -> Argv:
    return [ends.resource, str(ends.peer_id)]


def of_version(major: int) -> Dialect:
    """The dialect of a major version of the module."""
    return Dialect84() if major < JSON_SINCE else Dialect9()
