"""What the units that work on one existing instance share: finding it, locks, hooks.

The steps on its disks are in `disks`, the checks common to several units in `cmdlib.checks`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any, ClassVar

from ganeti import constants, errors, objects
from ganeti.cmdlib import base
from ganeti.cmdlib.instance import hookenv
from ganeti.hypervisor import registry as hypervisors
from ganeti.hypervisor.base import RUNNING

Level = base.Level


class HookNodes(enum.Enum):
    """Which nodes, besides the master, run an instance's hooks."""

    MASTER = "master"
    INSTANCE = "instance"


class InstanceUnit(base.LogicalUnit):
    """A unit for one instance that exists.

    After `expand` there is `instance`; it is read again whenever locks were waited for, because
    the instance may have been changed or removed in the meantime.
    """

    INSTANCE_SHARED: ClassVar[bool] = False
    #: Lock the nodes of the instance as well (and their resources)
    LOCK_NODES: ClassVar[bool] = False
    LOCK_NODE_RES: ClassVar[bool] = False
    HOOK_NODES: ClassVar[HookNodes] = HookNodes.INSTANCE

    instance: objects.Instance

    def expand(self) -> None:
        self.instance = self.config.expand_instance(
            self.op.instance_uuid or self.op.instance_name)
        self._require_same_instance()
        self.expand_more()

    def expand_more(self) -> None:
        """Further names and checks of a unit that need no lock."""

    def _require_same_instance(self) -> None:
        """A uuid and a name that came together have to mean the same instance."""
        if not self.op.instance_uuid or not self.op.instance_name:
            return
        named = self.config.expand_instance(self.op.instance_name)
        if named.uuid != self.op.instance_uuid:
            raise errors.OpPrereqError(
                f"Instance {self.op.instance_name} has the UUID {named.uuid}, not the given"
                f" {self.op.instance_uuid}; it was replaced by another one of that name",
                errors.ECODE_NOTUNIQUE)

    def refresh(self) -> objects.Instance:
        """Read the instance again from the newest configuration."""
        found = base.still_there(self.config.instances.get(self.instance.uuid),
                                 f"Instance {self.instance.name}")
        if found.name != self.instance.name:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} was renamed to {found.name} by another job",
                errors.ECODE_STATE)
        self.instance = found
        return found

    # Locks.

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.INSTANCE:
            return base.LockRequest([self.instance.name], shared=self.INSTANCE_SHARED)
        if (level == Level.NODE and self.LOCK_NODES) or (
                level == Level.NODE_RES and self.LOCK_NODE_RES):
            self.refresh()
            return base.LockRequest(frozenset(self.lock_nodes()))
        return None

    def lock_nodes(self) -> Iterable[str]:
        """Uuids of the nodes to lock."""
        return self.config.instance_nodes(self.instance)

    # Prerequisites.

    def check_prereq(self) -> None:
        self.refresh()
        if self.instance.forthcoming:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} is forthcoming: it is planned, but not created"
                " yet ('gnt-instance add --commit' creates it)", errors.ECODE_STATE)

    @property
    def primary(self) -> objects.Node:
        """The primary node, as configured now."""
        return self.config.nodes[self.instance.primary_node]

    @property
    def disks(self) -> list[objects.Disk]:
        """The disks, as configured now."""
        return self.config.instance_disks(self.instance)

    @property
    def hypervisor(self) -> Any:
        """Capabilities of the instance's hypervisor."""
        return hypervisors.get_class(self.instance.hypervisor)

    def node_name(self, uuid: str) -> str:
        """Name of a node, for messages."""
        node = self.config.nodes.get(uuid)
        return node.name if node else uuid

    def require_not_offline_state(self, action: str) -> None:
        """Refuse for an instance that is marked offline."""
        if self.instance.admin_state == constants.ADMINST_OFFLINE:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} is marked offline and can not {action};"
                f" 'gnt-instance modify --online {self.instance.name}' makes it usable",
                errors.ECODE_STATE)

    def require_state(self, states: Iterable[str], action: str) -> None:
        """Refuse unless the administrator's wish is one of `states` and the guest agrees."""
        allowed = sorted(states)
        if self.instance.admin_state not in allowed:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} is marked '{self.instance.admin_state}' and can"
                f" not {action}; it has to be {' or '.join(allowed)}", errors.ECODE_STATE)
        if constants.ADMINST_UP in allowed or self.primary.offline:
            return
        if self.is_running():
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} is running and can not {action};"
                f" 'gnt-instance shutdown {self.instance.name}' stops it", errors.ECODE_STATE)

    def runtime_info(self, node_uuid: str | None = None) -> dict[str, Any]:
        """What the hypervisor of a node (the primary by default) knows of the guest; {} if down."""
        node_uuid = node_uuid or self.instance.primary_node
        hvparams = self.config.filled_hvparams(self.instance)
        result = self.rpc.instance_info(
            node_uuid, self.instance.name, self.instance.hypervisor, hvparams)
        result.raise_if_failed(
            f"Can not ask node {self.node_name(node_uuid)} about instance {self.instance.name}",
            prereq=True, ecode=errors.ECODE_ENVIRON)
        return dict(result.payload or {})

    def is_running(self, node_uuid: str | None = None) -> bool:
        """Whether the guest runs on a node (the primary by default)."""
        info = self.runtime_info(node_uuid)
        return bool(info) and info.get("state", RUNNING) == RUNNING

    # Configuration.

    def commit(self, **changes: Any) -> objects.Instance:
        """Change fields of the instance, and return it as it is then."""
        with self.cfg.edit(job=self.job_id) as draft:
            draft.update(draft.config.instances[self.instance.uuid], **changes)
        self.instance = self.config.instances[self.instance.uuid]
        return self.instance

    # Hooks.

    def hooks_env(self) -> dict[str, Any]:
        """The instance's environment; after exec that of the changed instance."""
        current = self.config.instances.get(self.instance.uuid)
        if current is None:
            env = dict(self._last_env)
        else:
            env = self._last_env = self.instance_env(current)
        env.update(self.own_env())
        return env

    _last_env: dict[str, str] = {}

    def instance_env(self, instance: objects.Instance) -> dict[str, str]:
        """The instance's part of the environment."""
        return hookenv.of_instance(self.config, instance)

    def own_env(self) -> dict[str, Any]:
        """The unit's additions to the environment."""
        return {}

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        """The master, and for most units the nodes of the instance."""
        nodes = [self.config.cluster.master_node]
        if self.HOOK_NODES is HookNodes.INSTANCE:
            current = self.config.instances.get(self.instance.uuid, self.instance)
            nodes += self.config.instance_nodes(current)
        unique = list(dict.fromkeys(nodes))
        return unique, unique
