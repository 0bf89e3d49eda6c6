"""Queries with free choice of fields and filter."""

from __future__ import annotations

from typing import Any

from ganeti import constants
from ganeti.rapi import problems
from ganeti.rapi.base import ACCESS_READ, LIST, OWN_BODY, Arg, Ask, Call, Resource

_FIELDS = Arg("fields", LIST, doc="Names of fields, separated by commas")


def _resource(call: Call) -> str:
    name = call.path["resource"]
    if name not in constants.QR_VIA_RAPI:
        known = ", ".join(sorted(constants.QR_VIA_RAPI))
        raise problems.not_found(f"'{name}' can not be queried; these can: {known}")
    return name


def _get(call: Call) -> Any:
    """All objects of a kind."""
    name = _resource(call)
    call.require("fields")
    return call.luxi.query(name, call.words("fields") or [], None)


def _put(call: Call) -> Any:
    """The objects of a kind that a filter lets through."""
    name = _resource(call)
    wanted = call.body_item("fields", list, None) or call.words("fields")
    if not wanted:
        raise problems.bad_request("The required parameter 'fields' is missing")
    body = call.object()
    return call.luxi.query(name, wanted, body.get("qfilter", body.get("filter")))


def _fields(call: Call) -> Any:
    """The fields that can be asked for."""
    return call.luxi.query_fields(_resource(call), call.words("fields"))


RESOURCES = [
    Resource("/2/query/{resource}", "query", GET=Ask(_get, access=ACCESS_READ, args=[_FIELDS]),
             PUT=Ask(_put, access=ACCESS_READ, args=[_FIELDS], body=OWN_BODY,
                     parameters={"fields": "list", "qfilter": "any", "filter": "any"})),
    Resource("/2/query/{resource}/fields", "query_fields", GET=Ask(_fields, args=[_FIELDS])),
]
