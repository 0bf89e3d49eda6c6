"""How a parameter is declared, and what a table of parameters can do with values.

The tables themselves are in the modules of their subjects; nothing here knows a parameter.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ganeti import errors, ht

# When a changed value takes effect
ON_START = "on-start"
LIVE = "live"
ON_CREATE = "on-create"

# What a value must name on the node, when it is set
EXISTING_FILE = "file"
EXISTING_DIR = "directory"
URL = "url"

VTYPE_STRING = "string"
VTYPE_MAYBE_STRING = "maybe-string"
VTYPE_BOOL = "bool"
VTYPE_SIZE = "size"
VTYPE_INT = "int"
VTYPE_FLOAT = "float"
ENFORCEABLE_TYPES = frozenset([VTYPE_STRING, VTYPE_MAYBE_STRING, VTYPE_BOOL, VTYPE_SIZE,
                               VTYPE_INT, VTYPE_FLOAT])

class _Mask(ht.Regex):
    """Numbers and ranges of numbers, which must not run backwards."""

    def check(self, value: Any, where: str = "") -> Any:
        super().check(value, where)
        if any(int(high) < int(low) for low, high in re.findall(r"(\d+)-(\d+)", value)):
            raise self.fail(where, value)
        return value


class _Words(ht.Type):
    """Words for a command line, quoted as for a shell where they have blanks in them."""

    def check(self, value: Any, where: str = "") -> Any:
        # most commands never check one
        import shlex
        try:
            shlex.split(ht.String.check(value, where))
        except ValueError:
            raise self.fail(where, value) from None
        return value

    def describe(self) -> str:
        return "words with complete quotation marks"

    def spec(self) -> str:
        return "string"


_RANGE = r"\d+(-\d+)?(,\d+(-\d+)?)*"
CpuMask = _Mask(rf"({_RANGE})?", "CPU numbers such as 0-2,4, or empty")
MultiCpuMask = _Mask(rf"(all|{_RANGE})(:(all|{_RANGE}))*",
                     "'all', or CPU numbers such as 0-2,4 for each virtual CPU, joined by ':'")
Words = _Words()
Port = ht.IntRange(1, 65534)


def one_of(values: Iterable[str], *, empty: bool = False) -> ht.Enum:
    """One of some words, with `empty` also the empty text."""
    return ht.Enum([*values, ""] if empty else values)


class Param:
    """One parameter: its name, type, default, and what a person should know about it.

    `cluster_only` values can not differ between instances; `required` ones can not be empty;
    `paths` says what a set value must name on the node (EXISTING_FILE, EXISTING_DIR, URL).
    """

    # no dataclass: its machinery would cost every command's start some milliseconds
    __slots__ = ("name", "type", "default", "help", "unit", "applies", "cluster_only", "title",
                 "required", "paths")

    def __init__(self, name: str, type: ht.Type, default: Any, *, help: str, unit: str = "",
                 applies: str = ON_START, cluster_only: bool = False, title: str | None = None,
                 required: bool = False, paths: tuple[str, ...] = ()) -> None:
        self.name = name
        self.type = type
        self.default = default
        self.help = help
        self.unit = unit
        self.applies = applies
        self.cluster_only = cluster_only
        self.title = title
        self.required = required
        self.paths = paths

    def __repr__(self) -> str:
        return f"Param({self.name!r}, {self.type!r}, {self.default!r})"

    @property
    def vtype(self) -> str:
        """The catalogue's word for the type (VTYPE_*)."""
        return _vtype(self.type)

    @property
    def waits_for_start(self) -> bool:
        """Whether a guest that runs does not have a changed value yet."""
        return self.applies == ON_START

    @property
    def label(self) -> str:
        """Heading for lists and forms."""
        return self.title or self.name

    def check(self, value: Any, where: str = "") -> Any:
        """The value as it is stored; Mismatch when it is none."""
        checked = self.type.check(value, where or self.name)
        if self.required and checked in ("", None):
            raise ht.Mismatch(where or self.name, "a value that is not empty", value)
        return checked

    def enforce(self, value: Any) -> Any:
        """A value as people or old configurations write it, in the declared type."""
        try:
            return _CONVERT[self.vtype](value)
        except (ValueError, TypeError) as err:
            expected = self.type.describe()
            raise errors.TypeEnforcementError(
                f"Parameter {self.name}: expected {expected}, got {ht.shown(value)}") from err


def _vtype(kind: ht.Type) -> str:
    if isinstance(kind, ht.Maybe):
        inner = _vtype(kind.inner)
        return VTYPE_MAYBE_STRING if inner == VTYPE_STRING else inner
    if isinstance(kind, ht.Enum):
        return VTYPE_INT if all(isinstance(value, int) for value in kind.values) else VTYPE_STRING
    if kind is ht.Bool:
        return VTYPE_BOOL
    if kind is ht.Size:
        return VTYPE_SIZE
    if kind is ht.Int or isinstance(kind, ht.IntMin):
        return VTYPE_INT
    if kind is ht.Float or kind is ht.NonNegativeFloat:
        return VTYPE_FLOAT
    return VTYPE_STRING


def _to_bool(value: Any) -> bool:
    if isinstance(value, str):
        word = value.strip().lower()
        if word in ("true", "yes", "on", "1"):
            return True
        if word in ("false", "no", "off", "0", ""):
            return False
        raise ValueError(value)
    if isinstance(value, (bool, int)) or value is None:
        return bool(value)
    raise TypeError(value)


def _to_int(value: Any) -> int:
    if isinstance(value, float) and value != int(value):
        raise ValueError(value)
    if isinstance(value, bool):
        raise TypeError(value)
    return int(value)


def _to_float(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError(value)
    return float(value)


def _to_string(value: Any) -> str:
    if value is None or value is False:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise TypeError(value)


def _to_maybe_string(value: Any) -> str | None:
    return None if value is None else _to_string(value)


def _to_size(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError(value)
    return ht.parse_size(value) if isinstance(value, str) else int(value)


_CONVERT = {
    VTYPE_BOOL: _to_bool, VTYPE_INT: _to_int, VTYPE_FLOAT: _to_float,
    VTYPE_STRING: _to_string, VTYPE_MAYBE_STRING: _to_maybe_string, VTYPE_SIZE: _to_size,
}


class ParamTable:
    """The parameters of one owner (a hypervisor, a disk template, the nodes, …)."""

    def __init__(self, owner: str, params: Iterable[Param]) -> None:
        self.owner = owner
        self._params = {param.name: param for param in params}

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._params)

    @property
    def cluster_only(self) -> frozenset[str]:
        """Names of the parameters that are one for the whole cluster."""
        return frozenset(param.name for param in self if param.cluster_only)

    def __iter__(self) -> Iterator[Param]:
        return iter(self._params.values())

    def __len__(self) -> int:
        return len(self._params)

    def __contains__(self, name: object) -> bool:
        return name in self._params

    def __getitem__(self, name: str) -> Param:
        return self._params[name]

    def defaults(self) -> dict[str, Any]:
        """A fresh dictionary of all defaults."""
        return {param.name: param.default for param in self}

    def types(self) -> dict[str, str]:
        """VTYPE_* by name."""
        return {param.name: param.vtype for param in self}

    def fill(self, base: Mapping[str, Any], custom: Mapping[str, Any]) -> dict[str, Any]:
        """Defaults, overridden by `base`, overridden by `custom`."""
        return {**self.defaults(), **base, **custom}

    def require_known(self, names: Iterable[str], where: str = "") -> None:
        """Refuse unknown parameters, naming the nearest known one."""
        for name in names:
            if name not in self._params:
                place = f"{where}: " if where else ""
                known = ht.nearest_hint(name, self._params)
                if not known:
                    known = f" (known: {', '.join(sorted(self._params)) or 'none'})"
                raise errors.OpPrereqError(
                    f"{place}{self.owner} has no parameter '{name}'{known}", errors.ECODE_INVAL)

    def check(self, values: Mapping[str, Any], where: str = "") -> dict[str, Any]:
        """Check given values (not all need be given); OpPrereqError(wrong_input) on the first."""
        self.require_known(values, where)
        try:
            return {name: self._params[name].check(value, f"{where}.{name}" if where else name)
                    for name, value in values.items()}
        except ht.Mismatch as err:
            raise errors.OpPrereqError(f"{self.owner} parameter {err}",
                                       errors.ECODE_INVAL) from None

    def enforce(self, values: Mapping[str, Any], *, allow: Collection[Any] = (),
                where: str = "") -> dict[str, Any]:
        """Values as typed by people in their declared types; those in `allow` stay as they are.

        `allow` is for words such as 'default', which the caller takes out afterwards.
        """
        self.require_known(values, where)
        return {name: value if _is_word(value, allow) else self._params[name].enforce(value)
                for name, value in values.items()}

    def missing_paths(self, values: Mapping[str, Any]) -> list[str]:
        """A line for every set value whose file or directory does not exist on this machine."""
        trouble = []
        for param in self:
            value = values.get(param.name)
            if not param.paths or not isinstance(value, str) or value == "":
                continue
            if URL in param.paths and "://" in value:
                continue
            if EXISTING_FILE in param.paths and not os.path.isfile(value):
                trouble.append(f"{param.name}: no file {value}")
            elif EXISTING_DIR in param.paths and not os.path.isdir(value):
                trouble.append(f"{param.name}: no directory {value}")
        return trouble


def _is_word(value: Any, allow: Collection[Any]) -> bool:
    return isinstance(value, str) and value in allow
