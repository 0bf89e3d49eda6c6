"""Fully virtualized guests, with QEMU for what they see as hardware."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ganeti import constants, objects
from ganeti.hypervisor.base import BlockDevice, HvParams
from ganeti.hypervisor.xen import disks, domain, nics, validate
from ganeti.hypervisor.xen.cfg import Config
from ganeti.hypervisor.xen.driver import XenHypervisor

#: The one device model of Xen 4.4 and older that later releases still know
_TRADITIONAL = "qemu-dm"


class XenHvmHypervisor(XenHypervisor):
    """Guests that need not know that they run on Xen."""

    name = constants.HT_XEN_HVM
    guest_types = ("hvm",)
    needs_network_port = True
    optional_ancillary_files = (*XenHypervisor.optional_ancillary_files,
                                "/etc/ganeti/vnc-cluster-password")
    shutdown_words = ("-F",)

    @classmethod
    def check_syntax(cls, hvparams: HvParams) -> None:
        super().check_syntax(hvparams)
        validate.check_full(hvparams)

    def configuration(self, instance: objects.Instance,
                      block_devices: Sequence[BlockDevice]) -> str:
        """Firmware, devices, VNC."""
        hvp, cfg = instance.hvparams, Config()
        cfg.text("type", "hvm")
        domain.begin(cfg, instance)
        _machine(cfg, hvp)
        _screen(cfg, instance)
        taken = disks.names(hvp["blockdev_prefix"], len(block_devices))
        if hvp["disk_type"] == constants.HT_DISK_IOEMU:
            disks.check_emulated(taken)
        image = hvp["cdrom_image_path"]
        cdrom = [disks.cdrom(image, taken)] if image else []
        domain.finish(cfg, instance, block_devices,
                      nics.specifications(instance.nics, hvp, _card(hvp)), cdrom)
        return str(cfg)


def _machine(cfg: Config, hvp: HvParams) -> None:
    cfg.text("firmware_override", hvp["kernel_path"])
    model = hvp["device_model"]
    traditional = os.path.basename(model) == _TRADITIONAL
    cfg.text("device_model_version", "qemu-xen-traditional" if traditional else "qemu-xen")
    cfg.text("device_model_override", model)
    cfg.text("boot", hvp["boot_order"])
    for key in ("acpi", "pae", "viridian"):
        cfg.number(key, hvp[key])
    cfg.number("apic", 1)
    cfg.number("localtime", hvp["use_localtime"])
    cfg.text("serial", "pty")
    if hvp["pci_pass"]:
        cfg.words("pci", validate.pci_addresses(hvp["pci_pass"]))


def _screen(cfg: Config, instance: objects.Instance) -> None:
    """VNC on the instance's port; the tablet keeps the two mouse pointers together."""
    hvp = instance.hvparams
    cfg.number("sdl", 0)
    cfg.number("usb", 1)
    cfg.text("usbdevice", "tablet")
    cfg.number("vnc", 1)
    cfg.text("vnclisten", hvp["vnc_bind_address"])
    port = instance.network_port
    if port is not None and port > constants.VNC_BASE_PORT:
        cfg.number("vncdisplay", port - constants.VNC_BASE_PORT)
        cfg.number("vncunused", 0)
    else:
        cfg.number("vncunused", 1)
    cfg.text("vncpasswd", domain.password(hvp["vnc_password_file"]))


def _card(hvp: HvParams) -> list[str]:
    """What kind of network card is emulated beside the paravirtual interface, if one is."""
    if hvp["nic_type"] == constants.HT_HVM_NIC_PARAVIRTUAL:
        return ["type=vif"]
    kind = hvp["vif_type"]
    if kind == constants.HT_HVM_VIF_VIF:
        return ["type=vif"]
    return [f"model={hvp['nic_type']}", *([f"type={kind}"] if kind else [])]
