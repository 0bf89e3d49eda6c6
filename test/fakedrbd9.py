"""The same as DRBD 9 speaks: peers by number, paths to them, the state as JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from ganeti import errors
from test import drbdhelp
from test.fakedrbd import Minor, Mirrors, here

VERSION = "version: 9.1.12 (api:2/proto:110-121)\n"


@dataclasses.dataclass
class Peer:
    """What a resource was told of its one peer; it may stand alone all the same."""

    number: int
    two_primaries: bool = False
    path: tuple[str, str] | None = None


class Mirrors9(Mirrors):
    """All nodes' kernels, with version 9."""

    MAJOR = 9

    def __init__(self) -> None:
        super().__init__()
        self.peers: dict[tuple[str, int], Peer] = {}
        self.node_ids: dict[tuple[str, int], int] = {}

    def _meta(self, words: list[str]) -> str:
        if words[-2:-1] == ["get-gi"]:
            assert words[-1].startswith("--node-id=")
        elif "get-gi" in words:
            raise errors.BlockDeviceError("The get-gi command requires the --node-id option")
        return super()._meta(words)

    def _setup(self, words: list[str]) -> str:
        action = words[1]
        arguments, options = drbdhelp.split(words)
        if action == "status":
            return self._status()
        number = int(arguments[0].removeprefix("resource"))
        key = here(), number
        if action == "new-resource":
            if key in self.minors:
                raise errors.BlockDeviceError("(162) Resource exists already")
            self.node_ids[key] = int(arguments[1])
        if action in ("new-resource", "down"):
            # a node that was switched off has forgotten its peers as well
            self.peers.pop(key, None)
        own = getattr(self, "_9_" + action.replace("-", "_"), None)
        if own is None:
            # a volume of a resource, or a minor: the same as in 8.4
            return super()._setup([*words[:2], str(number), *words[3:]])
        minor = self.minors.get(key)
        if minor is None:
            raise errors.BlockDeviceError("(158) Unknown resource")
        return str(own(minor, key, arguments[1:], options) or "")

    # commands that are others than in 8.4

    def _known(self, key: tuple[str, int], words: list[str]) -> Peer:
        peer = self.peers.get(key)
        if peer is None or peer.number != int(words[0]):
            raise errors.BlockDeviceError("(163) Unknown connection")
        return peer

    def _9_new_peer(self, minor: Minor, key: tuple[str, int], words: list[str],
                    options: dict[str, Any]) -> None:
        if key in self.peers:
            raise errors.BlockDeviceError("(166) Peer exists already")
        if int(words[0]) == self.node_ids[key]:
            raise errors.BlockDeviceError("(165) Invalid node id: that is this node")
        self.peers[key] = Peer(int(words[0]))
        self._9_net_options(minor, key, words, options)

    def _9_del_peer(self, minor: Minor, key: tuple[str, int], words: list[str],
                    options: dict[str, Any]) -> None:
        self._known(key, words)
        if minor.ends:
            raise errors.BlockDeviceError("(125) Connection is not StandAlone")
        del self.peers[key]

    def _9_new_path(self, minor: Minor, key: tuple[str, int], words: list[str],
                    options: dict[str, Any]) -> None:
        peer = self._known(key, words)
        if peer.path:
            raise errors.BlockDeviceError("(102) Local address(port) already in use.")
        peer.path = words[1], words[2]

    def _9_connect(self, minor: Minor, key: tuple[str, int], words: list[str],
                   options: dict[str, Any]) -> None:
        peer = self._known(key, words)
        if peer.path is None:
            raise errors.BlockDeviceError("(171) The peer has no path")
        if minor.ends:
            raise errors.BlockDeviceError("(125) Connection is not StandAlone")
        minor.ends, minor.two_primaries = peer.path, peer.two_primaries
        minor.discard = "discard-my-data" in options

    def _9_disconnect(self, minor: Minor, key: tuple[str, int], words: list[str],
                      options: dict[str, Any]) -> None:
        self._known(key, words)
        minor.ends = None

    def _9_net_options(self, minor: Minor, key: tuple[str, int], words: list[str],
                       options: dict[str, Any]) -> None:
        peer = self._known(key, words)
        if "allow-two-primaries" in options:
            peer.two_primaries = options["allow-two-primaries"] != "no"
            minor.two_primaries = peer.two_primaries
        minor.protocol = options.get("protocol", minor.protocol)

    def _9_peer_device_options(self, minor: Minor, key: tuple[str, int], words: list[str],
                               options: dict[str, Any]) -> None:
        self._known(key, words)

    _9_pause_sync = _9_resume_sync = _9_peer_device_options

    def _9_get_gi(self, minor: Minor, key: tuple[str, int], words: list[str],
                  options: dict[str, Any]) -> str:
        self._known(key, words)
        return minor.stored.text()

    # what it tells

    def _show(self, minor: Minor, words: list[str]) -> str:
        key = minor.node, minor.number
        disk = f'disk "{minor.data}"; meta-disk "{minor.meta}";' if minor.data else 'disk none;'
        connection = ""
        if peer := self.peers.get(key):
            path = ("path {{ _this_host {}; _remote_host {}; }}".format(
                *(end.replace(":", " ", 1) for end in peer.path)) if peer.path else "")
            yes = "allow-two-primaries yes;" if peer.two_primaries else ""
            alone = "" if minor.ends else "_is_standalone;"
            connection = (f"connection {{ _peer_node_id {peer.number}; {path} {alone} net {{ {yes}"
                          f' shared-secret "xyz"; _name "peer{peer.number}"; }} }}')
        return (f"resource resource{minor.number} {{ options {{ }} _this_host {{ node-id"
                f" {self.node_ids[key]}; volume 0 {{ device minor {minor.number}; {disk} }} }}"
                f" {connection} }}\n")

    def status(self) -> str:
        """The text of /proc/drbd, which only tells the version."""
        return VERSION

    def _status(self) -> str:
        return json.dumps([self._resource(minor) for (node, _), minor in sorted(self.minors.items())
                           if node == here()])

    def _resource(self, minor: Minor) -> dict[str, Any]:
        peer, known = self.peer(minor), self.peers.get((minor.node, minor.number))
        connections = []
        if known:
            connections.append({
                "peer-node-id": known.number, "name": f"peer{known.number}",
                "connection-state": ("Connected" if peer else "Connecting" if minor.ends
                                     else "StandAlone"),
                "peer-role": _role(peer) if peer else "Unknown",
                "peer_devices": [{
                    "volume": 0, "replication-state": "Established" if peer else "Off",
                    "peer-disk-state": _disk(peer) if peer else "DUnknown",
                    "out-of-sync": minor.stored.changed if minor.meta else 0}]})
        return {"name": f"resource{minor.number}", "role": _role(minor), "connections": connections,
                "devices": [{"volume": 0, "minor": minor.number, "disk-state": _disk(minor)}]}


def _role(minor: Minor) -> str:
    return "Primary" if minor.primary else "Secondary"


def _disk(minor: Minor) -> str:
    if not minor.meta:
        return "Diskless"
    return "UpToDate" if minor.stored.complete else "Inconsistent"
