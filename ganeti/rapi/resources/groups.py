"""Node groups."""

from __future__ import annotations

from typing import Any

from ganeti import constants
from ganeti.rapi import fields
from ganeti.rapi.base import (
    BULK,
    DRY_RUN,
    LOCK,
    NO_BODY,
    Arg,
    Ask,
    Call,
    Resource,
    Submit,
    listing,
    shown,
)
from ganeti.rapi.resources import tags

_BASE = "/2/groups"
_ONE = _BASE + "/{group_name}"
_NAME = {"group_name": "group_name"}


def _list(call: Call) -> list[Any]:
    """All node groups."""
    return listing(call, _BASE, "name", call.luxi.query_groups, fields.GROUP)


def _show(call: Call) -> dict[str, Any]:
    """One node group."""
    return shown(call, "Node group", call.path["group_name"], call.luxi.query_groups, fields.GROUP)


RESOURCES = [
    Resource(_BASE, "groups", GET=Ask(_list, args=[BULK]),
             POST=Submit("OP_GROUP_ADD", args=[DRY_RUN], renames={"name": "group_name"})),
    Resource(_ONE, "groups_name", GET=Ask(_show, args=[LOCK]),
             DELETE=Submit("OP_GROUP_REMOVE", path=_NAME, args=[DRY_RUN], body=NO_BODY)),
    Resource(_ONE + "/modify", "groups_name_modify", PUT=Submit(
        "OP_GROUP_SET_PARAMS", path=_NAME,
        renames={"custom_diskparams": "diskparams", "custom_ipolicy": "ipolicy",
                 "custom_ndparams": "ndparams"})),
    Resource(_ONE + "/rename", "groups_name_rename",
             PUT=Submit("OP_GROUP_RENAME", path=_NAME, args=[DRY_RUN])),
    Resource(_ONE + "/assign-nodes", "groups_name_assign_nodes", PUT=Submit(
        "OP_GROUP_ASSIGN_NODES", path=_NAME,
        args=[DRY_RUN, Arg("force", param="force", doc="Even if instances become split")])),
    tags.resource(constants.TAG_NODEGROUP, _ONE, "groups_name_tags", "group_name"),
]
