"""OP_NODE_QUERYVOLS, OP_NODE_QUERY_STORAGE and OP_NODE_MODIFY_STORAGE."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ganeti import constants, errors, ht, objects, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.cluster.verify import footprint
from ganeti.cmdlib.node.base import Level, NodeUnit, wanted_nodes
from ganeti.storage import registry

Volume = dict[str, Any]


class _ManyNodes(base.LogicalUnit):
    """A question to the named nodes, or to all."""

    def expand(self) -> None:
        self.nodes = wanted_nodes(self.config, self.op.nodes)

    def locks(self, level: Level) -> base.LockRequest | None:
        if level != Level.NODE:
            return None
        names = [node.uuid for node in self.nodes] if self.op.nodes else base.ALL
        return base.LockRequest(names, shared=True)

    def reachable(self) -> list[objects.Node]:
        """The nodes that can be asked, as configured now."""
        config = self.config
        return [config.nodes[node.uuid] for node in self.nodes
                if node.uuid in config.nodes and not config.nodes[node.uuid].offline]

    def answers(self, results: Mapping[str, Any], what: str) -> Iterator[tuple[objects.Node, Any]]:
        """Each node with what it answered; one that did not is told of and left out."""
        for node in self.reachable():
            result = results[node.uuid]
            if result.fail_msg:
                self.feedback.warning(f"Node {node.name} can not list its {what}:"
                                      f" {result.fail_msg}")
                continue
            yield node, result.payload or ()


class LUNodeQueryvols(_ManyNodes):
    """List the logical volumes of nodes, and the instances that own them."""

    OP = opcodes.OpNodeQueryvols

    FIELDS: dict[str, Callable[[objects.Node, Volume, str], str]] = {
        "node": lambda node, volume, owner: node.name,
        "phys": lambda node, volume, owner: volume["dev"],
        "vg": lambda node, volume, owner: volume["vg"],
        "name": lambda node, volume, owner: volume["name"],
        "size": lambda node, volume, owner: str(int(float(volume["size"]))),
        "instance": lambda node, volume, owner: owner,
    }

    def expand(self) -> None:
        super().expand()
        _require_fields(self.op.output_fields, self.FIELDS)

    def exec(self) -> list[list[str]]:
        owners = footprint.volumes(self.config)
        results = self.rpc.node_volumes([node.uuid for node in self.reachable()])
        rows = []
        for node, volumes in self.answers(results, "volumes"):
            for volume in sorted(volumes, key=lambda item: item["dev"]):
                name = f"{volume['vg']}/{volume['name']}"
                owner = owners.get(node.uuid, {}).get(name, "-")
                rows.append([self.FIELDS[field](node, volume, owner)
                             for field in self.op.output_fields])
        return rows


def _require_fields(names: list[str], known: Any) -> None:
    for name in names:
        if name not in known:
            raise errors.OpPrereqError(
                f"There is no field '{name}'{ht.nearest_hint(name, known)}; known are"
                f" {', '.join(sorted(known))}", errors.ECODE_INVAL)


class LUNodeQueryStorage(_ManyNodes):
    """List the storage units of one type on nodes."""

    OP = opcodes.OpNodeQueryStorage

    def expand(self) -> None:
        super().expand()
        _require_fields(self.op.output_fields, constants.VALID_STORAGE_FIELDS)
        self.type = self.op.storage_type or self._default_type()
        if self.type not in constants.STS_REPORT:
            raise errors.OpPrereqError(
                f"Storage units of type {self.type} can not be listed; possible are "
                f"{', '.join(sorted(constants.STS_REPORT))}", errors.ECODE_INVAL)

    def _default_type(self) -> str:
        """The type of the first enabled template whose storage can be listed."""
        for name in self.config.cluster.enabled_disk_templates:
            kind = registry.template(name).storage_type
            if kind in constants.STS_REPORT:
                return kind
        raise errors.OpPrereqError(
            "No enabled disk template has storage that can be listed; give --storage-type",
            errors.ECODE_INVAL)

    def exec(self) -> list[list[Any]]:
        asked = [name for name in self.op.output_fields
                 if name not in (constants.SF_NODE, constants.SF_TYPE)]
        if constants.SF_NAME not in asked:
            asked.insert(0, constants.SF_NAME)
        results = self.rpc.storage_list(
            [node.uuid for node in self.reachable()], self.type,
            storage_args(self.config, self.type), self.op.name, asked)
        rows = []
        for node, listed in self.answers(results, "storage"):
            units = [dict(zip(asked, row, strict=True)) for row in listed]
            for unit in sorted(units, key=lambda unit: str(unit[constants.SF_NAME])):
                unit[constants.SF_NODE] = node.name
                unit[constants.SF_TYPE] = self.type
                rows.append([unit[field] for field in self.op.output_fields])
        return rows


def storage_args(config: objects.ConfigData, kind: str) -> list[Any]:
    """What a node has to know besides the type: the directories of files."""
    cluster = config.cluster
    directories = {
        constants.ST_FILE: [cluster.file_storage_dir, cluster.shared_file_storage_dir],
        constants.ST_SHARED_FILE: [cluster.shared_file_storage_dir],
        constants.ST_GLUSTER: [cluster.gluster_storage_dir]}
    return [directories[kind]] if kind in directories else []


class LUNodeModifyStorage(NodeUnit):
    """Change a storage unit of a node."""

    OP = opcodes.OpNodeModifyStorage

    def expand(self) -> None:
        super().expand()
        allowed = constants.MODIFIABLE_STORAGE_FIELDS.get(self.op.storage_type)
        if not allowed:
            raise errors.OpPrereqError(
                f"Storage units of type {self.op.storage_type} can not be changed",
                errors.ECODE_INVAL)
        wrong = sorted(self.op.changes.keys() - allowed)
        if wrong:
            raise errors.OpPrereqError(
                f"These properties of {self.op.storage_type} can not be changed: "
                f"{', '.join(wrong)}", errors.ECODE_INVAL)

    def locks(self, level: Level) -> base.LockRequest | None:
        return base.LockRequest([self.node.uuid]) if level == Level.NODE else None

    def check_prereq(self) -> None:
        if self.refresh().offline:
            raise errors.OpPrereqError(f"Node {self.node.name} is offline", errors.ECODE_STATE)

    def exec(self) -> None:
        kind = self.op.storage_type
        result = self.rpc.storage_modify(self.node.uuid, kind, storage_args(self.config, kind),
                                         self.op.name, dict(self.op.changes))
        result.raise_if_failed(
            f"Failed to modify storage unit '{self.op.name}' on {self.node.name}")
