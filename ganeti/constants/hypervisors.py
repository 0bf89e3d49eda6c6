"""The hypervisors, and words that several of them share; their tables are beside this."""

from ganeti.constants.drivers import Drivers

HT_CHROOT = "chroot"
HT_FAKE = "fake"
HT_KVM = "kvm"
HT_LXC = "lxc"
HT_XEN_HVM = "xen-hvm"
HT_XEN_PVM = "xen-pvm"

#: Name -> driver; a driver that has no table in `hvtables` declares its own
HYPERVISORS: list[tuple[str, str]] = [
    (HT_CHROOT, "ganeti.hypervisor.chroot:ChrootHypervisor"),
    (HT_FAKE, "ganeti.hypervisor.fake:FakeHypervisor"),
    (HT_KVM, "ganeti.hypervisor.kvm.driver:KvmHypervisor"),
    (HT_XEN_HVM, "ganeti.hypervisor.xen.hvm:XenHvmHypervisor"),
    (HT_XEN_PVM, "ganeti.hypervisor.xen.pvm:XenPvmHypervisor"),
    (HT_LXC, "ganeti.hypervisor.lxc.driver:LxcHypervisor"),
]
HYPER_TYPES = Drivers("hypervisor", "ganeti.hypervisors", HYPERVISORS,
                      base="ganeti.hypervisor.base:BaseHypervisor", shared_parameters=True)

# Names of parameters that more than one hypervisor knows, or that code outside a driver asks for
HV_DISK_TYPE = "disk_type"
HV_MIGRATION_BANDWIDTH = "migration_bandwidth"
HV_MIGRATION_MODE = "migration_mode"
HV_MIGRATION_PORT = "migration_port"
HV_NIC_TYPE = "nic_type"
HV_SPICE_BIND = "spice_bind"
HV_SPICE_USE_TLS = "spice_use_tls"
HV_VNC_BIND_ADDRESS = "vnc_bind_address"
HVC_GLOBALS = frozenset([HV_MIGRATION_BANDWIDTH, HV_MIGRATION_MODE, HV_MIGRATION_PORT])

# Migration
HT_MIGRATION_LIVE = "live"
HT_MIGRATION_NONLIVE = "non-live"
HT_MIGRATION_MODES = frozenset([HT_MIGRATION_LIVE, HT_MIGRATION_NONLIVE])
HV_MIGRATION_COMPLETED = "completed"
HV_MIGRATION_ACTIVE = "active"
HV_MIGRATION_FAILED = "failed"
HV_MIGRATION_CANCELLED = "cancelled"
HV_KVM_MIGRATION_POSTCOPY_ACTIVE = "postcopy-active"
HV_MIGRATION_FAILED_STATUSES = frozenset([HV_MIGRATION_FAILED, HV_MIGRATION_CANCELLED])
HV_MIGRATION_ACTIVE_STATUSES = frozenset([HV_MIGRATION_ACTIVE, HV_KVM_MIGRATION_POSTCOPY_ACTIVE])
HV_MIGRATION_VALID_STATUSES = frozenset([
    HV_MIGRATION_ACTIVE, HV_MIGRATION_CANCELLED, HV_MIGRATION_COMPLETED, HV_MIGRATION_FAILED])
HV_KVM_MIGRATION_VALID_STATUSES = HV_MIGRATION_VALID_STATUSES | {HV_KVM_MIGRATION_POSTCOPY_ACTIVE}

# What a guest's own reboot does
REBOOT_BEHAVIOR_REBOOT = "reboot"
REBOOT_BEHAVIOR_EXIT = "exit"
REBOOT_BEHAVIORS = frozenset([REBOOT_BEHAVIOR_REBOOT, REBOOT_BEHAVIOR_EXIT])

VNC_BASE_PORT = 5900
IP4_ADDRESS_ANY = "0.0.0.0"
IP6_ADDRESS_ANY = "::"

# States of a guest as a hypervisor reports them
HV_INSTANCE_SHUTDOWN = "shutdown"
