"""How to reach a guest's console; runs on the master as well and touches nothing."""

from __future__ import annotations

from ganeti import constants, objects, pathutils
from ganeti.hypervisor import console
from ganeti.hypervisor.xen import xl


def describe(instance: objects.Instance, node: objects.Node) -> console.Console:
    """The text console, by ssh; a wrapper on the node continues a guest that waits for it."""
    return console.ssh(instance.name, node.name, constants.SSH_LOGIN_USER,
                       [pathutils.XEN_CONSOLE_WRAPPER, xl.PROGRAM, instance.name])
