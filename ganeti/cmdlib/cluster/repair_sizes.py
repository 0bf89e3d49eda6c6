"""OP_CLUSTER_REPAIR_DISK_SIZES: the configuration learns the true sizes of disks."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ganeti import constants, objects, opcodes
from ganeti.cmdlib import base

Level = base.Level
MIB = 1024 * 1024


class LUClusterRepairDiskSizes(base.LogicalUnit):
    """Ask primary nodes for the sizes of disks, and correct what is recorded."""

    OP = opcodes.OpClusterRepairDiskSizes

    def expand(self) -> None:
        self.named = [self.config.expand_instance(name) for name in self.op.instances]

    def _instances(self) -> list[objects.Instance]:
        config = self.config
        uuids = [inst.uuid for inst in self.named] or list(config.instances)
        return [config.instances[uuid] for uuid in uuids
                if uuid in config.instances and not config.instances[uuid].forthcoming]

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.INSTANCE:
            return base.LockRequest([inst.name for inst in self.named] or base.ALL)
        if level == Level.NODE_RES:
            nodes = sorted({inst.primary_node for inst in self._instances()})
            return base.LockRequest(nodes if self.named else base.ALL, shared=True)
        return None

    def exec(self) -> list[tuple[str, int, str, int]]:
        by_node: dict[str, list[tuple[objects.Instance, int, objects.Disk]]] = defaultdict(list)
        for inst in self._instances():
            for index, disk in enumerate(self.config.instance_disks(inst)):
                by_node[inst.primary_node].append((inst, index, disk))
        changed: list[tuple[str, int, str, int]] = []
        for uuid, entries in sorted(by_node.items()):
            changed += self._of_node(uuid, entries)
        return changed

    def _of_node(self, uuid: str, entries: list[tuple[objects.Instance, int, objects.Disk]],
                 ) -> list[tuple[str, int, str, int]]:
        result = self.rpc.blockdev_getdimensions(uuid, [(disk, inst)
                                                        for inst, _index, disk in entries])
        node = self.config.node(uuid)
        name = node.name
        if result.fail_msg:
            self.feedback.warning(f"Node {name} gave no disk sizes: {result.fail_msg}")
            return []
        if not isinstance(result.payload, list) or len(result.payload) != len(entries):
            self.feedback.warning(f"Node {name} gave sizes of the wrong form, ignored")
            return []
        exclusive = self.config.filled_ndparams(node)[constants.ND_EXCLUSIVE_STORAGE]
        changed = []
        for (inst, index, disk), answer in zip(entries, result.payload, strict=True):
            if answer is None:
                self.feedback.warning(f"Disk {index} of instance {inst.name} has no size on node"
                                      f" {name}, ignored")
                continue
            size, spindles = answer[0] // MIB, answer[1]
            if size and size != disk.size:
                self.feedback.info(f"Disk {index} of instance {inst.name} is {size} MiB, recorded"
                                   f" were {disk.size} MiB")
                self._record(disk, size=size)
                changed.append((inst.name, index, "size", size))
            # elsewhere a disk shares its physical volumes, and nobody counts them
            if exclusive and spindles is not None and spindles != disk.spindles:
                self.feedback.info(f"Disk {index} of instance {inst.name} has {spindles} spindles,"
                                   f" recorded were {disk.spindles or 'none'}")
                self._record(disk, spindles=spindles)
                changed.append((inst.name, index, "spindles", spindles))
            changed += self._children(inst, index, disk, size)
        return changed

    def _record(self, disk: objects.Disk, **values: Any) -> None:
        with self.cfg.edit(job=self.job_id) as draft:
            draft.update(disk, **values)

    def _children(self, inst: objects.Instance, index: int, disk: objects.Disk, size: int,
                  ) -> list[tuple[str, int, str, int]]:
        """The data volume below a mirror is at least as large as the mirror."""
        if not disk.children or disk.children[0].size >= size:
            return []
        current = self.config.disk(disk.uuid)
        first, *others = current.children
        self._record(current, children=[first.replace(size=size), *others])
        return [(inst.name, index, "size", size)]
