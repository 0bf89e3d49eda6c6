"""A cluster inside one process: real store, locks, processor and node functions, no daemons.

Node calls go through the real encoding, to the real functions of ``ganeti.backend``, each node
with a directory tree of its own. A test may make calls fail or nodes vanish, and see all calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ganeti import backend, constants, errors, mcpu, objects, opcodes, pathutils, serializer
from ganeti.cmdlib import base
from ganeti.config import store
from ganeti.jqueue import job as jobs
from ganeti.jqueue import seat
from ganeti.locking import manager
from ganeti.masterd import context
from ganeti.rpc import client, defs, runner
from test import noderoot

GROUP = "aaaaaaaa-0000-4000-8000-000000000001"
OS_NAME = "tiny"
OS_SCRIPTS = {
    "create": '#!/bin/sh\necho "create $INSTANCE_NAME $OSP_FLAVOUR" >> "$(dirname "$0")/ran"\n'
              'test ! -e "$(dirname "$0")/fail-create"\n',
    "rename": '#!/bin/sh\necho "rename $OLD_INSTANCE_NAME" >> "$(dirname "$0")/ran"\n',
    "import": "#!/bin/sh\n", "export": "#!/bin/sh\n",
    "verify": '#!/bin/sh\ntest "$OSP_FLAVOUR" != forbidden\n',
}


def node_uuid(number: int) -> str:
    """UUID of the n-th node, from 1."""
    return f"bbbbbbbb-0000-4000-8000-{number:012d}"


class Nodes:
    """The nodes' ends of the calls, in the place of the HTTPS client."""

    def __init__(self, roots: dict[str, str]) -> None:
        self._one_at_a_time = threading.Lock()
        self._trees = {address: _tree(root) for address, root in roots.items()}
        self.roots = roots
        self.calls: list[tuple[str, str]] = []
        """(address, name of the call), in their order."""
        self.dead: set[str] = set()
        self.failures: dict[tuple[str, str], str] = {}
        """(address or "*", name of the call) -> text with which it fails."""
        self.before: dict[str, Callable[[], None]] = {}
        """Name of a call -> what happens just before it is answered."""

    async def send(self, address: str, call: str, body: bytes, read_timeout: float,
                   idempotent: bool = False) -> Any:
        """Answer a call as the node daemon at this address would."""
        self.calls.append((address, call))
        if call in self.before:
            self.before[call]()
        if address in self.dead:
            return client.Reply(fail_msg="connection refused")
        text = self.failures.get((address, call)) or self.failures.get(("*", call))
        if text:
            return serializer.dump([False, text])
        return await asyncio.to_thread(self._answer, address, call, body)

    def _answer(self, address: str, call: str, body: bytes) -> bytes:
        function = backend.resolve(call)
        assert function is not None, f"no backend function {call}"
        with self._one_at_a_time, self.on(address):
            try:
                payload = function(*defs.get(call).decode(serializer.load(body)))
            except errors.GenericError as err:
                return serializer.dump([False, errors.text(err)])
        return serializer.dump([True, payload])

    async def close(self) -> None:
        """There are no connections."""

    @contextlib.contextmanager
    def on(self, address: str) -> Iterator[None]:
        """Be on a node."""
        former = {name: getattr(pathutils, name) for name in self._trees[address]}
        for name, value in self._trees[address].items():
            setattr(pathutils, name, value)
        try:
            yield
        finally:
            for name, value in former.items():
                setattr(pathutils, name, value)

    def names(self, address: str | None = None) -> list[str]:
        """Names of the calls so far (to one node)."""
        return [call for where, call in self.calls if address in (None, where)]


def _tree(root: str) -> dict[str, Any]:
    """What pathutils says on a node; its directories are made."""
    with pytest.MonkeyPatch.context() as patch:
        noderoot.move_node_to(root, patch)
        tree = {name: value for name, value in vars(pathutils).items()
                if name.isupper() and isinstance(value, (str, list))}
        _install_os(os.path.join(pathutils.OS_SEARCH_PATH[0], OS_NAME))
    return tree


def _install_os(directory: str) -> None:
    os.makedirs(directory)
    for name, text in OS_SCRIPTS.items():
        path = os.path.join(directory, name)
        with open(path, "w", encoding="ascii") as fobj:
            fobj.write(text)
        os.chmod(path, 0o755)
    for name, text in (("ganeti_api_version", "20\n"),
                       ("parameters.list", "flavour What it tastes like\n")):
        with open(os.path.join(directory, name), "w", encoding="ascii") as fobj:
            fobj.write(text)


class _Host:
    """The queue's side of a job that runs in the test itself."""

    def __init__(self, cluster: InCluster) -> None:
        self._cluster = cluster

    def op_started(self, job: jobs.Job, index: int) -> None:
        held = {level.name: self._cluster.locks.held(job.id, level) for level in base.Level}
        self._cluster.held = {name: ["ALL"] if whole else sorted(names)
                              for name, (names, whole) in held.items()}

    def op_waits(self, job: jobs.Job) -> None:
        raise AssertionError("nobody else holds locks here")

    def op_priority_raised(self, job: jobs.Job, index: int, priority: int) -> None:
        raise AssertionError("nobody else holds locks here")

    def log(self, job: jobs.Job, index: int, log_type: str, message: Any) -> None:
        self._cluster.log.append(str(message))

    def submit_from_job(self, job_lists: Any) -> list[list[Any]]:
        first = len(self._cluster.submitted) + 1000
        self._cluster.submitted += [list(ops) for ops in job_lists]
        return [[True, first + index] for index in range(len(job_lists))]


class InCluster:
    """A cluster of some nodes in one group, with the fake hypervisor and file storage."""

    def __init__(self, directory: str, count: int = 3, **cluster: Any) -> None:
        roots = {f"192.0.2.{n}": os.path.join(directory, f"node{n}") for n in range(1, count + 1)}
        self.nodes = Nodes(roots)
        self._share(directory)
        path = os.path.join(directory, "config.data")
        config = first_config(count, **cluster)
        self.cfg = store.ConfigStore(config, path)
        self.cfg.start()
        self.rpc = runner.RpcRunner.bootstrap(
            config=lambda: self.cfg.snapshot, rpc_client=self.nodes)  # type: ignore[arg-type]
        self.locks = manager.LockManager()
        self.ctx = context.MasterContext(self.cfg, self.rpc, self.locks)
        self.log: list[str] = []
        self.held: dict[str, list[str]] = {}
        self.submitted: list[list[opcodes.OpCode]] = []
        self._jobs = 0

    def _share(self, directory: str) -> None:
        common = os.path.join(directory, "shared")
        os.makedirs(common)
        for root in self.nodes.roots.values():
            place = root + "/srv/ganeti/shared-file-storage"
            os.rmdir(place)
            os.symlink(common, place)

    def close(self) -> None:
        """End the threads."""
        self.rpc.close()
        self.cfg.stop()

    @property
    def config(self) -> objects.ConfigData:
        """The newest configuration."""
        return self.cfg.snapshot

    def address(self, number: int) -> str:
        """Address of the n-th node."""
        return f"192.0.2.{number}"

    def on(self, number: int) -> Any:
        """Be on the n-th node."""
        return self.nodes.on(self.address(number))

    def os_log(self, number: int) -> str:
        """What the OS scripts on a node noted of their runs."""
        with self.on(number):
            path = os.path.join(pathutils.OS_SEARCH_PATH[0], OS_NAME, "ran")
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8") as fobj:
            return fobj.read()

    def os_file(self, number: int, name: str) -> str:
        """Path of a file of the OS definition on a node."""
        with self.on(number):
            return os.path.join(pathutils.OS_SEARCH_PATH[0], OS_NAME, name)

    def run(self, op_id: str, **params: Any) -> Any:
        """Run one opcode through the processor, as a job of its own."""
        op = opcodes.get_class(f"OP_{op_id}")(**params)
        op.validate()
        self._jobs += 1
        job = jobs.Job(self._jobs, [jobs.QueuedOp(op, op.to_dict())])
        holdings = manager.Holdings(self.locks, job.id,
                                    lambda level: context.names_of_level(self.config, level))
        self.nodes.calls.clear()
        self.log.clear()
        try:
            return mcpu.Processor(self.ctx).execute(
                op, seat.JobSeat(_Host(self), job, holdings, base.Feedback))
        finally:
            holdings.release_all()
            assert not self.cfg.reserve.held_by(job.id)

    def instance(self, name: str) -> objects.Instance:
        """An instance that has to exist."""
        found = self.config.instance_by_name(name)
        assert found is not None, f"no instance {name}"
        return found

    def add(self, name: str = "inst1.example.org", **params: Any) -> objects.Instance:
        """Create an instance, on shared files and on the first node unless told otherwise."""
        values: dict[str, Any] = {
            "instance_name": name, "mode": "create", "disk_template": "sharedfile",
            "disks": [{"size": 1024}], "nics": [{}], "os_type": OS_NAME,
            "pnode": "node1.example.org", "hypervisor": "fake", "osparams": {"flavour": "plain"}}
        self.run("INSTANCE_CREATE", **{**values, **params})
        return self.instance(name)

    def runs_on(self, name: str) -> list[int]:
        """Numbers of the nodes that have the guest."""
        result = []
        for number, address in enumerate(self.nodes.roots, 1):
            with self.nodes.on(address):
                if name in backend.functions()["instance_list"](["fake"], {}):
                    result.append(number)
        return result

    def files(self, number: int) -> list[str]:
        """Paths of the disk files on a node, below the storage directories."""
        found = []
        top = self.nodes.roots[self.address(number)] + "/srv/ganeti"
        for where in ("file-storage", "shared-file-storage"):
            for directory, _dirs, names in os.walk(os.path.join(top, where)):
                found += [os.path.join(directory, name).removeprefix(top + "/") for name in names]
        return sorted(found)


def first_config(count: int, **cluster: Any) -> objects.ConfigData:
    """A configuration with nodes and one group, and no instances."""
    values: dict[str, Any] = {
        "uuid": "cccccccc-0000-4000-8000-000000000001", "cluster_name": "cluster.example.org",
        "mac_prefix": "aa:00:00", "master_node": node_uuid(1), "master_ip": "192.0.2.200",
        "master_netdev": "lo", "master_netmask": 32, "enabled_hypervisors": ["fake"],
        "enabled_disk_templates": ["sharedfile", "file", "diskless"],
        "file_storage_dir": "/srv/ganeti/file-storage",
        "shared_file_storage_dir": "/srv/ganeti/shared-file-storage",
        "nicparams": {"default": {"mode": "routed", "link": "br0", "vlan": ""}},
        "highest_used_port": 10999}
    nodes = {node_uuid(n): objects.Node(
        uuid=node_uuid(n), name=f"node{n}.example.org", primary_ip=f"192.0.2.{n}",
        secondary_ip=f"198.51.100.{n}", group=GROUP, master_candidate=True)
        for n in range(1, count + 1)}
    group = objects.NodeGroup(uuid=GROUP, name="default")
    return objects.ConfigData(
        version=constants.CONFIG_VERSION, cluster=objects.Cluster(**{**values, **cluster}),
        nodes=nodes, nodegroups={GROUP: group})
