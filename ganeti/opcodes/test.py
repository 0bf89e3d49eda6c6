"""Opcodes for tests and debugging."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import shared, types
from ganeti.opcodes.base import Field, Flag, OpCode


class OpTestDelay(OpCode):
    """Wait, on the master and on nodes."""

    SUMMARY = "duration"
    INTERNAL = True

    duration = Field(ht.Number, doc="Seconds to wait")
    on_master = Field(ht.Bool, True,
                      flag=Flag("--no-master", negate=True, help="Do not wait on the master"),
                      doc="Wait on the master")
    on_nodes = Field(ht.ListOf(ht.NonEmptyString), [], flag=Flag("-n", append=True),
                     doc="Nodes to wait on")
    on_node_uuids = Field(ht.Maybe(ht.ListOf(ht.NonEmptyString)), None,
                          doc="UUIDs of the nodes to wait on")
    repeat = Field(ht.NonNegativeInt, 0, flag=Flag("-r", "--repeat"), doc="How often to wait again")
    interruptible = Field(ht.Bool, False, flag=Flag("-i", "--interruptible"),
                          doc="Listen on a socket and end early when told to")
    no_locks = Field(ht.Bool, True, flag=Flag("-l", "--no-locks", default=False),
                     doc="Take no locks on nodes")
    RESULT = ht.Nothing


class OpTestAllocator(OpCode):
    """Show what an allocator is asked, or what it answers."""

    SUMMARY = "iallocator"
    INTERNAL = True

    direction = Field(types.AllocatorDirection, flag=Flag("--dir", default="in"),
                      doc="Show the question (in) or the answer (out)")
    mode = Field(types.AllocatorMode, flag=Flag("-m", "--mode", default="relocate"),
                 doc="Kind of the request")
    name = Field(ht.NonEmptyString, doc="Name of the instance or of the request")
    nics = Field(ht.Maybe(ht.ListOf(types.NicSpec)), None,
                 flag=Flag("--nics", type="string", default="00:11:22:33:44:55"),
                 doc="Network interfaces")
    disks = Field(ht.Maybe(ht.ListOf(ht.Any)), None,
                  flag=Flag("--disks", type="string", default="4096,4096"),
                  doc="Disks, each with size, mode, name and what its storage type takes")
    hypervisor = Field(ht.Maybe(types.Hypervisor), None, doc="Hypervisor")
    iallocator = shared.IALLOCATOR
    tags = Field(ht.ListOf(ht.NonEmptyString), [], flag=Flag("--tags", type="string"),
                 doc="Tags of the instance")
    memory = Field(ht.Maybe(ht.NonNegativeInt), None,
                   flag=Flag("--memory", type="unit", default=128), doc="MiB of memory")
    vcpus = Field(ht.Maybe(ht.NonNegativeInt), None, flag=Flag("-p", "--vcpus", default=1),
                  doc="Number of processors")
    os = Field(ht.Maybe(ht.NonEmptyString), None,
               flag=Flag("-o", "--os-type", metavar="<os>", completes="one_os"),
               doc="OS of the instance")
    disk_template = shared.DISK_TEMPLATE
    instances = Field(ht.Maybe(ht.ListOf(ht.NonEmptyString)), None, doc="Instances")
    evac_mode = Field(ht.Maybe(types.EvacMode), None, flag=Flag("--evac-mode", default="all"),
                      doc="Which instances to move")
    target_groups = Field(ht.Maybe(ht.ListOf(ht.NonEmptyString)), None,
                          flag=Flag("--target-groups", append=True), doc="Node groups to move to")
    spindle_use = Field(ht.NonNegativeInt, 1, flag="--spindle-use",
                        doc="Spindles that it counts as")
    count = Field(ht.NonNegativeInt, 1, flag=Flag("--count", default=2), doc="How many instances")
    group_name = Field(ht.Maybe(ht.NonEmptyString), None, doc="Node group to place it in")
    RESULT = ht.String


class OpTestJqueue(OpCode):
    """Exercise the job queue."""

    INTERNAL = True

    notify_waitlock = Field(ht.Bool, False, doc="Report when locks are being waited for")
    notify_exec = Field(ht.Bool, False, doc="Report when execution begins")
    log_messages = Field(ht.ListOf(ht.String), [], doc="Lines to put into the job log")
    fail = Field(ht.Bool, False, doc="End with an error")
    RESULT = ht.Bool


class OpTestOsParams(OpCode):
    """Exercise the handling of secret OS parameters."""

    INTERNAL = True

    osparams_secret = shared.OSPARAMS_SECRET
    RESULT = ht.Nothing


class OpTestDummy(OpCode):
    """Do nothing, or what a test says."""

    INTERNAL = True

    result = Field(ht.Any, None, doc="What to return")
    messages = Field(ht.Any, None, doc="Lines to put into the job log")
    fail = Field(ht.Any, None, doc="End with an error")
    submit_jobs = Field(ht.Any, None, doc="Jobs to submit")
    RESULT = ht.Nothing
