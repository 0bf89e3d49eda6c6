"""Options of a command, and how a command line is read.

Options come before the arguments; long names may be shortened as long as they stay unambiguous.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from types import SimpleNamespace
from typing import Any

from ganeti.cli import types

#: What reading a command line gives: one attribute an option.
Values = SimpleNamespace

STORE = "store"
STORE_TRUE = "store_true"
STORE_FALSE = "store_false"
STORE_CONST = "store_const"
APPEND = "append"
COUNT = "count"
_WITH_WORD = (STORE, APPEND)
_PLACEHOLDERS = {"int": "N", "float": "N", "unit": "SIZE", "bool": "yes|no", "keyval": "k=v,...",
                 "keyprivateval": "k=v,...", "identkeyval": "NAME:k=v,...", "list": "A,B,..."}


class UsageError(Exception):
    """The command line can not be understood."""


class HelpWanted(Exception):
    """--help was given."""


class Option:
    """One option of a command."""

    __slots__ = ("action", "choices", "completes", "const", "default", "dest", "help", "metavar",
                 "names", "type")

    def __init__(self, *names: str, dest: str, action: str = STORE, type: str = "string",
                 default: Any = None, const: Any = None, choices: Collection[str] = (),
                 metavar: str | None = None, completes: str | None = None,
                 help: str = "") -> None:
        self.names = names
        self.dest = dest
        self.action = action
        self.type = type
        self.default = default
        self.const = const
        #: Not looked through before somebody has to see them: installed packages may add to them
        self.choices = choices
        self.metavar = metavar
        self.completes = completes
        self.help = help

    @property
    def takes_word(self) -> bool:
        """Is the option followed by a word?"""
        return self.action in _WITH_WORD

    @property
    def placeholder(self) -> str:
        """What stands for the word in help texts."""
        if self.metavar:
            return self.metavar
        if 0 < len(self.choices) <= 5:
            return "|".join(sorted(self.choices))
        return _PLACEHOLDERS.get(self.type) or self.dest.upper()

    def label(self) -> str:
        """-n NAME, --node=NAME."""
        if not self.takes_word:
            return ", ".join(self.names)
        return ", ".join(f"{name}={self.placeholder}" if name.startswith("--")
                         else f"{name} {self.placeholder}" for name in self.names)

    def apply(self, values: Values, name: str, word: str | None) -> None:
        """Set the option's value."""
        if self.action == STORE:
            setattr(values, self.dest, self._convert(name, word or ""))
        elif self.action == APPEND:
            setattr(values, self.dest,
                    [*(getattr(values, self.dest) or []), self._convert(name, word or "")])
        elif self.action == COUNT:
            setattr(values, self.dest, (getattr(values, self.dest) or 0) + 1)
        else:
            setattr(values, self.dest, {STORE_TRUE: True, STORE_FALSE: False}.get(
                self.action, self.const))

    def _convert(self, name: str, word: str) -> Any:
        if self.choices and word not in self.choices:
            raise UsageError(f"option {name}: '{word}' is not possible; "
                             f"choose from {', '.join(sorted(self.choices))}")
        try:
            return types.CONVERT[self.type](word)
        except ValueError as err:
            raise UsageError(f"option {name}: {err}") from None


def parse(options: Sequence[Option], words: Sequence[str]) -> tuple[Values, list[str]]:
    """Read a command's words: the values of all options, and the arguments after them."""
    values = Values()
    for option in options:
        setattr(values, option.dest, copy.deepcopy(option.default))
    known = {name: option for option in options for name in option.names}
    rest = list(words)
    while rest:
        word = rest[0]
        if word == "--":
            del rest[0]
            break
        if not word.startswith("-") or word == "-":
            break
        del rest[0]
        if word.startswith("--"):
            _long(known, word, rest, values)
        else:
            _short(known, word, rest, values)
    return values, rest


def _long(known: dict[str, Option], word: str, rest: list[str], values: Values) -> None:
    name, equals, value = word.partition("=")
    if name not in known and name == "--help":
        raise HelpWanted
    if name not in known:
        matches = sorted(full for full in (*known, "--help")
                         if full.startswith(name) and full.startswith("--"))
        if not matches:
            raise UsageError(f"no such option: {name}{_hint(name, known)}")
        if len({known.get(match) for match in matches}) > 1:
            raise UsageError(f"ambiguous option: {name} ({', '.join(matches)}?)")
        name = matches[0]
    if name == "--help" and name not in known:
        raise HelpWanted
    option = known[name]
    if option.takes_word:
        if not equals:
            value = _word_of(name, rest)
        option.apply(values, name, value)
    elif equals:
        raise UsageError(f"{name} option does not take a value")
    else:
        option.apply(values, name, None)


def _short(known: dict[str, Option], word: str, rest: list[str], values: Values) -> None:
    """-fv is -f -v, and -nNODE is -n NODE."""
    letters = word[1:]
    while letters:
        name = f"-{letters[0]}"
        letters = letters[1:]
        option = known.get(name)
        if option is None:
            if name == "-h":
                raise HelpWanted
            raise UsageError(f"no such option: {name}")
        if option.takes_word:
            option.apply(values, name, letters or _word_of(name, rest))
            return
        option.apply(values, name, None)


def _word_of(name: str, rest: list[str]) -> str:
    if not rest:
        raise UsageError(f"{name} option requires 1 argument")
    return rest.pop(0)


def _hint(name: str, known: dict[str, Option]) -> str:
    from ganeti import ht
    return ht.nearest_hint(name, known)
