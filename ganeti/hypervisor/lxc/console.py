"""How to reach a container's console; runs on the master as well and touches nothing."""

from __future__ import annotations

from ganeti import constants, objects, pathutils
from ganeti.hypervisor import console


def describe(instance: objects.Instance, node: objects.Node) -> console.Console:
    """lxc-console over ssh, behind a wrapper; its path is logical."""
    return console.ssh(instance.name, node.name, constants.SSH_LOGIN_USER, [
        pathutils.LXC_CONSOLE_WRAPPER, pathutils.logical(pathutils.LXC_DIR), instance.name])
