"""Finding the objects of the configuration that a query is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ganeti import errors, ht
from ganeti.objects import ConfigData
from ganeti.query.fields import Context
from ganeti.utils import text


def by_name(container: str, expand: Callable[[ConfigData, str], Any]) \
        -> Callable[[Context, Sequence[Any] | None], list[Any]]:
    """Objects in the natural order of their names, or those asked for in the order asked.

    :param expand: finds an object by name or uuid, and refuses unknown ones
    """
    def items(context: Context, names: Sequence[Any] | None) -> list[Any]:
        config = context.config
        if names is not None:
            return [expand(config, require_text(name)) for name in names]
        return config.cached("natural order", (container,), lambda: text.nice_sort(
            list(config.container(container).values()), key=lambda item: item.name))
    return items


def require_text(name: Any) -> str:
    """Refuse what can not be a name."""
    if not isinstance(name, str):
        raise errors.OpPrereqError(f"{ht.shown(name)} is no name", errors.ECODE_INVAL)
    return name
