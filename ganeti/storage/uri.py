"""Addresses of disks that QEMU reaches without a device on the node, as QEMU's block nodes.

What storage types give out as address (rbd, gluster, what a provider prints) is read here; how
a guest's disk is made of it is in the KVM driver.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ganeti import errors, serializer

RBD_PORT_SEPARATOR = re.compile(r"(?<!\\):")


def uri_node(uri: str) -> dict[str, Any]:
    """The node for an address that QEMU reaches without a device on the host."""
    scheme, _, rest = uri.partition(":")
    if scheme == "rbd":
        return _rbd_node(rest)
    if scheme == "json":
        return _json_node(rest)
    if scheme == "file":
        return {"driver": "file", "filename": unquote(urlsplit(uri).path)}
    if scheme.startswith("gluster"):
        return _gluster_node(uri)
    if scheme in ("nbd", "nbd+tcp", "nbd+unix"):
        return _nbd_node(uri)
    if scheme in ("http", "https", "ftp", "ftps"):
        return {"driver": scheme, "url": uri}
    raise errors.HypervisorError(
        f"Disk address '{uri}' is of a kind that the KVM driver does not know; known are rbd:,"
        " gluster://, nbd://, nbd+unix://, http(s)://, ftp(s)://, file: and json:")


def _rbd_node(rest: str) -> dict[str, Any]:
    image, *options = RBD_PORT_SEPARATOR.split(rest)
    pool, _, name = image.partition("/")
    node: dict[str, Any] = {"driver": "rbd", "pool": pool, "image": name}
    image_name, at, snapshot = name.partition("@")
    if at:
        node |= {"image": image_name, "snapshot": snapshot}
    for word in options:
        key, _, value = word.partition("=")
        if key not in ("id", "conf"):
            raise errors.HypervisorError(f"RBD address 'rbd:{rest}' has the unknown option '{key}'")
        node["user" if key == "id" else key] = value
    return node


def _gluster_node(uri: str) -> dict[str, Any]:
    parts = urlsplit(uri)
    volume, _, path = parts.path.lstrip("/").partition("/")
    return {"driver": "gluster", "volume": volume, "path": path, "server": [
        {"type": "inet", "host": parts.hostname, "port": str(parts.port or 24007)}]}


def _nbd_node(uri: str) -> dict[str, Any]:
    parts = urlsplit(uri)
    server: dict[str, Any]
    if parts.scheme == "nbd+unix":
        sockets = parse_qs(parts.query).get("socket")
        if not sockets:
            raise errors.HypervisorError(
                f"Disk address '{uri}' names no socket; it has to end in ?socket=PATH")
        server = {"type": "unix", "path": sockets[0]}
    else:
        server = {"type": "inet", "host": parts.hostname, "port": str(parts.port or 10809)}
    return {"driver": "nbd", "export": parts.path.lstrip("/"), "server": server}


def _json_node(rest: str) -> dict[str, Any]:
    """A node written out in QEMU's own words, for what has no address of one line."""
    try:
        node = serializer.load(rest)
    except errors.ParseError as err:
        raise errors.HypervisorError(f"Disk address 'json:{rest}' is no JSON: {err}") from err
    if not isinstance(node, dict) or "driver" not in node:
        raise errors.HypervisorError(
            f"Disk address 'json:{rest}' has to be an object with the key 'driver'")
    return node
