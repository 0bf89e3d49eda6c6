"""Opcodes that start, stop and move instances."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import flags, types
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
    no_remember = Field(ht.Bool, False, flag="--no-remember",
                        doc="Do not change the recorded state")
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
    no_remember = Field(ht.Bool, False, flag="--no-remember",
                        doc="Do not change the recorded state")
    admin_state_source = Field(ht.Maybe(types.StateSource), None,
                               doc="Who wants it stopped: the administrator or its user")
    RESULT = ht.Nothing


class OpInstanceReboot(InstanceOpCode):
    """Restart an instance."""

    shutdown_timeout = Field(ht.NonNegativeInt, 120, flag="--shutdown-timeout",
                             doc="Seconds to wait for a clean shutdown")
    ignore_secondaries = Field(ht.Bool, False, flag="--ignore-secondaries",
                               doc="Go on when disks on secondary nodes fail")
    reboot_type = Field(types.RebootType,
                        flag=Flag("-t", "--type", metavar="<REBOOT>", default="hard"),
                        doc="soft: by the guest; hard: by the hypervisor; full: with its disks")
    RESULT = ht.Nothing


class OpInstanceFailover(InstanceOpCode):
    """Stop an instance and start it on another node."""

    shutdown_timeout = Field(ht.NonNegativeInt, 120, flag="--shutdown-timeout",
                             doc="Seconds to wait for a clean shutdown")
    ignore_consistency = Field(ht.Bool, False, flag="--ignore-consistency",
                               doc="Go on although a disk may not be up to date on the target")
    target_node = Field(ht.Maybe(ht.NonEmptyString), None, flag=flags.TARGET_NODE,
                        doc="Node to move to")
    target_node_uuid = Field(ht.Maybe(ht.NonEmptyString), None, doc="UUID of the node to move to")
    ignore_ipolicy = Field(ht.Bool, False, flag="--ignore-ipolicy",
                           doc="Go on although an instance policy is violated")
    cleanup = Field(ht.Bool, False, flag="--cleanup", doc="Clear up after a migration that failed")
    iallocator = Field(ht.Maybe(ht.NonEmptyString), None, flag=flags.IALLOCATOR,
                       doc="Allocator that chooses the nodes")
    RESULT = ht.Nothing


class OpInstanceMigrate(InstanceOpCode):
    """Move a running instance to another node without stopping it."""

    mode = Field(ht.Maybe(types.MigrationMode), None, flag="--migration-mode",
                 doc="live keeps it running, non-live suspends it")
    live = Field(ht.Maybe(ht.Bool), None, doc="Old form of the mode")
    target_node = Field(ht.Maybe(ht.NonEmptyString), None, flag=flags.TARGET_NODE,
                        doc="Node to move to")
    target_node_uuid = Field(ht.Maybe(ht.NonEmptyString), None, doc="UUID of the node to move to")
    allow_runtime_changes = Field(ht.Bool, True,
                                  flag=Flag("--no-runtime-changes", negate=True,
                                            help="Leave the memory of running guests alone"),
                                  doc="Shrink the guest's memory where the target lacks room")
    ignore_ipolicy = Field(ht.Bool, False, flag="--ignore-ipolicy",
                           doc="Go on although an instance policy is violated")
    cleanup = Field(ht.Bool, False, flag="--cleanup", doc="Clear up after a migration that failed")
    iallocator = Field(ht.Maybe(ht.NonEmptyString), None, flag=flags.IALLOCATOR,
                       doc="Allocator that chooses the nodes")
    allow_failover = Field(ht.Bool, False, flag="--allow-failover",
                           doc="Fail over when live migration is not possible")
    ignore_hvversions = Field(ht.Bool, False, flag="--ignore-hvversions",
                              doc="Go on although the hypervisor versions differ")
    RESULT = ht.Nothing


class OpInstanceMove(InstanceOpCode):
    """Move an instance by copying its disks."""

    shutdown_timeout = Field(ht.NonNegativeInt, 120, flag="--shutdown-timeout",
                             doc="Seconds to wait for a clean shutdown")
    ignore_ipolicy = Field(ht.Bool, False, flag="--ignore-ipolicy",
                           doc="Go on although an instance policy is violated")
    target_node = Field(ht.NonEmptyString,
                        flag=Flag("-n", "--node", metavar="<node>", completes="one_node"),
                        doc="Node to move to")
    target_node_uuid = Field(ht.Maybe(ht.NonEmptyString), None, doc="UUID of the node to move to")
    compress = Field(ht.String, "none", flag="--compress", doc="Compression during the transfer")
    ignore_consistency = Field(ht.Bool, False, flag="--ignore-consistency",
                               doc="Go on although a disk may not be up to date on the target")
    RESULT = ht.Nothing


class OpInstanceChangeGroup(InstanceOpCode):
    """Move an instance to another node group."""

    early_release = Field(ht.Bool, False, flag="--early-release",
                          doc="Free the old secondary before the new one is in step")
    iallocator = Field(ht.Maybe(ht.NonEmptyString), None, flag=flags.IALLOCATOR,
                       doc="Allocator that chooses the nodes")
    target_groups = Field(ht.Maybe(ht.ListOf(ht.NonEmptyString)), None, flag=flags.TARGET_GROUPS,
                          doc="Node groups to move to")
    RESULT = types.Jobs


class OpInstanceConsole(InstanceOpCode):
    """Tell how to reach the console of an instance."""

    RESULT = types.Params
