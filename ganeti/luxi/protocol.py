"""LUXI on the wire: JSON documents, each followed by one byte 0x03.

Sockets are opened in the client and the server beside this module.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ganeti import constants, errors, serializer

END = constants.LUXI_EOM
MAX_MESSAGE = 256 * 1024 * 1024

REQ_QUERY = "Query"
REQ_QUERY_FIELDS = "QueryFields"
REQ_QUERY_NODES = "QueryNodes"
REQ_QUERY_GROUPS = "QueryGroups"
REQ_QUERY_NETWORKS = "QueryNetworks"
REQ_QUERY_INSTANCES = "QueryInstances"
REQ_QUERY_FILTERS = "QueryFilters"
REQ_REPLACE_FILTER = "ReplaceFilter"
REQ_DELETE_FILTER = "DeleteFilter"
REQ_QUERY_JOBS = "QueryJobs"
REQ_QUERY_EXPORTS = "QueryExports"
REQ_QUERY_CONFIG_VALUES = "QueryConfigValues"
REQ_QUERY_CLUSTER_INFO = "QueryClusterInfo"
REQ_QUERY_TAGS = "QueryTags"
REQ_SUBMIT_JOB = "SubmitJob"
REQ_SUBMIT_JOB_TO_DRAINED_QUEUE = "SubmitJobToDrainedQueue"
REQ_SUBMIT_MANY_JOBS = "SubmitManyJobs"
REQ_WAIT_FOR_JOB_CHANGE = "WaitForJobChange"
REQ_PICKUP_JOB = "PickupJob"
REQ_ARCHIVE_JOB = "ArchiveJob"
REQ_AUTO_ARCHIVE_JOBS = "AutoArchiveJobs"
REQ_CANCEL_JOB = "CancelJob"
REQ_CHANGE_JOB_PRIORITY = "ChangeJobPriority"
REQ_SET_DRAIN_FLAG = "SetDrainFlag"
REQ_SET_WATCHER_PAUSE = "SetWatcherPause"

#: Every method of the protocol.
METHODS = frozenset(value for name, value in globals().items() if name.startswith("REQ_"))

#: Asking these again after a broken connection changes nothing.
READ_ONLY = frozenset([
    REQ_QUERY, REQ_QUERY_FIELDS, REQ_QUERY_NODES, REQ_QUERY_GROUPS, REQ_QUERY_NETWORKS,
    REQ_QUERY_INSTANCES, REQ_QUERY_FILTERS, REQ_QUERY_JOBS, REQ_QUERY_EXPORTS,
    REQ_QUERY_CONFIG_VALUES, REQ_QUERY_CLUSTER_INFO, REQ_QUERY_TAGS, REQ_WAIT_FOR_JOB_CHANGE,
])

VERSION = constants.LUXI_VERSION


class ProtocolError(errors.LuxiError):
    """The bytes on the socket are no LUXI; the connection is of no further use."""


class Request(NamedTuple):
    """A decoded request."""

    method: str
    args: list[Any]


class Framer:
    """Cuts a stream of bytes into messages; fed with pieces of any size."""

    def __init__(self, limit: int = MAX_MESSAGE):
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def pending(self) -> int:
        """Bytes of a message that is not complete yet."""
        return self._size

    def feed(self, data: bytes) -> list[bytes]:
        """Messages that are complete with these bytes."""
        messages = []
        *ends, rest = data.split(END)
        for end in ends:
            self._check(end)
            self._parts.append(end)
            messages.append(b"".join(self._parts))
            self._parts = []
            self._size = 0
        self._check(rest)
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
        return messages

    def _check(self, part: bytes) -> None:
        if self._size + len(part) > self._limit:
            raise ProtocolError(f"A message is longer than {self._limit} bytes")


def encode_request(method: str, args: Any) -> bytes:
    """A request with its end mark."""
    return serializer.dump({"method": method, "args": args, "version": VERSION},
                           private=True) + END


def decode_request(message: bytes) -> Request:
    """Read a request; :class:`ProtocolError` when it is none."""
    try:
        data = serializer.load(message, "The request")
    except errors.ParseError as err:
        raise ProtocolError(errors.text(err)) from err
    if not isinstance(data, dict):
        raise ProtocolError(f"The request is no JSON object but {type(data).__name__}")
    method, args = data.get("method"), data.get("args")
    if not isinstance(method, str):
        raise ProtocolError("The request names no 'method'")
    if not isinstance(args, list):
        raise ProtocolError(f"The 'args' of {method[:60]} are no list")
    version = data.get("version")
    if version is not None and version != VERSION:
        raise errors.LuxiError(f"Client speaks LUXI version {version!r}, server {VERSION}; "
                               "are all packages of the same version, and the daemons restarted?")
    return Request(method, args)


def encode_reply(success: bool, result: Any) -> bytes:
    """A reply with its end mark."""
    return serializer.dump({"success": success, "result": result, "version": VERSION},
                           private=True) + END


def decode_reply(message: bytes) -> Any:
    """The result of a reply; a failure is raised as the error that the server met."""
    try:
        data = serializer.load(message, "The answer of the master daemon")
    except errors.ParseError as err:
        raise ProtocolError(errors.text(err)) from err
    if not isinstance(data, dict) or not isinstance(data.get("success"), bool):
        raise ProtocolError("The answer of the master daemon has no 'success'")
    version = data.get("version")
    if version is not None and version != VERSION:
        raise errors.LuxiError(f"Server speaks LUXI version {version!r}, client {VERSION}")
    if data["success"]:
        return data.get("result")
    raise errors.decode(data.get("result"))
