"""Parameters of the KVM hypervisor and their value sets."""

from ganeti import ht
from ganeti.constants.crypto import OPENSSL_CIPHERS
from ganeti.constants.hypervisors import (
    HT_KVM,
    HT_MIGRATION_MODES,
    REBOOT_BEHAVIORS,
)
from ganeti.constants.params import (
    EXISTING_DIR,
    EXISTING_FILE,
    LIVE,
    URL,
    MultiCpuMask,
    Param,
    ParamTable,
    Port,
    one_of,
)

HT_NIC_PARAVIRTUAL = "paravirtual"
HT_DISK_PARAVIRTUAL = "paravirtual"
HT_DISK_IDE = "ide"
HT_DISK_SCSI = "scsi"
HT_DISK_SD = "sd"
HT_DISK_MTD = "mtd"
HT_DISK_PFLASH = "pflash"
HT_DISK_SCSI_BLOCK = "scsi-block"
HT_DISK_SCSI_CD = "scsi-cd"
HT_DISK_SCSI_GENERIC = "scsi-generic"
HT_DISK_SCSI_HD = "scsi-hd"
HT_SCSI_DEVICE_TYPES = frozenset([HT_DISK_SCSI_BLOCK, HT_DISK_SCSI_CD, HT_DISK_SCSI_GENERIC,
                                  HT_DISK_SCSI_HD])
HT_KVM_VALID_DISK_TYPES = HT_SCSI_DEVICE_TYPES | {
    HT_DISK_IDE, HT_DISK_MTD, HT_DISK_PARAVIRTUAL, HT_DISK_PFLASH, HT_DISK_SCSI, HT_DISK_SD}
HT_KVM_VALID_NIC_TYPES = frozenset([
    "e1000", "i82551", "i82557b", "i82559er", "ne2k_isa", "ne2k_pci", HT_NIC_PARAVIRTUAL,
    "pcnet", "rtl8139"])
HT_SCSI_CONTROLLER_LSI = "lsi"
HT_SCSI_CONTROLLER_VIRTIO = "virtio-scsi-pci"
HT_KVM_VALID_SCSI_CONTROLLER_TYPES = frozenset([
    "dc390", HT_SCSI_CONTROLLER_LSI, "megasas", HT_SCSI_CONTROLLER_VIRTIO])
HT_CACHE_DEFAULT = "default"
HT_CACHE_NONE = "none"
HT_CACHE_WBACK = "writeback"
HT_CACHE_WTHROUGH = "writethrough"
HT_VALID_CACHE_TYPES = frozenset([HT_CACHE_DEFAULT, HT_CACHE_NONE, HT_CACHE_WBACK,
                                  HT_CACHE_WTHROUGH])
HT_DISCARD_IGNORE = "ignore"
HT_DISCARD_UNMAP = "unmap"
HT_VALID_DISCARD_TYPES = frozenset([HT_DISCARD_IGNORE, HT_DISCARD_UNMAP])
HT_KVM_AIO_THREADS = "threads"
HT_KVM_AIO_NATIVE = "native"
HT_KVM_AIO_IO_URING = "io_uring"
HT_KVM_VALID_AIO_TYPES = frozenset([HT_KVM_AIO_IO_URING, HT_KVM_AIO_NATIVE, HT_KVM_AIO_THREADS])
HT_BO_CDROM = "cdrom"
HT_BO_DISK = "disk"
HT_BO_FLOPPY = "floppy"
HT_BO_NETWORK = "network"
HT_KVM_VALID_BO_TYPES = frozenset([HT_BO_CDROM, HT_BO_DISK, HT_BO_FLOPPY, HT_BO_NETWORK])
HT_BT_DIRECT_KERNEL = "direct_kernel"
HT_BT_BIOS = "bios"
HT_BT_UEFI = "uefi"
HT_KVM_VALID_BOOT_TYPES = frozenset([HT_BT_DIRECT_KERNEL, HT_BT_BIOS, HT_BT_UEFI])
HT_SM_NONE = "none"
HT_SM_USER = "user"
HT_SM_POOL = "pool"
HT_KVM_VALID_SM_TYPES = frozenset([HT_SM_NONE, HT_SM_USER, HT_SM_POOL])
HT_KVM_ENABLED = "enabled"
HT_KVM_DISABLED = "disabled"
HT_KVM_FLAG_VALUES = frozenset([HT_KVM_ENABLED, HT_KVM_DISABLED])
HT_MOUSE_MOUSE = "mouse"
HT_MOUSE_TABLET = "tablet"
HT_KVM_VALID_MOUSE_TYPES = frozenset([HT_MOUSE_MOUSE, HT_MOUSE_TABLET])
SPICE_IMAGE_COMPRESSIONS = frozenset(["auto_glz", "auto_lz", "glz", "lz", "off", "quic"])
SPICE_LOSSY_COMPRESSIONS = frozenset(["always", "auto", "never"])
SPICE_STREAMING_MODES = frozenset(["all", "filter", "off"])
SPICE_IP_VERSIONS = frozenset([0, 4, 6])
VALID_SERIAL_SPEEDS = (75, 110, 300, 600, 1200, 1800, 2400, 4800, 9600, 14400, 19200, 28800,
                       38400, 57600, 115200, 230400, 345600, 460800)
MAX_VIRTIO_NET_QUEUES = 32
KVM_PCI_SLOTS = 32
KVM_DEFAULT_PCI_RESERVATIONS = 12

KVM_PARAMETERS = ParamTable(HT_KVM, [
    # machine, processor and memory
    Param("kvm_path", ht.AbsPath, "/usr/bin/kvm", required=True, paths=(EXISTING_FILE,),
          help="QEMU program that runs the guest"),
    Param("kvm_flag", one_of(HT_KVM_FLAG_VALUES, empty=True), "",
          help="Force hardware virtualization on or off; empty decides by what the node can do"),
    Param("kvm_extra", ht.String, "",
          help="Further words for the end of QEMU's command line"),
    Param("machine_version", ht.String, "",
          help="QEMU machine type; empty takes the program's own default"),
    Param("acpi", ht.Bool, True, title="ACPI", help="Give the guest ACPI, which a soft stop needs"),
    Param("cpu_type", ht.String, "", title="cpu_type",
          help="Processor model; empty takes QEMU's default"),
    Param("cpu_mask", MultiCpuMask, "all",
          help="Processors of the node that the virtual CPUs may use"),
    Param("cpu_sockets", ht.NonNegativeInt, 0,
          help="Sockets of the virtual CPUs; 0 lets QEMU choose"),
    Param("cpu_cores", ht.NonNegativeInt, 0, help="Cores in each socket; 0 lets QEMU choose"),
    Param("cpu_threads", ht.NonNegativeInt, 0, help="Threads in each core; 0 lets QEMU choose"),
    Param("mem_path", ht.OptionalAbsPath, "", paths=(EXISTING_DIR,),
          help="Mounted directory (huge pages) that backs the guest's memory"),
    Param("use_localtime", ht.Bool, False, help="Clock of the guest runs in local time, not UTC"),
    Param("reboot_behavior", one_of(REBOOT_BEHAVIORS), "reboot", required=True,
          help="A reboot from inside the guest restarts it, or ends it"),
    Param("user_shutdown", ht.Bool, False,
          help="A guest that was shut down from inside stays down"),
    # boot
    Param("kernel_path", ht.OptionalAbsPath, "/boot/vmlinuz-3-kvmU", paths=(EXISTING_FILE,),
          title="Kernel_path",
          help="Kernel on the node to boot directly; empty boots as boot_order says"),
    Param("initrd_path", ht.OptionalAbsPath, "", paths=(EXISTING_FILE,),
          title="Initrd_path", help="Initial RAM disk on the node for a directly booted kernel"),
    Param("kernel_args", ht.String, "ro", help="Words for a directly booted kernel"),
    Param("root_path", ht.Maybe(ht.String), "/dev/vda1",
          help="Root device that a directly booted kernel is told"),
    Param("boot_order", one_of(HT_KVM_VALID_BO_TYPES), "disk", required=True,
          title="Boot_order", help="Device to boot from without kernel_path"),
    Param("boot_type", one_of(HT_KVM_VALID_BOOT_TYPES, empty=True), "",
          help="What starts the guest; empty boots kernel_path where that is set, else by BIOS"),
    Param("uefi_code_path", ht.OptionalAbsPath, "", paths=(EXISTING_FILE,),
          help="UEFI firmware on the node; empty takes what is installed for its QEMU"),
    Param("uefi_vars_path", ht.OptionalAbsPath, "", paths=(EXISTING_FILE,),
          help="Variables that a new guest's UEFI begins with; goes with uefi_code_path"),
    Param("secure_boot", ht.Bool, False,
          help="UEFI starts signed systems only; needs machine_version=q35"),
    Param("vtpm", ht.Bool, False, help="Give the guest a TPM 2.0, which swtpm emulates"),
    Param("swtpm_path", ht.AbsPath, "/usr/bin/swtpm", required=True,
          help="Program that emulates TPMs for vtpm"),
    # disks
    Param("disk_type", one_of(HT_KVM_VALID_DISK_TYPES), HT_DISK_PARAVIRTUAL, required=True,
          title="Disk_type", help="Device that the guest sees for each disk"),
    Param("disk_cache", one_of(HT_VALID_CACHE_TYPES), HT_CACHE_DEFAULT, required=True,
          help="Host caching of the disks; default passes the page cache by for block devices"),
    Param("disk_aio", one_of(HT_KVM_VALID_AIO_TYPES, empty=True), HT_KVM_AIO_THREADS,
          help="How QEMU reads and writes the disks"),
    Param("disk_discard", one_of(HT_VALID_DISCARD_TYPES, empty=True), HT_DISCARD_IGNORE,
          help="Whether discards of the guest reach the storage"),
    Param("scsi_controller_type", one_of(HT_KVM_VALID_SCSI_CONTROLLER_TYPES),
          HT_SCSI_CONTROLLER_LSI, required=True, help="Controller of SCSI disks"),
    Param("cdrom_image_path", ht.String, "", paths=(EXISTING_FILE, URL),
          title="CDROM_image_path",
          help="Image of the first CD-ROM drive: a file on the node or a URL"),
    Param("cdrom2_image_path", ht.String, "", paths=(EXISTING_FILE, URL),
          help="Image of the second CD-ROM drive: a file on the node or a URL"),
    Param("cdrom_disk_type", one_of(HT_KVM_VALID_DISK_TYPES, empty=True), "",
          help="Drive that the guest sees for CDs; empty is SCSI beside SCSI disks, else IDE"),
    Param("floppy_image_path", ht.OptionalAbsPath, "", paths=(EXISTING_FILE,),
          help="Image in the floppy drive"),
    Param("kvm_pci_reservations", ht.IntRange(0, KVM_PCI_SLOTS), KVM_DEFAULT_PCI_RESERVATIONS,
          help="PCI slots left to QEMU's own devices; the rest serves disks and NICs"),
    # network
    Param("nic_type", one_of(HT_KVM_VALID_NIC_TYPES), HT_NIC_PARAVIRTUAL, required=True,
          title="NIC_type", help="Network card that the guest sees"),
    Param("vhost_net", ht.Bool, True, help="Move virtio packets in the kernel of the node"),
    Param("vnet_hdr", ht.Bool, True, help="Pass checksum and segmentation offload to the tap"),
    Param("virtio_net_queues", ht.IntRange(1, MAX_VIRTIO_NET_QUEUES), 1,
          help="Queues of each virtio network card"),
    # display, console, sound, USB
    Param("serial_console", ht.Bool, True, help="Give the guest a serial console"),
    Param("serial_speed", ht.Enum(VALID_SERIAL_SPEEDS), 38400, unit="baud",
          help="Speed of the serial console that the kernel is told"),
    Param("vga", ht.String, "", help="Graphics card; empty takes what the display needs"),
    Param("keymap", ht.String, "", help="Keyboard layout of the VNC display"),
    Param("vnc_bind_address", ht.String, "",
          title="VNC_bind_address",
          help="Address, interface or absolute directory for VNC; empty has no VNC"),
    Param("vnc_password_file", ht.OptionalAbsPath, "", paths=(EXISTING_FILE,),
          help="File with the VNC password"),
    Param("vnc_tls", ht.Bool, False, help="Encrypt VNC"),
    Param("vnc_x509_path", ht.OptionalAbsPath, "", paths=(EXISTING_DIR,),
          help="Directory with the certificates of VNC"),
    Param("vnc_x509_verify", ht.Bool, False, help="Demand certificates from VNC clients"),
    Param("spice_bind", ht.String, "", help="Address or interface for SPICE; empty has no SPICE"),
    Param("spice_ip_version", ht.Enum(SPICE_IP_VERSIONS), 0,
          help="IP version when spice_bind is an interface: 4, 6, or 0 for what it has"),
    Param("spice_password_file", ht.OptionalAbsPath, "", paths=(EXISTING_FILE,),
          help="File with the SPICE password"),
    Param("spice_image_compression", one_of(SPICE_IMAGE_COMPRESSIONS, empty=True), "",
          help="Lossless image compression of SPICE"),
    Param("spice_jpeg_wan_compression", one_of(SPICE_LOSSY_COMPRESSIONS, empty=True), "",
          help="When SPICE uses JPEG on slow links"),
    Param("spice_zlib_glz_wan_compression", one_of(SPICE_LOSSY_COMPRESSIONS, empty=True), "",
          help="When SPICE uses zlib over glz on slow links"),
    Param("spice_streaming_video", one_of(SPICE_STREAMING_MODES, empty=True), "",
          help="Which areas SPICE treats as video"),
    Param("spice_playback_compression", ht.Bool, True, help="Compress sound over SPICE"),
    Param("spice_use_tls", ht.Bool, False, help="Encrypt SPICE with the cluster's certificate"),
    Param("spice_tls_ciphers", ht.String, OPENSSL_CIPHERS,
          help="Ciphers that SPICE accepts"),
    Param("spice_use_vdagent", ht.Bool, True, help="Let the SPICE agent of the guest be used"),
    Param("soundhw", ht.String, "", help="Sound cards, comma separated"),
    Param("usb_mouse", one_of(HT_KVM_VALID_MOUSE_TYPES, empty=True), "",
          help="USB pointing device"),
    Param("usb_devices", ht.String, "", help="Further USB devices, comma separated"),
    Param("use_guest_agent", ht.Bool, False, help="Give the guest a channel to the QEMU agent"),
    # confinement
    Param("security_model", one_of(HT_KVM_VALID_SM_TYPES), HT_SM_NONE, required=True,
          help="User of the QEMU process: as the node daemon, a fixed one, one of the pool"),
    Param("security_domain", ht.String, "", help="User name for security_model=user"),
    Param("use_chroot", ht.Bool, False, help="Confine the QEMU process to an empty directory"),
    # migration
    Param("migration_port", Port, 8102, required=True, cluster_only=True, applies=LIVE,
          help="TCP port on which a node receives a guest"),
    Param("migration_bandwidth", ht.NonNegativeInt, 32, unit="MiB/s", required=True,
          cluster_only=True, applies=LIVE, help="Speed limit of a migration; 0 has none"),
    Param("migration_downtime", ht.NonNegativeInt, 30, unit="ms", required=True, applies=LIVE,
          help="Longest pause that live migration may cause"),
    Param("migration_mode", one_of(HT_MIGRATION_MODES), "live", required=True,
          cluster_only=True, applies=LIVE, help="Whether a guest runs on while it is migrated"),
    Param("migration_caps", ht.String, "",
          help="QEMU migration capabilities, joined by ':'"),
])
