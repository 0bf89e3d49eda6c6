"""Combinations of parameters whose configuration files are kept: name -> what differs.

Names begin with the type of guest. `disks` and `nics` describe devices (see test_config), `vcpus`
and `memory` are backend parameters, everything else are hypervisor parameters.
"""

from __future__ import annotations

from typing import Any

OVS = {"mode": "openvswitch", "link": "sw0", "vlan": ".5:7:9"}
ROUTED = {"mode": "routed", "link": "100", "vlan": ""}
EXTERNAL = {"mode": "ext", "link": "fabric", "vlan": ""}

CASES: dict[str, dict[str, Any]] = {
    "pv-base": {},
    "pv-initrd-args": {"initrd_path": "/boot/initrd.img", "kernel_args": "ro quiet console=hvc0",
                       "root_path": "/dev/xvda2"},
    "pv-no-root-no-args": {"root_path": "", "kernel_args": ""},
    "pv-quoting": {"kernel_args": "a=\"b c\" d='e' f=\\g"},
    "pv-bootloader": {"use_bootloader": True, "bootloader_path": "/usr/lib/xen-4.17/bin/pygrub",
                      "bootloader_args": "--quiet"},
    "pv-bootloader-no-args": {"use_bootloader": True, "bootloader_path": "/usr/bin/pygrub"},
    "pv-no-disks-no-nics": {"disks": [], "nics": []},
    "pv-many-disks": {"disks": ["plain"] * 28, "blockdev_prefix": "xvd"},
    "pv-read-only-disk": {"disks": ["plain"], "disk_mode": "ro", "blockdev_prefix": "xvd"},
    "pv-files": {"disks": ["file-loop", "file-blktap", "file-blktap2"]},
    "pv-addresses": {"disks": ["rbd:rbd/image1:id=admin,x", "gluster://gl1:24007/vol/disk"]},
    "pv-memory-vcpus": {"memory": 4096, "vcpus": 4},
    "pv-mask-one": {"cpu_mask": "0-2,5", "vcpus": 2},
    "pv-mask-each": {"cpu_mask": "0-1:all:3", "vcpus": 3},
    "pv-weight-cap": {"cpu_weight": 512, "cpu_cap": 150},
    "pv-cpuid": {"cpuid": "host,tm=0,sse3=0"},
    "pv-reboot-exits": {"reboot_behavior": "exit"},
    "pv-user-shutdown": {"user_shutdown": True},
    "pv-nic-address": {"ip": "192.0.2.7"},
    "pv-nic-openvswitch": {"nics": [OVS]},
    "pv-nic-routed-ext": {"nics": [ROUTED, EXTERNAL], "ip": "2001:db8::7"},
    "pv-nic-communication": {"nics": [ROUTED], "nic_name": "ganeti:communication:inst1"},
    "pv-vif-script": {"vif_script": "/etc/xen/scripts/vif-site", "nics": [{}, OVS]},
    "pv-soundhw": {"soundhw": "ac97"},
    "pvh-base": {"domain_type": "pvh"},
    "pvh-initrd-mask": {"domain_type": "pvh", "initrd_path": "/boot/initrd.img",
                        "cpu_mask": "1", "blockdev_prefix": "xvd"},
    "pvh-bootloader": {"domain_type": "pvh", "use_bootloader": True,
                       "bootloader_path": "/usr/lib/xen-4.17/bin/pygrub"},
    "hvm-base": {},
    "hvm-qemu-xen": {"device_model": "/usr/bin/qemu-system-i386"},
    "hvm-cdrom": {"cdrom_image_path": "/iso/debian.iso", "boot_order": "dc"},
    "hvm-cdrom-three-disks": {"cdrom_image_path": "/iso/debian.iso", "disks": ["plain"] * 3},
    "hvm-network-boot": {"boot_order": "n", "nics": [{}, {}]},
    "hvm-ioemu-disks": {"disk_type": "ioemu", "disks": ["plain", "plain"]},
    "hvm-paravirtual": {"nic_type": "paravirtual", "blockdev_prefix": "xvd"},
    "hvm-nic-e1000": {"nic_type": "e1000"},
    "hvm-nic-type-vif": {"nic_type": "e1000", "vif_type": "vif"},
    "hvm-nic-type-empty": {"nic_type": "ne2k_pci", "vif_type": ""},
    "hvm-no-acpi-pae": {"acpi": False, "pae": False},
    "hvm-windows": {"viridian": True, "use_localtime": True, "vcpus": 4, "memory": 4096},
    "hvm-vnc-address": {"vnc_bind_address": "127.0.0.1"},
    "hvm-no-port": {"port": None},
    "hvm-sound-cpuid": {"soundhw": "hda", "cpuid": "host,htt=1"},
    "hvm-pci": {"pci_pass": "0000:03:00.1; 04:00.0,permissive=1"},
    "hvm-mask-cap": {"cpu_mask": "0:1", "vcpus": 2, "cpu_cap": 50},
    "hvm-reboot-exits": {"reboot_behavior": "exit"},
    "hvm-firmware": {"kernel_path": "/usr/lib/xen-4.17/boot/hvmloader"},
}
