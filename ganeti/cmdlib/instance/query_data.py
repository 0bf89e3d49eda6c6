"""OP_INSTANCE_QUERY_DATA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti import constants, objects, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.instance import disks
from ganeti.cmdlib.instance.base import Level
from ganeti.hypervisor.base import RUNNING
from ganeti.storage import registry as storage

UNKNOWN_STATE = "unknown"
_STATUS_KEYS = ("dev_path", "major", "minor", "sync_percent", "estimated_time", "is_degraded",
                "ldisk_status")


class LUInstanceQueryData(base.LogicalUnit):
    """Everything about instances, for `gnt-instance info`; static data costs no node call."""

    OP = opcodes.OpInstanceQueryData

    def expand(self) -> None:
        self.locking = self.op.use_locking or not self.op.static
        self.wanted = [self.config.expand_instance(name).uuid for name in self.op.instances]

    def _instances(self) -> list[objects.Instance]:
        config = self.config
        if not self.op.instances:
            return sorted(config.instances.values(), key=lambda instance: instance.name)
        return [config.instances[uuid] for uuid in self.wanted if uuid in config.instances]

    def locks(self, level: Level) -> base.LockRequest | None:
        if not self.locking:
            return None
        found, config = self._instances(), self.config
        if level == Level.INSTANCE:
            return base.LockRequest([instance.name for instance in found]
                                    if self.op.instances else base.ALL, shared=True)
        nodes = {uuid for instance in found for uuid in self._nodes_of(instance)}
        names: dict[Level, set[str]] = {
            Level.NODEGROUP: {config.nodes[uuid].group for uuid in nodes},
            Level.NODE: nodes,
            Level.NETWORK: {nic.network for instance in found for nic in instance.nics
                            if nic.network},
        }
        return base.LockRequest(names[level], shared=True) if level in names else None

    def _nodes_of(self, instance: objects.Instance) -> list[str]:
        return [uuid for uuid in self.config.instance_nodes(instance)
                if uuid in self.config.nodes]

    def exec(self) -> dict[str, dict[str, Any]]:
        found = [instance for instance in self._instances() if not instance.forthcoming]
        live = {} if self.op.static else self._running(found)
        self.disk_states = {} if self.op.static else self._disk_states(found)
        return {instance.name: self._describe(instance, live) for instance in found}

    def _running(self, found: Sequence[objects.Instance]) -> dict[str, str]:
        """Name -> run state, asked once a node."""
        states: dict[str, str] = {}
        by_node: dict[str, list[objects.Instance]] = {}
        for instance in found:
            if instance.primary_node in self.config.nodes:
                by_node.setdefault(instance.primary_node, []).append(instance)
        kinds = sorted({instance.hypervisor for instance in found if instance.hypervisor})
        params = {kind: self.config.filled_hvparams(kind) for kind in kinds}
        online = [uuid for uuid in by_node if not self.config.nodes[uuid].offline]
        for uuid, result in self.rpc.all_instances_info(online, kinds, params).items():
            if result.fail_msg:
                self.feedback.warning(
                    f"Node {self.config.nodes[uuid].name} does not tell what runs:"
                    f" {result.fail_msg}")
                continue
            for instance in by_node[uuid]:
                info = result.payload.get(instance.name)
                running = bool(info) and info.get("state", RUNNING) == RUNNING
                states[instance.name] = constants.ADMINST_UP if running \
                    else constants.ADMINST_DOWN
        return states

    def _describe(self, instance: objects.Instance, live: dict[str, str]) -> dict[str, Any]:
        config = self.config
        fixed = constants.HV_TABLES.cluster_only(instance.hypervisor)
        primary = config.nodes[instance.primary_node]
        secondaries = [config.nodes[uuid] for uuid in config.secondary_nodes(instance)]
        group = config.group_of(primary)
        groups = [config.group_of(node) for node in secondaries]
        state = None if self.op.static else live.get(instance.name, UNKNOWN_STATE)
        return {
            "name": instance.name,
            "config_state": instance.admin_state,
            "admin_state_source": instance.admin_state_source,
            "run_state": state,
            "pnode": primary.name,
            "pnode_group_uuid": group.uuid,
            "pnode_group_name": group.name,
            "snodes": [node.name for node in secondaries],
            "snodes_group_uuids": [other.uuid for other in groups],
            "snodes_group_names": [other.name for other in groups],
            "os": instance.os,
            "nics": [self._nic(nic) for nic in instance.nics],
            "disk_template": config.disk_template(instance),
            "disks": self._disks(instance),
            "hypervisor": instance.hypervisor,
            "network_port": instance.network_port,
            "hv_instance": dict(instance.hvparams),
            "hv_actual": {name: value for name, value in config.filled_hvparams(instance).items()
                          if name not in fixed},
            "be_instance": dict(instance.beparams),
            "be_actual": config.filled_beparams(instance),
            "os_instance": dict(instance.osparams),
            "os_actual": config.filled_osparams(instance),
            "serial_no": instance.serial_no,
            "mtime": instance.mtime,
            "ctime": instance.ctime,
            "uuid": instance.uuid,
            "tags": sorted(instance.tags),
        }

    def _nic(self, nic: objects.Nic) -> list[Any]:
        """[name, uuid, ip, mac, mode, link, vlan, network uuid, network's description]."""
        params = self.config.filled_nicparams(nic)
        network = self.config.networks.get(nic.network) if nic.network else None
        info = network.to_dict() if network is not None else None
        return [nic.name, nic.uuid, nic.ip, nic.mac, params["mode"], params["link"],
                params.get("vlan"), nic.network, info]

    # Disks.

    def _disk_states(self, found: Sequence[objects.Instance],
                     ) -> dict[tuple[str, str], list[Any]]:
        """(node, disk) uuids -> what the node says of the disk; all nodes are asked at once."""
        wanted: dict[str, list[tuple[objects.Disk, objects.Instance]]] = {}
        for instance in found:
            held = self.config.instance_disks(instance)
            for disk in [*held, *(child for whole in held for child in whole.children)]:
                for uuid in disks.nodes_of(disk, instance):
                    if uuid in self.config.nodes and not self.config.nodes[uuid].offline:
                        wanted.setdefault(uuid, []).append((disk, instance))
        states: dict[tuple[str, str], list[Any]] = {}
        answers = self.rpc.blockdev_getmirrorstatus_multi(list(wanted), wanted) if wanted else {}
        for uuid, result in answers.items():
            if result.fail_msg:
                self.feedback.warning(
                    f"Node {self.config.nodes[uuid].name} does not tell the state of disks:"
                    f" {result.fail_msg}")
                continue
            for (disk, _instance), (good, status) in zip(
                    wanted[uuid], result.payload, strict=True):
                if good:
                    states[uuid, disk.uuid] = [status[key] for key in _STATUS_KEYS]
        return states

    def _disks(self, instance: objects.Instance) -> list[dict[str, Any]]:
        return [self._disk(disk, instance) for disk in self.config.instance_disks(instance)]

    def _disk(self, disk: objects.Disk, instance: objects.Instance) -> dict[str, Any]:
        primary, *others = disks.nodes_of(disk, instance)
        place = storage.template(disk.dev_type).shown_id(disk)
        return {
            "iv_name": disk.iv_name,
            "dev_type": disk.dev_type,
            "logical_id": place,
            "physical_id": place,
            "pstatus": self.disk_states.get((primary, disk.uuid)),
            "sstatus": self.disk_states.get((others[0], disk.uuid)) if others else None,
            "children": [self._disk(child, instance) for child in disk.children],
            "mode": disk.mode,
            "size": disk.size,
            "spindles": disk.spindles,
            "name": disk.name,
            "uuid": disk.uuid,
        }
