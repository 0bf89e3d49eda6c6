"""Type checks that can be put together, say what they expected, and where.

A type converts only what the catalogue allows (an int where a float is wanted, a digit string
as a job id, a text with unit as a size); converting command-line words is `constants.params`' part.
"""

from __future__ import annotations

import abc
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING
from typing import Any as Value

from ganeti import errors

_SHOWN = 60

if TYPE_CHECKING:  # protocols are slow to make, and commands start often
    from typing import Protocol

    class Names(Collection[str], Protocol):
        """Names that are not all known in advance: installed packages add to them."""

        def why_not(self, name: str) -> str:
            """Why a name is none of them."""


class Mismatch(errors.GenericError):
    """A value has not the expected type: says where, what was expected and what came."""

    def __init__(self, where: str, expected: str, got: Value) -> None:
        self.where, self.expected, self.got = where, expected, got
        prefix = f"{where}: " if where else ""
        super().__init__(f"{prefix}expected {expected}, got {shown(got)}")


def shown(value: Value) -> str:
    """A value as it may appear in a message: short, secrets hidden."""
    text = "null" if value is None else repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN - 1] + "…"


class Type(abc.ABC):
    """A check of values, and what it is called."""

    @abc.abstractmethod
    def check(self, value: Value, where: str = "") -> Value:
        """Give back the value (converted where allowed) or raise Mismatch, naming the place."""

    @abc.abstractmethod
    def describe(self) -> str:
        """The type in a person's words."""

    @abc.abstractmethod
    def spec(self) -> Value:
        """The type in the catalogue's JSON notation."""

    def accepts(self, value: Value) -> bool:
        try:
            self.check(value)
        except Mismatch:
            return False
        return True

    def fail(self, where: str, value: Value) -> Mismatch:
        return Mismatch(where, self.describe(), value)

    def __repr__(self) -> str:
        return f"<{self.describe()}>"


class _Simple(Type):
    """A type that is told by one predicate."""

    def __init__(self, words: str, spec: Value, test: Callable[[Value], bool]) -> None:
        self._words, self._spec, self._test = words, spec, test

    def check(self, value: Value, where: str = "") -> Value:
        if not self._test(value):
            raise self.fail(where, value)
        return value

    def describe(self) -> str:
        return self._words

    def spec(self) -> Value:
        return self._spec


def _is_int(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Value) -> bool:
    return _is_int(value) or isinstance(value, float)


Any = _Simple("anything", "any", lambda value: True)
Bool = _Simple("true or false", "boolean", lambda value: isinstance(value, bool))
Int = _Simple("an integer", "integer", _is_int)
String = _Simple("a string", "string", lambda value: isinstance(value, str))
NonEmptyString = _Simple("a string that is not empty", "nonempty-string",
                         lambda value: isinstance(value, str) and value != "")
Number = _Simple("a number", "number", _is_number)
List = _Simple("a list", "list", lambda value: isinstance(value, (list, tuple)))
Dict = _Simple("an object", "dict", lambda value: isinstance(value, Mapping))
Nothing = _Simple("null", "null", lambda value: value is None)
AbsPath = _Simple("an absolute path without '..' or doubled slashes", "absolute-path",
                  lambda value: isinstance(value, str) and is_abs_path(value))
OptionalAbsPath = _Simple("an absolute path, or empty", "optional-absolute-path",
                          lambda value: isinstance(value, str)
                          and (value == "" or is_abs_path(value)))


def is_abs_path(value: str) -> bool:
    """Whether a text is an absolute and normalized path."""
    return os.path.isabs(value) and os.path.normpath(value) == value and "\0" not in value


class _Float(Type):
    """A float; an int is taken and becomes a float."""

    def check(self, value: Value, where: str = "") -> Value:
        if _is_int(value):
            return float(value)
        if not isinstance(value, float):
            raise self.fail(where, value)
        return value

    def describe(self) -> str:
        return "a number"

    def spec(self) -> Value:
        return "float"


Float = _Float()


class IntMin(Type):
    """An integer not below a bound (and not above another)."""

    def __init__(self, low: int | None, high: int | None = None, spec: Value = None) -> None:
        self._low, self._high, self._spec = low, high, spec

    def check(self, value: Value, where: str = "") -> Value:
        if not _is_int(value) or (self._low is not None and value < self._low) or (
                self._high is not None and value > self._high):
            raise self.fail(where, value)
        return value

    def describe(self) -> str:
        if self._high is None:
            return f"an integer of at least {self._low}"
        if self._low is None:
            return f"an integer of at most {self._high}"
        return f"an integer from {self._low} to {self._high}"

    def spec(self) -> Value:
        if self._spec is not None:
            return self._spec
        if self._high is None:
            return {"integer-min": self._low}
        return {"integer-range": [self._low, self._high]}


def IntRange(low: int, high: int) -> IntMin:  # noqa: N802 - reads as a type
    """An integer from `low` to `high`, both included."""
    return IntMin(low, high)


NonNegativeInt = IntMin(0)
PositiveInt = IntMin(1)


class _NonNegativeFloat(_Float):
    def check(self, value: Value, where: str = "") -> Value:
        number = super().check(value, where)
        if not number >= 0:
            raise self.fail(where, value)
        return number

    def describe(self) -> str:
        return "a number not below 0"

    def spec(self) -> Value:
        return "non-negative-float"


NonNegativeFloat = _NonNegativeFloat()


class Regex(Type):
    """A string that matches a pattern from its start to its end."""

    def __init__(self, pattern: str, words: str | None = None, spec: Value = None) -> None:
        self._regex = re.compile(pattern)
        self._words, self._spec = words or f"a string like {pattern}", spec

    def check(self, value: Value, where: str = "") -> Value:
        if not isinstance(value, str) or not self._regex.fullmatch(value):
            raise self.fail(where, value)
        return value

    def describe(self) -> str:
        return self._words

    def spec(self) -> Value:
        return self._spec if self._spec is not None else "string"


Uuid = Regex(r"[a-f0-9]{8}(-[a-f0-9]{4}){3}-[a-f0-9]{12}", "a UUID", "uuid")


class Maybe(Type):
    """The inner type, or null."""

    def __init__(self, inner: Type) -> None:
        self.inner = inner

    def check(self, value: Value, where: str = "") -> Value:
        if value is None:
            return None
        try:
            return self.inner.check(value, where)
        except Mismatch as err:
            if err.where == where:
                raise Mismatch(where, f"{err.expected} or null", value) from None
            raise

    def describe(self) -> str:
        return f"{self.inner.describe()} or null"

    def spec(self) -> Value:
        return {"maybe": self.inner.spec()}


class ListOf(Type):
    """A list whose items all have one type; gives back a list."""

    def __init__(self, inner: Type, *, empty: bool = True, unique: bool = False) -> None:
        self.inner, self._empty, self._unique = inner, empty, unique

    def check(self, value: Value, where: str = "") -> Value:
        if not isinstance(value, (list, tuple)) or (not self._empty and not value):
            raise self.fail(where, value)
        items = [self.inner.check(item, f"{where}[{index}]") for index, item in enumerate(value)]
        if self._unique and any(item in items[:index] for index, item in enumerate(items)):
            raise Mismatch(where, "a list without repetition", value)
        return items

    def describe(self) -> str:
        return f"a {'' if self._empty else 'non-empty '}list of {self.inner.describe()}"

    def spec(self) -> Value:
        return {"list-of": self.inner.spec()}


class SetOf(Type):
    """A list or set, given back as a sorted list without repetition."""

    def __init__(self, inner: Type) -> None:
        self.inner = inner

    def check(self, value: Value, where: str = "") -> Value:
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise self.fail(where, value)
        return sorted({self.inner.check(item, where) for item in value})

    def describe(self) -> str:
        return f"a set of {self.inner.describe()}"

    def spec(self) -> Value:
        return {"set-of": self.inner.spec()}


class DictOf(Type):
    """An object whose keys have one type and whose values have another."""

    def __init__(self, key: Type, value: Type) -> None:
        self.key, self.value = key, value

    def check(self, value: Value, where: str = "") -> Value:
        if not isinstance(value, Mapping):
            raise self.fail(where, value)
        return {self.key.check(key, f"key {shown(key)} of {where or 'the object'}"):
                self.value.check(item, f"{where}.{key}" if where else str(key))
                for key, item in value.items()}

    def describe(self) -> str:
        return f"an object with {self.value.describe()} for each key"

    def spec(self) -> Value:
        return {"dict-of": [self.key.spec(), self.value.spec()]}


class Enum(Type):
    """One of a set of values; a near miss is named."""

    def __init__(self, values: Iterable[Value]) -> None:
        self._values = sorted(values, key=lambda value: (str(type(value)), value))

    @property
    def values(self) -> list[Value]:
        """All of them, in order."""
        return self._values

    @property
    def choices(self) -> Collection[Value]:
        """What a word can be looked up in."""
        return self._values

    def check(self, value: Value, where: str = "") -> Value:
        if any(value == known and isinstance(value, bool) == isinstance(known, bool)
               for known in self.values):
            return value
        raise Mismatch(where, self.describe() + nearest_hint(value, self.values), value)

    def describe(self) -> str:
        return "one of " + ", ".join(str(value) if value != "" else "''" for value in self.values)

    def spec(self) -> Value:
        return {"enum": list(self.values)}


class Named(Enum):
    """One of the names of drivers; they are listed only when somebody wants to know all.

    Installed packages add to them, and a look at packages takes time.
    """

    def __init__(self, names: Names) -> None:
        self.names = names

    @property
    def values(self) -> list[Value]:
        return sorted(self.names)

    @property
    def choices(self) -> Collection[Value]:
        return self.names

    def check(self, value: Value, where: str = "") -> Value:
        if isinstance(value, str) and value in self.names:
            return value
        hint = nearest_hint(value, self.values)
        if isinstance(value, str) and not hint:
            hint = f" ({self.names.why_not(value)})"
        raise Mismatch(where, self.describe() + hint, value)


def nearest_hint(value: Value, known: Iterable[Value]) -> str:
    """' (did you mean x?)' when a known word is near, else nothing."""
    if not isinstance(value, str):
        return ""
    import difflib  # rarely needed, slow to load
    near = difflib.get_close_matches(value, [str(item) for item in known], 1, 0.7)
    return f" (did you mean {near[0]}?)" if near and near[0] != value else ""


class Or(Type):
    """The first of several types that fits."""

    def __init__(self, *types: Type) -> None:
        self.types = types

    def check(self, value: Value, where: str = "") -> Value:
        deeper: Mismatch | None = None
        for candidate in self.types:
            try:
                return candidate.check(value, where)
            except Mismatch as err:
                if err.where != where and len(err.where) > len(deeper.where if deeper else ""):
                    deeper = err
        raise deeper or self.fail(where, value)

    def describe(self) -> str:
        return " or ".join(candidate.describe() for candidate in self.types)

    def spec(self) -> Value:
        return {"or": [candidate.spec() for candidate in self.types]}


class And(Type):
    """All of several types, each on the result of the one before."""

    def __init__(self, *types: Type) -> None:
        self.types = types

    def check(self, value: Value, where: str = "") -> Value:
        for candidate in self.types:
            value = candidate.check(value, where)
        return value

    def describe(self) -> str:
        return " and ".join(candidate.describe() for candidate in self.types)

    def spec(self) -> Value:
        return {"and": [candidate.spec() for candidate in self.types]}


class TupleOf(Type):
    """A list of fixed length with a type for each place."""

    def __init__(self, *types: Type) -> None:
        self.types = types

    def check(self, value: Value, where: str = "") -> Value:
        if not isinstance(value, (list, tuple)) or len(value) != len(self.types):
            raise self.fail(where, value)
        return [inner.check(item, f"{where}[{index}]")
                for index, (inner, item) in enumerate(zip(self.types, value, strict=True))]

    def describe(self) -> str:
        return f"a list of {len(self.types)} items ({'; '.join(t.describe() for t in self.types)})"

    def spec(self) -> Value:
        return {"tuple": [inner.spec() for inner in self.types]}


class Object(Type):
    """An object with named keys; `exact` allows no others, `required` must be present."""

    def __init__(self, keys: Mapping[str, Type], *, exact: bool = True,
                 required: Iterable[str] | None = None) -> None:
        self.keys, self.exact = dict(keys), exact
        self.required = frozenset(keys if required is None else required)

    def check(self, value: Value, where: str = "") -> Value:
        if not isinstance(value, Mapping):
            raise self.fail(where, value)
        result = {}
        for key, item in value.items():
            inner = self.keys.get(key)
            if inner is not None:
                result[key] = inner.check(item, f"{where}.{key}" if where else key)
            elif self.exact:
                expected = "only the keys " + ", ".join(sorted(self.keys))
                raise Mismatch(where, expected + nearest_hint(key, self.keys), key)
            else:
                result[key] = item
        for key in sorted(self.required - result.keys()):
            raise Mismatch(where, f"an object with the key {key}", value)
        return result

    def describe(self) -> str:
        return "an object with the keys " + ", ".join(sorted(self.keys))

    def spec(self) -> Value:
        return {"strict-dict" if self.exact else "dict-with":
                {key: inner.spec() for key, inner in self.keys.items()}}


class _Wrapped(Type):
    """A value that must not be printed; gives it back wrapped in serializer.Private."""

    kind = "private"

    def __init__(self, inner: Type) -> None:
        self.inner = inner

    def check(self, value: Value, where: str = "") -> Value:
        from ganeti import serializer
        try:
            return serializer.Private(self.inner.check(serializer.reveal(value), where))
        except Mismatch as err:
            raise Mismatch(err.where, err.expected, serializer.Private(err.got)) from None

    def describe(self) -> str:
        return self.inner.describe()

    def spec(self) -> Value:
        return {self.kind: self.inner.spec()}


class Private(_Wrapped):
    """Hidden from people; kept in job files."""


class Secret(_Wrapped):
    """Hidden from people; not kept in job files either."""

    kind = "secret"


class _JobId(Type):
    """A job's number; a string of digits is taken and becomes an int."""

    def check(self, value: Value, where: str = "") -> Value:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
            value = int(value)
        if not _is_int(value) or value < 0:
            raise self.fail(where, value)
        return value

    def describe(self) -> str:
        return "a job number"

    def spec(self) -> Value:
        return "job-id"


JobId = _JobId()
RelativeJobId = IntMin(None, -1, spec="relative-job-id")


_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*", re.IGNORECASE)
SIZE_UNITS = {"": 1, "m": 1, "mb": 1, "mib": 1, "g": 1024, "gb": 1024, "gib": 1024,
              "t": 1024 ** 2, "tb": 1024 ** 2, "tib": 1024 ** 2}


def parse_size(text: str) -> int:
    """Read '512', '10g', '1.5T' as whole MiB, rounded up to a multiple of 4.

    Raises ValueError; `utils.text.parse_unit` is the same with the user's error.
    """
    match = _SIZE.fullmatch(text)
    factor = SIZE_UNITS.get(match.group(2).lower()) if match else None
    if match is None or factor is None:
        raise ValueError(f"'{text}' is no size; write a number with m, g or t, as in 512m or 1.5g")
    exact = float(match.group(1)) * factor
    whole = int(exact) + (exact > int(exact))
    return whole + (-whole % 4)


class _Size(Type):
    """A size in MiB, as an integer or as a text with a unit."""

    def check(self, value: Value, where: str = "") -> Value:
        if isinstance(value, str):
            try:
                return parse_size(value)
            except ValueError:
                raise self.fail(where, value) from None
        if not _is_int(value) or value < 0:
            raise self.fail(where, value)
        return value

    def describe(self) -> str:
        return "a size in MiB, or a text with unit such as 10g"

    def spec(self) -> Value:
        return "size"


Size = _Size()
Ipv4Address = Regex(r"(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}",
                    "an IPv4 address", "ipv4-address")
