"""A container's network interfaces: veth pairs whose outer ends the network scripts connect."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator

from ganeti import constants, objects, pathutils
from ganeti.hypervisor import nicscripts
from ganeti.hypervisor.lxc.limits import Setting
from ganeti.hypervisor.lxc.paths import Files
from ganeti.utils import io

_DEVICES = "/sys/class/net"
#: The scripts tell interfaces of instance communication by their name
_COMMUNICATION = "gnt.com."
_COMMUNICATION_NIC = constants.INSTANCE_COMMUNICATION_NIC_PREFIX


def settings(instance: objects.Instance, files: Files) -> list[Setting]:
    """Lines of the configuration; writes down what the scripts will be told."""
    if not instance.nics:
        # without a line a container shares the node's network
        return [("lxc.net.0.type", "empty")]
    os.makedirs(files.nics, mode=0o755, exist_ok=True)
    found: list[Setting] = []
    for number, nic in enumerate(instance.nics):
        description = os.path.join(files.nics, str(number))
        nicscripts.write(description, _environment(instance, number, nic))
        found += [(f"lxc.net.{number}.{key}", value)
                  for key, value in _interface(number, nic, description)]
    return found


def _environment(instance: objects.Instance, number: int, nic: objects.Nic) -> dict[str, str]:
    """Action and interface are told by LXC when it calls."""
    env = nicscripts.environment("", instance.name, instance.tags, number, nic, "")
    return {key: value for key, value in env.items() if key not in ("ACTION", "INTERFACE")}


def _interface(number: int, nic: objects.Nic, description: str) -> Iterator[Setting]:
    script = shlex.join([pathutils.LXC_NIC_SETUP, description])
    yield "type", "veth"
    yield "flags", "up"
    yield "name", f"eth{number}"
    yield "hwaddr", nic.mac
    if (nic.name or "").startswith(_COMMUNICATION_NIC):
        yield "veth.pair", _communication_name()
    if mtu := _mtu(nic):
        yield "mtu", mtu
    yield "script.up", script
    yield "script.down", script


def _communication_name() -> str:
    taken = set(os.listdir(_DEVICES))
    number = 0
    while f"{_COMMUNICATION}{number}" in taken:
        number += 1
    return f"{_COMMUNICATION}{number}"


def _mtu(nic: objects.Nic) -> str | None:
    """The MTU of the bridge or switch, so that both ends of the pair have it."""
    if nic.nicparams.get("mode") not in nicscripts.SWITCHED:
        return None
    try:
        return io.read_file(os.path.join(_DEVICES, nic.nicparams["link"], "mtu")).strip()
    except FileNotFoundError:
        return None
