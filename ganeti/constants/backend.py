"""Backend parameters: what an instance gets, whatever hypervisor runs it."""

from ganeti import ht
from ganeti.constants.params import LIVE, Param, ParamTable

BE_ALWAYS_FAILOVER = "always_failover"
BE_AUTO_BALANCE = "auto_balance"
BE_MAXMEM = "maxmem"
BE_MEMORY = "memory"
"""Accepted on input only: sets minmem and maxmem."""
BE_MINMEM = "minmem"
BE_SPINDLE_USE = "spindle_use"
BE_VCPUS = "vcpus"

BE_TABLE = ParamTable("backend", [
    Param(BE_MINMEM, ht.Size, 128, unit="MiB", title="ConfigMinMem",
          help="Memory that the instance keeps when the node is short of it"),
    Param(BE_MAXMEM, ht.Size, 128, unit="MiB", title="ConfigMaxMem",
          help="Memory that the instance starts with"),
    Param(BE_VCPUS, ht.PositiveInt, 1, title="ConfigVCPUs", help="Virtual processors"),
    Param(BE_AUTO_BALANCE, ht.Bool, True, applies=LIVE,
          title="Auto_balance",
          help="Count the instance when the cluster is balanced and checked for N+1"),
    Param(BE_ALWAYS_FAILOVER, ht.Bool, False, applies=LIVE,
          help="Never migrate; move by stopping and starting"),
    Param(BE_SPINDLE_USE, ht.NonNegativeInt, 1, applies=LIVE,
          help="Disk load of the instance, in spindles"),
])
