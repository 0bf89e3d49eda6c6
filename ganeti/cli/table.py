"""Tables of rows, and the texts of single cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

_TEXT, _BOOL, _NUMBER, _FLOAT, _UNIT = "text", "bool", "number", "float", "unit"
_TIMESTAMP, _OTHER, _UNKNOWN = "timestamp", "other", "unknown"
_RIGHT = frozenset([_NUMBER, _FLOAT, _UNIT])

#: Lists in these fields are joined by commas.
JOINED = frozenset([
    "tags", "disk.sizes", "nic.macs", "nic.ips", "nic.modes", "nic.links", "nic.bridges",
    "nic.networks", "snodes", "snodes.group", "snodes.group.uuid", "pinst_list", "sinst_list",
    "node_list",
])

#: What is shown for a value that can not be given: short, and written out.
_ABNORMAL = {1: ("??", "(unknown)"), 2: ("?", "(nodata)"), 3: ("-", "(unavail)"),
             4: ("*", "(offline)")}


class Column:
    """A column: its title, which way it is aligned, and how its cells are written."""

    __slots__ = ("right", "title", "write")

    def __init__(self, title: str, write: Callable[[Any], str] = str,
                 right: bool = False) -> None:
        self.title = title
        self.write = write
        self.right = right


def abnormal(status: int, verbose: bool) -> str:
    """The sign for a missing value."""
    return _ABNORMAL.get(status, _ABNORMAL[1])[1 if verbose else 0]


def writer(kind: str, name: str, units: str,
           own: Callable[[Any], str] | None = None) -> Callable[[Any], str]:
    """How the values of a field are written."""
    if own is not None:
        return own
    if kind == _BOOL:
        return lambda value: "Y" if value else "N"
    if kind == _TIMESTAMP:
        return timestamp
    if kind == _UNIT:
        from ganeti.utils import text
        return lambda value: text.format_unit(value, units) if _is_number(value) else str(value)
    if name in JOINED:
        return joined
    return str


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def joined(value: Any) -> str:
    """A list as one word."""
    if isinstance(value, (list, tuple)):
        return ",".join(str(item) for item in value)
    return str(value)


def timestamp(value: Any) -> str:
    """A moment in local time."""
    from ganeti.utils import text
    return text.format_time(value) if _is_number(value) else "N/A"


def is_right(kind: str) -> bool:
    """Are the cells of such a field aligned to the right?"""
    return kind in _RIGHT


def query_columns(fields: Sequence[dict[str, Any]], units: str,
                  own: Mapping[str, Callable[[Any], str]] | None = None) -> list[Column]:
    """The columns for the answer of a query."""
    own = own or {}
    return [Column(field["title"], writer(field["kind"], field["name"], units,
                                          own.get(field["name"])), is_right(field["kind"]))
            for field in fields]


def query_cells(columns: Sequence[Column], row: Sequence[Sequence[Any]],
                verbose: bool) -> list[str]:
    """The texts of a row of [status, value] cells."""
    return [column.write(value) if status == 0 else abnormal(status, verbose)
            for column, (status, value) in zip(columns, row, strict=True)]


def lines(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, header: bool,
          separator: str | None) -> list[str]:
    """The lines of a table; with a separator (which may be empty) nothing is padded."""
    titles = [[column.title for column in columns]] if header else []
    table = [*titles, *rows]
    if separator is not None:
        return [separator.join(row) for row in table]
    widths = [max((len(row[index]) for row in table), default=0)
              for index in range(len(columns))]
    if columns and not columns[-1].right:
        widths[-1] = 0
    return [" ".join(cell.rjust(width) if column.right else cell.ljust(width)
                     for cell, width, column in zip(row, widths, columns, strict=True))
            for row in table]
