"""The whole configuration as one unchangeable tree, with the lookups everybody needs.

`with_changes()` makes the next version: containers, indexes and encodings that a change does not
touch are shared with the version before. Reading and writing the file is `ganeti.config`'s part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Self, TypeVar, cast

from ganeti import errors, serializer
from ganeti.objects.base import ConfigObject
from ganeti.objects.cluster import Cluster
from ganeti.objects.disk import Disk
from ganeti.objects.filled import FilledParameters
from ganeti.objects.filter import FilterRule
from ganeti.objects.frozen import FrozenDict, freeze
from ganeti.objects.group import NodeGroup
from ganeti.objects.instance import Instance
from ganeti.objects.network import Network
from ganeti.objects.node import Node
from ganeti.utils import text

T = TypeVar("T")
Named = TypeVar("Named", Node, Instance, NodeGroup, Network)

#: The containers of the file, and what lies in them.
CONTAINERS: dict[str, type[ConfigObject]] = {
    cls.CONTAINER: cls for cls in (Node, NodeGroup, Instance, Network, Disk, FilterRule)}

_SCALARS = {"version": (int, None), "ctime": ((int, float), 0.0), "mtime": ((int, float), 0.0),
            "serial_no": (int, None)}

DT_DISKLESS = "diskless"
DT_MIXED = "mixed"


class ConfigData(FilledParameters):
    """One version of the configuration."""

    __slots__ = ("_cache", "_chunks", "cluster", "ctime", "disks", "extra", "filters", "instances",
                 "mtime", "networks", "nodegroups", "nodes", "serial_no", "version")

    cluster: Cluster
    nodes: Mapping[str, Node]
    nodegroups: Mapping[str, NodeGroup]
    instances: Mapping[str, Instance]
    networks: Mapping[str, Network]
    disks: Mapping[str, Disk]
    filters: Mapping[str, FilterRule]

    def __init__(self, *, version: int, cluster: Cluster, serial_no: int = 1, ctime: float = 0.0,
                 mtime: float = 0.0, extra: Mapping[str, Any] | None = None,
                 **containers: Mapping[str, Any]) -> None:
        unknown = containers.keys() - CONTAINERS.keys()
        if unknown:
            raise TypeError(f"ConfigData has no {', '.join(sorted(unknown))}")
        self.version, self.cluster, self.serial_no = version, cluster, serial_no
        self.ctime, self.mtime = ctime, mtime
        self.extra: FrozenDict[str, Any] = freeze(dict(extra or {}))
        for name in CONTAINERS:
            content = containers.get(name, {})
            if not isinstance(content, MappingProxyType):
                content = MappingProxyType(dict(content))
            setattr(self, name, content)
        #: (what was computed, the containers it was computed from) -> result
        self._cache: dict[tuple[str, tuple[str, ...]], Any] = {}
        #: container -> its JSON text
        self._chunks: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return (f"<ConfigData {self.cluster.cluster_name} version {self.serial_no}: "
                f"{len(self.nodes)} nodes, {len(self.instances)} instances>")

    # Reading and writing

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Read the decoded file; `ConfigurationError` names the object and key at fault."""
        if not isinstance(data, dict):
            raise errors.ConfigurationError("the configuration is not a JSON object")
        values: dict[str, Any] = {}
        for name, (kind, default) in _SCALARS.items():
            value = data.get(name, default)
            if not isinstance(value, cast("type", kind)) or isinstance(value, bool):
                raise errors.ConfigurationError(
                    f"the configuration's key '{name}' is missing or not a number")
            values[name] = value
        if "cluster" not in data:
            raise errors.ConfigurationError("the configuration's key 'cluster' is missing")
        values["cluster"] = Cluster.from_dict(data["cluster"])
        for name, kind in CONTAINERS.items():
            values[name] = _read_container(name, kind, data.get(name, {}))
        known = values.keys()
        values["extra"] = {key: value for key, value in data.items() if key not in known}
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The tree as config.data holds it."""
        result: dict[str, Any] = {name: getattr(self, name) for name in _SCALARS}
        result["cluster"] = self.cluster.to_dict()
        for name in CONTAINERS:
            result[name] = {uuid: item.to_dict() for uuid, item in self.container(name).items()}
        result.update(self.extra)
        return result

    def encode(self) -> bytes:
        """The bytes of config.data; only what changed since the last version is encoded anew."""
        parts = [b"%s:%s" % (serializer.dump(name), serializer.dump(getattr(self, name)))
                 for name in _SCALARS]
        parts.append(b'"cluster":' + self.cluster.encode())
        parts += [b'"%s":%s' % (name.encode(), self._chunk(name)) for name in CONTAINERS]
        parts += [b"%s:%s" % (serializer.dump(key), serializer.dump(value))
                  for key, value in self.extra.items()]
        return b"{" + b",\n".join(parts) + b"}\n"

    def _chunk(self, name: str) -> bytes:
        chunk = self._chunks.get(name)
        if chunk is None:
            chunk = b"{" + b",\n".join(
                [b'"%s":%s' % (uuid.encode(), item.encode())
                 for uuid, item in self.container(name).items()]) + b"}"
            self._chunks[name] = chunk
        return chunk

    # Making the next version

    def container(self, name: str) -> Mapping[str, Any]:
        """The objects of a container by uuid."""
        content: Mapping[str, Any] = getattr(self, name)
        return content

    def with_changes(self, puts: Iterable[ConfigObject] = (),
                     removes: Iterable[ConfigObject] = (), **scalars: Any) -> Self:
        """The version with some objects put in (new or in place of the old) or taken out.

        The cluster is put like any other object; ``scalars`` are serial_no, mtime and so on.
        """
        touched: dict[str, dict[str, Any]] = {}
        values: dict[str, Any] = {"cluster": self.cluster, "extra": self.extra}
        values.update((name, getattr(self, name)) for name in _SCALARS)
        for item in removes:
            _mutable(self, touched, item).pop(item.uuid, None)  # type: ignore[attr-defined]
        for item in puts:
            if isinstance(item, Cluster):
                values["cluster"] = item
            else:
                _mutable(self, touched, item)[item.uuid] = item  # type: ignore[attr-defined]
        values.update(scalars)
        for name in CONTAINERS:
            values[name] = touched[name] if name in touched else getattr(self, name)
        new = type(self)(**values)
        # other threads may be adding answers to this version: look at a copy
        for name, chunk in list(self._chunks.items()):
            if name not in touched:
                new._chunks[name] = chunk
        stale = touched.keys() | ({"cluster"} if new.cluster is not self.cluster else set())
        for key, result in list(self._cache.items()):
            if stale.isdisjoint(key[1]):
                new._cache[key] = result
        return new

    def cached(self, what: str, sources: tuple[str, ...], compute: Callable[[], T]) -> T:
        """Keep a derived value as long as the containers it comes from stay the same."""
        key = (what, sources)
        try:
            return cast("T", self._cache[key])
        except KeyError:
            result = self._cache[key] = compute()
            return result

    # Lookups

    def node(self, uuid: str) -> Node:
        """The node with this uuid; ConfigurationError when there is none."""
        return _by_uuid(self.nodes, uuid, "node")

    def instance(self, uuid: str) -> Instance:
        """The instance with this uuid."""
        return _by_uuid(self.instances, uuid, "instance")

    def group(self, uuid: str) -> NodeGroup:
        """The node group with this uuid."""
        return _by_uuid(self.nodegroups, uuid, "node group")

    def network(self, uuid: str) -> Network:
        """The network with this uuid."""
        return _by_uuid(self.networks, uuid, "network")

    def disk(self, uuid: str) -> Disk:
        """The disk with this uuid."""
        return _by_uuid(self.disks, uuid, "disk")

    def _names(self, container: str) -> dict[str, Any]:
        return self.cached("names", (container,), lambda: {
            item.name: item for item in self.container(container).values()})

    def node_by_name(self, name: str) -> Node | None:
        """The node with exactly this name."""
        return cast("Node | None", self._names("nodes").get(name))

    def instance_by_name(self, name: str) -> Instance | None:
        """The instance with exactly this name."""
        return cast("Instance | None", self._names("instances").get(name))

    def group_by_name(self, name: str) -> NodeGroup | None:
        """The node group with exactly this name."""
        return cast("NodeGroup | None", self._names("nodegroups").get(name))

    def network_by_name(self, name: str) -> Network | None:
        """The network with exactly this name."""
        return cast("Network | None", self._names("networks").get(name))

    def expand_node(self, name: str) -> Node:
        """The node meant by a name, an unambiguous short name or a uuid."""
        return self._expand(self.nodes, "nodes", name, "Node", short=True)

    def expand_instance(self, name: str) -> Instance:
        """The instance meant by a name, an unambiguous short name or a uuid."""
        return self._expand(self.instances, "instances", name, "Instance", short=True)

    def expand_group(self, name: str) -> NodeGroup:
        """The node group meant by a name or a uuid."""
        return self._expand(self.nodegroups, "nodegroups", name, "Node group", short=False)

    def expand_network(self, name: str) -> Network:
        """The network meant by a name or a uuid."""
        return self._expand(self.networks, "networks", name, "Network", short=False)

    def _expand(self, container: Mapping[str, Named], where: str, name: str, kind: str,
                short: bool) -> Named:
        names = self._names(where)
        found = names.get(name) or container.get(name)
        if found is None and short:
            full = text.match_name(name, names, case_sensitive=False)
            found = names.get(full) if full is not None else None
        if found is None:
            raise errors.OpPrereqError(f"{kind} '{name}' not known", errors.ECODE_NOENT)
        return cast("Named", found)

    # Who belongs to whom

    @property
    def master_node(self) -> Node:
        """The node that is the master."""
        return self.node(self.cluster.master_node)

    @property
    def master_node_name(self) -> str:
        """Its name."""
        return self.master_node.name

    def group_of(self, node: Node | str) -> NodeGroup:
        """The group of a node, given as object or uuid."""
        return self.group((node if isinstance(node, Node) else self.node(node)).group)

    def group_nodes(self, group_uuid: str) -> list[Node]:
        """The nodes of a group."""
        return self.cached("members", ("nodes",), lambda: _collect(
            (node.group, node) for node in self.nodes.values())).get(group_uuid, [])

    def group_instances(self, group_uuid: str) -> list[Instance]:
        """The instances whose primary node is in a group."""
        return [inst for node in self.group_nodes(group_uuid)
                for inst in self.primaries(node.uuid)]

    def instance_disks(self, instance: Instance) -> list[Disk]:
        """The disks of an instance in their order."""
        return [self.disk(uuid) for uuid in instance.disks]

    def instance_nodes(self, instance: Instance) -> list[str]:
        """uuids of the nodes an instance lives on, the primary first."""
        result = [instance.primary_node]
        for disk in self.instance_disks(instance):
            result += disk_nodes(disk)
        return list(dict.fromkeys(result))

    def secondary_nodes(self, instance: Instance) -> list[str]:
        """uuids of the nodes that hold its disks besides the primary."""
        return self.instance_nodes(instance)[1:]

    def disk_template(self, instance: Instance) -> str:
        """The type its disks have in common; diskless without disks, mixed with several types."""
        kinds = {disk.dev_type for disk in self.instance_disks(instance)}
        if not kinds:
            return DT_DISKLESS
        return kinds.pop() if len(kinds) == 1 else DT_MIXED

    def disk_owner(self, disk_uuid: str) -> Instance | None:
        """The instance a disk is attached to."""
        owners = self.cached("owners", ("instances",), lambda: {
            uuid: instance for instance in self.instances.values() for uuid in instance.disks})
        return owners.get(disk_uuid)

    def primaries(self, node_uuid: str) -> list[Instance]:
        """The instances whose primary node this is."""
        return self.cached("primaries", ("instances",), lambda: _collect(
            (instance.primary_node, instance) for instance in self.instances.values()
        )).get(node_uuid, [])

    def secondaries(self, node_uuid: str) -> list[Instance]:
        """The instances one of whose secondary nodes this is."""
        return self.cached("secondaries", ("instances", "disks"), lambda: _collect(
            (uuid, instance) for instance in self.instances.values()
            for uuid in self.secondary_nodes(instance))).get(node_uuid, [])

    def master_candidates(self) -> list[Node]:
        """The nodes that keep a copy of the configuration, the master among them."""
        return [node for node in self.nodes.values() if node.master_candidate]

    def online_nodes(self) -> list[Node]:
        """The nodes that are not marked offline."""
        return [node for node in self.nodes.values() if not node.offline]


def disk_nodes(disk: Disk) -> Iterator[str]:
    """uuids of the nodes that hold a disk or a part of it, each perhaps several times."""
    yield from disk.nodes
    for child in disk.children:
        yield from disk_nodes(child)


def _mutable(config: ConfigData, touched: dict[str, dict[str, Any]],
             item: ConfigObject) -> dict[str, Any]:
    name = item.CONTAINER
    if not name:
        raise TypeError(f"a {item.KIND} lies in no container of its own")
    if name not in touched:
        touched[name] = dict(config.container(name))
    return touched[name]


def _by_uuid(container: Mapping[str, T], uuid: str, kind: str) -> T:
    try:
        return container[uuid]
    except KeyError:
        raise errors.ConfigurationError(f"the configuration has no {kind} {uuid}") from None


def _collect(pairs: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    result: dict[str, list[T]] = {}
    for key, value in pairs:
        result.setdefault(key, []).append(value)
    return result


def _read_container(name: str, kind: type[ConfigObject], content: Any) -> dict[str, ConfigObject]:
    if not isinstance(content, dict):
        raise errors.ConfigurationError(f"the configuration's key '{name}' is not an object")
    result = {}
    for uuid, data in content.items():
        where = f"{name}[{uuid}]"
        if isinstance(data, dict) and data.get("uuid", uuid) != uuid:
            raise errors.ConfigurationError(f"{where}.uuid is another one: {data['uuid']}")
        if isinstance(data, dict) and "uuid" not in data:
            data = {**data, "uuid": uuid}
        result[uuid] = kind.from_dict(data, where)
    return result
