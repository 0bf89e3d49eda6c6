"""Records of an append-only file: a length, a check sum, the content.

A record that was cut off by a crash is told from damage: nothing whole follows it.
"""

from __future__ import annotations

import re
import zlib

_HEADER = re.compile(rb"(\d{1,9}) ([0-9a-f]{8})\n")


def frame(body: bytes) -> bytes:
    """The bytes of a record."""
    return b"%d %08x\n%s\n" % (len(body), zlib.crc32(body), body)


def scan(data: bytes, start: int = 0) -> tuple[list[bytes], int]:
    """The contents of the whole records from a place on, and where they end."""
    bodies = []
    while (found := _record(data, start)) is not None:
        body, start = found
        bodies.append(body)
    return bodies, start


def _record(data: bytes, start: int) -> tuple[bytes, int] | None:
    header = _HEADER.match(data, start)
    if header is None:
        return None
    end = header.end() + int(header.group(1))
    body = data[header.end():end]
    if data[end:end + 1] != b"\n" or b"%08x" % zlib.crc32(body) != header.group(2):
        return None
    return body, end + 1


def follow(data: bytes, start: int) -> bool:
    """Whether whole records follow somewhere behind a place that is not one: it is damage."""
    return any(_record(data, header.start()) for header in _HEADER.finditer(data, start))
