"""UUIDs, the identity of every object."""

from __future__ import annotations

import os
import re

_REGEX = re.compile(r"[a-f0-9]{8}(-[a-f0-9]{4}){3}-[a-f0-9]{12}")


def new() -> str:
    """A fresh random UUID (version 4)."""
    raw = bytearray(os.urandom(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def is_uuid(text: str) -> bool:
    """Whether a text has the form of a UUID."""
    return _REGEX.fullmatch(text) is not None
