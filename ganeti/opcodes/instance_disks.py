"""Opcodes about the disks of instances."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import flags, shared, types
from ganeti.opcodes.base import Field, Flag
from ganeti.opcodes.targets import InstanceOpCode


class OpInstanceActivateDisks(InstanceOpCode):
    """Make the disks of an instance usable on its nodes."""

    ignore_size = Field(ht.Bool, False, flag="--ignore-size",
                        doc="Do not compare the size of a device with the record")
    wait_for_sync = Field(ht.Bool, False, flag="--wait-for-sync",
                          doc="Wait until mirrors are in step")
    #: node, name of the disk, path of the device
    RESULT = ht.ListOf(ht.TupleOf(
        ht.NonEmptyString, ht.NonEmptyString, ht.Maybe(ht.NonEmptyString)))


class OpInstanceDeactivateDisks(InstanceOpCode):
    """Shut down the disks of a stopped instance."""

    force = Field(ht.Bool, False, flag=flags.FORCE, doc="Do not look whether it runs")
    RESULT = ht.Nothing


class OpInstanceGrowDisk(InstanceOpCode):
    """Enlarge a disk."""

    wait_for_sync = shared.WAIT_FOR_SYNC
    disk = Field(types.DiskIndex, doc="Number of the disk")
    amount = Field(ht.NonNegativeInt, doc="MiB to add, or final size")
    absolute = Field(ht.Bool, False, flag="--absolute", doc="The amount is the final size")
    ignore_ipolicy = shared.IGNORE_IPOLICY
    RESULT = ht.Nothing


class OpInstanceRecreateDisks(InstanceOpCode):
    """Create the disks of an instance anew, empty."""

    disks = Field(
        ht.Or(ht.ListOf(ht.NonNegativeInt),
              ht.ListOf(ht.TupleOf(ht.NonNegativeInt, types.DiskSpec))),
        [], flag=Flag("--disk", type="identkeyval", append=True),
        doc="Numbers of the disks, perhaps with changes; none for all")
    nodes = Field(
        ht.ListOf(ht.NonEmptyString), [],
        flag=Flag("-n", "--node", type="string", metavar="<pnode>[:<snode>]",
                  completes="inst_add_nodes"),
        doc="Nodes to create them on")
    node_uuids = shared.NODE_UUIDS
    iallocator = shared.IALLOCATOR
    RESULT = ht.Nothing


class OpInstanceReplaceDisks(InstanceOpCode):
    """Build one side of mirrored disks anew, in place or on another node."""

    early_release = shared.EARLY_RELEASE
    ignore_ipolicy = shared.IGNORE_IPOLICY
    mode = Field(types.ReplaceMode, doc="Which side to build anew, or where")
    disks = Field(ht.ListOf(types.DiskIndex), [], flag=Flag("--disks", type="string"),
                  doc="Numbers of the disks; none for all")
    remote_node = shared.REMOTE_NODE
    remote_node_uuid = shared.REMOTE_NODE_UUID
    iallocator = shared.IALLOCATOR
    RESULT = ht.Nothing


class OpInstanceRepairDisks(InstanceOpCode):
    """Tell how the copies of mirrored disks stand, and settle a split brain."""

    keep = Field(ht.Maybe(ht.NonEmptyString), None,
                 flag=Flag("--keep", metavar="NODE", completes="one_node"),
                 doc="Node whose copy is kept; what only the other one has is given up")
    #: disk, verdict, text, copies
    RESULT = ht.ListOf(ht.DictOf(ht.NonEmptyString, ht.Any))
