"""The tags of a thing: the same three methods wherever it lies."""

from __future__ import annotations

from typing import Any

from ganeti.rapi import problems
from ganeti.rapi.base import ANYONE, DRY_RUN, MANY, NO_BODY, Arg, Ask, Call, Resource, Submit

_TAG = Arg("tag", MANY, "tags", doc="A tag; may be repeated")


def _require_tags(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    if not call.query.get("tag"):
        raise problems.bad_request("The argument 'tag' is missing; it names a tag, and may be"
                                   " repeated")
    return body


def resource(kind: str, base: str, name: str, part: str | None) -> Resource:
    """The tags below a URI; `part` is the name's place in it (None for the cluster)."""

    def show(call: Call) -> Any:
        """Tags, as a list."""
        return call.luxi.query_tags(kind, call.path[part] if part else "")

    path = {part: "name"} if part else {}
    fixed = {"kind": kind} if part else {"kind": kind, "name": None}
    put, delete = (
        Submit(op_id, path=path, fixed=fixed, args=[_TAG, DRY_RUN], body=NO_BODY,
               prepare=_require_tags) for op_id in ("OP_TAGS_SET", "OP_TAGS_DEL"))
    return Resource(f"{base}/tags", name, GET=Ask(show, access=ANYONE), PUT=put, DELETE=delete)
