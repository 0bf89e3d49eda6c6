"""Runs queries: finds the objects, fetches live data once, filters, and makes the rows."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from ganeti import errors, ht, qlang
from ganeti.constants import query as constants
from ganeti.query.fields import (
    UNKNOWN,
    Context,
    FieldRow,
    Resource,
    Special,
    unknown_definition,
)
from ganeti.query.source import DataSource

#: resource -> the module that declares its rows
MODULES = {
    constants.QR_INSTANCE: "instance", constants.QR_NODE: "node", constants.QR_GROUP: "group",
    constants.QR_NETWORK: "network", constants.QR_JOB: "job", constants.QR_LOCK: "lock",
    constants.QR_FILTER: "filter", constants.QR_EXPORT: "export", constants.QR_OS: "os",
    constants.QR_EXTSTORAGE: "extstorage", constants.QR_CLUSTER: "cluster",
}


def resource(name: str) -> Resource:
    """The resource with this name; a clear refusal when there is none."""
    module = MODULES.get(name) if isinstance(name, str) else None
    if module is None:
        raise errors.OpPrereqError(
            f"There is no resource {ht.shown(name)} to query{ht.nearest_hint(name, MODULES)}",
            errors.ECODE_INVAL)
    found: Resource = importlib.import_module(f"ganeti.query.{module}").RESOURCE
    return found


def fields(what: str, names: Sequence[str] | None = None) -> dict[str, Any]:
    """The definitions of some fields, or of all in alphabetical order."""
    rows = resource(what).rows
    if not names:
        names = sorted(rows)
    return {"fields": [_definition(rows.get(_word(name)), name) for name in names]}


def run(what: str, source: DataSource, names_of_fields: Sequence[str], qfilter: Any = None,
        names: Sequence[Any] | None = None) -> dict[str, Any]:
    """Answer a query with field definitions and rows of [status, value] cells.

    :param names: only these objects, in this order (an unknown one is an error)
    """
    asked = resource(what)
    rows = [asked.rows.get(_word(name)) for name in _field_list(names_of_fields)]
    context = Context(source)
    items = _select(asked, context, rows, qfilter, names)
    return {"fields": [_definition(row, name)
                       for row, name in zip(rows, names_of_fields, strict=True)],
            "data": [_cells(item, rows, context) for item in items]}


def old_style(what: str, source: DataSource, names: Sequence[Any] | None,
              names_of_fields: Sequence[str]) -> list[list[Any]]:
    """Answer an old-style call: plain values, null for what can not be given."""
    asked = resource(what)
    for name in _field_list(names_of_fields):
        if name not in asked.rows:
            raise errors.OpPrereqError(
                f"There is no {what} field '{name}'{ht.nearest_hint(name, asked.rows)}",
                errors.ECODE_INVAL)
    answer = run(what, source, names_of_fields, names=list(names) if names else None)
    return [[cell[1] for cell in row] for row in answer["data"]]


def _select(asked: Resource, context: Context, rows: Sequence[FieldRow | None], qfilter: Any,
            names: Sequence[Any] | None) -> list[Any]:
    """The objects of the answer, with the live data that its fields need at hand."""
    predicate = None
    if names is None:
        names = qlang.names_of(qfilter, asked.name_field)
        if names is None:
            predicate = qlang.compile(qfilter, asked.rows)
    needs = frozenset().union(*(row.needs for row in rows if row is not None))
    filter_needs = predicate.needs if predicate is not None else frozenset()
    if asked.lists_before_fields and asked.gather is not None:
        asked.gather(context, [], needs | filter_needs)
        items = asked.items(context, names)
        return [item for item in items if predicate is None or predicate(item, context)]
    items = asked.items(context, names)
    if predicate is not None and not filter_needs:
        items = [item for item in items if predicate(item, context)]
    if asked.gather is not None and (needs or filter_needs):
        asked.gather(context, items, needs | filter_needs)
    if filter_needs and predicate is not None:
        items = [item for item in items if predicate(item, context)]
    return items


def _cells(item: Any, rows: Sequence[FieldRow | None], context: Context) -> list[list[Any]]:
    result = []
    for row in rows:
        value = UNKNOWN if row is None else row.getter(item, context)
        result.append(value.cell if isinstance(value, Special) else [0, value])
    return result


def _definition(row: FieldRow | None, name: str) -> dict[str, str]:
    return unknown_definition(name) if row is None else row.definition()


def _field_list(names: Any) -> Sequence[str]:
    if not isinstance(names, (list, tuple)) or not names:
        raise errors.OpPrereqError("A query needs a list with at least one field name",
                                   errors.ECODE_INVAL)
    for name in names:
        _word(name)
    return names


def _word(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise errors.OpPrereqError(f"{ht.shown(name)} is no name of a field",
                                   errors.ECODE_INVAL)
    return name
