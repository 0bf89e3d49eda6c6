"""A master side in one process: real configuration, locks, processor and hooks; nodes answer from
a script, since the call is where the master side ends.
"""

from __future__ import annotations

import itertools
import uuid as uuids
from collections.abc import Callable, Iterable
from typing import Any

from ganeti import constants, mcpu, objects, opcodes, serializer
from ganeti.config import store
from ganeti.jqueue import job as jobs
from ganeti.locking import manager
from ganeti.masterd import context
from ganeti.rpc import defs
from ganeti.rpc.result import RpcResult

GROUP = "00000000-0000-4000-8000-0000000000aa"
_numbers = itertools.count(1)


def new_uuid(number: int | None = None) -> str:
    """A uuid that shows its number."""
    number = next(_numbers) + 1000 if number is None else number
    return f"00000000-0000-4000-8000-{number:012d}"


def make_node(number: int, **values: Any) -> objects.Node:
    """Node number 1 is node1.example.com with 192.0.2.1."""
    defaults: dict[str, Any] = {
        "uuid": new_uuid(number), "name": f"node{number}.example.com", "group": GROUP,
        "primary_ip": f"192.0.2.{number}", "secondary_ip": f"192.0.2.{number}",
        "master_candidate": True}
    return objects.Node(**{**defaults, **values})


def make_cluster(**values: Any) -> objects.Cluster:
    """A cluster whose master is node 1, with the fake hypervisor and file storage."""
    defaults: dict[str, Any] = {
        "uuid": new_uuid(999), "cluster_name": "cluster.example.com", "mac_prefix": "aa:00:00",
        "master_node": new_uuid(1), "master_ip": "192.0.2.200", "master_netdev": "lo",
        "master_netmask": 32, "enabled_hypervisors": [constants.HT_FAKE],
        "enabled_disk_templates": [constants.DT_DISKLESS, constants.DT_FILE],
        "file_storage_dir": "/srv/ganeti/file-storage", "modify_etc_hosts": False,
        "modify_ssh_setup": False, "ipolicy": constants.ipolicy_defaults()}
    return objects.Cluster(**{**defaults, **values})


def make_config(nodes: Iterable[objects.Node] | None = None, instances: Iterable[Any] = (),
                disks: Iterable[Any] = (), groups: Iterable[Any] = (), networks: Iterable[Any] = (),
                **cluster: Any) -> objects.ConfigData:
    """A configuration of three candidates in the group default, if nothing else is said."""
    nodes = [make_node(number) for number in (1, 2, 3)] if nodes is None else nodes
    cluster.setdefault("candidate_certs", {
        node.uuid: f"digest-{node.name}" for node in nodes if node.master_candidate})
    default = objects.NodeGroup(uuid=GROUP, name="default")
    by_uuid = {"nodes": nodes, "instances": instances, "disks": disks, "networks": networks,
               "nodegroups": [default, *groups]}
    return objects.ConfigData(
        version=constants.CONFIG_VERSION, cluster=make_cluster(**cluster),
        **{name: {item.uuid: item for item in items} for name, items in by_uuid.items()})


def make_instance(name: str, node: int = 1, **values: Any) -> objects.Instance:
    """A stopped fake instance without disks."""
    defaults: dict[str, Any] = {
        "uuid": str(uuids.uuid5(uuids.NAMESPACE_DNS, name)), "name": name,
        "primary_node": new_uuid(node), "os": "noop", "hypervisor": constants.HT_FAKE,
        "admin_state": constants.ADMINST_DOWN}
    return objects.Instance(**{**defaults, **values})


def make_drbd(owner: str, nodes: tuple[int, int] = (1, 2), minors: tuple[int, int] = (0, 0),
              port: int = 11000, **values: Any) -> objects.Disk:
    """A mirrored disk of 1 GiB with its two volumes."""
    ends = [new_uuid(number) for number in nodes]
    children = [objects.Disk(uuid=str(uuids.uuid5(uuids.NAMESPACE_DNS, f"{owner}-{part}")),
                             dev_type=constants.DT_PLAIN, size=size, nodes=ends,
                             logical_id=["xenvg", f"{owner}.disk0_{part}"])
                for part, size in (("data", 1024), ("meta", 128))]
    defaults: dict[str, Any] = {
        "uuid": str(uuids.uuid5(uuids.NAMESPACE_DNS, f"{owner}-drbd")),
        "dev_type": constants.DT_DRBD8, "size": 1024, "nodes": ends, "iv_name": "disk/0",
        "logical_id": [*ends, port, *minors, "secret"], "children": children}
    return objects.Disk(**{**defaults, **values})


class ScriptedNodes:
    """Stands where the node daemons begin. Arguments are bound and encoded as for the wire, so a
    call with wrong or unencodable arguments fails here as it would there."""

    def __init__(self, config: Callable[[], objects.ConfigData]) -> None:
        self._config = config
        self._answers: dict[str, Any] = {}
        self.calls: list[tuple[str, str, list[Any]]] = []

    def answer(self, call: str, value: Any) -> None:
        """Script a call: a payload, or a function (node key, *args) that gives it.

        An exception as value or raised by the function makes the call fail with its text.
        """
        defs.get(call)
        self._answers[call] = value

    def called(self, call: str) -> list[tuple[str, list[Any]]]:
        """(node name or key, arguments) of every call of this name."""
        return [(node, args) for name, node, args in self.calls if name == call]

    def _name(self, key: str) -> str:
        """The name of a node given by uuid, name or address; a stranger keeps what was given."""
        return next((node.name for node in self._config().nodes.values()
                     if key in (node.uuid, node.name, node.primary_ip)), key)

    def __getattr__(self, name: str) -> Any:
        call = defs.table().get(name)
        if call is None:
            raise AttributeError(name)
        if call.multi:
            return lambda nodes, *args, **kwargs: self.multi(nodes, name, *args, **kwargs)
        return lambda node, *args, **kwargs: self.multi([node], name, *args, **kwargs)[node]

    def call(self, node: str, name: str, *args: Any, **kwargs: Any) -> RpcResult:
        return self.multi([node], name, *args, **kwargs)[node]

    def multi(self, nodes: Iterable[str], name: str, *args: Any, **kwargs: Any
              ) -> dict[str, RpcResult]:
        assert not isinstance(nodes, str)
        return {key: self._one(key, name, args, dict(kwargs)) for key in nodes}

    def _one(self, key: str, name: str, args: Any, kwargs: Any) -> RpcResult:
        config = self._config()
        call = defs.get(name)
        values = call.bind(args, kwargs)
        serializer.dump(call.encode(values, config, key), private=True)
        node = config.nodes.get(key) or config.node_by_name(key)
        base = {"node_uuid": key, "node_name": self._name(key), "call": name}
        if node is not None and node.offline:
            return RpcResult(**base, offline=True, fail_msg="Node is marked offline")
        self.calls.append((name, self._name(key), values))
        if name not in self._answers:
            raise AssertionError(f"nobody scripted the call {name} ({key}, {values})")
        value = self._answers[name]
        try:
            if callable(value):
                value = value(key, *values)
            if isinstance(value, Exception):
                raise value
        except (OSError, RuntimeError) as err:
            return RpcResult(**base, fail_msg=str(err))
        return RpcResult(**base, payload=value)


class _Queue:
    """What jobs need of the queue: a log, and somewhere to submit to."""

    drained = False

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.submitted: list[list[opcodes.OpCode]] = []

    def op_started(self, job: jobs.Job, index: int) -> None: ...

    def op_priority_raised(self, job: jobs.Job, index: int, priority: int) -> None: ...

    def log(self, job: jobs.Job, index: int, log_type: str, message: Any) -> None:
        self.lines.append(str(message))

    def submit_from_job(self, job_lists: Any) -> list[list[Any]]:
        self.submitted += [list(ops) for ops in job_lists]
        return [[True, 100 + number] for number in range(len(job_lists))]

    def views(self, job_ids: Any, archived: bool) -> list[Any]:
        return []


class Master:
    """Runs opcodes through the real processor."""

    def __init__(self, config: objects.ConfigData, path: str) -> None:
        self.cfg = store.ConfigStore(config, path)
        self.cfg.start()
        self.nodes = ScriptedNodes(lambda: self.cfg.snapshot)
        self.nodes.answer("hooks_runner", [])
        self.ctx = context.MasterContext(self.cfg, self.nodes, manager.LockManager())
        self.queue = self.ctx.queue = _Queue()
        self._ids = itertools.count(1)

    @property
    def config(self) -> objects.ConfigData:
        return self.cfg.snapshot

    @property
    def log(self) -> list[str]:
        """Everything that the last opcode told."""
        return self.queue.lines

    def run(self, op: opcodes.OpCode) -> Any:
        """Execute an opcode as a job of its own."""
        self.queue.lines = []
        job = jobs.Job(next(self._ids), [jobs.QueuedOp(op, op.to_dict())])
        seat = context.make_seat(self.ctx)(self.queue, job)
        try:
            return mcpu.Processor(self.ctx).execute(op, seat)
        finally:
            self.ctx.locks.release_all(job.id)

    def hooks(self, phase: str) -> list[tuple[str, dict[str, str]]]:
        """(node, environment) of every run of hooks in a phase."""
        return [(node, args[2]) for node, args in self.nodes.called("hooks_runner")
                if args[1] == phase]

    def stop(self) -> None:
        self.cfg.stop()
