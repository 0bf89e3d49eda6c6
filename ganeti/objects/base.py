"""How configuration objects are declared, read, changed and encoded.

A class lists its fields with `field()`; this module gives it a keyword constructor, `replace()`,
`to_dict()`/`from_dict()` in the form of config.data, and `encode()`, whose bytes are kept with
the object. What the single objects hold is told in the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

from ganeti import errors, serializer
from ganeti.objects.frozen import FrozenList, freeze

_MISSING: Any = object()
_NUMBER = (int, float)

#: In a declaration: the class that is being declared.
SELF: Any = object()


class FieldSpec:
    """One field of a configuration object, as its class declares it."""

    __slots__ = ("default", "kind", "name", "omit_default", "optional", "private", "stored")

    def __init__(self, kind: Any, default: Any, stored: bool, omit_default: bool,
                 private: bool) -> None:
        self.name = ""
        self.kind = kind
        self.default = default
        self.optional = default is None
        self.stored = stored
        self.omit_default = omit_default
        self.private = private

    def omits(self, value: Any) -> bool:
        """Is the key left out when the field has this value?"""
        if self.optional or not self.stored:
            return value is None
        return self.omit_default and value == self.default

    def read(self, value: Any, where: str) -> Any:
        """Check one value of a decoded file and bring it into its inner form."""
        if value is None and self.optional:
            return None
        kind = self.kind
        if isinstance(kind, list):
            _expect(value, list, where)
            return FrozenList([kind[0].from_dict(item, f"{where}[{index}]")
                               for index, item in enumerate(value)])
        if isinstance(kind, _Declared):
            return kind.from_dict(value, where)  # type: ignore[attr-defined]
        _expect(value, kind, where)
        return freeze(value)


def _expect(value: Any, kind: Any, where: str) -> None:
    if kind is float:
        kind = _NUMBER
    if kind is object:
        return
    if not isinstance(value, kind) or (isinstance(value, bool) and kind in (int, _NUMBER)):
        names = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
        raise errors.ConfigurationError(
            f"{where}: expected {names}, got {type(value).__name__} ({str(value)[:60]!r})")


def field(kind: Any, *, default: Any = _MISSING, stored: bool = True, omit_default: bool = False,
          private: bool = False) -> Any:
    """Declare a field.

    :param kind: a Python type, several, an object class, or ``[class]`` for a list of objects
    :param default: the value when the key is absent; without one the key has to be there, and
        with None the field may be None, and then its key is left out
    :param stored: False for what travels to the nodes only and never lies in config.data
    :param omit_default: leave the key out while the field has its default
    :param private: never shown by ``repr()``
    """
    return FieldSpec(kind, freeze(default), stored, omit_default, private)


class _Declared(type):
    """Turns the declared fields of a class into slots."""

    def __new__(mcs, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> _Declared:
        own = {key: spec for key, spec in space.items() if isinstance(spec, FieldSpec)}
        for key, spec in own.items():
            spec.name = key
            del space[key]
        space["__slots__"] = (*space.get("__slots__", ()), *own)
        cls = super().__new__(mcs, name, bases, space)
        inherited: dict[str, FieldSpec] = getattr(bases[0], "FIELDS", {}) if bases else {}
        fields = {**own, **inherited} if inherited else own
        for spec in own.values():
            if isinstance(spec.kind, list) and spec.kind[0] is SELF:
                spec.kind = [cls]
        cls.FIELDS = fields  # type: ignore[attr-defined]
        cls._NESTED = frozenset(  # type: ignore[attr-defined]
            key for key, spec in fields.items() if _nested(spec.kind))
        return cls


def _nested(kind: Any) -> bool:
    return isinstance(kind, (list, _Declared))


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class ConfigObject(metaclass=_Declared):
    """An unchangeable object of the configuration; keys of newer versions are kept in `extra`."""

    __slots__ = ("_bytes", "extra")

    FIELDS: ClassVar[dict[str, FieldSpec]]
    _NESTED: ClassVar[frozenset[str]]
    #: How messages call such an object.
    KIND: ClassVar[str] = "object"
    #: The key of the container of config.data that holds such objects; empty for nested ones.
    CONTAINER: ClassVar[str] = ""

    if TYPE_CHECKING:
        extra: Mapping[str, Any] = {}
        _bytes: ClassVar[bytes | None]
    else:
        def __init__(self, **values: Any) -> None:
            extra = values.pop("extra", {})
            unknown = values.keys() - self.FIELDS.keys()
            if unknown:
                raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
            for name, spec in self.FIELDS.items():
                if name in values:
                    values[name] = freeze(values[name])
                else:
                    values[name] = spec.default
                    if values[name] is _MISSING:
                        raise TypeError(f"{type(self).__name__} needs {name}")
            self._fill(values, extra)

    def _fill(self, values: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
        put = object.__setattr__
        for name, value in values.items():
            put(self, name, value)
        put(self, "extra", freeze(extra))
        put(self, "_bytes", None)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} can not be set; use replace()")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} can not be deleted")

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(other) is not type(self):
            return NotImplemented
        assert isinstance(other, ConfigObject)
        return (all(getattr(self, name) == getattr(other, name) for name in self.FIELDS)
                and self.extra == other.extra)

    def __hash__(self) -> int:
        return hash((type(self), getattr(self, "uuid", None), getattr(self, "serial_no", None)))

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={'<redacted>' if self.FIELDS[name].private and value else repr(value)}"
            for name, value in self.fields() if value is not None)
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (type(self), dict(self.fields()), dict(self.extra)))

    def fields(self) -> Iterator[tuple[str, Any]]:
        """Name and value of every field."""
        return ((name, getattr(self, name)) for name in self.FIELDS)

    def replace(self, **changes: Any) -> Self:
        """The same object with other values in some fields."""
        extra = changes.pop("extra", self.extra)
        unknown = changes.keys() - self.FIELDS.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        values = dict(self.fields())
        for name, value in changes.items():
            values[name] = freeze(value)
        new = object.__new__(type(self))
        new._fill(values, extra)
        return new

    def to_dict(self, wire: bool = False) -> dict[str, Any]:
        """The object as config.data holds it; with ``wire`` also what only nodes are told."""
        result: dict[str, Any] = {}
        for name, spec in self.FIELDS.items():
            value = getattr(self, name)
            if (spec.stored or wire) and not spec.omits(value):
                if name in self._NESTED and value is not None:
                    value = ([item.to_dict(wire) for item in value]
                             if isinstance(value, list) else value.to_dict(wire))
                result[name] = value
        result.update(self.extra)
        return result

    @classmethod
    def from_dict(cls, data: Any, where: str = "") -> Self:
        """Read an object from its JSON form; `ConfigurationError` names what is wrong where."""
        where = where or cls.KIND
        if not isinstance(data, dict):
            raise errors.ConfigurationError(
                f"{where}: expected an object, got {type(data).__name__}")
        values: dict[str, Any] = {}
        lacking = None
        for name, spec in cls.FIELDS.items():
            value = data.get(name, _MISSING)
            if value is _MISSING:
                value = spec.default
                if value is _MISSING:
                    lacking = name if lacking is None else lacking
                    continue
                values[name] = value
            else:
                values[name] = spec.read(value, f"{where}.{name}")
        if lacking is not None:
            cls._complete(values, where, lacking)
        new = object.__new__(cls)
        known = cls.FIELDS
        new._fill(values, {key: value for key, value in data.items() if key not in known})
        return new

    @classmethod
    def _complete(cls, values: dict[str, Any], where: str, lacking: str) -> None:
        """Called for an object that lacks required keys; a class may know how to fill them."""
        raise errors.ConfigurationError(f"{where}: the key '{lacking}' is missing")

    def encode(self) -> bytes:
        """The stored form as JSON bytes, computed once for each object."""
        encoded: bytes | None = self._bytes
        if encoded is None:
            encoded = serializer.dump(self.to_dict())
            object.__setattr__(self, "_bytes", encoded)
        return encoded


def _restore(cls: type[ConfigObject], values: dict[str, Any],
             extra: dict[str, Any]) -> ConfigObject:
    new = object.__new__(cls)
    new._fill({name: freeze(value) for name, value in values.items()}, extra)
    return new


class TrackedObject(ConfigObject):
    """An object with an identity and a history."""

    uuid: str = field(str)
    serial_no: int = field(int, default=1)
    #: seconds since the epoch
    ctime: float = field(float, default=0.0)
    mtime: float = field(float, default=0.0)


class TaggedObject(TrackedObject):
    """The same, with tags."""

    tags: list[str] = field(list, default=[])
