"""OP_TEST_ALLOCATOR: show what an iallocator is told, or what it answers. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ganeti import constants, errors, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.instance import allocate
from ganeti.masterd import iallocator


class LUTestAllocator(base.LogicalUnit):
    """Build a request, and show it (direction in) or the allocator's answer (out)."""

    OP = opcodes.OpTestAllocator
    EXCLUSIVE = True

    def check_prereq(self) -> None:
        if self.op.direction == constants.IALLOCATOR_DIR_OUT and not self.op.iallocator:
            raise errors.OpPrereqError("Which iallocator is to be tried? (--iallocator)",
                                       errors.ECODE_INVAL)
        self.request = {"type": self.op.mode, **_REQUESTS[self.op.mode](self)}

    def exec(self) -> str:
        if self.op.direction == constants.IALLOCATOR_DIR_IN:
            return iallocator.input_text(self, self.request)
        params = self.config.cluster.default_iallocator_params
        return iallocator.ask(self, self.op.iallocator, self.request, params)

    # Requests, by mode.

    def _need(self, *names: str) -> None:
        missing = [name for name in names if getattr(self.op, name) is None]
        if missing:
            raise errors.OpPrereqError(
                f"Mode {self.op.mode} needs {', '.join(missing)}", errors.ECODE_INVAL)

    def _wanted(self, name: str) -> allocate.Wanted:
        """The instance that the opcode describes."""
        self._need("memory", "disk_template", "os", "vcpus", "nics", "disks")
        if self.config.instance_by_name(name) is not None:
            raise errors.OpPrereqError(f"Instance {name} exists already", errors.ECODE_EXISTS)
        disks = []
        for index, disk in enumerate(self.op.disks):
            if not isinstance(disk, dict) or not isinstance(disk.get("size"), int):
                raise errors.OpPrereqError(
                    f"disks[{index}]: expected an object with the size in MiB",
                    errors.ECODE_INVAL)
            disks.append({"mode": constants.DISK_RDWR, **disk})
        return allocate.Wanted(
            name=name, disk_template=self.op.disk_template, os=self.op.os,
            hypervisor=self.op.hypervisor or self.config.cluster.default_hypervisor,
            beparams={constants.BE_VCPUS: self.op.vcpus, constants.BE_MAXMEM: self.op.memory,
                      constants.BE_SPINDLE_USE: self.op.spindle_use},
            disks=disks, nics=self.op.nics, tags=self.op.tags, group_name=self.op.group_name)

    def _allocate(self) -> dict[str, Any]:
        return self._wanted(self.op.name).request()

    def _multi_allocate(self) -> dict[str, Any]:
        return {"instances": [self._wanted(f"{self.op.name}-{index}").request()
                              for index in range(max(1, self.op.count))]}

    def _relocate(self) -> dict[str, Any]:
        inst = self.config.expand_instance(self.op.name)
        config = self.config
        return {"name": inst.name, "required_nodes": 1,
                "disk_space_total": sum(disk.size for disk in config.instance_disks(inst)),
                "relocate_from": [config.node(uuid).name
                                  for uuid in config.secondary_nodes(inst)]}

    def _instances(self) -> list[str]:
        self._need("instances")
        return [self.config.expand_instance(name).name for name in self.op.instances]

    def _node_evacuate(self) -> dict[str, Any]:
        self._need("evac_mode")
        return {"instances": self._instances(), "evac_mode": self.op.evac_mode}

    def _change_group(self) -> dict[str, Any]:
        groups = [self.config.expand_group(name).uuid for name in self.op.target_groups or ()]
        return {"instances": self._instances(), "target_groups": groups}

    def _allocate_secondary(self) -> dict[str, Any]:
        return {"name": self.config.expand_instance(self.op.name).name}


_REQUESTS: dict[str, Callable[[LUTestAllocator], dict[str, Any]]] = {
    constants.IALLOCATOR_MODE_ALLOC: LUTestAllocator._allocate,
    constants.IALLOCATOR_MODE_MULTI_ALLOC: LUTestAllocator._multi_allocate,
    constants.IALLOCATOR_MODE_RELOC: LUTestAllocator._relocate,
    constants.IALLOCATOR_MODE_NODE_EVAC: LUTestAllocator._node_evacuate,
    constants.IALLOCATOR_MODE_CHG_GROUP: LUTestAllocator._change_group,
    constants.IALLOCATOR_MODE_ALLOCATE_SECONDARY: LUTestAllocator._allocate_secondary,
}
