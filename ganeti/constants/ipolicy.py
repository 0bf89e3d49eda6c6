"""Instance policies: which sizes of instances a cluster or group takes."""

from typing import Any

from ganeti import ht
from ganeti.constants.disk import DISK_TEMPLATES
from ganeti.constants.params import LIVE, Param, ParamTable

ISPEC_MEM_SIZE = "memory-size"
ISPEC_CPU_COUNT = "cpu-count"
ISPEC_DISK_COUNT = "disk-count"
ISPEC_DISK_SIZE = "disk-size"
ISPEC_NIC_COUNT = "nic-count"
ISPEC_SPINDLE_USE = "spindle-use"
ISPECS_MIN = "min"
ISPECS_MAX = "max"
ISPECS_MINMAX = "minmax"
ISPECS_STD = "std"
IPOLICY_DTS = "disk-templates"
IPOLICY_VCPU_RATIO = "vcpu-ratio"
IPOLICY_SPINDLE_RATIO = "spindle-ratio"
IPOLICY_PARAMETERS = frozenset([IPOLICY_VCPU_RATIO, IPOLICY_SPINDLE_RATIO])
IPOLICY_ALL_KEYS = IPOLICY_PARAMETERS | {ISPECS_MINMAX, ISPECS_STD, IPOLICY_DTS}

_COUNT = ht.NonNegativeInt
ISPECS_TABLE = ParamTable("instance spec", [
    Param(ISPEC_MEM_SIZE, ht.Size, 128, unit="MiB", applies=LIVE, help="Memory"),
    Param(ISPEC_CPU_COUNT, _COUNT, 1, applies=LIVE, help="Virtual processors"),
    Param(ISPEC_DISK_COUNT, _COUNT, 1, applies=LIVE, help="Disks"),
    Param(ISPEC_DISK_SIZE, ht.Size, 1024, unit="MiB", applies=LIVE, help="Size of each disk"),
    Param(ISPEC_NIC_COUNT, _COUNT, 1, applies=LIVE, help="Network interfaces"),
    Param(ISPEC_SPINDLE_USE, _COUNT, 1, applies=LIVE, help="Disk load in spindles"),
])
IPOLICY_RATIO_TABLE = ParamTable("instance policy", [
    Param(IPOLICY_VCPU_RATIO, ht.NonNegativeFloat, 4.0, applies=LIVE,
          help="Most virtual processors for each real one"),
    Param(IPOLICY_SPINDLE_RATIO, ht.NonNegativeFloat, 32.0, applies=LIVE,
          help="Most disk load for each spindle"),
])

_SPEC = ht.Object({param.name: param.type for param in ISPECS_TABLE})
_MINMAX = ht.Object({ISPECS_MIN: _SPEC, ISPECS_MAX: _SPEC})
IpolicyType = ht.Object({
    ISPECS_MINMAX: ht.ListOf(_MINMAX, empty=False),
    ISPECS_STD: ht.Object({param.name: param.type for param in ISPECS_TABLE}, required=()),
    IPOLICY_DTS: ht.ListOf(ht.Named(DISK_TEMPLATES)),
    IPOLICY_VCPU_RATIO: ht.NonNegativeFloat,
    IPOLICY_SPINDLE_RATIO: ht.NonNegativeFloat,
}, required=())
"""A cluster's or group's policy; a group has no std and may leave out anything."""

MAX_DISKS = 16
MAX_NICS = 8


def ipolicy_defaults() -> dict[str, Any]:
    """A fresh policy of a new cluster."""
    smallest = {ISPEC_MEM_SIZE: 128, ISPEC_CPU_COUNT: 1, ISPEC_DISK_COUNT: 1,
                ISPEC_DISK_SIZE: 1024, ISPEC_NIC_COUNT: 1, ISPEC_SPINDLE_USE: 1}
    largest = {ISPEC_MEM_SIZE: 32768, ISPEC_CPU_COUNT: 8, ISPEC_DISK_COUNT: MAX_DISKS,
               ISPEC_DISK_SIZE: 1024 * 1024, ISPEC_NIC_COUNT: MAX_NICS, ISPEC_SPINDLE_USE: 12}
    return {
        ISPECS_MINMAX: [{ISPECS_MIN: smallest, ISPECS_MAX: largest}],
        ISPECS_STD: ISPECS_TABLE.defaults(),
        IPOLICY_DTS: sorted(DISK_TEMPLATES.own),
        **IPOLICY_RATIO_TABLE.defaults(),
    }


IPOLICY_DEFAULTS = ipolicy_defaults()
