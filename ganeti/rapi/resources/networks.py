"""Networks."""

from __future__ import annotations

from typing import Any

from ganeti import constants
from ganeti.rapi import fields
from ganeti.rapi.base import (
    BULK,
    DRY_RUN,
    LOCK,
    Ask,
    Call,
    Resource,
    Submit,
    listing,
    shown,
)
from ganeti.rapi.resources import tags

_BASE = "/2/networks"
_ONE = _BASE + "/{network_name}"
_NAME = {"network_name": "network_name"}


def _list(call: Call) -> list[Any]:
    """All networks."""
    return listing(call, _BASE, "name", call.luxi.query_networks, fields.NETWORK)


def _show(call: Call) -> dict[str, Any]:
    """One network."""
    return shown(call, "Network", call.path["network_name"], call.luxi.query_networks,
                 fields.NETWORK)


def _change(word: str, op_id: str, *, dry_run: bool = True) -> Resource:
    return Resource(f"{_ONE}/{word}", f"networks_name_{word}", PUT=Submit(
        op_id, path=_NAME, args=[DRY_RUN] if dry_run else []))


RESOURCES = [
    Resource(_BASE, "networks", GET=Ask(_list, args=[BULK]),
             POST=Submit("OP_NETWORK_ADD", args=[DRY_RUN], renames={"name": "network_name"})),
    Resource(_ONE, "networks_name", GET=Ask(_show, args=[LOCK]),
             DELETE=Submit("OP_NETWORK_REMOVE", path=_NAME, args=[DRY_RUN])),
    _change("connect", "OP_NETWORK_CONNECT"),
    _change("disconnect", "OP_NETWORK_DISCONNECT"),
    _change("modify", "OP_NETWORK_SET_PARAMS", dry_run=False),
    _change("rename", "OP_NETWORK_RENAME"),
    tags.resource(constants.TAG_NETWORK, _ONE, "networks_name_tags", "network_name"),
]
