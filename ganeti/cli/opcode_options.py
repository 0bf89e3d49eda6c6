"""Options that come from the declarations of opcodes, and opcodes made from them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from ganeti import ht
from ganeti.cli import standard
from ganeti.cli.option import APPEND, STORE, STORE_FALSE, STORE_TRUE, Option, Values
from ganeti.opcodes import COMMON, REQUIRED, FieldSpec, OpCode

Op = TypeVar("Op", bound=OpCode)


def options_of(cls: type[OpCode], *, leave_out: Collection[str] = (), submit: bool = True,
               dry_run: bool = True, priority: bool = True) -> list[Option]:
    """The options that set the parameters of an opcode, and those of the job around it."""
    result = [option_of(spec) for name, spec in cls.FIELDS.items()
              if spec.flag is not None and name not in COMMON and name not in leave_out]
    if submit:
        result += [standard.SUBMIT, standard.PRINT_JOBID]
    if dry_run:
        result.append(standard.DRY_RUN)
    if priority:
        result.append(standard.PRIORITY)
    return result


def option(cls: type[OpCode], name: str) -> Option:
    """The option of one parameter."""
    return option_of(cls.FIELDS[name])


def option_of(spec: FieldSpec) -> Option:
    """The option that sets a parameter."""
    flag = spec.flag
    assert flag is not None, spec.name
    inner = spec.type.inner if isinstance(spec.type, ht.Maybe) else spec.type
    default = spec.default if flag.default is REQUIRED else flag.default
    if default is REQUIRED:
        default = None
    action, kind = STORE, flag.type
    choices: Collection[str] = ()
    if inner is ht.Bool and kind is None:
        action = STORE_FALSE if flag.negate else STORE_TRUE
    elif isinstance(inner, ht.Enum) and kind is None:
        choices = inner.choices
    elif flag.append:
        action, default = APPEND, []
        items = inner.inner if isinstance(inner, (ht.ListOf, ht.SetOf)) else None
        if isinstance(items, ht.Enum):
            choices = items.choices
    if kind is None:
        kind = "int" if inner is ht.Int or isinstance(inner, ht.IntMin) else \
            "float" if inner is ht.Number else "string"
    if kind == "bool" and action == STORE:
        default = None
    return Option(*flag.names, dest=spec.name, action=action, type=kind, default=default,
                  choices=choices, metavar=flag.metavar or ("yes|no" if kind == "bool" else None),
                  completes=flag.completes, help=flag.help or _negated(spec))


def _negated(spec: FieldSpec) -> str:
    flag = spec.flag
    assert flag is not None
    if not flag.negate:
        return spec.doc
    return f"Not: {spec.doc[0].lower()}{spec.doc[1:]}"


def build(cls: type[Op], values: Values, **given: Any) -> Op:
    """Make an opcode from the options of a command; ``given`` parameters come first."""
    params = dict(given)
    for name, spec in cls.FIELDS.items():
        if name not in params and spec.flag is not None and hasattr(values, name):
            value = getattr(values, name)
            if value is not None:
                params[name] = value
    return cls(**params)
