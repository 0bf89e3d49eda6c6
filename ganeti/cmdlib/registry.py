"""Which class serves which opcode: one readable list.

The classes are imported when first used, so that a job imports only its own subject.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ganeti import errors

if TYPE_CHECKING:
    from ganeti.cmdlib import base

# op_id -> "module below ganeti.cmdlib:class"
LOGICAL_UNITS: dict[str, str] = {
    # backup
    "OP_BACKUP_EXPORT": "backup.export:LUBackupExport",
    "OP_BACKUP_PREPARE": "backup.prepare:LUBackupPrepare",
    "OP_BACKUP_REMOVE": "backup.remove:LUBackupRemove",
    # cluster
    "OP_CLUSTER_ACTIVATE_MASTER_IP": "cluster.master_ip:LUClusterActivateMasterIp",
    "OP_CLUSTER_CONFIG_QUERY": "cluster.info:LUClusterConfigQuery",
    "OP_CLUSTER_DEACTIVATE_MASTER_IP": "cluster.master_ip:LUClusterDeactivateMasterIp",
    "OP_CLUSTER_DESTROY": "cluster.life:LUClusterDestroy",
    "OP_CLUSTER_POST_INIT": "cluster.life:LUClusterPostInit",
    "OP_CLUSTER_QUERY": "cluster.info:LUClusterQuery",
    "OP_CLUSTER_REDIST_CONF": "cluster.redist:LUClusterRedistConf",
    "OP_CLUSTER_RENAME": "cluster.life:LUClusterRename",
    "OP_CLUSTER_RENEW_CRYPTO": "cluster.renew_crypto:LUClusterRenewCrypto",
    "OP_CLUSTER_REPAIR_DISK_SIZES": "cluster.repair_sizes:LUClusterRepairDiskSizes",
    "OP_CLUSTER_SET_PARAMS": "cluster.set_params:LUClusterSetParams",
    "OP_CLUSTER_VERIFY": "cluster.verify.units:LUClusterVerify",
    "OP_CLUSTER_VERIFY_CONFIG": "cluster.verify.units:LUClusterVerifyConfig",
    "OP_CLUSTER_VERIFY_DISKS": "cluster.verify_disks:LUClusterVerifyDisks",
    "OP_CLUSTER_VERIFY_GROUP": "cluster.verify.units:LUClusterVerifyGroup",
    # group
    "OP_GROUP_ADD": "group.add:LUGroupAdd",
    "OP_GROUP_ASSIGN_NODES": "group.assign:LUGroupAssignNodes",
    "OP_GROUP_EVACUATE": "group.evacuate:LUGroupEvacuate",
    "OP_GROUP_REMOVE": "group.remove:LUGroupRemove",
    "OP_GROUP_RENAME": "group.remove:LUGroupRename",
    "OP_GROUP_SET_PARAMS": "group.set_params:LUGroupSetParams",
    "OP_GROUP_VERIFY_DISKS": "cluster.verify_disks:LUGroupVerifyDisks",
    # node
    "OP_NODE_ADD": "node.add:LUNodeAdd",
    "OP_NODE_MODIFY_STORAGE": "node.storage:LUNodeModifyStorage",
    "OP_NODE_POWERCYCLE": "node.power:LUNodePowercycle",
    "OP_NODE_QUERYVOLS": "node.storage:LUNodeQueryvols",
    "OP_NODE_QUERY_STORAGE": "node.storage:LUNodeQueryStorage",
    "OP_NODE_REMOVE": "node.remove:LUNodeRemove",
    "OP_NODE_SET_PARAMS": "node.set_params:LUNodeSetParams",
    "OP_OOB_COMMAND": "node.power:LUOobCommand",
    "OP_REPAIR_NODE_STORAGE": "node.repair_storage:LURepairNodeStorage",
    "OP_RESTRICTED_COMMAND": "node.restricted:LURestrictedCommand",
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
    "OP_INSTANCE_REPAIR_DISKS": "instance.repair_disks:LUInstanceRepairDisks",
    "OP_INSTANCE_REPLACE_DISKS": "instance.replace_disks:LUInstanceReplaceDisks",
    "OP_INSTANCE_SET_PARAMS": "instance.set_params:LUInstanceSetParams",
    "OP_INSTANCE_SHUTDOWN": "instance.shutdown:LUInstanceShutdown",
    "OP_INSTANCE_STARTUP": "instance.startup:LUInstanceStartup",
    "OP_NODE_EVACUATE": "instance.node_moves:LUNodeEvacuate",
    "OP_NODE_MIGRATE": "instance.node_moves:LUNodeMigrate",
    # network
    "OP_NETWORK_ADD": "network.add:LUNetworkAdd",
    "OP_NETWORK_CONNECT": "network.connect:LUNetworkConnect",
    "OP_NETWORK_DISCONNECT": "network.connect:LUNetworkDisconnect",
    "OP_NETWORK_REMOVE": "network.change:LUNetworkRemove",
    "OP_NETWORK_RENAME": "network.change:LUNetworkRename",
    "OP_NETWORK_SET_PARAMS": "network.change:LUNetworkSetParams",
    # backup
    # os, extstorage
    "OP_EXT_STORAGE_DIAGNOSE": "os.extstorage:LUExtStorageDiagnose",
    "OP_OS_DIAGNOSE": "os.diagnose:LUOsDiagnose",
    # tags
    "OP_TAGS_DEL": "tags.units:LUTagsDel",
    "OP_TAGS_GET": "tags.units:LUTagsGet",
    "OP_TAGS_SEARCH": "tags.units:LUTagsSearch",
    "OP_TAGS_SET": "tags.units:LUTagsSet",
    # query
    "OP_QUERY": "query.units:LUQuery",
    "OP_QUERY_FIELDS": "query.units:LUQueryFields",
    # test
    "OP_TEST_ALLOCATOR": "test.allocator:LUTestAllocator",
    "OP_TEST_DELAY": "test.delay:LUTestDelay",
    "OP_TEST_DUMMY": "test.dummy:LUTestDummy",
    "OP_TEST_JQUEUE": "test.jqueue:LUTestJqueue",
    "OP_TEST_OS_PARAMS": "test.osparams:LUTestOsParams",
}

_loaded: dict[str, type[base.LogicalUnit]] = {}


def is_supported(op_id: str) -> bool:
    """Whether this version can run the opcode."""
    return op_id in LOGICAL_UNITS


def require(op_id: str) -> None:
    """Refuse an opcode that has no logical unit."""
    if not is_supported(op_id):
        raise errors.OpPrereqError(
            f"Opcode {op_id} is not supported by this version of the master daemon",
            errors.ECODE_STATE)


def unit_class(op_id: str) -> type[base.LogicalUnit]:
    """The class that serves an opcode."""
    found = _loaded.get(op_id)
    if found is None:
        require(op_id)
        module_name, class_name = LOGICAL_UNITS[op_id].split(":")
        module = importlib.import_module(f"ganeti.cmdlib.{module_name}")
        found = _loaded[op_id] = getattr(module, class_name)
    return found
