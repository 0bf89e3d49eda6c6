"""The LXC driver: the order in which the subjects' modules do their part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import constants, errors, objects, pathutils
from ganeti.hypervisor import linux
from ganeti.hypervisor.base import BaseHypervisor, BlockDevice, HvParams, InstanceInfo
from ganeti.hypervisor.lxc import cgroup, config, console, life, limits, program, validate
from ganeti.hypervisor.lxc.paths import Files
from ganeti.utils import io

#: How long a container may take to shut down for a reboot
_REBOOT_PATIENCE = 60


class LxcHypervisor(BaseHypervisor):
    """Containers on the node's own kernel; they fail over, but can not migrate."""

    name = constants.HT_LXC
    can_balloon = True

    # Life ------------------------------------------------------------------------------------

    def start(self, instance: objects.Instance, block_devices: Sequence[BlockDevice],
              paused: bool = False) -> None:
        trouble = self.verify()
        if trouble is not None:
            raise errors.HypervisorError(f"This node can not run containers: {trouble}")
        life.start(instance, block_devices, paused)

    def stop(self, instance: objects.Instance, *, force: bool = False, retry: bool = False,
             name: str | None = None, timeout: float | None = None) -> None:
        """Send the signal that asks to shut down, or end all processes.

        When a container is asked again, and only a first process is left that may not turn
        itself off, that counts as shut down.
        """
        files = Files(name or instance.name)
        if not life.is_running(files):
            force = True
        if force or (retry and life.has_shut_down(files)):
            life.end(files)
        else:
            life.ask_to_stop(files)

    def cleanup(self, name: str) -> None:
        """Remove what a stopped container has left on the node."""
        files = Files(name)
        if life.is_running(files):
            raise errors.HypervisorError(f"Instance {name} still runs; stop it first")
        life.end(files)
        life.remove_traces(files)

    def reboot(self, instance: objects.Instance) -> None:
        """Let the container shut down, and start it again as it is configured."""
        files = Files(instance.name)
        if not life.is_running(files):
            raise errors.HypervisorError(f"Instance {instance.name} does not run on this node")
        life.ask_to_stop(files)
        program.wait(files, "STOPPED", _REBOOT_PATIENCE)
        life.end(files)
        cgroup.remove(files)
        life.run(instance, files)

    # Looking ---------------------------------------------------------------------------------

    def list_instances(self, hvparams: HvParams | None = None) -> list[str]:
        tree = cgroup.tree()
        return [name for name in io.list_visible(pathutils.LXC_DIR)
                if life.first_process(Files(name), tree) is not None]

    def instance_info(self, name: str, hvparams: HvParams | None = None) -> InstanceInfo | None:
        """State of a container as its control groups tell it."""
        init = life.first_process(Files(name))
        if init is None:
            return None
        group = life.group(Files(name))
        return InstanceInfo(name, init, limits.memory(group), limits.vcpus(group),
                            time=limits.cpu_seconds(group))

    def node_info(self, hvparams: HvParams | None = None) -> dict[str, Any]:
        return linux.node_info()

    @classmethod
    def console(cls, instance: objects.Instance, node: objects.Node, group: objects.NodeGroup,
                hvparams: HvParams, beparams: Mapping[str, Any]) -> dict[str, Any]:
        return console.describe(instance, node)

    # Parameters ------------------------------------------------------------------------------

    @classmethod
    def check_syntax(cls, hvparams: HvParams) -> None:
        super().check_syntax(hvparams)
        config.check(hvparams)

    def validate(self, hvparams: HvParams) -> None:
        super().validate(hvparams)
        found = list(validate.parameter_trouble(hvparams))
        if found:
            raise errors.HypervisorError("; ".join(found))

    def verify(self, hvparams: HvParams | None = None) -> str | None:
        return "; ".join(validate.trouble(hvparams)) or None

    # Changes while running -------------------------------------------------------------------

    def balloon(self, instance: objects.Instance, memory: int) -> None:
        files = Files(instance.name)
        if not life.is_running(files):
            raise errors.HypervisorError(f"Instance {instance.name} does not run on this node")
        limits.set_memory(life.group(files), memory)
