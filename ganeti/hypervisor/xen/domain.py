"""What all kinds of domains have in their configuration."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ganeti import constants, errors, objects, pathutils, ssconf
from ganeti.hypervisor.base import BlockDevice, HvParams
from ganeti.hypervisor.xen import disks
from ganeti.hypervisor.xen.cfg import Config
from ganeti.utils import io

_ALL = "all"
_KEEP, _END, _AGAIN = "preserve", "destroy", "restart"


def begin(cfg: Config, instance: objects.Instance) -> None:
    """Name, memory, processors."""
    hvp, bep = instance.hvparams, instance.beparams
    cfg.text("name", instance.name)
    cfg.text("uuid", instance.uuid)
    cfg.number("memory", bep[constants.BE_MAXMEM])
    cfg.number("maxmem", bep[constants.BE_MAXMEM])
    cfg.number("vcpus", bep[constants.BE_VCPUS])
    _pin(cfg, hvp["cpu_mask"], bep[constants.BE_VCPUS], instance.name)
    cfg.number("cpu_weight", hvp["cpu_weight"])
    if hvp["cpu_cap"]:
        cfg.number("cap", hvp["cpu_cap"])
    if hvp["cpuid"]:
        cfg.text("cpuid", hvp["cpuid"])
    if hvp["soundhw"]:
        cfg.text("soundhw", hvp["soundhw"])


def _pin(cfg: Config, mask: str, vcpus: int, name: str) -> None:
    """One mask is for all virtual processors, several are for one each."""
    masks = mask.split(":")
    if masks == [_ALL]:
        return
    if len(masks) == 1:
        cfg.text("cpus", masks[0])
        return
    if len(masks) != vcpus:
        raise errors.HypervisorError(
            f"cpu_mask '{mask}' is for {len(masks)} virtual processors, instance {name} has"
            f" {vcpus}; change it, or the backend parameter 'vcpus'")
    cfg.words("cpus", masks)


def finish(cfg: Config, instance: objects.Instance, devices: Sequence[BlockDevice],
           interfaces: Sequence[str], more_disks: Sequence[str] = ()) -> None:
    """Devices, and what follows on the guest's end."""
    cfg.words("disk", [*disks.specifications(devices, instance.hvparams), *more_disks])
    cfg.words("vif", interfaces)
    cfg.text("on_poweroff", _KEEP if keeps_shut_down() else _END)
    cfg.text("on_reboot", _AGAIN if restarts(instance.hvparams) else _END)
    cfg.text("on_crash", _AGAIN)


def keeps_shut_down() -> bool:
    """Whether a guest that its user shut down stays, so that the cluster can tell it from a crash.

    It keeps its memory until the watcher or `gnt-instance shutdown` clears it.
    """
    return ssconf.SimpleStore().get(constants.SS_ENABLED_USER_SHUTDOWN, "") == "True"


def restarts(hvp: HvParams) -> bool:
    """Whether the toolstack starts the guest again when it has rebooted."""
    return bool(hvp["reboot_behavior"] == constants.REBOOT_BEHAVIOR_REBOOT)


def _real(path: str) -> str:
    """What lies below /etc/ganeti is the node's, everything else the host's."""
    own = path.startswith(pathutils.logical(pathutils.CONF_DIR) + "/")
    return pathutils.local(path) if own else path


def with_real_paths(hvp: HvParams) -> HvParams:
    """Parameters with the password file's path as it is on this node."""
    path = hvp.get("vnc_password_file")
    return {**hvp, "vnc_password_file": _real(path)} if path else hvp


def password(path: str) -> str:
    """First line of a password file."""
    real = _real(path)
    try:
        word = io.read_first_line(real)
    except OSError as err:
        raise errors.HypervisorError(
            f"Can not read the VNC password from {real}: {err.strerror}; write one, and 'chmod"
            f" 600 {os.path.basename(path)}'") from err
    if not word:
        raise errors.HypervisorError(f"The password file {real} is empty")
    return word
