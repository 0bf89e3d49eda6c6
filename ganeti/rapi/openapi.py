"""The interface as an OpenAPI 3 document, made from the resources and the opcodes they submit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ganeti import constants, opcodes, rapi
from ganeti.rapi.base import (
    FLAG,
    INT,
    MANY,
    NO_BODY,
    OP_BODY,
    Arg,
    Method,
    Resource,
    Submit,
)

_JOB_ID = {"type": "integer", "description": "Number of the submitted job"}
_WORDS: dict[str, dict[str, Any]] = {
    "boolean": {"type": "boolean"}, "integer": {"type": "integer"}, "float": {"type": "number"},
    "number": {"type": "number"}, "string": {"type": "string"}, "list": {"type": "array"},
    "dict": {"type": "object"}, "object": {"type": "object"}, "any": {}, "null": {"enum": [None]},
    "nonempty-string": {"type": "string", "minLength": 1}, "job-id": {"type": "integer"},
    "uuid": {"type": "string", "format": "uuid"},
    "ipv4-address": {"type": "string", "format": "ipv4"},
    "ipv6-address": {"type": "string", "format": "ipv6"},
    "ipv4-cidr-network": {"type": "string", "description": "IPv4 network, as in 10.0.0.0/24"},
    "ipv6-cidr-network": {"type": "string", "description": "IPv6 network, as in fd00::/64"},
    "non-negative-float": {"type": "number", "minimum": 0},
    "relative-job-id": {"type": "integer", "maximum": -1},
    "negative-integer": {"type": "integer", "maximum": -1},
    "size": {"description": "MiB, or a text with a unit", "oneOf": [
        {"type": "integer", "minimum": 0}, {"type": "string"}]},
}
_COMMON = frozenset(opcodes.COMMON)


def schema(spec: Any) -> dict[str, Any]:
    """A type in the catalogue's notation as JSON Schema (of OpenAPI 3.0)."""
    if isinstance(spec, str):
        if spec.endswith(" or null"):
            return {**schema(spec.removesuffix(" or null")), "nullable": True}
        return dict(_WORDS.get(spec, {"type": "string", "description": spec}))
    ((word, inner),) = spec.items()
    return _COMPOSED[word](inner)


def _nullable(inner: Any) -> dict[str, Any]:
    return {**schema(inner), "nullable": True}


def _array(inner: Any, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": schema(inner), **more}


def _tuple(inner: list[Any]) -> dict[str, Any]:
    return {"type": "array", "items": {"anyOf": [schema(item) for item in inner]},
            "minItems": len(inner), "maxItems": len(inner)}


def _object(inner: Mapping[str, Any], exact: bool) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": not exact,
            "properties": {name: schema(item) for name, item in inner.items()}}


def _enum(values: list[Any]) -> dict[str, Any]:
    return {"enum": values}


_COMPOSED: dict[str, Callable[[Any], dict[str, Any]]] = {
    "maybe": _nullable,
    "list-of": _array,
    "set-of": lambda inner: _array(inner, uniqueItems=True),
    "dict-of": lambda inner: {"type": "object", "additionalProperties": schema(inner[1])},
    "enum": _enum,
    "or": lambda inner: {"anyOf": [schema(item) for item in inner]},
    "and": lambda inner: {"allOf": [schema(item) for item in inner]},
    "tuple": _tuple,
    "integer-min": lambda low: {"type": "integer", "minimum": low},
    "integer-range": lambda ends: {"type": "integer", "minimum": ends[0], "maximum": ends[1]},
    "strict-dict": lambda inner: _object(inner, True),
    "dict-with": lambda inner: _object(inner, False),
    "private": lambda inner: {**schema(inner), "format": "password"},
    "secret": lambda inner: {**schema(inner), "format": "password"},
}


def _argument(arg: Arg) -> dict[str, Any]:
    kind: dict[str, Any] = {"type": "string"}
    if arg.kind == FLAG:
        kind = {"type": "integer", "enum": [0, 1], "default": 0}
    elif arg.kind == INT:
        kind = {"type": "integer"}
    elif arg.kind == MANY:
        kind = {"type": "array", "items": {"type": "string"}}
    if arg.default is not None:
        kind["default"] = arg.default
    return {"name": arg.name, "in": "query", "description": arg.doc, "schema": kind}


def _opcode_body(method: Submit) -> dict[str, Any]:
    """The parameters that the body may hold, with their names there."""
    from_uri = {*method.path.values(), *method.fixed, *method.forbidden,
                *(arg.param for arg in method.args if arg.param)}
    other_names = {target: name for name, target in method.renames.items()}
    properties: dict[str, Any] = {}
    required = []
    for name, field in sorted(method.opcode.FIELDS.items()):
        if name in from_uri or (name in _COMMON and name not in ("depends", "comment")):
            continue
        described = {**schema(field.type.spec()), "description": field.doc}
        shown = other_names.get(name, name)
        if field.required:
            required.append(shown)
        elif field.default not in (None, [], {}):
            described["default"] = field.default
        properties[shown] = described
    properties.update({name: schema(word) for name, word in method.parameters.items()})
    body: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        body["required"] = sorted(required)
    return body


def _request_body(method: Method) -> dict[str, Any] | None:
    if method.body == NO_BODY:
        return None
    if method.body == OP_BODY and isinstance(method, Submit):
        kind = _opcode_body(method)
    elif method.parameters:
        kind = {"type": "object", "properties": {
            name: schema(word) for name, word in method.parameters.items()}}
    else:
        kind = {"type": "string"}
    return {"content": {"application/json": {"schema": kind}}}


def _operation(resource: Resource, verb: str, method: Method) -> dict[str, Any]:
    path = [{"name": part, "in": "path", "required": True,
             "schema": {"type": "integer" if part in ("job_id", "disk_index") else "string"}}
            for part in resource.parts]
    arguments = [_argument(arg) for arg in method.args]
    if method.access:
        arguments.append({"name": "reason", "in": "query", "schema": {"type": "string"},
                          "description": "Why, for the reason trail of the job"})
    submit = isinstance(method, Submit)
    doc = method.doc if not isinstance(method, Submit) else (
        (method.opcode.__doc__ or "").strip().splitlines()[0])
    operation: dict[str, Any] = {
        "operationId": f"{verb.lower()}_{resource.name}",
        "summary": doc.rstrip("."),
        "parameters": path + arguments,
        "responses": {
            "200": {"description": "The job's number" if submit else "Done", "content": {
                "application/json": {"schema": _JOB_ID if submit else {}}}},
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }
    body = _request_body(method)
    if body is not None:
        operation["requestBody"] = body
    if isinstance(method, Submit):
        operation["x-opcode"] = method.op_id
    if method.access:
        operation["security"] = [{"basic": []}]
        operation["x-rights"] = list(method.access)
    return operation


def document() -> dict[str, Any]:
    """The whole document."""
    from ganeti.rapi.resources import TABLE
    problem = {"type": "object", "required": ["code", "message", "explain"], "properties": {
        "code": {"type": "integer"}, "message": {"type": "string"},
        "explain": {"type": "string"}}}
    return {
        "openapi": "3.0.3",
        "info": {"title": rapi.REALM, "version": str(rapi.VERSION),
                 "x-release": constants.DIR_VERSION,
                 "license": {"name": "BSD-2-Clause"}},
        "paths": {resource.uri: {
            verb.lower(): _operation(resource, verb, method)
            for verb, method in sorted(resource.methods.items())}
            for resource in sorted(TABLE.resources, key=lambda item: item.uri)},
        "components": {
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
            "responses": {"Problem": {"description": "What went wrong", "content": {
                "application/json": {"schema": problem}}}},
        },
    }
