"""The note about its owner in the metadata of storage, in characters that all kinds take."""

from __future__ import annotations

import re

#: The longest note, in characters (LVM's limit of a tag)
LONGEST = 128
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_+.-]")


def clean(text: str) -> str:
    """The text as a tag of LVM: other characters become underscores."""
    return _FORBIDDEN.sub("_", text)[:LONGEST]
