"""Opcodes about nodes."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import flags, shared, types
from ganeti.opcodes.base import Field, Flag, OpCode
from ganeti.opcodes.targets import NodeOpCode


class OpNodeAdd(OpCode):
    """Add a node, or take one in again."""

    SUMMARY = "node_name"

    node_name = Field(ht.NonEmptyString, doc="Name of the node")
    hv_state = shared.HV_STATE
    disk_state = shared.DISK_STATE
    primary_ip = Field(ht.Maybe(ht.NonEmptyString), None, doc="Primary address")
    secondary_ip = shared.SECONDARY_IP
    readd = Field(ht.Bool, False, flag="--readd",
                  doc="The node is known already and was set up again")
    group = Field(ht.Maybe(ht.NonEmptyString), None, flag=flags.NODE_GROUP,
                  doc="Node group to put it in")
    master_capable = shared.MASTER_CAPABLE
    vm_capable = shared.VM_CAPABLE
    ndparams = shared.NDPARAMS
    node_setup = Field(ht.Bool, False,
                       flag=Flag("--no-node-setup", negate=True,
                                 help="The machine has been prepared already", default=True),
                       doc="Set up SSH on the new node")
    RESULT = ht.Nothing


class OpNodeRemove(NodeOpCode):
    """Remove a node from the cluster."""

    RESULT = ht.Nothing


class OpNodeSetParams(NodeOpCode):
    """Change the role and the settings of a node."""

    force = Field(ht.Bool, False, flag=flags.FORCE, doc="Go on in spite of warnings")
    hv_state = shared.HV_STATE
    disk_state = shared.DISK_STATE
    master_candidate = Field(ht.Maybe(ht.Bool), None,
                             flag=Flag("-C", "--master-candidate", type="bool", metavar="yes|no"),
                             doc="Keep a copy of the configuration")
    offline = Field(ht.Maybe(ht.Bool), None,
                    flag=Flag("-O", "--offline", type="bool", metavar="yes|no"),
                    doc="Take it out of service, or back")
    drained = Field(ht.Maybe(ht.Bool), None,
                    flag=Flag("-D", "--drained", type="bool", metavar="yes|no"),
                    doc="No new instances shall come here")
    auto_promote = Field(ht.Bool, False, flag="--auto-promote",
                         doc="Let other nodes become master candidates where too few would remain")
    master_capable = shared.MASTER_CAPABLE
    vm_capable = shared.VM_CAPABLE
    secondary_ip = shared.SECONDARY_IP
    ndparams = shared.NDPARAMS
    powered = Field(ht.Maybe(ht.Bool), None,
                    flag=Flag("--node-powered", type="bool", metavar="yes|no"),
                    doc="Is the node switched on")
    RESULT = ht.ListOf(ht.TupleOf(ht.NonEmptyString, ht.Any))


class OpNodePowercycle(NodeOpCode):
    """Reset a node hard."""

    force = Field(ht.Bool, False, flag=flags.FORCE, doc="Do it although the node is the master")
    RESULT = ht.Maybe(ht.NonEmptyString)


class OpNodeEvacuate(NodeOpCode):
    """Move instances away from a node."""

    early_release = shared.EARLY_RELEASE
    remote_node = shared.REMOTE_NODE
    remote_node_uuid = shared.REMOTE_NODE_UUID
    iallocator = shared.IALLOCATOR
    mode = Field(types.EvacMode, doc="Which instances to move: primary, secondary or all")
    ignore_soft_errors = Field(ht.Maybe(ht.Bool), None, flag="--ignore-soft-errors",
                               doc="Go on with the instances that can be moved")
    RESULT = types.Jobs


class OpNodeMigrate(NodeOpCode):
    """Migrate all primary instances of a node away."""

    mode = shared.MIGRATION_MODE
    live = shared.LIVE
    target_node = shared.TARGET_NODE
    target_node_uuid = shared.TARGET_NODE_UUID
    allow_runtime_changes = shared.RUNTIME_CHANGES
    ignore_ipolicy = shared.IGNORE_IPOLICY
    iallocator = shared.IALLOCATOR
    RESULT = types.Jobs


class OpOobCommand(OpCode):
    """Run the out-of-band helper of nodes: power and health."""

    node_names = Field(ht.ListOf(ht.NonEmptyString), [], doc="Nodes")
    node_uuids = shared.NODE_UUIDS
    command = Field(types.OobCommand, doc="What the helper shall do")
    timeout = Field(ht.Int, 60, flag="--oob-timeout", doc="Seconds that a helper may take")
    ignore_status = Field(ht.Bool, False, flag="--ignore-status",
                          doc="Send the command whatever the power state is")
    power_delay = Field(ht.Number, 2.0, flag="--power-delay",
                        doc="Seconds between two nodes that are switched on")
    RESULT = ht.ListOf(ht.ListOf(ht.TupleOf(types.ResultStatus, ht.Any)))


class OpRestrictedCommand(OpCode):
    """Run one of the commands that the nodes' administrators allow."""

    use_locking = Field(ht.Bool, False, flag="--sync", doc="Take locks while reading")
    nodes = Field(
        ht.ListOf(ht.NonEmptyString),
        flag=Flag("-g", "--node-group", type="string", metavar="<nodegroup>",
                  completes="one_nodegroup"),
        doc="Nodes")
    node_uuids = shared.NODE_UUIDS
    command = Field(ht.NonEmptyString, doc="Name of the command")
    RESULT = ht.ListOf(ht.TupleOf(ht.Bool, ht.String))
