"""Opcodes about node groups."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import flags, types
from ganeti.opcodes.base import Field, Flag, OpCode


class OpGroupAdd(OpCode):
    """Add a node group."""

    SUMMARY = "group_name"

    group_name = Field(ht.NonEmptyString, doc="Node group")
    alloc_policy = Field(ht.Maybe(types.AllocPolicy), None,
                         flag=Flag("--alloc-policy", type="string", metavar="POLICY"),
                         doc="May new instances come here: preferred, last_resort or unallocable")
    ndparams = Field(ht.Maybe(types.Params), None, flag=flags.NODE_PARAMETERS,
                     doc="Node parameters")
    diskparams = Field(ht.Maybe(ht.DictOf(types.DiskTemplate, types.Params)), None,
                       flag=flags.DISK_PARAMETERS, doc="Disk parameters by storage type")
    hv_state = Field(ht.Maybe(types.Params), None, flag=flags.HV_STATE,
                     doc="Resources that the administrator vouches for, by hypervisor")
    disk_state = Field(ht.Maybe(types.Params), None, flag=flags.DISK_STATE,
                       doc="Sizes that the administrator vouches for, by storage type")
    ipolicy = Field(ht.Maybe(types.Params), None,
                    doc="Instance policy: bounds, storage types and ratios")
    RESULT = ht.Or(ht.Nothing, types.Jobs)


class OpGroupAssignNodes(OpCode):
    """Move nodes into a group."""

    SUMMARY = "group_name"

    group_name = Field(ht.NonEmptyString, doc="Node group")
    force = Field(ht.Bool, False, flag=flags.FORCE,
                  doc="Move nodes even if instances get split over groups")
    nodes = Field(ht.ListOf(ht.NonEmptyString), doc="Nodes")
    node_uuids = Field(ht.Maybe(ht.ListOf(ht.NonEmptyString)), None, doc="UUIDs of the nodes")
    RESULT = ht.Nothing


class OpGroupSetParams(OpCode):
    """Change the settings of a group."""

    SUMMARY = "group_name"

    group_name = Field(ht.NonEmptyString, doc="Node group")
    alloc_policy = Field(ht.Maybe(types.AllocPolicy), None,
                         flag=Flag("--alloc-policy", type="string", metavar="POLICY"),
                         doc="May new instances come here: preferred, last_resort or unallocable")
    ndparams = Field(ht.Maybe(types.Params), None, flag=flags.NODE_PARAMETERS,
                     doc="Node parameters")
    diskparams = Field(ht.Maybe(ht.DictOf(types.DiskTemplate, types.Params)), None,
                       flag=flags.DISK_PARAMETERS, doc="Disk parameters by storage type")
    hv_state = Field(ht.Maybe(types.Params), None, flag=flags.HV_STATE,
                     doc="Resources that the administrator vouches for, by hypervisor")
    disk_state = Field(ht.Maybe(types.Params), None, flag=flags.DISK_STATE,
                       doc="Sizes that the administrator vouches for, by storage type")
    ipolicy = Field(ht.Maybe(types.Params), None,
                    doc="Instance policy: bounds, storage types and ratios")
    RESULT = ht.ListOf(ht.TupleOf(ht.NonEmptyString, ht.Any))


class OpGroupRemove(OpCode):
    """Remove an empty group."""

    SUMMARY = "group_name"

    group_name = Field(ht.NonEmptyString, doc="Node group")
    RESULT = ht.Nothing


class OpGroupRename(OpCode):
    """Give a group another name."""

    group_name = Field(ht.NonEmptyString, doc="Node group")
    new_name = Field(ht.NonEmptyString, doc="New name")
    RESULT = ht.NonEmptyString


class OpGroupEvacuate(OpCode):
    """Move all instances out of a group."""

    SUMMARY = "group_name"

    group_name = Field(ht.NonEmptyString, doc="Node group")
    early_release = Field(ht.Bool, False, flag="--early-release",
                          doc="Free the old secondary before the new one is in step")
    iallocator = Field(ht.Maybe(ht.NonEmptyString), None, flag=flags.IALLOCATOR,
                       doc="Allocator that chooses the nodes")
    target_groups = Field(ht.Maybe(ht.ListOf(ht.NonEmptyString)), None, flag=flags.TARGET_GROUPS,
                          doc="Node groups to move to")
    sequential = Field(ht.Bool, False, flag="--sequential", doc="One job after the other")
    force_failover = Field(ht.Bool, False, flag="--force-failover",
                           doc="Fail over where migration would be possible")
    RESULT = types.Jobs
