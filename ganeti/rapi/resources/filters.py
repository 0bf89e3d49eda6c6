"""Rules by which jobs are accepted, held back or refused."""

from __future__ import annotations

import time
from typing import Any

from ganeti import constants
from ganeti.rapi import fields, problems
from ganeti.rapi.base import (
    ACCESS_WRITE,
    BULK,
    OWN_BODY,
    Ask,
    Call,
    Resource,
    links,
    map_rows,
    only_row,
)

_BODY = {"priority": "integer", "predicates": "list", "action": "any", "reason": "list"}
_BASE = "/2/filters"


def _list(call: Call) -> list[Any]:
    """All rules."""
    if call.flag("bulk"):
        return map_rows(fields.FILTER, call.luxi.query_filters(None, fields.FILTER))
    return links(_BASE, [row[0] for row in call.luxi.query_filters(None, ["uuid"])], "uuid")


def _show(call: Call) -> dict[str, Any]:
    """One rule."""
    uuid = call.path["filter_uuid"]
    rows = call.luxi.query_filters([uuid], fields.FILTER)
    return map_rows(fields.FILTER, [only_row(rows, f"Filter {uuid}")])[0]


def _replace(call: Call, uuid: str | None) -> str:
    for name in call.object():
        if name not in _BODY:
            raise problems.bad_request(f"A filter has no parameter '{name}'")
    reason = [*call.body_item("reason", list, []),
              [f"{constants.OPCODE_REASON_SRC_RLIB2}:{call.resource}", call.text("reason") or "",
               time.time_ns()]]
    return str(call.luxi.replace_filter(
        uuid, call.body_item("priority", int, 0), call.body_item("predicates", list, []),
        call.body_item("action", object, constants.FILTER_ACTION_CONTINUE), reason))


def _add(call: Call) -> str:
    """Add a rule; gives back its UUID."""
    return _replace(call, None)


def _change(call: Call) -> str:
    """Replace a rule, or add it under this UUID."""
    return _replace(call, call.path["filter_uuid"])


def _remove(call: Call) -> None:
    """Remove a rule."""
    call.luxi.delete_filter(call.path["filter_uuid"])


RESOURCES = [
    Resource(_BASE, "filters", GET=Ask(_list, args=[BULK]),
             POST=Ask(_add, access=ACCESS_WRITE, body=OWN_BODY, parameters=_BODY)),
    Resource(_BASE + "/{filter_uuid}", "filters_uuid", GET=Ask(_show),
             PUT=Ask(_change, access=ACCESS_WRITE, body=OWN_BODY, parameters=_BODY),
             DELETE=Ask(_remove, access=ACCESS_WRITE)),
]
