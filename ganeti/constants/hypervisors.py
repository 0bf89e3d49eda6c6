"""The hypervisors' names and words that several of them share; their tables are beside this."""

HT_CHROOT = "chroot"
HT_FAKE = "fake"
HT_KVM = "kvm"
HT_LXC = "lxc"
HT_XEN_HVM = "xen-hvm"
HT_XEN_PVM = "xen-pvm"
HYPER_TYPES = frozenset([HT_CHROOT, HT_FAKE, HT_KVM, HT_LXC, HT_XEN_HVM, HT_XEN_PVM])
HTS_REQ_PORT = frozenset([HT_KVM, HT_XEN_HVM])
DEFAULT_ENABLED_HYPERVISOR = HT_XEN_PVM

# Names of parameters that more than one hypervisor knows, or that code outside a driver asks for
HV_ACPI = "acpi"
HV_BOOT_ORDER = "boot_order"
HV_CDROM_IMAGE_PATH = "cdrom_image_path"
HV_CPU_MASK = "cpu_mask"
HV_DISK_TYPE = "disk_type"
HV_INITRD_PATH = "initrd_path"
HV_INIT_SCRIPT = "init_script"
HV_KERNEL_ARGS = "kernel_args"
HV_KERNEL_PATH = "kernel_path"
HV_MIGRATION_BANDWIDTH = "migration_bandwidth"
HV_MIGRATION_DOWNTIME = "migration_downtime"
HV_MIGRATION_MODE = "migration_mode"
HV_MIGRATION_PORT = "migration_port"
HV_NIC_TYPE = "nic_type"
HV_REBOOT_BEHAVIOR = "reboot_behavior"
HV_ROOT_PATH = "root_path"
HV_SERIAL_CONSOLE = "serial_console"
HV_USE_LOCALTIME = "use_localtime"
HV_VNC_BIND_ADDRESS = "vnc_bind_address"
HV_VNC_PASSWORD_FILE = "vnc_password_file"
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

# CPU masks
CPU_PINNING_ALL = "all"
CPU_PINNING_SEP = ":"
CPU_PINNING_OFF = (-1,)

# What a guest's own reboot does
REBOOT_BEHAVIOR_REBOOT = "reboot"
REBOOT_BEHAVIOR_EXIT = "exit"
REBOOT_BEHAVIORS = frozenset([REBOOT_BEHAVIOR_REBOOT, REBOOT_BEHAVIOR_EXIT])
INSTANCE_REBOOT_ALLOWED = REBOOT_BEHAVIOR_REBOOT
INSTANCE_REBOOT_EXIT = REBOOT_BEHAVIOR_EXIT

VNC_BASE_PORT = 5900
IP4_ADDRESS_LOCALHOST = "127.0.0.1"
IP4_ADDRESS_ANY = "0.0.0.0"
IP6_ADDRESS_LOCALHOST = "::1"
IP6_ADDRESS_ANY = "::"

# States of a guest as a hypervisor reports them
HV_INSTANCE_RUNNING = "running"
HV_INSTANCE_SHUTDOWN = "shutdown"
