"""Instances: shown, made, started, moved, changed."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, opcodes
from ganeti.rapi import fields, problems
from ganeti.rapi.base import (
    ACCESS_READ,
    ACCESS_WRITE,
    BULK,
    DRY_RUN,
    LOCK,
    NO_BODY,
    OP_BODY,
    OWN_BODY,
    TEXT,
    Arg,
    Ask,
    Call,
    Method,
    Resource,
    Submit,
    links,
    map_rows,
    only_row,
)
from ganeti.rapi.resources import tags

_BASE = "/2/instances"
_ONE = _BASE + "/{instance_name}"
_NAME = {"instance_name": "instance_name"}
_REQUEST_VERSION = "__version__"
_NEW_NAMES = {"name": "instance_name", "os": "os_type"}
_NO_REMEMBER = Arg("no_remember", param="no_remember",
                   doc="Leave the instance's wanted state as it is")


def _with_memory(instance: dict[str, Any]) -> dict[str, Any]:
    """Clients of old know one size of memory only."""
    beparams = instance.get("beparams")
    if isinstance(beparams, dict):
        instance["beparams"] = {**beparams, "memory": beparams.get(constants.BE_MAXMEM)}
    return instance


def _list(call: Call) -> list[Any]:
    """All instances."""
    if call.flag("bulk"):
        rows = call.luxi.query_instances([], fields.INSTANCE, call.flag("lock"))
        return [_with_memory(item) for item in map_rows(fields.INSTANCE, rows)]
    rows = call.luxi.query_instances([], ["name"], call.flag("lock"))
    return links(_BASE, [row[0] for row in rows], "id")


def _show(call: Call) -> dict[str, Any]:
    """One instance."""
    name = call.path["instance_name"]
    rows = call.luxi.query_instances([name], fields.INSTANCE, call.flag("lock"))
    return _with_memory(map_rows(fields.INSTANCE, [only_row(rows, f"Instance {name}")])[0])


def _console(call: Call) -> Any:
    """How to reach the console of a running instance."""
    name = call.path["instance_name"]
    rows = call.luxi.query_instances([name], ["console", "oper_state"], False)
    console, running = only_row(rows, f"Instance {name}")
    if not running or console is None:
        raise problems.Problem(503, f"Instance {name} is not running, it has no console")
    return console


def _usb_devices(body: dict[str, Any], key: str = "hvparams") -> dict[str, Any]:
    """USB devices may be separated by spaces in a body."""
    hvparams = body.get(key)
    if isinstance(hvparams, dict) and isinstance(hvparams.get("usb_devices"), str):
        changed = {**hvparams, "usb_devices": ",".join(hvparams["usb_devices"].split())}
        return {**body, key: changed}
    return body


def _creation(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    version = body.pop(_REQUEST_VERSION, 0)
    if version == 0 and not isinstance(version, bool):
        raise problems.bad_request(
            "Requests of version 0 are not understood any more; say '__version__': 1")
    if version != 1 or isinstance(version, bool):
        raise problems.bad_request(f"Unknown version of the request: {version}")
    return _usb_devices(body)


def _many_creations(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """The single creations, in the form of the opcode."""
    given = body.get("instances")
    if not isinstance(given, list):
        raise problems.bad_request("The body needs 'instances', a list of instance creations")
    made = []
    for index, item in enumerate(given):
        if not isinstance(item, dict):
            raise problems.bad_request(f"instances[{index}] is no object")
        params: dict[str, Any] = {
            str(_NEW_NAMES.get(name, name)): value for name, value in item.items()
                  if name != "OP_ID"}
        try:
            made.append(opcodes.get_class("OP_INSTANCE_CREATE")(**_usb_devices(params)).to_dict())
        except errors.OpPrereqError as err:
            raise problems.bad_request(f"instances[{index}]: {errors.text(err)}") from None
    return {**body, "instances": made}


def _modification(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    return _usb_devices(_usb_devices(body), "custom_hvparams")


def _replacement(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """Without a body the arguments of the query count; disks may be one text."""
    if not body:
        names = ("remote_node", "mode", "disks", "iallocator")
        body = {name: call.text(name) for name in names if call.text(name)}
    disks = body.get("disks")
    if disks in ("", None):
        return {name: value for name, value in body.items() if name != "disks"}
    if isinstance(disks, str):
        try:
            body = {**body, "disks": [int(part) for part in disks.split(",")]}
        except ValueError:
            raise problems.bad_request(
                f"Invalid disk numbers '{disks}'; write them as in 0,1") from None
    return body


def _reinstall(call: Call) -> int:
    """Install the operating system anew: one job that stops, installs and starts."""
    if call.body is not None and ("os" in call.query or "nostartup" in call.query):
        raise problems.bad_request("Give the arguments in the query or in the body, not in both")
    name = call.path["instance_name"]
    if call.body is not None:
        system = call.body_item("os", (str, type(None)), None)
        start = call.body_item("start", bool, True)
        osparams = call.body_item("osparams", (dict, type(None)), None)
    else:
        system, start, osparams = call.text("os"), not call.flag("nostartup"), None
    known = {"os", "start", "osparams", "depends"}
    for extra in sorted(call.object().keys() - known):
        raise problems.bad_request(f"There is no parameter '{extra}'")
    try:
        ops = [opcodes.get_class("OP_INSTANCE_SHUTDOWN")(instance_name=name),
               opcodes.get_class("OP_INSTANCE_REINSTALL")(
                   instance_name=name, os_type=system, osparams=osparams)]
        if start:
            ops.append(opcodes.get_class("OP_INSTANCE_STARTUP")(
                instance_name=name, force=False))
    except errors.OpPrereqError as err:
        raise problems.bad_request(errors.text(err)) from None
    return call.submit(ops)


def _info(call: Call) -> int:
    """Submit a job that tells everything about an instance."""
    return call.submit([opcodes.get_class("OP_INSTANCE_QUERY_DATA")(
        instances=[call.path["instance_name"]], static=call.flag("static"))])


def _prepare_export(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    call.require("mode")
    return body


def _growth(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    if "disk" in body:
        raise problems.bad_request(
            "The parameter 'disk' is set by the URI and can not be in the body")
    return {**body, "disk": int(call.path["disk_index"])}


def _one(word: str, **methods: Method) -> Resource:
    return Resource(f"{_ONE}/{word}", "instances_name_" + word.replace("-", "_"), **methods)


def _put(word: str, op_id: str, **how: Any) -> Resource:
    return _one(word, PUT=Submit(op_id, path=_NAME, **how))


def _post(word: str, op_id: str, **how: Any) -> Resource:
    return _one(word, POST=Submit(op_id, path=_NAME, **how))


RESOURCES = [
    Resource(_BASE, "instances", GET=Ask(_list, args=[BULK, LOCK]), POST=Submit(
        "OP_INSTANCE_CREATE", args=[DRY_RUN], renames=_NEW_NAMES, prepare=_creation,
        parameters={_REQUEST_VERSION: "integer"})),
    Resource("/2/instances-multi-alloc", "instances_multi_alloc", POST=Submit(
        "OP_INSTANCE_MULTI_ALLOC", args=[DRY_RUN], prepare=_many_creations)),
    Resource(_ONE, "instances_name", GET=Ask(_show, args=[LOCK]), DELETE=Submit(
        "OP_INSTANCE_REMOVE", path=_NAME, args=[DRY_RUN], fixed={"ignore_failures": False})),
    _one("info", GET=Ask(_info, args=[Arg("static", doc="Ask the configuration only")])),
    _one("console", GET=Ask(_console, access=ACCESS_READ)),
    _post("reboot", "OP_INSTANCE_REBOOT", body=OP_BODY, args=[
        Arg("type", TEXT, "reboot_type", "hard", doc="soft, hard or full"),
        Arg("ignore_secondaries", param="ignore_secondaries",
            doc="Even if a secondary node can not be reached"), DRY_RUN]),
    _put("startup", "OP_INSTANCE_STARTUP", body=NO_BODY, args=[
        Arg("force", param="force", doc="Even if the secondary node can not be reached"),
        DRY_RUN, _NO_REMEMBER]),
    _put("shutdown", "OP_INSTANCE_SHUTDOWN", args=[DRY_RUN, _NO_REMEMBER]),
    _one("reinstall", POST=Ask(
        _reinstall, access=ACCESS_WRITE, body=OWN_BODY,
        args=[Arg("os", TEXT, doc="Another operating system"),
              Arg("nostartup", doc="Leave it stopped")],
        parameters={"os": "string", "start": "boolean", "osparams": "object"})),
    _post("replace-disks", "OP_INSTANCE_REPLACE_DISKS", prepare=_replacement, args=[
        Arg("remote_node", TEXT, doc="New secondary node"),
        Arg("mode", TEXT, doc="Which disks to replace"),
        Arg("disks", TEXT, doc="Numbers of disks, separated by commas"),
        Arg("iallocator", TEXT, doc="Program that chooses the new secondary node")]),
    _put("activate-disks", "OP_INSTANCE_ACTIVATE_DISKS", body=NO_BODY, args=[
        Arg("ignore_size", param="ignore_size", doc="Even if the recorded size is wrong")]),
    _put("deactivate-disks", "OP_INSTANCE_DEACTIVATE_DISKS", body=NO_BODY, args=[
        Arg("force", param="force", doc="Without asking whether the instance runs")]),
    _post("recreate-disks", "OP_INSTANCE_RECREATE_DISKS"),
    _put("prepare-export", "OP_BACKUP_PREPARE", body=NO_BODY, prepare=_prepare_export, args=[
        Arg("mode", TEXT, "mode", doc="local or remote")]),
    _one("export",
         PUT=Submit("OP_BACKUP_EXPORT", path=_NAME, renames={"destination": "target_node"}),
         DELETE=Submit("OP_BACKUP_REMOVE", path=_NAME)),
    _put("migrate", "OP_INSTANCE_MIGRATE"),
    _put("failover", "OP_INSTANCE_FAILOVER"),
    _put("rename", "OP_INSTANCE_RENAME"),
    _put("modify", "OP_INSTANCE_SET_PARAMS", prepare=_modification,
         renames={"custom_beparams": "beparams", "custom_hvparams": "hvparams"}),
    Resource(_ONE + "/disk/{disk_index}/grow", "instances_name_disk_grow",
             POST=Submit("OP_INSTANCE_GROW_DISK", path=_NAME, prepare=_growth)),
    tags.resource(constants.TAG_INSTANCE, _ONE, "instances_name_tags", "instance_name"),
]
