"""How the arguments of node RPCs are encoded on the master and decoded on the node.

The master sends objects with everything filled in that the node can not know: parameters
with all defaults, addresses of DRBD peers, disks and networks. A node gets objects again.
"""

from __future__ import annotations

import base64
import binascii
import grp
import os
import pwd
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ganeti import constants, errors, objects, pathutils

# An answer to "how much may one compressed argument unfold to": larger than any configuration.
MAX_UNCOMPRESSED = 512 * 1024 * 1024


class Target(NamedTuple):
    """For whom a call is encoded: a configuration (None before there is one) and a node."""

    config: Any
    node_uuid: str | None


class FileDetails(NamedTuple):
    """One uploaded file."""

    path: str
    data: bytes
    mode: int
    user: str
    group: str
    atime: float
    mtime: float


class Kind:
    """A way of encoding one argument."""

    __slots__ = ("decode", "encode", "name", "per_node")

    def __init__(self, name: str, encode: Callable[[Any, Target], Any],
                 decode: Callable[[Any], Any], per_node: bool = False):
        self.name = name
        self.encode = encode
        self.decode = decode
        self.per_node = per_node

    def __repr__(self) -> str:
        return f"<Kind {self.name}>"


# -- plain values and text ---------------------------------------------------------------------

def _same(value: Any) -> Any:
    return value


def _encode_plain(value: Any, _target: Target) -> Any:
    return value


def _encode_object(value: Any, _target: Target) -> Any:
    return value.to_dict() if hasattr(value, "to_dict") else dict(value)


def _decode_dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, got {type(value).__name__}")
    return value


def compress(data: str | bytes) -> list[Any]:
    """``[0, text]``, or ``[1, base64 of zlib]`` for long texts and for anything not UTF-8."""
    raw = data.encode("utf-8") if isinstance(data, str) else data
    if len(raw) < constants.RPC_ENCODING_MIN_SIZE:
        try:
            return [constants.RPC_ENCODING_NONE, raw.decode("utf-8")]
        except UnicodeDecodeError:
            pass  # binary: travels compressed whatever its length
    packed = base64.b64encode(zlib.compress(raw, constants.RPC_ZLIB_LEVEL))
    return [constants.RPC_ENCODING_ZLIB_BASE64, packed.decode("ascii")]


def uncompress(value: Any) -> bytes:
    """The reverse of :func:`compress`; bounded, so that a small body can not fill the memory."""
    encoding, content = value
    if not isinstance(content, str):
        raise ValueError("compressed content is not a text")
    if encoding == constants.RPC_ENCODING_NONE:
        return content.encode("utf-8")
    if encoding != constants.RPC_ENCODING_ZLIB_BASE64:
        raise ValueError(f"unknown encoding {encoding!r}")
    try:
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.b64decode(content, validate=True), MAX_UNCOMPRESSED)
    except (binascii.Error, zlib.error) as err:
        raise ValueError(f"damaged compressed content: {err}") from err
    if unpacker.unconsumed_tail:
        raise ValueError(f"more than {MAX_UNCOMPRESSED} bytes")
    if not unpacker.eof:
        raise ValueError("compressed content is cut off")
    return data


def _encode_text(value: Any, _target: Target) -> Any:
    return compress(value)


def _decode_text(value: Any) -> str:
    return uncompress(value).decode("utf-8")


def _owner_names(uid: int, gid: int) -> tuple[str, str]:
    try:
        return pwd.getpwuid(uid).pw_name, grp.getgrgid(gid).gr_name
    except KeyError as err:
        raise errors.OpExecError(f"owner {uid}:{gid} of a file to distribute has no name: {err}"
                                 ) from err


def _encode_file(value: Any, _target: Target) -> Any:
    """Read a local file, named by its logical path, for ``upload_file``."""
    real = pathutils.local(value)
    try:
        with open(real, "rb") as stream:
            data = stream.read()
            status = os.fstat(stream.fileno())
    except OSError as err:
        raise errors.OpExecError(f"Cannot read {real} to copy it to the nodes: "
                                 f"{err.strerror}") from err
    user, group = _owner_names(status.st_uid, status.st_gid)
    return [pathutils.virtual(value), compress(data), status.st_mode & 0o7777, user, group,
            status.st_atime, status.st_mtime]


def _decode_file(value: Any) -> FileDetails:
    path, content, mode, user, group, atime, mtime = value
    return FileDetails(path, uncompress(content), mode, user, group, atime, mtime)


# -- disks -------------------------------------------------------------------------------------

def _drbd_addresses(disk: objects.Disk, target: Target) -> dict[str, Any]:
    node_a, node_b, _port, minor_a, minor_b, _secret = disk.logical_id
    if target.node_uuid == node_a:
        ends = (node_a, node_b, minor_a, minor_b)
    elif target.node_uuid == node_b:
        ends = (node_b, node_a, minor_b, minor_a)
    else:
        return {}
    return {
        "local-ip": target.config.node(ends[0]).secondary_ip,
        "remote-ip": target.config.node(ends[1]).secondary_ip,
        "local-minor": ends[2],
        "remote-minor": ends[3],
        "local-node-id": 0 if ends[0] == node_a else 1,
    }


# Disk types whose description depends on the node that reads it.
DYNAMIC_PARAMETERS: dict[str, Callable[[objects.Disk, Target], dict[str, Any]]] = {
    constants.DT_DRBD8: _drbd_addresses,
}


def _split(value: Any) -> tuple[objects.Disk, objects.Instance | None]:
    """A disk is given alone, or as (disk, instance) so that its group's parameters are found."""
    if isinstance(value, objects.Disk):
        return value, None
    disk, instance = value
    return disk, instance


def _group(instance: objects.Instance | None, target: Target) -> Any:
    node_uuid = instance.primary_node if instance is not None else target.node_uuid
    return target.config.group_of(target.config.node(node_uuid))


def _disk_dict(disk: objects.Disk, group: Any, target: Target) -> dict[str, Any]:
    wire: dict[str, Any] = disk.to_dict(wire=True)
    wire["params"] = target.config.filled_diskparams(disk, group)
    dynamic = DYNAMIC_PARAMETERS.get(disk.dev_type)
    wire["dynamic_params"] = dynamic(disk, target) if dynamic else {}
    children = [child for child in disk.children or () if child is not None]
    if children:
        wire["children"] = [_disk_dict(child, group, target) for child in children]
    return wire


def _encode_disk(value: Any, target: Target) -> dict[str, Any]:
    disk, instance = _split(value)
    return _disk_dict(disk, _group(instance, target), target)


def _encode_disks(value: Any, target: Target) -> list[dict[str, Any]]:
    disks, instance = value
    return [_encode_disk((disk, instance), target) for disk in disks]


def _encode_many(value: Any, target: Target) -> list[dict[str, Any]]:
    return [_encode_disk(item, target) for item in value]


def _encode_by_node(value: Mapping[str, Sequence[Any]], target: Target) -> list[dict[str, Any]]:
    return _encode_many(value.get(target.node_uuid or "", ()), target)


def _decode_disk(value: Any) -> objects.Disk:
    return objects.Disk.from_dict(_decode_dict(value))


def _decode_disks(value: Any) -> list[objects.Disk]:
    return [_decode_disk(item) for item in value]


def _encode_renames(value: Any, target: Target) -> list[list[Any]]:
    return [[_encode_disk(disk, target), list(new_id)] for disk, new_id in value]


def _decode_renames(value: Any) -> list[tuple[objects.Disk, tuple[Any, ...]]]:
    return [(_decode_disk(disk), tuple(new_id)) for disk, new_id in value]


def _encode_snapshots(value: Any, target: Target) -> list[Any]:
    return [_encode_disk(item, target) if item else False for item in value]


def _decode_snapshots(value: Any) -> list[objects.Disk | None]:
    return [_decode_disk(item) if item else None for item in value]


# -- instances ---------------------------------------------------------------------------------

def _nic_dict(nic: objects.Nic, target: Target) -> dict[str, Any]:
    wire: dict[str, Any] = nic.to_dict(wire=True)
    wire["nicparams"] = target.config.filled_nicparams(nic)
    if nic.network:
        wire["netinfo"] = target.config.network(nic.network).to_dict()
    return wire


def _instance_dict(instance: objects.Instance, target: Target,
                   hvparams: Mapping[str, Any] | None = None,
                   beparams: Mapping[str, Any] | None = None) -> dict[str, Any]:
    config = target.config
    wire: dict[str, Any] = instance.to_dict(wire=True)
    wire["hvparams"] = {**config.filled_hvparams(instance), **(hvparams or {})}
    wire["beparams"] = {**config.filled_beparams(instance), **(beparams or {})}
    wire["osparams"] = dict(config.filled_osparams(instance))
    wire.pop("osparams_private", None)
    wire["secondary_nodes"] = list(config.secondary_nodes(instance))
    wire["disks_info"] = [_encode_disk((disk, instance), target)
                          for disk in config.instance_disks(instance)]
    wire["nics"] = [_nic_dict(nic, target) for nic in instance.nics]
    return wire


def _encode_instance(value: objects.Instance, target: Target) -> dict[str, Any]:
    return _instance_dict(value, target)


def _encode_instance_params(value: Any, target: Target) -> dict[str, Any]:
    """(instance, hypervisor parameters, backend parameters): overrides for one start."""
    if isinstance(value, objects.Instance):
        return _instance_dict(value, target)
    instance, hvparams, beparams = value
    return _instance_dict(instance, target, hvparams, beparams)


def _encode_instance_os(value: Any, target: Target) -> dict[str, Any]:
    """(instance, OS parameters): private and secret parameters travel here and only here."""
    instance, osparams = (value, None) if isinstance(value, objects.Instance) else value
    wire = _instance_dict(instance, target)
    wire["osparams"] = {**wire["osparams"], **target.config.filled_osparams_private(instance),
                        **(osparams or {})}
    return wire


def _decode_instance(value: Any) -> objects.Instance:
    return objects.Instance.from_dict(_decode_dict(value))


def _encode_device(value: Any, target: Target) -> dict[str, Any]:
    if isinstance(value, objects.Nic):
        return _nic_dict(value, target)
    return _encode_disk(value, target)


def _decode_device(value: Any) -> objects.Nic | objects.Disk:
    if "dev_type" in _decode_dict(value):
        return _decode_disk(value)
    return objects.Nic.from_dict(value)


def _encode_consoles(value: Sequence[objects.Instance], target: Target) -> dict[str, Any]:
    """A list of instances on one node; the body is a dictionary by instance name."""
    config = target.config
    return {instance.name: {
        "instance": _instance_dict(instance, target),
        "node": config.node(instance.primary_node).to_dict(),
        "group": config.group_of(config.node(instance.primary_node)).to_dict(),
        "hvParams": config.filled_hvparams(instance),
        "beParams": config.filled_beparams(instance),
    } for instance in value if instance.primary_node == target.node_uuid}


def _decode_consoles(value: Any) -> dict[str, dict[str, Any]]:
    return {name: {
        "instance": _decode_instance(request["instance"]),
        "node": objects.Node.from_dict(request["node"]),
        "group": objects.NodeGroup.from_dict(request["group"]),
        "hvParams": _decode_dict(request["hvParams"]),
        "beParams": _decode_dict(request["beParams"]),
    } for name, request in _decode_dict(value).items()}


# -- import and export -------------------------------------------------------------------------

# Per kind of end: which elements of its arguments are disks.
_IO_DISKS = {constants.IEIO_FILE: (), constants.IEIO_RAW_DISK: (0,), constants.IEIO_SCRIPT: (0,)}


def _io_ends(value: Any, convert: Callable[[Any], Any]) -> list[Any]:
    kind, args = value
    if kind not in _IO_DISKS:
        raise ValueError(f"unknown kind of transfer end {kind!r}")
    return [kind, [convert(item) if index in _IO_DISKS[kind] else item
                   for index, item in enumerate(args)]]


def _encode_io(value: Any, target: Target) -> list[Any]:
    return _io_ends(value, lambda disk: _encode_disk(disk, target))


def _decode_io(value: Any) -> list[Any]:
    return _io_ends(value, _decode_disk)


PLAIN = Kind("value", _encode_plain, _same)
OBJECT = Kind("object", _encode_object, _decode_dict)
COMPRESSED = Kind("compressed text", _encode_text, _decode_text)
FILE_DETAILS = Kind("file", _encode_file, _decode_file)
DISK = Kind("disk", _encode_disk, _decode_disk, per_node=True)
DISKS = Kind("list of disks", _encode_disks, _decode_disks, per_node=True)
MULTI_DISKS = Kind("list of disks", _encode_many, _decode_disks, per_node=True)
NODE_DISKS = Kind("list of disks", _encode_by_node, _decode_disks, per_node=True)
RENAMES = Kind("list of [disk, new id]", _encode_renames, _decode_renames, per_node=True)
SNAPSHOTS = Kind("list of disks or false", _encode_snapshots, _decode_snapshots, per_node=True)
INSTANCE = Kind("instance", _encode_instance, _decode_instance, per_node=True)
INSTANCE_HVP_BEP = Kind("instance", _encode_instance_params, _decode_instance, per_node=True)
INSTANCE_OSP = Kind("instance", _encode_instance_os, _decode_instance, per_node=True)
DEVICE = Kind("disk or NIC", _encode_device, _decode_device, per_node=True)
CONSOLES = Kind("console requests", _encode_consoles, _decode_consoles, per_node=True)
TRANSFER_END = Kind("transfer end", _encode_io, _decode_io, per_node=True)
