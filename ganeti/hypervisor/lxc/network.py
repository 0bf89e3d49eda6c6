"""A container's network interfaces: veth pairs whose outer ends the network scripts connect."""

from __future__ import annotations

import errno
import fcntl
import os
import shlex
import socket
import struct
from collections.abc import Iterator

from ganeti import constants, errors, objects, pathutils
from ganeti.hypervisor import nicscripts
from ganeti.hypervisor.lxc.limits import Setting
from ganeti.hypervisor.lxc.paths import Files

# linux/sockios.h, linux/if.h
_SIOCGIFMTU = 0x8921
_LONGEST_NAME = 15
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
        yield "mtu", str(mtu)
    yield "script.up", script
    yield "script.down", script


def _communication_name() -> str:
    taken = {name for _, name in socket.if_nameindex()}
    number = 0
    while f"{_COMMUNICATION}{number}" in taken:
        number += 1
    return f"{_COMMUNICATION}{number}"


def _mtu(nic: objects.Nic) -> int | None:
    """The MTU of the bridge or switch, so that both ends of the pair have it."""
    if nic.nicparams.get("mode") not in nicscripts.SWITCHED:
        return None
    return device_mtu(nic.nicparams["link"])


def device_mtu(name: str) -> int | None:
    """MTU of an interface of this node, None without one of the name.

    Asked by ioctl, since /sys may show another network namespace.
    """
    request = struct.pack("16sH14x", name.encode()[:_LONGEST_NAME], socket.AF_UNSPEC)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            answer = fcntl.ioctl(asked, _SIOCGIFMTU, request)
        except OSError as err:
            if err.errno == errno.ENODEV:
                return None
            raise errors.HypervisorError(f"MTU of {name}: {err.strerror}") from err
    return int(struct.unpack_from("i", answer, 16)[0])
