"""Parameters of the two Xen hypervisors and their value sets."""

from ganeti import ht
from ganeti.constants.hypervisors import (
    HT_MIGRATION_MODES,
    HT_XEN_HVM,
    HT_XEN_PVM,
    REBOOT_BEHAVIORS,
)
from ganeti.constants.params import (
    EXISTING_FILE,
    LIVE,
    MultiCpuMask,
    Param,
    ParamTable,
    Port,
    one_of,
)

HT_HVM_NIC_PARAVIRTUAL = "paravirtual"
HT_HVM_VALID_NIC_TYPES = frozenset(["e1000", "ne2k_isa", "ne2k_pci", HT_HVM_NIC_PARAVIRTUAL,
                                    "rtl8139"])
HT_DISK_IOEMU = "ioemu"
HT_HVM_VALID_DISK_TYPES = frozenset([HT_DISK_IOEMU, "paravirtual"])
HT_HVM_VIF_IOEMU = "ioemu"
HT_HVM_VIF_VIF = "vif"
HT_HVM_VALID_VIF_TYPES = frozenset([HT_HVM_VIF_IOEMU, HT_HVM_VIF_VIF])
#: pvh is no part of the catalogue: it came to Xen after the parameters were laid down
HT_PVM_VALID_DOMAIN_TYPES = frozenset(["pv", "pvh"])


def _shared(*, migration_mode: str, highest_weight: int) -> list[Param]:
    """Rows that both kinds of Xen guests have."""
    cap = ht.NonNegativeInt
    return [
        Param("cpu_mask", MultiCpuMask, "all",
              help="Processors of the node that the virtual CPUs may use"),
        Param("cpu_cap", cap, 0, unit="% of a processor",
              help="Most processor time that the guest gets; 0 has no limit"),
        Param("cpu_weight", ht.IntRange(1, highest_weight), 256,
              help="Share of processor time against other guests"),
        Param("cpuid", ht.String, "", help="Processor features to show or hide"),
        Param("vif_script", ht.OptionalAbsPath, "", paths=(EXISTING_FILE,),
              help="Script that sets up the guest's network interfaces"),
        Param("soundhw", ht.String, "", help="Sound card (of fully virtualized guests)"),
        Param("reboot_behavior", one_of(REBOOT_BEHAVIORS), "reboot", required=True,
              help="A reboot from inside the guest restarts it, or ends it"),
        Param("migration_port", Port, 8002, required=True, cluster_only=True, applies=LIVE,
              help="Kept for older configurations: xl sends guests by ssh (ssh_port of the node)"),
        Param("migration_mode", one_of(HT_MIGRATION_MODES), migration_mode, required=True,
              cluster_only=True, applies=LIVE,
              help="Whether a guest runs on while it is migrated"),
    ]


XEN_PVM_PARAMETERS = ParamTable(HT_XEN_PVM, [
    Param("domain_type", one_of(HT_PVM_VALID_DOMAIN_TYPES), "pv", required=True,
          help="Paravirtual guest (pv), or one with hardware virtualisation for it (pvh)"),
    Param("use_bootloader", ht.Bool, False, help="Start the guest through bootloader_path"),
    Param("bootloader_path", ht.OptionalAbsPath, "", paths=(EXISTING_FILE,),
          help="Boot loader program on the node"),
    Param("bootloader_args", ht.String, "", help="Words for the boot loader"),
    Param("kernel_path", ht.AbsPath, "/boot/vmlinuz-3-xenU", required=True,
          paths=(EXISTING_FILE,), title="Kernel_path", help="Kernel on the node"),
    Param("initrd_path", ht.OptionalAbsPath, "", paths=(EXISTING_FILE,),
          title="Initrd_path", help="Initial RAM disk on the node"),
    Param("kernel_args", ht.String, "ro", help="Words for the kernel"),
    Param("root_path", ht.Maybe(ht.String), "/dev/xvda1", help="Root device of the kernel"),
    Param("blockdev_prefix", ht.String, "sd", help="Name of the guest's disks without letter"),
    *_shared(migration_mode="live", highest_weight=65535),
])

XEN_HVM_PARAMETERS = ParamTable(HT_XEN_HVM, [
    Param("boot_order", ht.Regex("[acdn]+", "one or more of the letters a, c, d, n"), "cd",
          required=True, title="Boot_order",
          help="Boot devices: a floppy, c disk, d CD-ROM, n network"),
    Param("cdrom_image_path", ht.OptionalAbsPath, "", paths=(EXISTING_FILE,),
          title="CDROM_image_path", help="Image of the CD-ROM drive"),
    Param("nic_type", one_of(HT_HVM_VALID_NIC_TYPES), "rtl8139", required=True,
          title="NIC_type", help="Network card that the guest sees"),
    Param("vif_type", one_of(HT_HVM_VALID_VIF_TYPES, empty=True), HT_HVM_VIF_IOEMU,
          help="Whether network cards are emulated"),
    Param("disk_type", one_of(HT_HVM_VALID_DISK_TYPES), "paravirtual", required=True,
          title="Disk_type", help="Disk controller that the guest sees"),
    Param("blockdev_prefix", ht.String, "hd", help="Name of the guest's disks without letter"),
    Param("vnc_bind_address", ht.Ipv4Address, "0.0.0.0", title="VNC_bind_address",
          help="Address for VNC"),
    Param("vnc_password_file", ht.AbsPath, "/etc/ganeti/vnc-cluster-password", required=True,
          paths=(EXISTING_FILE,), help="File with the VNC password"),
    Param("kernel_path", ht.AbsPath, "/usr/lib/xen/boot/hvmloader", required=True,
          paths=(EXISTING_FILE,), title="Kernel_path", help="Loader of fully virtualized guests"),
    Param("device_model", ht.AbsPath, "/usr/lib/xen/bin/qemu-dm", required=True,
          paths=(EXISTING_FILE,), help="Program that emulates the devices"),
    Param("acpi", ht.Bool, True, title="ACPI", help="Give the guest ACPI"),
    Param("pae", ht.Bool, True, title="PAE",
          help="Give 32-bit guests more than 4 GiB of addresses"),
    Param("viridian", ht.Bool, False, help="Offer the Hyper-V interface to Windows guests"),
    Param("use_localtime", ht.Bool, False, help="Clock of the guest runs in local time, not UTC"),
    Param("pci_pass", ht.String, "", title="pci_pass",
          help="PCI devices of the node to hand over, joined by ';'"),
    *_shared(migration_mode="non-live", highest_weight=65534),
])
