"""Opcodes that start, stop and move instances."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import flags, shared, types
from ganeti.opcodes.base import Field, Flag
from ganeti.opcodes.targets import InstanceOpCode


class OpInstanceStartup(InstanceOpCode):
    """Start an instance."""

    force = Field(ht.Bool, False, flag=flags.FORCE,
                  doc="Start even if its secondary node is offline")
    ignore_offline_nodes = Field(ht.Bool, False, flag="--ignore-offline",
                                 doc="Change only the configuration when the node is offline")
    hvparams = Field(types.Params, {}, flag=Flag("-H", "--hypervisor-parameters", type="keyval"),
                     doc="Hypervisor parameters for this run only")
    beparams = Field(types.Params, {}, flag=flags.BACKEND_PARAMETERS,
                     doc="Back-end parameters for this run only")
    no_remember = shared.NO_REMEMBER
    startup_paused = Field(ht.Bool, False, flag="--paused", doc="Start with halted processors")
    shutdown_timeout = Field(ht.NonNegativeInt, 120, doc="Seconds to wait for a clean shutdown")
    RESULT = ht.Nothing


class OpInstanceShutdown(InstanceOpCode):
    """Stop an instance."""

    force = Field(ht.Bool, False, flag=flags.FORCE,
                  doc="Stop it even if it is marked offline")
    ignore_offline_nodes = Field(ht.Bool, False, flag="--ignore-offline",
                                 doc="Record it as stopped when its node is offline")
    timeout = Field(ht.NonNegativeInt, 120, flag="--timeout",
                    doc="Seconds to wait before it is switched off hard")
    no_remember = shared.NO_REMEMBER
    admin_state_source = Field(ht.Maybe(types.StateSource), None,
                               doc="Who wants it stopped: the administrator or its user")
    RESULT = ht.Nothing


class OpInstanceReboot(InstanceOpCode):
    """Restart an instance."""

    shutdown_timeout = shared.SHUTDOWN_TIMEOUT
    ignore_secondaries = Field(ht.Bool, False, flag="--ignore-secondaries",
                               doc="Go on when disks on secondary nodes fail")
    reboot_type = Field(types.RebootType,
                        flag=Flag("-t", "--type", metavar="<REBOOT>", default="hard"),
                        doc="soft: by the guest; hard: by the hypervisor; full: with its disks")
    RESULT = ht.Nothing


class OpInstanceFailover(InstanceOpCode):
    """Stop an instance and start it on another node."""

    shutdown_timeout = shared.SHUTDOWN_TIMEOUT
    ignore_consistency = shared.IGNORE_CONSISTENCY
    target_node = shared.TARGET_NODE
    target_node_uuid = shared.TARGET_NODE_UUID
    ignore_ipolicy = shared.IGNORE_IPOLICY
    cleanup = shared.CLEANUP
    iallocator = shared.IALLOCATOR
    RESULT = ht.Nothing


class OpInstanceMigrate(InstanceOpCode):
    """Move a running instance to another node without stopping it."""

    mode = shared.MIGRATION_MODE
    live = shared.LIVE
    target_node = shared.TARGET_NODE
    target_node_uuid = shared.TARGET_NODE_UUID
    allow_runtime_changes = shared.RUNTIME_CHANGES
    ignore_ipolicy = shared.IGNORE_IPOLICY
    cleanup = shared.CLEANUP
    iallocator = shared.IALLOCATOR
    allow_failover = Field(ht.Bool, False, flag="--allow-failover",
                           doc="Fail over when live migration is not possible")
    ignore_hvversions = Field(ht.Bool, False, flag="--ignore-hvversions",
                              doc="Go on although the hypervisor versions differ")
    RESULT = ht.Nothing


class OpInstanceMove(InstanceOpCode):
    """Move an instance by copying its disks."""

    shutdown_timeout = shared.SHUTDOWN_TIMEOUT
    ignore_ipolicy = shared.IGNORE_IPOLICY
    target_node = Field(ht.NonEmptyString,
                        flag=Flag("-n", "--node", metavar="<node>", completes="one_node"),
                        doc="Node to move to")
    target_node_uuid = shared.TARGET_NODE_UUID
    compress = Field(ht.String, "none", flag="--compress", doc="Compression during the transfer")
    ignore_consistency = shared.IGNORE_CONSISTENCY
    RESULT = ht.Nothing


class OpInstanceChangeGroup(InstanceOpCode):
    """Move an instance to another node group."""

    early_release = shared.EARLY_RELEASE
    iallocator = shared.IALLOCATOR
    target_groups = shared.TARGET_GROUPS
    RESULT = types.Jobs


class OpInstanceConsole(InstanceOpCode):
    """Tell how to reach the console of an instance."""

    RESULT = types.Params
