"""Checks of filled parameters: by themselves (anywhere), and against a node."""

from __future__ import annotations

import ipaddress
import os
import pwd
from collections.abc import Callable, Mapping
from typing import Any

from ganeti import constants, errors, pathutils
from ganeti.hypervisor.kvm import (
    accel,
    binary,
    boot,
    cpu,
    display,
    firmware,
    machine,
    migrate,
    security,
    sound,
    tpm,
    usb,
)
from ganeti.utils import net

HvParams = Mapping[str, Any]


def _refuse(text: str) -> errors.OpPrereqError:
    return errors.OpPrereqError(f"Hypervisor kvm: {text}", errors.ECODE_INVAL)


# By themselves --------------------------------------------------------------------------------


def check_syntax(hvp: HvParams) -> None:
    """Check parameters against each other; touches no file."""
    for check in _CHECKS:
        check(hvp)


def _kernel(hvp: HvParams) -> None:
    if not boot.is_direct(hvp):
        return
    if not hvp["kernel_path"]:
        raise _refuse("boot_type=direct_kernel needs kernel_path")
    if not hvp["root_path"]:
        raise _refuse("kernel_path needs root_path (use an empty kernel_path to boot from a"
                      " device)")


def _firmware(hvp: HvParams) -> None:
    uefi = boot.kind(hvp) == constants.HT_BT_UEFI
    for key in ("secure_boot", "uefi_code_path", "uefi_vars_path"):
        if hvp[key] and not uefi:
            raise _refuse(f"{key} needs boot_type=uefi")
    if bool(hvp["uefi_code_path"]) != bool(hvp["uefi_vars_path"]):
        raise _refuse("uefi_code_path and uefi_vars_path belong together: set both, or neither")
    if hvp["secure_boot"] and "q35" not in hvp["machine_version"]:
        raise _refuse("secure_boot needs machine_version=q35")
    if uefi and hvp["disk_type"] == constants.HT_DISK_PFLASH:
        raise _refuse("disk_type=pflash takes the flash that boot_type=uefi needs")


def _boot_order(hvp: HvParams) -> None:
    if boot.is_direct(hvp):
        return
    if hvp["boot_order"] == "cdrom" and not hvp["cdrom_image_path"]:
        raise _refuse("boot_order=cdrom needs cdrom_image_path")
    if hvp["boot_order"] == "floppy" and not hvp["floppy_image_path"]:
        raise _refuse("boot_order=floppy needs floppy_image_path")


def _images(hvp: HvParams) -> None:
    for key in ("cdrom_image_path", "cdrom2_image_path"):
        path = hvp[key]
        if path and "://" not in path and not os.path.isabs(path):
            raise _refuse(f"{key}: '{path}' is neither an absolute path nor a URL")


def _security(hvp: HvParams) -> None:
    model, domain = hvp["security_model"], hvp["security_domain"]
    if model == constants.HT_SM_USER and not domain:
        raise _refuse("security_model=user needs security_domain, the user's name")
    if model != constants.HT_SM_USER and domain:
        raise _refuse(f"security_domain has no meaning with security_model={model}; empty it")


def _vnc(hvp: HvParams) -> None:
    if hvp["vnc_x509_verify"] and not hvp["vnc_x509_path"]:
        raise _refuse("vnc_x509_verify needs vnc_x509_path")
    if hvp["vnc_x509_path"] and not hvp["vnc_tls"]:
        raise _refuse("vnc_x509_path has a meaning with vnc_tls=true only")


def _spice(hvp: HvParams) -> None:
    bind = hvp["spice_bind"]
    if not bind:
        used = [key for key in _SPICE_OPTIONS if hvp[key]]
        if used:
            raise _refuse(f"{used[0]} needs spice_bind")
        return
    if hvp["vnc_bind_address"]:
        raise _refuse("spice_bind and vnc_bind_address would use the same port; empty one")
    version = hvp["spice_ip_version"]
    try:
        actual = ipaddress.ip_address(bind).version
    except ValueError:
        return
    if version and version != actual:
        raise _refuse(f"spice_bind {bind} is an IPv{actual} address, spice_ip_version is {version}")


_SPICE_OPTIONS = ("spice_ip_version", "spice_password_file", "spice_image_compression",
                  "spice_jpeg_wan_compression", "spice_zlib_glz_wan_compression",
                  "spice_streaming_video", "spice_use_tls")


def _disks(hvp: HvParams) -> None:
    if hvp["disk_aio"] == "native" and hvp["disk_cache"] in ("writeback", "writethrough"):
        raise _refuse("disk_aio=native needs disk_cache=none or default")


def _words(hvp: HvParams) -> None:
    machine.split_extra(hvp["kvm_extra"])
    for word in usb.split(hvp["usb_devices"]):
        usb.device(word)
    unknown = [name for name in sound.names(hvp["soundhw"]) if name not in sound.CARDS]
    if unknown:
        raise _refuse(f"soundhw: '{unknown[0]}' is none of all, {', '.join(sorted(sound.CARDS))}")
    for name in migrate.capabilities(hvp["migration_caps"]):
        if not name.replace("-", "").isalnum():
            raise _refuse(f"migration_caps: '{name}' is no name of a capability; join names by ':'")


def _cpus(hvp: HvParams) -> None:
    cpu.masks(hvp["cpu_mask"])


def _nics(hvp: HvParams) -> None:
    if hvp["virtio_net_queues"] > 1 and hvp["nic_type"] != constants.HT_NIC_PARAVIRTUAL:
        raise _refuse("virtio_net_queues has a meaning with nic_type=paravirtual only")


_CHECKS: tuple[Callable[[HvParams], None], ...] = (
    _kernel, _firmware, _boot_order, _images, _security, _vnc, _spice, _disks, _words, _cpus, _nics)


def check_size(hvp: HvParams, vcpus: int) -> None:
    """Check the parameters that are told for each virtual processor."""
    for trouble in (cpu.mask_trouble(hvp, vcpus), cpu.topology_trouble(hvp, vcpus)):
        if trouble:
            raise _refuse(trouble)


# Against this node ----------------------------------------------------------------------------


def validate(hvp: HvParams) -> None:
    """Check what the parameters name on this node; HypervisorError with all that is wrong."""
    real = {**hvp, **{key: display.password_file(hvp[key])
                      for key in ("vnc_password_file", "spice_password_file")}}
    if not boot.is_direct(hvp):
        real |= {"kernel_path": "", "initrd_path": ""}
    trouble = constants.HV_TABLES[constants.HT_KVM].missing_paths(real)
    if not any(line.startswith("kvm_path") for line in trouble):
        trouble += _program(hvp)
    trouble += _tpm(hvp) + _user(hvp) + _consoles(hvp) + _processors(hvp)
    if trouble:
        raise errors.HypervisorError("; ".join(trouble))


def _program(hvp: HvParams) -> list[str]:
    path = hvp["kvm_path"]
    if not os.access(path, os.X_OK):
        return [f"kvm_path: {path} is not executable"]
    qemu = binary.probe(path)
    trouble = []
    if hvp["machine_version"] and not qemu.has_machine(hvp["machine_version"]):
        trouble.append(f"machine_version: {path} has no machine '{hvp['machine_version']}'")
    model = hvp["cpu_type"].partition(",")[0]
    if model and not qemu.has_cpu(model):
        trouble.append(f"cpu_type: {path} has no processor '{model}'")
    if hvp["spice_bind"] and not qemu.has_spice:
        trouble.append(f"spice_bind: {path} is built without SPICE")
    wanted = {"scsi_controller_type": hvp["scsi_controller_type"]}
    wanted |= {f"soundhw {name}": sound.CARDS[name][1] for name in sound.names(hvp["soundhw"])}
    trouble += [f"{key}: {path} has no device '{device}'" for key, device in wanted.items()
                if not qemu.has_device(device)]
    if hvp["vtpm"] and not qemu.has_device(tpm.DEVICE):
        trouble.append(f"vtpm: {path} has no device '{tpm.DEVICE}'")
    trouble += _uefi(hvp, qemu)
    if hvp["kvm_flag"] == constants.HT_KVM_ENABLED:
        reason = accel.why_not(path)
        if reason:
            trouble.append(f"kvm_flag: hardware virtualisation does not work here: {reason}")
    return trouble


def _uefi(hvp: HvParams, qemu: binary.Binary) -> list[str]:
    try:
        firmware.choose(hvp, qemu.machine_of(hvp["machine_version"] or qemu.default_machine))
    except errors.HypervisorError as err:
        return [f"boot_type: {errors.text(err)}"]
    return []


def _tpm(hvp: HvParams) -> list[str]:
    if not hvp["vtpm"] or os.access(hvp["swtpm_path"], os.X_OK):
        return []
    return [f"vtpm: {hvp['swtpm_path']} can not be executed; install the package 'swtpm', or set"
            " 'swtpm_path'"]


def _user(hvp: HvParams) -> list[str]:
    if hvp["security_model"] == constants.HT_SM_USER:
        try:
            pwd.getpwnam(hvp["security_domain"])
        except KeyError:
            return [f"security_domain: there is no user '{hvp['security_domain']}'"]
    if security.drops_privileges(hvp) and os.geteuid() != 0:
        return ["security_model and use_chroot need a node daemon that runs as root"]
    return []


def _consoles(hvp: HvParams) -> list[str]:
    trouble = []
    for key in ("vnc_bind_address", "spice_bind"):
        bind = hvp[key]
        if not bind or os.path.isabs(bind):
            if bind and key == "vnc_bind_address" and not os.path.isdir(bind):
                trouble.append(f"{key}: no directory {bind}")
            continue
        try:
            ipaddress.ip_address(bind)
        except ValueError:
            if not net.interface_addresses(bind):
                trouble.append(f"{key}: '{bind}' is no interface with an address")
    if hvp["spice_bind"] and hvp["spice_use_tls"]:
        trouble += [f"spice_use_tls: no file {path}; make it with 'gnt-cluster renew-crypto"
                    " --new-spice-certificate'"
                    for path in (pathutils.SPICE_CACERT_FILE, pathutils.SPICE_CERT_FILE)
                    if not os.path.exists(path)]
    return trouble


def _processors(hvp: HvParams) -> list[str]:
    here = range(os.cpu_count() or 1)
    missing = sorted({number for mask in cpu.masks(hvp["cpu_mask"]) if mask
                      for number in mask if number not in here})
    return [f"cpu_mask: this node has no processor {missing[0]}"] if missing else []
