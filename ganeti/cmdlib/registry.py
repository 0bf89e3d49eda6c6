"""Which class serves which opcode: one readable list.

The classes are imported when first used, so that a job imports only its own subject.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ganeti import errors

if TYPE_CHECKING:
    from ganeti.cmdlib import base

# op_id -> "module below ganeti.cmdlib:class"
LOGICAL_UNITS: dict[str, str] = {
    # cluster
    # group
    # node
    # instance
    # network
    # backup
    # os, extstorage
    # tags
    # query
    # test
    "OP_TEST_DELAY": "test.delay:LUTestDelay",
    "OP_TEST_DUMMY": "test.dummy:LUTestDummy",
    "OP_TEST_JQUEUE": "test.jqueue:LUTestJqueue",
    "OP_TEST_OS_PARAMS": "test.osparams:LUTestOsParams",
}

_loaded: dict[str, type[base.LogicalUnit[Any]]] = {}


def is_supported(op_id: str) -> bool:
    """Whether this version can run the opcode."""
    return op_id in LOGICAL_UNITS


def require(op_id: str) -> None:
    """Refuse an opcode that has no logical unit."""
    if not is_supported(op_id):
        raise errors.OpPrereqError(
            f"Opcode {op_id} is not supported by this version of the master daemon",
            errors.ECODE_STATE)


def unit_class(op_id: str) -> type[base.LogicalUnit[Any]]:
    """The class that serves an opcode."""
    found = _loaded.get(op_id)
    if found is None:
        require(op_id)
        module_name, class_name = LOGICAL_UNITS[op_id].split(":")
        module = importlib.import_module(f"ganeti.cmdlib.{module_name}")
        found = _loaded[op_id] = getattr(module, class_name)
    return found
