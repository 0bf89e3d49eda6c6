"""What a resource is: its URI, its methods, their arguments, and what carries them out.

Which resources there are is in `resources`; sockets and HTTP are in `app`.
"""

from __future__ import annotations

import abc
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ganeti import constants, errors, opcodes
from ganeti.luxi.client import Client
from ganeti.rapi import auth, problems

ACCESS_WRITE = (auth.WRITE,)
ACCESS_READ = (auth.READ, auth.WRITE)
ANYONE: tuple[str, ...] = ()

# What a method does with its body
NO_BODY = "ignored"
"""Only `depends` in it counts."""
OP_BODY = "opcode"
"""An object with the opcode's parameters, which may be missing."""
OWN_BODY = "own"

_PATH_PART = r"[\w.+\-]+"
_DIGITS = r"\d+"
_DIGIT_PARTS = ("job_id", "disk_index")


@dataclass(frozen=True)
class Arg:
    """An argument in the URI's query: FLAG and INT are integers, TEXT, LIST (comma), MANY."""

    name: str
    kind: str = "flag"
    param: str = ""
    default: Any = None
    doc: str = ""


FLAG, INT, TEXT, LIST, MANY = "flag", "int", "text", "list", "many"
DRY_RUN = Arg("dry-run", param="dry_run", doc="Only check whether it could be done")
BULK = Arg("bulk", doc="Whole objects instead of names")
LOCK = Arg("lock", doc="Not supported by the master daemon any more, must be 0")


#: A query of the master daemon: names (none for all), fields, and whether to lock.
Query = Callable[[Sequence[str], Sequence[str], bool], Sequence[Sequence[Any]]]


@dataclass
class Call:
    """A request on its way: what it says, and the master daemon to ask."""

    path: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: Any
    luxi: Client
    resource: str
    user: str | None = None
    gone: Callable[[], bool] = field(default=lambda: False)
    """Whether the client has hung up in the meantime."""

    def text(self, name: str, default: str | None = None) -> str | None:
        """An argument of the query; its first value counts."""
        values = self.query.get(name)
        return values[0] if values else default

    def number(self, name: str, default: int = 0) -> int:
        """An integer of the query; an empty one is the default."""
        value = self.text(name)
        if value is None:
            return default
        try:
            return int(value)
        except ValueError:
            raise problems.bad_request(
                f"Invalid value for the argument '{name}': '{value}' is no integer") from None

    def flag(self, name: str) -> bool:
        """An integer of the query as truth."""
        return bool(self.number(name))

    def words(self, name: str) -> list[str] | None:
        """A comma-separated argument; None when it is not there."""
        value = self.text(name)
        return None if value is None else [word for word in value.split(",") if word]

    def require(self, name: str) -> str:
        """A text argument that must be given."""
        value = self.text(name)
        if not value:
            raise problems.bad_request(f"The argument '{name}' is missing")
        return value

    def object(self) -> dict[str, Any]:
        """The body as an object; an absent one is empty."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise problems.bad_request("The body must be a JSON object")
        return dict(self.body)

    def body_item(self, name: str, kind: type | tuple[type, ...], *default: Any) -> Any:
        """An item of the body, checked for its Python type; required without a default."""
        body = self.object()
        if name not in body:
            if default:
                return default[0]
            raise problems.bad_request(f"The required parameter '{name}' is missing")
        value = body[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
            raise problems.bad_request(f"The parameter '{name}' has the wrong type")
        return value

    def submit(self, ops: Sequence[opcodes.OpCode]) -> int:
        """Queue a job of these opcodes, with the reason trail; its id."""
        depends = self.body.get("depends") if isinstance(self.body, dict) else None
        for op in ops:
            op.reason = [*(op.reason or []), *self._reason()]
        if depends is not None:
            ops[0].depends = depends
        for op in ops:
            _valid(op.validate)
        return int(self.luxi.submit_job(ops))

    def _reason(self) -> list[list[Any]]:
        now = time.time_ns()
        trail: list[list[Any]] = []
        text = self.text("reason")
        if text:
            trail.append([constants.OPCODE_REASON_SRC_USER, text, now])
        source = f"{constants.OPCODE_REASON_SRC_RLIB2}:{self.resource}"
        return [*trail, [source, "", now]]


def _valid(check: Callable[[], Any]) -> Any:
    try:
        return check()
    except errors.OpPrereqError as err:
        raise problems.bad_request(f"Invalid body parameters: {errors.text(err)}") from None


class Method(abc.ABC):
    """One HTTP method of a resource; how it is carried out is told by the subclass."""

    def __init__(self, *, access: tuple[str, ...], args: Sequence[Arg] = (),
                 body: str = NO_BODY, doc: str = "", slow: bool = False,
                 parameters: Mapping[str, str] | None = None) -> None:
        self.access = access
        self.args = tuple(args)
        self.body = body
        self.doc = doc
        self.slow = slow
        """Whether it waits for something: then it may not take a worker from the others."""
        self.parameters = dict(parameters or {})
        """Items of an OWN_BODY, with the word for their type."""

    @abc.abstractmethod
    def run(self, call: Call) -> Any:
        """Carry out; gives back what the answer's JSON is made of."""


class Ask(Method):
    """A method that a function carries out."""

    def __init__(self, function: Callable[[Call], Any], *, access: tuple[str, ...] = ANYONE,
                 args: Sequence[Arg] = (), body: str = NO_BODY, slow: bool = False,
                 parameters: Mapping[str, str] | None = None) -> None:
        doc = (function.__doc__ or "").strip().splitlines()[0]
        super().__init__(access=access, args=args, body=body, doc=doc, slow=slow,
                         parameters=parameters)
        self._function = function

    def run(self, call: Call) -> Any:
        return self._function(call)


class Submit(Method):
    """A method that submits one opcode and answers with the job's id.

    `path` gives parts of the URI to parameters, `args` those of the query, `fixed` sets values;
    none of these may come in the body. `renames` are other names that the body may use;
    `prepare` may change the body (and refuse it) before the opcode is made.
    """

    def __init__(self, op_id: str, *, path: Mapping[str, str] | None = None,
                 args: Sequence[Arg] = (), fixed: Mapping[str, Any] | None = None,
                 body: str = OP_BODY, renames: Mapping[str, str] | None = None,
                 forbidden: Sequence[str] = (), access: tuple[str, ...] = ACCESS_WRITE,
                 prepare: Callable[[Call, dict[str, Any]], dict[str, Any]] | None = None,
                 parameters: Mapping[str, str] | None = None) -> None:
        super().__init__(access=access, args=args, body=body, parameters=parameters)
        self.op_id = op_id
        self.path = dict(path or {})
        self.fixed = dict(fixed or {})
        self.renames = dict(renames or {})
        self.forbidden = tuple(forbidden)
        self._prepare = prepare

    @property
    def opcode(self) -> type[opcodes.OpCode]:
        """The class of the opcode."""
        return opcodes.get_class(self.op_id)

    def run(self, call: Call) -> Any:
        given = call.object() if self.body != NO_BODY else {}
        given.pop("depends", None)
        if self._prepare is not None:
            given = self._prepare(call, given)
        params = self._renamed(given)
        self._refuse(params)
        params.update(self._from_server(call))
        op = _valid(lambda: self.opcode(**params))
        return call.submit([op])

    def _renamed(self, given: Mapping[str, Any]) -> dict[str, Any]:
        params: dict[str, Any] = {}
        for name, value in given.items():
            target = self.renames.get(name, name)
            if target in params:
                raise problems.bad_request(f"'{name}' and '{target}' are the same parameter")
            params[target] = value
        return params

    def _refuse(self, params: Mapping[str, Any]) -> None:
        for name in self.forbidden:
            if name in params:
                raise problems.Problem(403, f"The parameter '{name}' can not be set over RAPI")
        server = {*self.path.values(), *self.fixed, *(arg.param for arg in self.args if arg.param)}
        for name in sorted(server & params.keys()):
            raise problems.bad_request(
                f"The parameter '{name}' is set by the URI and can not be in the body")

    def _from_server(self, call: Call) -> dict[str, Any]:
        params: dict[str, Any] = {
            target: call.path[part] for part, target in self.path.items()}
        params.update(self.fixed)
        for arg in self.args:
            if not arg.param:
                continue
            if arg.kind == FLAG:
                params[arg.param] = call.flag(arg.name)
            elif arg.kind == MANY:
                params[arg.param] = list(call.query.get(arg.name, ()))
            elif arg.kind == LIST:
                params[arg.param] = call.words(arg.name)
            elif call.text(arg.name) is not None or arg.default is not None:
                params[arg.param] = call.text(arg.name, arg.default)
        return params


class Resource:
    """A URI with its methods; `name` is how the reason trail and the documentation call it."""

    def __init__(self, uri: str, name: str, **methods: Method) -> None:
        self.uri = uri
        self.name = name
        self.methods = methods
        self.parts = re.findall(r"{(\w+)}", uri)
        self._regex = re.compile("".join(
            f"(?P<{piece[1:-1]}>{_DIGITS if piece[1:-1] in _DIGIT_PARTS else _PATH_PART})"
            if piece.startswith("{") else re.escape(piece)
            for piece in re.split(r"({\w+})", uri)))

    def match(self, path: str) -> dict[str, str] | None:
        """The parts of a path that belongs to this resource; None if it does not."""
        found = self._regex.fullmatch(path)
        return found.groupdict() if found else None


class Table:
    """All resources; a path is found without trying them all."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.resources = tuple(resources)
        self._plain = {item.uri: item for item in resources if not item.parts}
        self._patterns = [item for item in resources if item.parts]

    def find(self, path: str) -> tuple[Resource, dict[str, str]] | None:
        """The resource of a path with the path's parts."""
        plain = self._plain.get(path)
        if plain is not None:
            return plain, {}
        for resource in self._patterns:
            parts = resource.match(path)
            if parts is not None:
                return resource, parts
        return None


def map_rows(fields: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Rows of a query as objects."""
    return [dict(zip(fields, row, strict=True)) for row in rows]


def links(base: str, names: Sequence[Any], key: str) -> list[dict[str, Any]]:
    """Names with the URI of each."""
    return [{key: name, "uri": f"{base}/{name}"} for name in names]


def only_row(rows: Sequence[Any], what: str) -> Any:
    """The one row of a query for one object; 404 when there is none."""
    if not rows or rows[0] is None:
        raise problems.not_found(f"{what} does not exist")
    return rows[0]


def listing(call: Call, base: str, key: str, query: Query, fields: Sequence[str]
            ) -> list[dict[str, Any]]:
    """All objects of a kind: their names as links, or with ``bulk`` the objects themselves.

    :param key: what a name is called in a link
    """
    if call.flag("bulk"):
        return map_rows(fields, query([], fields, False))
    return links(base, [row[0] for row in query([], ["name"], False)], key)


def shown(call: Call, what: str, name: str, query: Query, fields: Sequence[str]
          ) -> dict[str, Any]:
    """One object by its name; 404 when there is none."""
    rows = query([name], fields, call.flag("lock"))
    return map_rows(fields, [only_row(rows, f"{what} {name}")])[0]
