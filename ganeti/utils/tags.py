"""Tags: which ones are allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ganeti import errors
from ganeti.constants import tags as words

_REGEX = re.compile(words.TAG_REGEX.strip("^$"))


def check(tag: str) -> str:
    """Give back an allowed tag, TagError for another."""
    if not isinstance(tag, str) or not tag:
        raise errors.TagError("A tag must be a text that is not empty")
    if len(tag) > words.MAX_TAG_LEN:
        raise errors.TagError(
            f"The tag '{tag[:20]}…' has {len(tag)} characters, {words.MAX_TAG_LEN} are allowed")
    if not _REGEX.fullmatch(tag):
        raise errors.TagError(
            f"The tag '{tag}' has characters other than letters, digits and . _ + * / : @ -")
    return tag


def add(present: Iterable[str], new: Iterable[str]) -> frozenset[str]:
    """The tags of an object after adding some."""
    tags = frozenset(present) | frozenset(check(tag) for tag in new)
    if len(tags) > words.MAX_TAGS_PER_OBJ:
        raise errors.TagError(
            f"An object can have {words.MAX_TAGS_PER_OBJ} tags, this would make {len(tags)}")
    return tags


def remove(present: Iterable[str], gone: Iterable[str]) -> frozenset[str]:
    """The tags of an object after removing some; all must be there."""
    tags, names = frozenset(present), frozenset(gone)
    missing = sorted(names - tags)
    if missing:
        raise errors.OpPrereqError(f"Tag(s) not found: {', '.join(missing)}", errors.ECODE_NOENT)
    return tags - names
