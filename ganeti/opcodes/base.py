"""How an opcode is declared, checked and written; the opcodes themselves lie beside this file.

A declaration is all there is: the command line's options, the body of a RAPI request and the
documentation are read from it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from ganeti import constants, errors, ht, serializer


class _Required:
    """Stands for the default of a parameter that has to be given."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Any = _Required()

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

#: What shortens the summary in narrow lists.
TINY_PREFIXES = {"CLUSTER_": "C_", "GROUP_": "G_", "NODE_": "N_", "INSTANCE_": "I_"}


class Flag:
    """The command-line option that sets a parameter."""

    __slots__ = ("append", "completes", "default", "help", "metavar", "names", "negate", "type")

    def __init__(self, *names: str, type: str | None = None, metavar: str | None = None,
                 negate: bool = False, append: bool = False, default: Any = REQUIRED,
                 completes: str | None = None, help: str | None = None) -> None:
        """
        :param names: the option's names
        :param type: how its word is read (see `ganeti.cli.types`); by default as the
            parameter's type tells, and a boolean parameter is a switch without a word
        :param negate: the switch sets the parameter to false
        :param append: the option may be repeated; the words are collected
        :param default: its value when it is not given, where that is not the parameter's default
        :param completes: what completion offers, for instance "one_node"
        :param help: a text of its own where the parameter's would not fit
        """
        self.names = names
        self.type = type
        self.metavar = metavar
        self.negate = negate
        self.append = append
        self.default = default
        self.completes = completes
        self.help = help


class FieldSpec:
    """One parameter of an opcode."""

    __slots__ = ("default", "doc", "flag", "name", "secret", "type")

    def __init__(self, type: ht.Type, default: Any, doc: str, flag: Flag | None) -> None:
        self.name = ""
        self.type = type
        self.default = default
        self.doc = doc
        self.flag = flag
        self.secret = _holds_secret(type)

    @property
    def required(self) -> bool:
        """Has the parameter to be given?"""
        return self.default is REQUIRED


def Field(type: ht.Type, default: Any = REQUIRED, *,  # noqa: N802 - reads as a declaration
          doc: str, flag: Flag | str | None = None) -> Any:
    """Declare a parameter; a plain text as ``flag`` is the name of its option."""
    if isinstance(flag, str):
        flag = Flag(flag)
    return FieldSpec(type, default, doc, flag)


def _holds_secret(kind: Any) -> bool:
    if isinstance(kind, ht.Secret):
        return True
    inner = [getattr(kind, name, None) for name in ("inner", "key", "value")]
    return any(_holds_secret(item) for item in inner if isinstance(item, ht.Type))


class OpCode:
    """One step of a job: what shall be done, with which parameters."""

    OP_ID: ClassVar[str] = ""
    FIELDS: ClassVar[dict[str, FieldSpec]] = {}
    #: The parameter that the summary shows in parentheses.
    SUMMARY: ClassVar[str | None] = None
    RESULT: ClassVar[ht.Type] = ht.Any
    #: Submitted by the system itself, by tests or for debugging.
    INTERNAL: ClassVar[bool] = False

    dry_run: Any
    debug_level: Any
    priority: Any
    depends: Any
    comment: Any
    reason: Any

    def __init_subclass__(cls) -> None:
        fields = dict(cls.FIELDS)
        for name, spec in list(vars(cls).items()):
            if isinstance(spec, FieldSpec):
                spec.name = name
                fields[name] = spec
                delattr(cls, name)
        cls.FIELDS = fields
        cls.OP_ID = op_id_of(cls.__name__)

    def __init__(self, **params: Any) -> None:
        for name in params:
            if name not in self.FIELDS:
                raise errors.OpPrereqError(
                    f"{self.OP_ID} has no parameter '{name}'"
                    f"{ht.nearest_hint(name, self.FIELDS)}", errors.ECODE_INVAL)
        for name, spec in self.FIELDS.items():
            if name in params:
                value = params[name]
            elif spec.required:
                raise errors.OpPrereqError(
                    f"Parameter '{self.OP_ID}.{name}' fails validation: it is required",
                    errors.ECODE_INVAL)
            else:
                value = copy.deepcopy(spec.default)
            setattr(self, name, value)
        self.validate()

    def validate(self) -> None:
        """Check every parameter, and bring it into the form its type wants."""
        for name, spec in self.FIELDS.items():
            try:
                setattr(self, name, spec.type.check(getattr(self, name)))
            except ht.Mismatch as err:
                where = f" at {err.where.lstrip('.')}" if err.where else ""
                raise errors.OpPrereqError(
                    f"Parameter '{self.OP_ID}.{name}' fails validation{where}: "
                    f"expected {err.expected}, got {ht.shown(err.got)}",
                    errors.ECODE_INVAL) from None

    def to_dict(self, *, secrets: bool = True) -> dict[str, Any]:
        """The wire form; private values stay wrapped (`serializer.dump` decides about them).

        Without ``secrets`` the values that must not be stored are replaced for good.
        """
        result: dict[str, Any] = {"OP_ID": self.OP_ID}
        for name, spec in self.FIELDS.items():
            value = getattr(self, name)
            result[name] = _censored(value) if spec.secret and not secrets else value
        return result

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make the opcode from its wire form, whose OP_ID has been looked at already."""
        return cls(**{key: value for key, value in data.items() if key != "OP_ID"})

    def summary(self) -> str:
        """One word for people, such as INSTANCE_STARTUP(web1)."""
        shown = None if self.SUMMARY is None else [getattr(self, self.SUMMARY)]
        return summary_text(self.OP_ID, shown)

    def tiny_summary(self) -> str:
        """The summary with its first word shortened."""
        text = self.OP_ID.removeprefix("OP_")
        for prefix, short in TINY_PREFIXES.items():
            if text.startswith(prefix):
                return short + text.removeprefix(prefix)
        return text

    @classmethod
    def reason_source(cls, prefix: str = "gnt:opcode") -> str:
        """How the reason trail calls this opcode."""
        return f"{prefix}:{_CAMEL.sub('_', cls.__name__).lower()}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OpCode) or type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.FIELDS)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        given = ", ".join(
            f"{name}={getattr(self, name)!r}" for name, spec in self.FIELDS.items()
            if spec.required or getattr(self, name) != spec.default)
        return f"{type(self).__name__}({given})"


def summary_text(op_id: str, shown: list[Any] | None) -> str:
    """The summary of an opcode, from its id and the value it shows (in a list), if any."""
    text = op_id.removeprefix("OP_")
    if shown is None:
        return text
    value = shown[0]
    if isinstance(value, (list, tuple)):
        value = ",".join(str(item) for item in value)
    return f"{text}({value})"


def op_id_of(class_name: str) -> str:
    """OP_INSTANCE_STARTUP for OpInstanceStartup."""
    return _CAMEL.sub("_", class_name).upper()


def _censored(value: Any) -> Any:
    if isinstance(value, serializer.Private):
        return serializer.REDACTED
    if isinstance(value, dict):
        return {key: _censored(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_censored(item) for item in value]
    return value


#: In every opcode. The queue itself knows priorities from -20 to 19; these three may be submitted.
COMMON: dict[str, FieldSpec] = {
    "dry_run": Field(ht.Maybe(ht.Bool), None, flag="--dry-run",
                     doc="Stop after the prerequisites have been checked"),
    "debug_level": Field(ht.Maybe(ht.NonNegativeInt), None, doc="How much to log about this job"),
    "priority": Field(ht.Enum(constants.OP_PRIO_SUBMIT_VALID), constants.OP_PRIO_DEFAULT,
                      doc="Priority: -10 is high, 10 is low"),
    "depends": Field(ht.Maybe(ht.ListOf(ht.TupleOf(
        ht.Or(ht.JobId, ht.RelativeJobId),
        ht.ListOf(ht.Enum(["canceled", "error", "success"]))))), None,
        doc="Jobs to wait for, each with the final states that will do (none: any)"),
    "comment": Field(ht.Maybe(ht.String), None, doc="A remark that is kept with the job"),
    "reason": Field(ht.Maybe(ht.ListOf(ht.TupleOf(ht.String, ht.String, ht.Int))), [],
                    doc="Why and through whom: source, text and time in nanoseconds of each hop"),
}
for _name, _spec in COMMON.items():
    _spec.name = _name
OpCode.FIELDS = COMMON
