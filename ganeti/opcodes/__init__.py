"""The opcodes: all operations that a job may consist of.

`load()` and `get_class()` import only the module that declares the opcode in question.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from ganeti import errors, ht
from ganeti.opcodes.base import COMMON, REQUIRED, Field, FieldSpec, Flag, OpCode, summary_text
from ganeti.opcodes.table import MODULES

__all__ = ["COMMON", "REQUIRED", "Field", "FieldSpec", "Flag", "OpCode", "all_classes", "get_class",
           "load", "load_many", "op_ids", "summary_of"]

_HOME = {op_id: module for module, ids in MODULES.items() for op_id in ids}


def op_ids() -> list[str]:
    """The OP_IDs of all opcodes."""
    return sorted(_HOME)


def get_class(op_id: str) -> type[OpCode]:
    """The class of an opcode; `OpCodeUnknown` for a foreign name."""
    module = _HOME.get(op_id) if isinstance(op_id, str) else None
    if module is None:
        raise errors.OpCodeUnknown(f"There is no opcode {op_id!r}{ht.nearest_hint(op_id, _HOME)}")
    home = importlib.import_module(f"ganeti.opcodes.{module}")
    cls: type[OpCode] = getattr(home, class_name(op_id))
    return cls


def class_name(op_id: str) -> str:
    """OpInstanceStartup for OP_INSTANCE_STARTUP."""
    return "".join(part.capitalize() for part in op_id.split("_"))


def all_classes() -> list[type[OpCode]]:
    """Every opcode."""
    return [get_class(op_id) for op_id in op_ids()]


def load(data: Any) -> OpCode:
    """Make an opcode from its wire form."""
    if not isinstance(data, dict):
        raise errors.OpPrereqError(
            f"An opcode is an object with the key OP_ID, not {ht.shown(data)}",
            errors.ECODE_INVAL)
    if "OP_ID" not in data:
        raise errors.OpPrereqError("An opcode needs the key OP_ID", errors.ECODE_INVAL)
    return get_class(data["OP_ID"]).from_dict(data)


def load_many(data: Any) -> list[OpCode]:
    """Make the opcodes of one job."""
    if not isinstance(data, Iterable) or isinstance(data, (str, bytes, dict)):
        raise errors.OpPrereqError(f"A job is a list of opcodes, not {ht.shown(data)}",
                                   errors.ECODE_INVAL)
    return [load(item) for item in data]


def summary_of(data: Any) -> str:
    """The summary of an opcode in wire form, which need not be valid (any more)."""
    op_id = str(data.get("OP_ID", "")) if isinstance(data, dict) else ""
    if op_id not in _HOME:
        return op_id.removeprefix("OP_") or "INVALID"
    field = get_class(op_id).SUMMARY
    return summary_text(op_id, None if field is None else [data.get(field)])


def __getattr__(name: str) -> Any:
    """``opcodes.OpInstanceStartup`` imports the module that declares it."""
    if name.startswith("Op"):
        from ganeti.opcodes.base import op_id_of
        if op_id_of(name) in _HOME:
            return get_class(op_id_of(name))
    raise AttributeError(f"module 'ganeti.opcodes' has no attribute {name!r}")
