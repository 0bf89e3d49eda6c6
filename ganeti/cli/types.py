"""How the word of an option is read; each kind of option is one function here.

A word that does not fit raises ValueError (told as a usage error) or ParameterError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ganeti import errors

_TRUE = ("yes", "true")
_FALSE = ("no", "false")


def split_list(word: str) -> list[str]:
    """a,b as a list; a comma that a backslash precedes belongs to the item."""
    from ganeti.utils import text
    return text.unescape_and_split(word) if word else []


def boolean(word: str) -> bool:
    """yes, no, true or false."""
    lower = word.lower()
    if lower in _TRUE:
        return True
    if lower in _FALSE:
        return False
    raise ValueError(f"'{word}' is neither yes nor no")


def integer(word: str) -> int:
    """A whole number."""
    try:
        return int(word)
    except ValueError:
        raise ValueError(f"'{word}' is no whole number") from None


def number(word: str) -> float:
    """A number."""
    try:
        return float(word)
    except ValueError:
        raise ValueError(f"'{word}' is no number") from None


def number_or_default(word: str) -> float | str:
    """A number, or the word default."""
    return word if word == "default" else number(word)


def size(word: str) -> int:
    """A size with unit, as MiB."""
    from ganeti.utils import text
    try:
        return text.parse_unit(word)
    except errors.UnitParseError as err:
        raise ValueError(str(err)) from None


def key_values(word: str) -> dict[str, Any]:
    """k=v,k2=v2; no_k is false, -k is none (to remove it), a bare k is true."""
    result: dict[str, Any] = {}
    for part in split_list(word):
        key, equals, value = part.partition("=")
        read: Any = value
        if not equals:
            if key.startswith("no_"):
                key, read = key[3:], False
            elif key.startswith("-"):
                key, read = key[1:], None
            else:
                read = True
        if not key:
            raise errors.ParameterError(f"'{part}' in '{word}' has no name")
        if key in result:
            raise errors.ParameterError(f"'{key}' is given twice in '{word}'")
        result[key] = read
    return result


def private_key_values(word: str) -> dict[str, Any]:
    """The same, with values that are never shown."""
    from ganeti import serializer
    return {key: serializer.Private(value) for key, value in key_values(word).items()}


def ident_key_values(word: str) -> tuple[str, Any]:
    """name:k=v,…; no_name has False, -name has None instead of parameters."""
    ident, _, rest = word.partition(":")
    if ident.startswith("no_") or _removes(ident):
        if rest:
            raise errors.ParameterError(f"'{ident}' removes a whole group, so that it can not "
                                        f"have parameters: '{word}'")
        return (ident[3:], False) if ident.startswith("no_") else (ident[1:], None)
    return ident, key_values(rest)


def _removes(ident: str) -> bool:
    """-name removes; a negative number is an index."""
    return len(ident) > 1 and ident.startswith("-") and not ident[1].isdigit()


def bounds(word: str) -> list[dict[str, dict[str, Any]]]:
    """min:k=v,…/max:k=v,…, and more such pairs after //."""
    result = []
    for pair in word.split("//"):
        group: dict[str, dict[str, Any]] = {}
        for part in pair.split("/"):
            ident, params = ident_key_values(part)
            if not isinstance(params, dict):
                raise errors.ParameterError(f"'{part}' in '{word}' has no parameters")
            if ident in group:
                raise errors.ParameterError(f"'{ident}' is given twice in '{word}'")
            group[ident] = params
        result.append(group)
    return result


def json_text(word: str) -> Any:
    """A JSON text."""
    from ganeti import serializer
    try:
        return serializer.load(word, f"'{word}'")
    except errors.ParseError as err:
        raise ValueError(str(err)) from None


def filter_action(word: str) -> str | list[Any]:
    """A word, or RATE_LIMIT with a number."""
    parts = word.split()
    if len(parts) == 2 and parts[0] == "RATE_LIMIT":
        return [parts[0], integer(parts[1])]
    if len(parts) != 1:
        raise ValueError(f"'{word}' is no action; write ACCEPT, PAUSE, REJECT, CONTINUE "
                         "or 'RATE_LIMIT n'")
    return word


def priority(word: str) -> int:
    """low, normal or high as the queue's number."""
    names = {"low": 10, "normal": 0, "high": -10}
    if word not in names:
        raise ValueError(f"'{word}' is no priority; choose from low, normal, high")
    return names[word]


#: What an option's `type` may be.
CONVERT: dict[str, Callable[[str], Any]] = {
    "string": str, "int": integer, "float": number, "bool": boolean, "unit": size,
    "list": split_list, "keyval": key_values, "keyprivateval": private_key_values,
    "identkeyval": ident_key_values, "multilistidentkeyval": bounds,
    "maybefloat": number_or_default, "json": json_text, "filteraction": filter_action,
    "priority": priority,
}
