"""What migration and fail-over share: where the instance goes, and whether it fits there."""

from __future__ import annotations

from collections.abc import Iterable

from ganeti import constants, errors, objects
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import ipolicy, memory, nics, nodes
from ganeti.cmdlib.instance import allocate, disks
from ganeti.cmdlib.instance.base import InstanceUnit, Level
from ganeti.storage import registry as storage
from ganeti.storage.base import Mirroring


class RelocatingUnit(InstanceUnit):
    """A unit that makes another node the primary one, without copying disks."""

    LOCK_NODES = True
    LOCK_NODE_RES = True

    #: uuid of the node it goes to; None until chosen, and while cleaning up
    target: str | None = None
    #: Free memory of the target in MiB, when it was asked
    target_free: int | None = None

    def expand_more(self) -> None:
        self.source = self.instance.primary_node
        self._require_mirrored()
        if self.op.target_node and self.op.iallocator:
            raise errors.OpPrereqError(
                "Give either a target node or an iallocator, not both", errors.ECODE_INVAL)
        if self.op.target_node or self.op.target_node_uuid:
            self._take_given_target()

    def _require_mirrored(self) -> None:
        kinds = {disk.dev_type for disk in self.disks}
        for kind in sorted(kinds):
            if not storage.template(kind).mirrored:
                raise errors.OpPrereqError(
                    f"Instance {self.instance.name} has disks of the template '{kind}', whose"
                    " data is on one node only; 'gnt-instance move' copies it to another one",
                    errors.ECODE_STATE)
        self.internal = any(
            storage.template(kind).mirroring is Mirroring.INTERNAL for kind in kinds)

    def _take_given_target(self) -> None:
        if self.internal:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} can only go to its secondary node, because that"
                " holds the copy of its disks; no target node can be given", errors.ECODE_INVAL)
        node = self.config.expand_node(self.op.target_node_uuid or self.op.target_node)
        if node.uuid == self.instance.primary_node and not self.op.cleanup:
            raise errors.OpPrereqError(
                f"Node {node.name} is the primary node of instance {self.instance.name} already",
                errors.ECODE_STATE)
        self.target = node.uuid

    # Locks.

    def locks(self, level: Level) -> base.LockRequest | None:
        if level in (Level.NODE, Level.NODE_RES):
            self.refresh()
            if not self.internal and self.target is None:
                return base.LockRequest(base.ALL)
        return super().locks(level)

    def lock_nodes(self) -> Iterable[str]:
        held = self.config.instance_nodes(self.instance)
        return held if self.target is None else [*held, self.target]

    def _keep_locks(self, uuids: Iterable[str]) -> None:
        keep = list(uuids)
        for level in (Level.NODE, Level.NODE_RES):
            self.release(level, keep=keep)

    # Prerequisites.

    def choose_target(self) -> None:
        """Settle the target: the given one, the secondary, or what an allocator says."""
        self.source = self.instance.primary_node
        if self.internal:
            self.target = self.config.secondary_nodes(self.instance)[0]
        elif self.target is None:
            self.target = allocate.relocate(self, self.op.iallocator, self.instance,
                                            [self.source])
            self.feedback.info(f"Selected node {self.node_name(self.target)}")
        if self.target == self.source:
            raise errors.OpPrereqError(
                f"Node {self.node_name(self.target)} is the primary node of instance"
                f" {self.instance.name} already", errors.ECODE_STATE)
        self._keep_locks([*self.config.instance_nodes(self.instance), self.target])
        self._require_fitting_target()

    @property
    def target_node(self) -> objects.Node:
        """The node it goes to."""
        assert self.target is not None
        return self.config.nodes[self.target]

    def _require_fitting_target(self) -> None:
        nodes.require_target(self.target_node)
        group = self.config.group_of(self.target_node)
        if group.uuid != self.primary.group:
            self._require_policy(group)
        self._require_networks(group)
        nics.require_bridges(self, self.instance.nics, self.target_node.uuid)

    def _require_policy(self, group: objects.NodeGroup) -> None:
        """Another group may have another policy."""
        for text in ipolicy.require(
                self.config, group, ipolicy.of_instance(self.config, self.instance),
                f"Instance {self.instance.name}", ignore=self.op.ignore_ipolicy):
            self.feedback.warning(text)

    def _require_networks(self, group: objects.NodeGroup) -> None:
        """An interface in a network needs that network in the target's group as well."""
        for index, nic in enumerate(self.instance.nics):
            if nic.network and nic.network not in group.networks:
                name = self.config.networks[nic.network].name
                raise errors.OpPrereqError(
                    f"NIC {index} of instance {self.instance.name} is in network {name}, which is"
                    f" not connected to node group {group.name}", errors.ECODE_STATE)

    def require_target_memory(self) -> None:
        """Refuse a target without the memory that the instance needs at least."""
        wanted = self.config.filled_beparams(self.instance)[constants.BE_MINMEM]
        self.target_free = memory.require(
            self, self.target_node.uuid, f"run instance {self.instance.name} there", wanted,
            self.instance.hypervisor)

    # Hooks.

    def move_env(self) -> dict[str, object]:
        """Old and new nodes."""
        env: dict[str, object] = {
            "OLD_PRIMARY": self.node_name(self.source),
            "NEW_PRIMARY": self.node_name(self.target) if self.target else "",
        }
        if self.internal:
            env["OLD_SECONDARY"] = env["NEW_PRIMARY"]
            env["NEW_SECONDARY"] = env["OLD_PRIMARY"]
        else:
            env["OLD_SECONDARY"] = env["NEW_SECONDARY"] = ""
        return env

    # Steps.

    def record_primary(self, node_uuid: str) -> None:
        """Note where the instance lives now, and wait until that is safe on disk.

        A master daemon that dies after this finds the truth when it starts again.
        """
        self.commit(primary_node=node_uuid)
        self.cfg.wait_durable()

    def require_consistent_disks(self, *, alone: bool = False) -> None:
        """Refuse a target whose copy of a disk is not complete (mirrors kept by Ganeti only).

        A copy that is `alone`, because the other node is off-line, can not be in step with it,
        but has to be complete; what is not active is judged when it is activated.
        """
        for disk in self.disks:
            if storage.template(disk.dev_type).mirroring is not Mirroring.INTERNAL:
                continue
            result = self.rpc.blockdev_find(self.target_node.uuid, (disk, self.instance))
            status = result.raise_if_failed(
                f"Can not find {disks.describe(disk)} on node {self.target_node.name}")
            if alone and (not status or status["ldisk_status"] == constants.LDS_OKAY):
                continue
            if not status or status["is_degraded"] or status["ldisk_status"] not in (
                    constants.LDS_OKAY, constants.LDS_SYNC):
                raise errors.OpExecError(
                    f"{disks.describe(disk)} is degraded or not synchronised on node"
                    f" {self.target_node.name}, aborting")
