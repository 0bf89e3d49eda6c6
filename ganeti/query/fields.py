"""What a field of a query is; the fields themselves are rows in the modules beside this one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ganeti.constants import query as constants
from ganeti.objects import ConfigData
from ganeti.query.source import Answer, DataSource

TEXT = constants.QFT_TEXT
BOOL = constants.QFT_BOOL
NUMBER = constants.QFT_NUMBER
FLOAT = constants.QFT_NUMBER_FLOAT
UNIT = constants.QFT_UNIT
TIMESTAMP = constants.QFT_TIMESTAMP
OTHER = constants.QFT_OTHER

#: How a filter compares a field: as a host name, whose short form matches too …
COMPARE_HOST = "host"
#: … or a pair of seconds and microseconds by its seconds.
COMPARE_SECONDS = "seconds"


class Special:
    """Stands in for a value that can not be given."""

    __slots__ = ("cell",)

    def __init__(self, status: int) -> None:
        self.cell = [status, None]

    def __repr__(self) -> str:
        return f"Special({self.cell[0]})"


UNKNOWN = Special(constants.RS_UNKNOWN)
NODATA = Special(constants.RS_NODATA)
UNAVAIL = Special(constants.RS_UNAVAIL)
OFFLINE = Special(constants.RS_OFFLINE)
_SPECIALS = {special.cell[0]: special for special in (UNKNOWN, NODATA, UNAVAIL, OFFLINE)}


def special(answer: Answer | None) -> Special:
    """What a field shows when a node has not answered."""
    return NODATA if answer is None else _SPECIALS.get(answer.status, NODATA)


def or_unavailable(value: Any) -> Any:
    """The value, or `UNAVAIL` when it is not set."""
    return UNAVAIL if value is None else value


class Context:
    """What getters may look at besides their object."""

    __slots__ = ("config", "live", "source")

    def __init__(self, source: DataSource) -> None:
        self.source = source
        self.config: ConfigData = source.config
        #: what was gathered, by the names that fields give as their needs
        self.live: dict[str, Any] = {}


Getter = Callable[[Any, Context], Any]


class FieldRow:
    """A field: what it is called, what it means, and how to get it from an object."""

    __slots__ = ("compare", "doc", "getter", "kind", "name", "needs", "title")

    def __init__(self, name: str, title: str, kind: str, doc: str, getter: Getter, *,
                 needs: Iterable[str] = (), compare: str | None = None) -> None:
        self.name = name
        self.title = title
        self.kind = kind
        self.doc = doc
        self.getter = getter
        self.needs = frozenset(needs)
        self.compare = compare

    def definition(self) -> dict[str, str]:
        """How the field introduces itself to a client."""
        return {"name": self.name, "title": self.title, "kind": self.kind, "doc": self.doc}


def unknown_definition(name: str) -> dict[str, str]:
    """The same for a field that does not exist."""
    return {"name": name, "title": name, "kind": constants.QFT_UNKNOWN,
            "doc": f"There is no field '{name}'"}


class Resource:
    """A kind of thing that can be asked for."""

    def __init__(self, name: str, name_field: str, rows: Sequence[FieldRow],
                 items: Callable[[Context, Sequence[Any] | None], list[Any]],
                 gather: Callable[[Context, Sequence[Any], frozenset[str]], None] | None = None,
                 *, lists_before_fields: bool = False) -> None:
        """
        :param items: the objects in their order: all, or those with the given names
        :param gather: fetches what the needs of the fields name, into ``context.live``
        :param lists_before_fields: what exists is known only after nodes were asked
        """
        self.name = name
        self.name_field = name_field
        self.rows: Mapping[str, FieldRow] = {row.name: row for row in rows}
        self.items = items
        self.gather = gather
        self.lists_before_fields = lists_before_fields


def attribute(name: str) -> Getter:
    """Reads an attribute of the object."""
    def get(item: Any, _context: Context) -> Any:
        return getattr(item, name)
    return get


def optional_attribute(name: str) -> Getter:
    """Reads an attribute that may be unset."""
    def get(item: Any, _context: Context) -> Any:
        value = getattr(item, name)
        return UNAVAIL if value is None else value
    return get


def history_rows(kind: str) -> list[FieldRow]:
    """The fields that all objects of the configuration have."""
    return [
        FieldRow("uuid", "UUID", TEXT, f"UUID of the {kind}", attribute("uuid")),
        FieldRow("serial_no", "SerialNo", NUMBER, f"How often the {kind} was changed",
                 attribute("serial_no")),
        FieldRow("ctime", "CTime", TIMESTAMP, f"When the {kind} was created",
                 attribute("ctime")),
        FieldRow("mtime", "MTime", TIMESTAMP, f"When the {kind} was changed last",
                 attribute("mtime")),
        FieldRow("tags", "Tags", OTHER, f"Tags of the {kind}", attribute("tags")),
    ]


def parameter_kind(vtype: str) -> str:
    """The kind of a field that shows a parameter of this type."""
    return {"bool": BOOL, "int": NUMBER, "float": FLOAT, "size": UNIT}.get(vtype, OTHER)
