"""Opcodes about node groups."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import flags, shared, types
from ganeti.opcodes.base import Field, OpCode


class OpGroupAdd(OpCode):
    """Add a node group."""

    SUMMARY = "group_name"

    group_name = shared.GROUP_NAME
    alloc_policy = shared.ALLOC_POLICY
    ndparams = shared.NDPARAMS
    diskparams = shared.DISKPARAMS
    hv_state = shared.HV_STATE
    disk_state = shared.DISK_STATE
    ipolicy = shared.IPOLICY
    RESULT = ht.Or(ht.Nothing, types.Jobs)


class OpGroupAssignNodes(OpCode):
    """Move nodes into a group."""

    SUMMARY = "group_name"

    group_name = shared.GROUP_NAME
    force = Field(ht.Bool, False, flag=flags.FORCE,
                  doc="Move nodes even if instances get split over groups")
    nodes = Field(ht.ListOf(ht.NonEmptyString), doc="Nodes")
    node_uuids = shared.NODE_UUIDS
    RESULT = ht.Nothing


class OpGroupSetParams(OpCode):
    """Change the settings of a group."""

    SUMMARY = "group_name"

    group_name = shared.GROUP_NAME
    alloc_policy = shared.ALLOC_POLICY
    ndparams = shared.NDPARAMS
    diskparams = shared.DISKPARAMS
    hv_state = shared.HV_STATE
    disk_state = shared.DISK_STATE
    ipolicy = shared.IPOLICY
    RESULT = ht.ListOf(ht.TupleOf(ht.NonEmptyString, ht.Any))


class OpGroupRemove(OpCode):
    """Remove an empty group."""

    SUMMARY = "group_name"

    group_name = shared.GROUP_NAME
    RESULT = ht.Nothing


class OpGroupRename(OpCode):
    """Give a group another name."""

    group_name = shared.GROUP_NAME
    new_name = shared.NEW_NAME
    RESULT = ht.NonEmptyString


class OpGroupEvacuate(OpCode):
    """Move all instances out of a group."""

    SUMMARY = "group_name"

    group_name = shared.GROUP_NAME
    early_release = shared.EARLY_RELEASE
    iallocator = shared.IALLOCATOR
    target_groups = shared.TARGET_GROUPS
    sequential = Field(ht.Bool, False, flag="--sequential", doc="One job after the other")
    force_failover = Field(ht.Bool, False, flag="--force-failover",
                           doc="Fail over where migration would be possible")
    RESULT = types.Jobs
