"""Nodes and groups: parameters, roles, and words of their commands."""

from ganeti import ht
from ganeti.constants.params import LIVE, Param, ParamTable

ND_CPU_SPEED = "cpu_speed"
ND_EXCLUSIVE_STORAGE = "exclusive_storage"
ND_OOB_PROGRAM = "oob_program"
ND_OVS = "ovs"
ND_OVS_LINK = "ovs_link"
ND_OVS_NAME = "ovs_name"
ND_SPINDLE_COUNT = "spindle_count"
ND_SSH_PORT = "ssh_port"

ND_TABLE = ParamTable("node", [
    Param(ND_OOB_PROGRAM, ht.OptionalAbsPath, "", applies=LIVE,
          title="OutOfBandProgram", help="Program on the master that switches the node's power"),
    Param(ND_SPINDLE_COUNT, ht.NonNegativeInt, 1, applies=LIVE,
          title="SpindleCount", help="Disk spindles of the node"),
    Param(ND_EXCLUSIVE_STORAGE, ht.Bool, False, cluster_only=True, applies=LIVE,
          title="ExclusiveStorage",
          help="Give every disk its own physical volumes (groups and cluster only)"),
    Param(ND_OVS, ht.Bool, False, applies=LIVE, title="OpenvSwitch",
          help="Set up Open vSwitch on the node"),
    Param(ND_OVS_NAME, ht.Maybe(ht.String), "switch1", applies=LIVE, title="OpenvSwitchName",
          help="Name of the switch"),
    Param(ND_OVS_LINK, ht.Maybe(ht.String), "", applies=LIVE,
          title="OpenvSwitchLink", help="Interface that the switch uses"),
    Param(ND_SSH_PORT, ht.IntRange(1, 65535), 22, applies=LIVE, help="Port of the SSH server"),
    Param(ND_CPU_SPEED, ht.NonNegativeFloat, 1.0, applies=LIVE,
          help="Speed of the processors against the other nodes"),
])
NDC_GLOBALS = frozenset([ND_EXCLUSIVE_STORAGE])

# What is known about a node's resources in advance
HVST_MEMORY_TOTAL = "mem_total"
HVST_MEMORY_NODE = "mem_node"
HVST_MEMORY_HV = "mem_hv"
HVST_CPU_TOTAL = "cpu_total"
HVST_CPU_NODE = "cpu_node"
HVSTATE_TABLE = ParamTable("hypervisor state", [
    Param(HVST_CPU_NODE, ht.NonNegativeInt, 1, applies=LIVE, help="Processors the node keeps"),
    Param(HVST_CPU_TOTAL, ht.NonNegativeInt, 1, applies=LIVE, help="Processors of the node"),
    Param(HVST_MEMORY_HV, ht.NonNegativeInt, 0, unit="MiB", applies=LIVE,
          help="Memory the hypervisor keeps"),
    Param(HVST_MEMORY_NODE, ht.NonNegativeInt, 0, unit="MiB", applies=LIVE,
          help="Memory the node keeps"),
    Param(HVST_MEMORY_TOTAL, ht.NonNegativeInt, 0, unit="MiB", applies=LIVE,
          help="Memory of the node"),
])
DS_DISK_TOTAL = "disk_total"
DS_DISK_RESERVED = "disk_reserved"
DS_DISK_OVERHEAD = "disk_overhead"
DISK_STATE_TABLE = ParamTable("disk state", [
    Param(DS_DISK_OVERHEAD, ht.NonNegativeInt, 0, unit="MiB", applies=LIVE,
          help="Space the storage itself needs"),
    Param(DS_DISK_RESERVED, ht.NonNegativeInt, 0, unit="MiB", applies=LIVE,
          help="Space that is kept free"),
    Param(DS_DISK_TOTAL, ht.NonNegativeInt, 0, unit="MiB", applies=LIVE, help="Space in all"),
])
DS_VALID_TYPES = frozenset(["plain"])

# Roles, as letters in lists and as confd's numbers (constants.confd)
NR_MASTER = "M"
NR_MCANDIDATE = "C"
NR_REGULAR = "R"
NR_DRAINED = "D"
NR_OFFLINE = "O"

NODE_EVAC_PRI = "primary-only"
NODE_EVAC_SEC = "secondary-only"
NODE_EVAC_ALL = "all"
NODE_EVAC_MODES = frozenset([NODE_EVAC_PRI, NODE_EVAC_SEC, NODE_EVAC_ALL])
NODE_MAX_CLOCK_SKEW = 150
"""Seconds that a node's clock may differ from the master's."""

OOB_POWER_ON = "power-on"
OOB_POWER_OFF = "power-off"
OOB_POWER_CYCLE = "power-cycle"
OOB_POWER_STATUS = "power-status"
OOB_HEALTH = "health"
OOB_COMMANDS = frozenset([OOB_POWER_ON, OOB_POWER_OFF, OOB_POWER_CYCLE, OOB_POWER_STATUS,
                          OOB_HEALTH])
OOB_STATUS_OK = "OK"
OOB_STATUS_WARNING = "WARNING"
OOB_STATUS_CRITICAL = "CRITICAL"
OOB_STATUS_UNKNOWN = "UNKNOWN"
OOB_STATUSES = frozenset([OOB_STATUS_OK, OOB_STATUS_WARNING, OOB_STATUS_CRITICAL,
                          OOB_STATUS_UNKNOWN])
OOB_POWER_STATUS_POWERED = "powered"

ALLOC_POLICY_PREFERRED = "preferred"
ALLOC_POLICY_LAST_RESORT = "last_resort"
ALLOC_POLICY_UNALLOCABLE = "unallocable"
VALID_ALLOC_POLICIES = (ALLOC_POLICY_PREFERRED, ALLOC_POLICY_LAST_RESORT,
                        ALLOC_POLICY_UNALLOCABLE)
INITIAL_NODE_GROUP_NAME = "default"
