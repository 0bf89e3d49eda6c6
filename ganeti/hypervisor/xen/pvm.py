"""Paravirtual guests, and PVH ones, which are the same without an emulated or patched machine."""

from __future__ import annotations

from collections.abc import Sequence

from ganeti import constants, objects
from ganeti.hypervisor.base import BlockDevice, HvParams
from ganeti.hypervisor.xen import domain, nics, validate
from ganeti.hypervisor.xen.cfg import Config
from ganeti.hypervisor.xen.driver import XenHypervisor


class XenPvmHypervisor(XenHypervisor):
    """Guests whose kernel knows that it runs on Xen."""

    name = constants.HT_XEN_PVM
    guest_types = ("pv", "pvh")

    @classmethod
    def check_syntax(cls, hvparams: HvParams) -> None:
        super().check_syntax(hvparams)
        validate.check_paravirtual(hvparams)

    def configuration(self, instance: objects.Instance,
                      block_devices: Sequence[BlockDevice]) -> str:
        """Kernel, initrd and words for it, or the boot loader that finds them on the disk."""
        hvp, cfg = instance.hvparams, Config()
        cfg.text("type", hvp["domain_type"])
        if hvp["use_bootloader"]:
            cfg.text("bootloader", hvp["bootloader_path"])
            if hvp["bootloader_args"]:
                cfg.words("bootloader_args", validate.words(hvp["bootloader_args"]))
        else:
            cfg.text("kernel", hvp["kernel_path"])
            if hvp["initrd_path"]:
                cfg.text("ramdisk", hvp["initrd_path"])
        domain.begin(cfg, instance)
        if hvp["root_path"]:
            cfg.text("root", hvp["root_path"])
        if hvp["kernel_args"]:
            cfg.text("extra", hvp["kernel_args"])
        domain.finish(cfg, instance, block_devices, nics.specifications(instance.nics, hvp))
        return str(cfg)
