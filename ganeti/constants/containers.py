"""Parameters of the hypervisors that share the node's kernel, and of the fake one."""

from ganeti import ht
from ganeti.constants.hypervisors import HT_CHROOT, HT_FAKE, HT_LXC, HT_MIGRATION_MODES
from ganeti.constants.params import LIVE, CpuMask, Param, ParamTable, one_of

LXC_DEVICES_DEFAULT = ",".join(f"c {numbers} rw" for numbers in (
    "1:3", "1:5", "1:7", "1:8", "1:9", "1:10", "5:0", "5:1", "5:2", "136:*"))
LXC_DROP_CAPABILITIES_DEFAULT = "mac_override,sys_boot,sys_module,sys_time,sys_admin"

LXC_PARAMETERS = ParamTable(HT_LXC, [
    Param("cpu_mask", CpuMask, "", help="Processors of the node that the container may use"),
    Param("devices", ht.String, LXC_DEVICES_DEFAULT,
          help="Devices that the container may use, as cgroup rules, comma separated"),
    Param("drop_capabilities", ht.String, LXC_DROP_CAPABILITIES_DEFAULT,
          help="Kernel capabilities that the container does not get, comma separated"),
    Param("extra_cgroups", ht.String, "",
          help="Further cgroup controllers that the container needs, comma separated"),
    Param("extra_config", ht.String, "",
          help="Further lines of the LXC configuration, lxc.KEY=VALUE joined by commas"),
    Param("num_ttys", ht.NonNegativeInt, 6, required=True, help="Terminals of the container"),
    Param("startup_timeout", ht.NonNegativeInt, 30, unit="s",
          help="Longest wait for the container to run; 0 waits without a limit"),
])

CHROOT_PARAMETERS = ParamTable(HT_CHROOT, [
    Param("init_script", ht.AbsPath, "/ganeti-chroot", required=True,
          help="Program inside the chroot, called with start, stop and status"),
])

FAKE_PARAMETERS = ParamTable(HT_FAKE, [
    Param("migration_mode", one_of(HT_MIGRATION_MODES), "live", required=True,
          cluster_only=True, applies=LIVE, help="Whether a guest runs on while it is migrated"),
])
