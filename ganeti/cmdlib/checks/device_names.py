"""Names that disks and interfaces may be given."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ganeti import errors

_UUID = re.compile(r"^[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$")


def check(name: str, where: str) -> str:
    """Refuse a name that could be taken for an index or a UUID."""
    if re.fullmatch(r"-?\d+", name):
        raise errors.OpPrereqError(
            f"{where}: the name '{name}' would be mistaken for an index", errors.ECODE_INVAL)
    if _UUID.match(name):
        raise errors.OpPrereqError(
            f"{where}: the name '{name}' would be mistaken for a UUID", errors.ECODE_INVAL)
    return name


def require_unique(names: Iterable[str | None], kind: str) -> None:
    """Refuse one name for two devices of an instance."""
    seen: set[str] = set()
    for name in names:
        if name is None:
            continue
        if name in seen:
            raise errors.OpPrereqError(
                f"{kind} name '{name}' is used twice in one instance", errors.ECODE_NOTUNIQUE)
        seen.add(name)
