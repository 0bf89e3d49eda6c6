"""What drbdsetup takes, by its own words: test/data/drbd/help-8.xml (of 8.4) and help-9.xml."""

from __future__ import annotations

import functools
import pathlib
import re
import shlex
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence

DATA = pathlib.Path(__file__).parent / "data/drbd"
_NUMBER = re.compile(r"(\d+)([sKkMmGgTt]?)")
_UNITS = {"1": 1, "s": 512, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_VALUE = {"address", "numeric", "numeric-or-symbol", "handler", "string"}


@functools.cache
def commands(major: int) -> dict[str, ElementTree.Element]:
    """Command -> its description."""
    root = ElementTree.parse(DATA / f"help-{major}.xml").getroot()
    return {str(command.get("name")): command for command in root}


def options(words: Sequence[str], known: dict[str, ElementTree.Element]
            ) -> Iterator[tuple[str, str | None]]:
    """(name, value) of the options among the words; one that must have a value takes the next."""
    rest = list(words)
    while rest:
        name, equals, value = rest.pop(0).removeprefix("--").partition("=")
        assert name in known, f"no such option: --{name}"
        takes = known[name].get("type") in _VALUE
        yield name, value if equals else rest.pop(0) if takes else None


def split(argv: Sequence[str], major: int = 9) -> tuple[list[str], dict[str, str | None]]:
    """Arguments and options of a command line, which has to be one that drbdsetup takes."""
    program, action, *words = argv
    assert program == "drbdsetup" and action in commands(major), shlex.join(argv)
    command = commands(major)[action]
    known = {str(option.get("name")): option for option in command.iter("option")}
    first = next((place for place, word in enumerate(words) if word.startswith("--")), len(words))
    # of a group of arguments one is to be given; none asks for all
    wanted = len(command.findall("argument")) + len(command.findall("group"))
    assert first == wanted or (first, action) == (0, "status"), shlex.join(argv)
    given = dict(options(words[first:], known))
    for name, value in given.items():
        _check_value(known[name], value)
    return words[:first], given


def _check_value(option: ElementTree.Element, value: str | None) -> None:
    name, kind = option.get("name"), option.get("type")
    if kind == "flag":
        assert value is None, f"--{name} takes no value"
    elif kind == "boolean":
        assert value in (None, "yes", "no"), f"--{name}={value}"
    elif kind == "handler":
        assert value in [handler.text for handler in option.iter("handler")], f"--{name}={value}"
    elif kind == "string":
        assert value, f"--{name} without a value"
    else:
        match = _NUMBER.fullmatch(value or "")
        assert match, f"--{name}={value}"
        unit = _UNITS[str(option.findtext("unit_prefix"))]
        number = int(match[1]) * (_UNITS[match[2].lower()] if match[2] else unit) / unit
        low, high = (int(option.findtext(end) or 0) for end in ("min", "max"))
        assert low <= number <= high, f"--{name}={value} is not from {low} to {high}"
