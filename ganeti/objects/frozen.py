"""Dictionaries and lists that refuse to change.

They compare, print and encode like the ordinary ones. Copying one (``dict(x)``, ``list(x)``,
``copy.deepcopy(x)``) gives an ordinary, changeable one.
"""

from __future__ import annotations

import copy
from typing import Any, NoReturn, TypeVar

K = TypeVar("K")
V = TypeVar("V")


def _refuse(self: object, *_args: Any, **_kwargs: Any) -> NoReturn:
    raise TypeError("configuration objects do not change; build a new one with replace()")


class FrozenDict(dict[K, V]):
    """A dictionary that stays as it was made."""

    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __copy__(self) -> dict[K, V]:
        return dict(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[K, V]:
        return {key: copy.deepcopy(value, memo) for key, value in self.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return (FrozenDict, (dict(self),))


class FrozenList(list[V]):
    """A list that stays as it was made."""

    __slots__ = ()

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __copy__(self) -> list[V]:
        return list(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> list[V]:
        return [copy.deepcopy(value, memo) for value in self]

    def __reduce__(self) -> tuple[Any, ...]:
        return (FrozenList, (list(self),))


def freeze(value: Any) -> Any:
    """Return ``value`` with every dictionary and list in it made unchangeable."""
    kind = type(value)
    if kind is FrozenDict or kind is FrozenList:
        return value
    if isinstance(value, dict):
        return FrozenDict({key: freeze(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return FrozenList([freeze(item) for item in value])
    if isinstance(value, (set, frozenset)):
        return FrozenList(sorted(freeze(item) for item in value))
    return value
