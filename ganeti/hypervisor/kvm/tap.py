"""Tap devices, the host's side of guests' network interfaces, and the scripts that connect them."""

from __future__ import annotations

import fcntl
import functools
import logging
import os
import shutil
import struct

from ganeti import errors, objects, pathutils
from ganeti.hypervisor import nicscripts
from ganeti.hypervisor.kvm.paths import Files
from ganeti.utils import io

_DEVICE = "/dev/net/tun"
_VHOST = "/dev/vhost-net"
# linux/if_tun.h
_TUNSETIFF = 0x400454CA
_TAP, _NO_PI, _VNET_HDR, _MULTI_QUEUE = 0x0002, 0x1000, 0x4000, 0x0100
#: Taps of instance communication interfaces are told apart by their name
_COMMUNICATION_TAP = "gnt.com.%d"
_COMMUNICATION_NIC = "ganeti:communication:"

#: Values of MIGRATION_PHASE
INCOMING, FINISHED = "incoming", "finished"


def connects_early(nic: objects.Nic) -> bool:
    """Whether an arriving guest's interface is connected before the guest has come.

    Ports of switches may be connected on two nodes at once while a guest moves.
    """
    return nic.nicparams.get("mode") in nicscripts.SWITCHED


@functools.cache
def vhost_usable() -> bool:
    """Whether the kernel moves packets itself; without, QEMU does, only slower."""
    try:
        os.close(os.open(_VHOST, os.O_RDWR))
    except OSError as err:
        logging.warning("vhost_net is asked for, but %s can not be used (%s): the packets of"
                        " guests go through QEMU itself", _VHOST, err.strerror)
        return False
    return True


def create(nic: objects.Nic, queues: int, header: bool) -> tuple[str, list[int]]:
    """Make a tap device; its name, and a file descriptor a queue. It lives while they are open."""
    name = _COMMUNICATION_TAP if (nic.name or "").startswith(_COMMUNICATION_NIC) else ""
    flags = _TAP | _NO_PI | (_VNET_HDR if header else 0) | (_MULTI_QUEUE if queues > 1 else 0)
    fds: list[int] = []
    try:
        for _ in range(queues):
            fd = os.open(_DEVICE, os.O_RDWR | os.O_CLOEXEC)
            fds.append(fd)
            answer = fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
            name = answer[:16].rstrip(b"\0").decode()
    except OSError as err:
        close(fds)
        raise errors.HypervisorError(
            f"Can not make a tap device for interface {nic.name or nic.mac}: {err.strerror}"
            f" ({_DEVICE}); network interfaces of KVM guests need a node daemon that runs as"
            " root and the kernel's tun driver: elsewhere use instances without interfaces"
            ) from err
    return name, fds


def close(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)


def connect(instance: objects.Instance, number: int, nic: objects.Nic, tap: str,
            phase: str = "") -> None:
    """Run the script that connects a tap device to its bridge, switch or route."""
    nicscripts.run(pathutils.KVM_NIC_SETUP, nicscripts.UP, instance.name, instance.tags, number,
                   nic, tap, phase)


def disconnect(name: str, number: int, nic: objects.Nic, tap: str) -> None:
    """Run the same script for an interface that goes; its failure is logged only."""
    try:
        nicscripts.run(pathutils.KVM_NIC_SETUP, nicscripts.DOWN, name, (), number, nic, tap)
    except errors.GenericError as err:
        logging.warning("%s", errors.text(err))


# The record of which interface has which tap, nic/NAME/N ------------------------------------


def records(files: Files) -> list[str]:
    """Tap names in the order of the interfaces."""
    names: list[str] = []
    while os.path.exists(path := os.path.join(files.nics, str(len(names)))):
        names.append(io.read_file(path).strip())
    return names


def write_records(files: Files, names: list[str]) -> None:
    """Write down all tap names anew."""
    forget(files)
    if names:
        os.makedirs(files.nics, exist_ok=True)
    for number, name in enumerate(names):
        io.write_file(os.path.join(files.nics, str(number)), name.encode(), mode=0o644)


def forget(files: Files) -> None:
    if os.path.isdir(files.nics):
        shutil.rmtree(files.nics)
