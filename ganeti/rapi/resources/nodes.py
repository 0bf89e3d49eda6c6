"""Nodes: shown, emptied, changed, and their storage."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, opcodes
from ganeti.rapi import fields, problems
from ganeti.rapi.base import (
    ACCESS_WRITE,
    BULK,
    DRY_RUN,
    INT,
    LIST,
    LOCK,
    NO_BODY,
    OWN_BODY,
    TEXT,
    Arg,
    Ask,
    Call,
    Resource,
    Submit,
    listing,
    map_rows,
    only_row,
)
from ganeti.rapi.resources import tags

_BASE = "/2/nodes"
_ONE = _BASE + "/{node_name}"
_NAME = {"node_name": "node_name"}
_FORCE = Arg("force", param="force", doc="Even where that is not safe")
_STORAGE_TYPE = Arg("storage_type", TEXT, "storage_type", doc="Type of the storage")
_STORAGE_NAME = Arg("name", TEXT, "name", doc="Name of the storage unit")

ROLES = {constants.NR_MASTER: "master", constants.NR_MCANDIDATE: "master-candidate",
         constants.NR_REGULAR: "regular", constants.NR_DRAINED: "drained",
         constants.NR_OFFLINE: "offline"}
_ROLE_FLAGS: dict[str, dict[str, bool | None]] = {
    "regular": {"master_candidate": False, "offline": False, "drained": False},
    "master-candidate": {"master_candidate": True, "offline": None, "drained": None},
    "drained": {"master_candidate": None, "offline": None, "drained": True},
    "offline": {"master_candidate": None, "offline": True, "drained": None},
}


def _list(call: Call) -> list[Any]:
    """All nodes."""
    return listing(call, _BASE, "id", call.luxi.query_nodes, fields.NODE)


def _query(call: Call, wanted: list[str]) -> Any:
    name = call.path["node_name"]
    return only_row(call.luxi.query_nodes([name], wanted, call.flag("lock")), f"Node {name}")


def _show(call: Call) -> dict[str, Any]:
    """One node."""
    node = map_rows(fields.NODE, [_query(call, fields.NODE)])[0]
    node["secondary_ip"] = node["sip"]
    return node


def _role(call: Call) -> str:
    """The role of a node."""
    letter = _query(call, ["role"])[0]
    return ROLES.get(letter, str(letter))


def _set_role(call: Call) -> int:
    """Give a node the role that is the body: regular, master-candidate, drained or offline."""
    flags = _ROLE_FLAGS.get(call.body) if isinstance(call.body, str) else None
    if flags is None:
        raise problems.bad_request(
            "The body must be one of the texts " + ", ".join(sorted(_ROLE_FLAGS)))
    return call.submit([opcodes.get_class("OP_NODE_SET_PARAMS")(
        node_name=call.path["node_name"], force=call.flag("force"),
        auto_promote=call.flag("auto-promote"), **flags)])


def _migration(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """With arguments in the query (the old way) the body does not count."""
    if "live" in call.query and "mode" in call.query:
        raise problems.bad_request("Give the argument 'live' or 'mode', not both")
    if "live" in call.query:
        live = call.flag("live") if call.text("live") else True
        return {"mode": constants.HT_MIGRATION_LIVE if live else constants.HT_MIGRATION_NONLIVE}
    if "mode" in call.query:
        return {"mode": call.text("mode")}
    return body


def _require(*names: str) -> Any:
    def check(call: Call, body: dict[str, Any]) -> dict[str, Any]:
        for name in names:
            call.require(name)
        return body
    return check


def _changes(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    call.require("name")
    changes = {}
    if "allocatable" in call.query:
        changes["allocatable"] = bool(call.number("allocatable")
                                      if call.text("allocatable") else 1)
    return {"changes": changes}


def _storage(call: Call) -> int:
    """Submit a job that lists the storage units of a node."""
    return call.submit([_storage_query(call)])


def _storage_query(call: Call) -> opcodes.OpCode:
    wanted = call.require("output_fields").split(",")
    try:
        return opcodes.get_class("OP_NODE_QUERY_STORAGE")(
            nodes=[call.path["node_name"]], storage_type=call.text("storage_type"),
            output_fields=wanted)
    except errors.OpPrereqError as err:
        raise problems.bad_request(errors.text(err)) from None


RESOURCES = [
    Resource(_BASE, "nodes", GET=Ask(_list, args=[BULK])),
    Resource(_ONE, "nodes_name", GET=Ask(_show, args=[LOCK])),
    Resource(_ONE + "/powercycle", "nodes_name_powercycle", POST=Submit(
        "OP_NODE_POWERCYCLE", path=_NAME, args=[_FORCE], body=NO_BODY)),
    Resource(_ONE + "/role", "nodes_name_role", GET=Ask(_role, args=[LOCK]), PUT=Ask(
        _set_role, access=ACCESS_WRITE, body=OWN_BODY,
        args=[Arg("force", doc="Even where that is not safe"),
              Arg("auto-promote", doc="Make another node a candidate when one is missing")])),
    Resource(_ONE + "/evacuate", "nodes_name_evacuate", POST=Submit(
        "OP_NODE_EVACUATE", path=_NAME, args=[DRY_RUN])),
    Resource(_ONE + "/migrate", "nodes_name_migrate", POST=Submit(
        "OP_NODE_MIGRATE", path=_NAME, prepare=_migration,
        args=[Arg("live", INT, doc="1 live, 0 not (instead of mode)"),
              Arg("mode", TEXT, doc="live or non-live")])),
    Resource(_ONE + "/modify", "nodes_name_modify", POST=Submit(
        "OP_NODE_SET_PARAMS", path=_NAME)),
    Resource(_ONE + "/storage", "nodes_name_storage", GET=Ask(
        _storage, access=ACCESS_WRITE,
        args=[Arg("storage_type", TEXT, doc="Type of the storage"),
              Arg("output_fields", LIST, doc="Names of fields, separated by commas")])),
    Resource(_ONE + "/storage/modify", "nodes_name_storage_modify", PUT=Submit(
        "OP_NODE_MODIFY_STORAGE", path=_NAME, body=NO_BODY, prepare=_changes,
        args=[_STORAGE_TYPE, _STORAGE_NAME,
              Arg("allocatable", INT, doc="Whether new volumes may lie on it")])),
    Resource(_ONE + "/storage/repair", "nodes_name_storage_repair", PUT=Submit(
        "OP_REPAIR_NODE_STORAGE", path=_NAME, body=NO_BODY, prepare=_require("name"),
        args=[_STORAGE_TYPE, _STORAGE_NAME])),
    tags.resource(constants.TAG_NODE, _ONE, "nodes_name_tags", "node_name"),
]
