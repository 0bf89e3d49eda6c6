"""Guests that are one program each; for showing what a driver is."""

from __future__ import annotations

import os

from ganeti import constants, errors, ht, pathutils
from ganeti.constants.params import EXISTING_FILE, Param, ParamTable
from ganeti.hypervisor import base, console, linux
from ganeti.utils import io, process


def _file(name: str) -> str:
    return os.path.join(pathutils.RUN_DIR, "program-hypervisor", name)


class ProgramHypervisor(base.BaseHypervisor):
    """Each guest is a process that sleeps."""

    name = "program"
    parameters = ParamTable("program", [
        Param("program", ht.AbsPath, "/bin/sleep", paths=(EXISTING_FILE,), required=True,
              help="What a guest runs"),
        Param("seconds", ht.PositiveInt, 1000000, unit="s", help="How long it sleeps"),
    ])

    def start(self, instance, block_devices, paused=False):
        for device in block_devices:
            if not os.path.exists(device.link):
                raise errors.HypervisorError(f"Disk {device.link} is missing")
        os.makedirs(_file(""), exist_ok=True)
        hvparams, beparams = instance.hvparams, instance.beparams
        pid = process.start_daemon([hvparams["program"], str(hvparams["seconds"])])
        io.write_file(_file(instance.name), f"{pid} {beparams[constants.BE_MAXMEM]}"
                                            f" {beparams[constants.BE_VCPUS]}")

    def stop(self, instance, *, force=False, retry=False, name=None, timeout=None):
        info = self.instance_info(name or instance.name)
        if info is not None:
            process.end(info.id, 5)

    def cleanup(self, name):
        io.remove_file(_file(name))

    def reboot(self, instance):
        if self.instance_info(instance.name) is None:
            raise errors.HypervisorError(f"Instance {instance.name} does not run")
        self.stop(instance, force=True)
        self.start(instance, ())

    def list_instances(self, hvparams=None):
        if not os.path.isdir(_file("")):
            return []
        return [name for name in io.list_visible(_file("")) if self.instance_info(name)]

    def instance_info(self, name, hvparams=None):
        try:
            pid, memory, vcpus = map(int, io.read_file(_file(name)).split())
        except FileNotFoundError:
            return None
        return base.InstanceInfo(name, pid, memory, vcpus) if process.alive(pid) else None

    def node_info(self, hvparams=None):
        return linux.node_info()

    @classmethod
    def console(cls, instance, node, group, hvparams, beparams):
        return console.message(instance.name, "A program has no console")

    def verify(self, hvparams=None):
        return None
