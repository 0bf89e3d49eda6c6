"""How to reach a guest's console; runs on the master as well and touches nothing."""

from __future__ import annotations

import os

from ganeti import constants, objects, pathutils
from ganeti.hypervisor import console
from ganeti.hypervisor.base import HvParams
from ganeti.hypervisor.kvm.paths import Files
from ganeti.utils import net

_SOCAT = "/usr/bin/socat"
#: ^] leaves the console
_STDIO = "STDIO,raw,echo=0,escape=0x1d"


def describe(instance: objects.Instance, node: objects.Node, hvparams: HvParams
             ) -> console.Console:
    """The console dict: serial by ssh, else VNC, else SPICE, else a message.

    Paths in it are logical; the wrapper on the node finds the real ones.
    """
    name = instance.name
    if hvparams["serial_console"]:
        files = Files(name)
        return console.ssh(name, node.name, constants.SSH_LOGIN_USER, [
            pathutils.KVM_CONSOLE_WRAPPER, _SOCAT, name, pathutils.logical(files.monitor), _STDIO,
            f"UNIX-CONNECT:{pathutils.logical(files.serial)}"])
    bind = hvparams["vnc_bind_address"]
    if bind and os.path.isabs(bind):
        return console.message(name, f"VNC answers on the socket {bind}/{name}.vnc of {node.name}")
    port = instance.network_port
    if bind and port is not None:
        return console.vnc(name, _host(bind, node), port, port - constants.VNC_BASE_PORT)
    if hvparams["spice_bind"] and port is not None:
        return console.spice(name, _host(hvparams["spice_bind"], node), port)
    return console.message(
        name, f"Instance {name} has neither a serial nor a graphical console; set"
        " 'serial_console', 'vnc_bind_address' or 'spice_bind'")


def _host(bind: str, node: objects.Node) -> str:
    """Where to connect to: the node, unless the console is bound to one address of it."""
    if bind in (constants.IP4_ADDRESS_ANY, constants.IP6_ADDRESS_ANY):
        return node.primary_ip
    return bind if net.is_ip(bind) else node.primary_ip
