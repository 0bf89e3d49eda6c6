"""OP_NODE_MIGRATE and OP_NODE_EVACUATE: moving all instances of a node, by jobs of their own."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, objects, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.instance import allocate
from ganeti.cmdlib.instance.base import Level
from ganeti.storage import registry as storage
from ganeti.storage.base import Mirroring


class LUNodeMigrate(base.LogicalUnit):
    """Submit one migration for each instance whose primary node this is."""

    OP = opcodes.OpNodeMigrate
    HOOKS = base.Hooks("node-migrate", constants.HTYPE_NODE)

    def expand(self) -> None:
        self.node = self.config.expand_node(self.op.node_uuid or self.op.node_name)
        self.target: str | None = None
        if self.op.target_node or self.op.target_node_uuid:
            if self.op.iallocator:
                raise errors.OpPrereqError(
                    "Give either a target node or an iallocator, not both", errors.ECODE_INVAL)
            found = self.config.expand_node(self.op.target_node_uuid or self.op.target_node)
            if found.uuid == self.node.uuid:
                raise errors.OpPrereqError(
                    f"Node {found.name} can not be its own target", errors.ECODE_INVAL)
            self.target = found.name

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.NODE:
            return base.LockRequest([self.node.uuid], shared=True)
        return None

    def hooks_env(self) -> dict[str, Any]:
        return {"NODE_NAME": self.node.name,
                "ALLOW_RUNTIME_CHANGES": self.op.allow_runtime_changes}

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        master = [self.config.cluster.master_node]
        return master, master

    def exec(self) -> base.JobsResult:
        migrate = opcodes.get_class("OP_INSTANCE_MIGRATE")
        jobs = [[migrate(
            instance_name=instance.name, mode=self.op.mode, live=self.op.live,
            iallocator=self.op.iallocator, target_node=self.target,
            allow_runtime_changes=self.op.allow_runtime_changes,
            ignore_ipolicy=self.op.ignore_ipolicy)]
            for instance in self.config.primaries(self.node.uuid) if not instance.forthcoming]
        return base.JobsResult(jobs)


class LUNodeEvacuate(base.LogicalUnit):
    """Submit the jobs that clear a node of instances."""

    OP = opcodes.OpNodeEvacuate

    def expand(self) -> None:
        self.node = self.config.expand_node(self.op.node_uuid or self.op.node_name)
        self.remote: objects.Node | None = None
        if (self.op.remote_node or self.op.remote_node_uuid) and self.op.iallocator:
            raise errors.OpPrereqError(
                "Give either a node or an iallocator, not both", errors.ECODE_INVAL)
        if self.op.remote_node or self.op.remote_node_uuid:
            self.remote = self.config.expand_node(
                self.op.remote_node_uuid or self.op.remote_node)
            if self.remote.uuid == self.node.uuid:
                raise errors.OpPrereqError(
                    f"Node {self.node.name} can not be evacuated to itself", errors.ECODE_INVAL)
            if self.op.mode != constants.NODE_EVAC_SEC:
                raise errors.OpPrereqError(
                    "A node can only be given for evacuating secondary instances; primary ones"
                    " need an iallocator", errors.ECODE_INVAL)
        else:
            allocate.name_of(self, self.op.iallocator)
        self.names = self._affected_names()

    def _affected(self) -> list[objects.Instance]:
        found: dict[str, objects.Instance] = {}
        if self.op.mode != constants.NODE_EVAC_SEC:
            found.update((i.uuid, i) for i in self.config.primaries(self.node.uuid))
        if self.op.mode != constants.NODE_EVAC_PRI:
            found.update((i.uuid, i) for i in self.config.secondaries(self.node.uuid))
        return [instance for instance in found.values() if not instance.forthcoming]

    def _affected_names(self) -> list[str]:
        return sorted(instance.name for instance in self._affected())

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.INSTANCE:
            return base.LockRequest(self.names, shared=True)
        if level == Level.NODEGROUP:
            return base.LockRequest({node.group for node in self._nodes()}, shared=True)
        if level == Level.NODE:
            return base.LockRequest({node.uuid for node in self._nodes()}, shared=True)
        return None

    def _nodes(self) -> list[objects.Node]:
        if self.remote is not None:
            return [self.node, self.remote]
        return self.config.group_nodes(self.node.group)

    def check_prereq(self) -> None:
        if self._affected_names() != self.names:
            raise errors.OpExecError(
                f"Instances on node {self.node.name} have changed since the locks were asked for;"
                " run the command again")
        if self.remote is None:
            return
        for instance in self._affected():
            if instance.primary_node == self.remote.uuid:
                raise errors.OpPrereqError(
                    f"Node {self.remote.name} is the primary node of instance {instance.name} and"
                    " can not be its secondary, too", errors.ECODE_INVAL)

    def exec(self) -> base.JobsResult:
        if not self.names:
            return base.JobsResult([])
        if self.remote is not None:
            replace = opcodes.get_class("OP_INSTANCE_REPLACE_DISKS")
            return base.JobsResult([[replace(
                instance_name=name, mode=constants.REPLACE_DISK_CHG, disks=[],
                remote_node=self.remote.name, early_release=self.op.early_release)]
                for name in self.names])
        self._warn_of_unmovable()
        return base.JobsResult(allocate.jobs(
            self, self.op.iallocator,
            {"type": constants.IALLOCATOR_MODE_NODE_EVAC, "instances": self.names,
             "evac_mode": self.op.mode},
            early_release=self.op.early_release,
            ignore_soft_errors=self.op.ignore_soft_errors))

    def _warn_of_unmovable(self) -> None:
        """Instances whose data is on this node only can not be evacuated by anybody."""
        for instance in self._affected():
            kinds = {disk.dev_type for disk in self.config.instance_disks(instance)}
            if any(storage.template(kind).mirroring is Mirroring.NONE for kind in kinds):
                self.feedback.warning(
                    f"The disks of instance {instance.name} are on node {self.node.name} only",
                    hint=f"gnt-instance move {instance.name}")
