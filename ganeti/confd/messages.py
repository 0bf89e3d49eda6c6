"""The datagrams of confd: magic, signed envelope, request and reply.

Sending them is in the client beside this module, answering them in the server.
"""

from __future__ import annotations

import time
import uuid
from typing import Any, NamedTuple

from ganeti import constants, errors, serializer

MAGIC = constants.CONFD_MAGIC_FOURCC_BYTES


class Request(NamedTuple):
    """One question; `rsalt` comes back as the salt of its answer."""

    type: int
    query: Any
    rsalt: str


class Reply(NamedTuple):
    """One answer; `serial` tells how new the answering configuration is."""

    status: int
    answer: Any
    serial: int

    @property
    def ok(self) -> bool:
        return self.status == constants.CONFD_REPL_STATUS_OK


def new_request(kind: int, query: Any = None) -> Request:
    """A question with a fresh mark."""
    return Request(kind, query, str(uuid.uuid4()))


def _pack(message: Any, key: str, salt: str) -> bytes:
    data = MAGIC + serializer.dump_signed(message, key, salt).encode("utf-8")
    if len(data) > constants.MAX_UDP_DATA_SIZE:
        raise errors.UdpDataSizeError(
            f"A confd message of {len(data)} bytes does not fit into a datagram of "
            f"{constants.MAX_UDP_DATA_SIZE}")
    return data


def _unpack(data: bytes, key: str) -> tuple[dict[str, Any], str]:
    if not data.startswith(MAGIC):
        raise errors.ConfdMagicError(f"A datagram begins with {data[:4]!r}, not with {MAGIC!r}")
    message, salt = serializer.load_signed(data[len(MAGIC):], key)
    if not isinstance(message, dict) or message.get("protocol") != constants.CONFD_PROTOCOL_VERSION:
        raise errors.ConfdRequestError(
            f"A signed message is not of confd protocol {constants.CONFD_PROTOCOL_VERSION}")
    return message, salt


def pack_request(request: Request, key: str, now: float | None = None) -> bytes:
    """The datagram of a question."""
    return _pack({"protocol": constants.CONFD_PROTOCOL_VERSION, "type": request.type,
                  "query": request.query, "rsalt": request.rsalt},
                 key, str(int(time.time() if now is None else now)))


def unpack_request(data: bytes, key: str, now: float | None = None) -> Request:
    """Check and read a question; magic, signature and time must be right."""
    message, salt = _unpack(data, key)
    now = time.time() if now is None else now
    if not salt.isascii() or not salt.isdigit() or len(salt) > 15:
        raise errors.ConfdRequestError("The salt of a request is no time")
    if abs(now - int(salt)) > constants.CONFD_MAX_CLOCK_SKEW:
        raise errors.ConfdRequestError(
            f"A request is {abs(now - int(salt)):.0f} s off this node's clock; "
            f"{constants.CONFD_MAX_CLOCK_SKEW} are tolerated")
    kind, rsalt = message.get("type"), message.get("rsalt")
    if not isinstance(kind, int) or isinstance(kind, bool) or not isinstance(rsalt, str):
        raise errors.ConfdRequestError("A request lacks 'type' or 'rsalt'")
    return Request(kind, message.get("query"), rsalt)


def pack_reply(reply: Reply, key: str, rsalt: str) -> bytes:
    """The datagram of an answer."""
    return _pack({"protocol": constants.CONFD_PROTOCOL_VERSION, "status": reply.status,
                  "answer": reply.answer, "serial": reply.serial}, key, rsalt)


def unpack_reply(data: bytes, key: str) -> tuple[Reply, str]:
    """Check and read an answer; also gives the mark of the question that it belongs to."""
    message, salt = _unpack(data, key)
    status, serial = message.get("status"), message.get("serial")
    if status not in constants.CONFD_REPL_STATUSES or not isinstance(serial, int):
        raise errors.ConfdRequestError("An answer lacks 'status' or 'serial'")
    return Reply(status, message.get("answer"), serial), salt
