"""Network interfaces of a guest: their words for `xl`, and their descriptions for scripts.

A description is the environment that daemons/net-common loads, one file an interface below
``<run dir>/xen-hypervisor/nic/NAME``; `vif-ganeti` finds it by the domain's name.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from ganeti import constants, errors, objects, pathutils
from ganeti.hypervisor import nicscripts
from ganeti.hypervisor.base import HvParams

_COMMUNICATION_NIC = "ganeti:communication:"
#: Of Xen; that for bridges is named by the node's xl.conf
_SWITCH_SCRIPT = "vif-openvswitch"


def specifications(nics: Sequence[objects.Nic], hvp: HvParams, model: Sequence[str] = ()
                   ) -> list[str]:
    """An interface's words for `xl` each; `model` is what emulated cards need."""
    return [",".join([f"mac={nic.mac}", *_address(nic), *_port(nic), *_script(nic, hvp), *model])
            for nic in nics]


def _address(nic: objects.Nic) -> list[str]:
    return [f"ip={nic.ip}"] if nic.ip else []


def _port(nic: objects.Nic) -> list[str]:
    """The bridge, or the switch with the VLANs as Xen's script reads them: sw0.5:7:9."""
    mode, link = nic.nicparams.get("mode"), nic.nicparams.get("link", "")
    if mode == constants.NIC_MODE_OVS:
        return [f"bridge={link}{nic.nicparams.get('vlan') or ''}"]
    return [f"bridge={link}"] if mode in nicscripts.SWITCHED else []


def _script(nic: objects.Nic, hvp: HvParams) -> list[str]:
    if (nic.name or "").startswith(_COMMUNICATION_NIC):
        return [f"script={pathutils.XEN_VIF_METAD_SETUP}"]
    if hvp["vif_script"]:
        return [f"script={hvp['vif_script']}"]
    mode = nic.nicparams.get("mode")
    if mode == constants.NIC_MODE_BRIDGED:
        return []
    script = _SWITCH_SCRIPT if mode == constants.NIC_MODE_OVS else pathutils.XEN_VIF_GANETI
    return [f"script={script}"]


# Descriptions ---------------------------------------------------------------------------------


def _directory(name: str) -> str:
    return os.path.join(pathutils.XEN_NIC_DIR, name)


def describe(instance: objects.Instance) -> None:
    """Write down what scripts should know of an instance's interfaces."""
    forget(instance.name)
    directory = _directory(instance.name)
    try:
        os.makedirs(directory, mode=0o755, exist_ok=True)
        for number, nic in enumerate(instance.nics):
            env = nicscripts.environment(nicscripts.UP, instance.name, instance.tags, number, nic,
                                         interface="")
            nicscripts.write(os.path.join(directory, str(number)), env)
    except OSError as err:
        raise errors.HypervisorError(
            f"Can not describe the interfaces of {instance.name} in {directory}:"
            f" {err.strerror}") from err


def forget(name: str) -> None:
    """Remove the descriptions."""
    directory = _directory(name)
    if os.path.isdir(directory):
        shutil.rmtree(directory)
