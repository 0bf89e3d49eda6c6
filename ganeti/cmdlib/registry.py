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
    "OP_INSTANCE_ACTIVATE_DISKS": "instance.activate_disks:LUInstanceActivateDisks",
    "OP_INSTANCE_CHANGE_GROUP": "instance.change_group:LUInstanceChangeGroup",
    "OP_INSTANCE_CONSOLE": "instance.console:LUInstanceConsole",
    "OP_INSTANCE_CREATE": "instance.create:LUInstanceCreate",
    "OP_INSTANCE_DEACTIVATE_DISKS": "instance.activate_disks:LUInstanceDeactivateDisks",
    "OP_INSTANCE_FAILOVER": "instance.failover:LUInstanceFailover",
    "OP_INSTANCE_GROW_DISK": "instance.grow:LUInstanceGrowDisk",
    "OP_INSTANCE_MIGRATE": "instance.migrate:LUInstanceMigrate",
    "OP_INSTANCE_MOVE": "instance.move:LUInstanceMove",
    "OP_INSTANCE_MULTI_ALLOC": "instance.multi_alloc:LUInstanceMultiAlloc",
    "OP_INSTANCE_QUERY_DATA": "instance.query_data:LUInstanceQueryData",
    "OP_INSTANCE_REBOOT": "instance.reboot:LUInstanceReboot",
    "OP_INSTANCE_RECREATE_DISKS": "instance.recreate_disks:LUInstanceRecreateDisks",
    "OP_INSTANCE_REINSTALL": "instance.reinstall:LUInstanceReinstall",
    "OP_INSTANCE_REMOVE": "instance.remove:LUInstanceRemove",
    "OP_INSTANCE_RENAME": "instance.rename:LUInstanceRename",
    "OP_INSTANCE_REPLACE_DISKS": "instance.replace_disks:LUInstanceReplaceDisks",
    "OP_INSTANCE_SET_PARAMS": "instance.set_params:LUInstanceSetParams",
    "OP_INSTANCE_SHUTDOWN": "instance.shutdown:LUInstanceShutdown",
    "OP_INSTANCE_STARTUP": "instance.startup:LUInstanceStartup",
    "OP_NODE_EVACUATE": "instance.node_moves:LUNodeEvacuate",
    "OP_NODE_MIGRATE": "instance.node_moves:LUNodeMigrate",
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
