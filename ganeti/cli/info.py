"""Prints nested values in a form that people and YAML readers can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.cli.report import to_stdout

_INDENT = "  "


def show(value: Any) -> None:
    """Print a mapping, a list of (key, value) pairs, or a list of such."""
    for line in lines(value):
        to_stdout(line)


def lines(value: Any, level: int = 0) -> list[str]:
    """The lines of a value."""
    if isinstance(value, Mapping):
        return _pairs([(key, value[key]) for key in sorted(value)], level)
    if _is_pairs(value):
        return _pairs(value, level)
    if isinstance(value, list):
        return _items(value, level)
    return [_INDENT * level + scalar(value)]


def _is_pairs(value: Any) -> bool:
    """A list of (key, value) tuples keeps its order."""
    return isinstance(value, list) and bool(value) and all(
        isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)
        for item in value)


def _pairs(pairs: Any, level: int) -> list[str]:
    result = []
    for key, value in pairs:
        # the blank behind the colon stands there in any case, for scripts that look for "Key: "
        head = f"{_INDENT * level}{key}: "
        if isinstance(value, (Mapping, list)):
            result += [head, *(lines(value, level + 1) if value else [])]
        else:
            result.append(head + scalar(value))
    return result


def _items(values: list[Any], level: int) -> list[str]:
    result = []
    for value in values:
        inner = lines(value, level + 1)
        if not inner:
            inner = [_INDENT * (level + 1)]
        first = inner[0][len(_INDENT) * (level + 1):]
        result += [f"{_INDENT * level}- {first}", *inner[1:]]
    return result


def scalar(value: Any) -> str:
    """A single value; a tuple stands in brackets."""
    if isinstance(value, tuple):
        return f"[{', '.join(scalar(item) for item in value)}]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def with_defaults(custom: Mapping[str, Any], filled: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters with those that are not set themselves marked as defaults."""
    return {name: custom.get(name, f"default ({scalar(value)})")
            for name, value in filled.items()}


_ROMAN = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
          (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]


def roman(value: Any, wanted: bool = True) -> Any:
    """A whole number as the Romans wrote it (they had no zero, and no very great numbers)."""
    if not wanted or isinstance(value, bool) or not isinstance(value, int) \
            or not 0 < value < 4000:
        return value
    result = ""
    for size, letters in _ROMAN:
        count, value = divmod(value, size)
        result += letters * count
    return result
