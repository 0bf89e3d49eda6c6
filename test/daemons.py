"""Real daemons for tests: directory trees of nodes with keys and a configuration, no bootstrap.

Each node has an address of its own on the loopback; nothing outside of the trees is touched.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

from ganeti import constants, objects, serializer
from ganeti.config import distribute
from ganeti.luxi import client as luxi_client
from ganeti.utils import x509
from test.waiting import wait_until

GROUP = "aaaaaaaa-0000-4000-8000-000000000001"
CLUSTER = "cccccccc-0000-4000-8000-000000000001"
_DIRECTORIES = ("var/lib/ganeti/queue/archive", "var/run/ganeti/socket", "var/log/ganeti",
                "var/lock", "etc/ganeti", "srv/ganeti/file-storage",
                "srv/ganeti/shared-file-storage", "tmp")


def node_uuid(number: int) -> str:
    """UUID of the n-th node, from 1."""
    return f"bbbbbbbb-0000-4000-8000-{number:012d}"


class NodeTree:
    """One node: its tree, its name, its address, its processes."""

    def __init__(self, base: str, number: int, prefix: str) -> None:
        self.number = number
        self.name = f"n{number}.test"
        self.address = f"{prefix}.{number}"
        self.root = os.path.join(base, f"n{number}")
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for directory in _DIRECTORIES:
            os.makedirs(os.path.join(self.root, directory))

    def path(self, name: str) -> str:
        """A file of the node's data directory."""
        return os.path.join(self.root, "var/lib/ganeti", name)

    def write(self, name: str, data: bytes, mode: int = 0o600) -> None:
        """Write a file of the node's data directory."""
        with open(self.path(name), "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(data)

    @property
    def env(self) -> dict[str, str]:
        """What a process needs in its environment to be on this node."""
        return {**os.environ, "GANETI_ROOTDIR": self.root, "GANETI_HOSTNAME": self.name}

    def start(self, daemon: str, *options: str) -> None:
        """Start a daemon in the foreground; it may need a moment to serve."""
        short = daemon.removeprefix("ganeti-")
        log = open(os.path.join(self.root, "tmp", f"{short}.out"), "ab")  # noqa: SIM115
        self.processes[daemon] = subprocess.Popen(
            [sys.executable, "-c",
             f"import sys; from ganeti.server.{short} import main; sys.exit(main())",
             "-f", *options],
            env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()

    def run(self, daemon: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run a daemon that is expected to end by itself."""
        short = daemon.removeprefix("ganeti-")
        return subprocess.run(
            [sys.executable, "-c",
             f"import sys; from ganeti.server.{short} import main; sys.exit(main())",
             "-f", *options],
            env=self.env, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
            check=False)

    def kill(self, daemon: str, number: int = signal.SIGKILL) -> int:
        """End a daemon with a signal and wait for that; its exit status."""
        process = self.processes.pop(daemon)
        process.send_signal(number)
        return process.wait(timeout=90)

    def output(self, daemon: str) -> str:
        """What a daemon has written."""
        name = f"{daemon.removeprefix('ganeti-')}.out"
        with open(os.path.join(self.root, "tmp", name), encoding="utf-8",
                  errors="replace") as stream:
            return stream.read()


class Cluster:
    """Some nodes of one cluster; the first is the master."""

    def __init__(self, count: int = 1, config: Callable[[objects.ConfigData],
                                                        objects.ConfigData] | None = None) -> None:
        self.base = tempfile.mkdtemp(prefix="gnt", dir="/tmp")
        prefix = f"127.{os.getpid() % 250 + 2}.{threading.get_ident() % 250 + 1}"
        self.nodes = [NodeTree(self.base, number, prefix) for number in range(1, count + 1)]
        self.config = self._first_config()
        self._write_keys()
        if config is not None:
            self.config = config(self.config)
        self._write_config()

    @property
    def master(self) -> NodeTree:
        """The first node."""
        return self.nodes[0]

    def _first_config(self) -> objects.ConfigData:
        nodes = {node_uuid(node.number): objects.Node(
            uuid=node_uuid(node.number), name=node.name, primary_ip=node.address,
            secondary_ip=node.address, group=GROUP, master_candidate=True)
            for node in self.nodes}
        cluster = objects.Cluster(
            uuid=CLUSTER, cluster_name="cluster.test", mac_prefix="aa:00:00",
            master_node=node_uuid(1), master_ip=self.master.address, master_netdev="lo",
            master_netmask=32, enabled_hypervisors=["fake"],
            enabled_disk_templates=["sharedfile", "file", "diskless"],
            file_storage_dir="/srv/ganeti/file-storage",
            shared_file_storage_dir="/srv/ganeti/shared-file-storage")
        return objects.ConfigData(version=constants.CONFIG_VERSION, cluster=cluster, nodes=nodes,
                                  nodegroups={GROUP: objects.NodeGroup(uuid=GROUP,
                                                                       name="default")})

    def _write_keys(self) -> None:
        server = x509.create_self_signed("ganeti.test")
        digests = {}
        hosts = "".join(f"{node.address} {node.name}\n" for node in self.nodes)
        for node in self.nodes:
            client = x509.create_signed(server, node.name, serial=node.number + 1)
            digests[node_uuid(node.number)] = x509.digest(client)
            node.write("server.pem", server)
            node.write("client.pem", client)
            node.write("hmac.key", b"00112233445566778899aabbccddeeff00112233\n")
            with open(os.path.join(node.root, "etc/hosts"), "w", encoding="ascii") as stream:
                stream.write(hosts)
        cluster = self.config.cluster.replace(candidate_certs=digests)
        self.config = self.config.with_changes([cluster])

    def _write_config(self) -> None:
        encoded = self.config.encode()
        values = distribute.ssconf_values(self.config)
        for node in self.nodes:
            node.write("config.data", encoded, 0o640)
            for key, value in values.items():
                node.write(f"ssconf_{key}", f"{value}\n".encode(), 0o444)

    def start(self) -> None:
        """Start all node daemons and the master daemon, and wait until they serve."""
        for node in self.nodes:
            node.start("ganeti-noded", "-b", node.address, "--no-mlock")
        for node in self.nodes:
            wait_until(lambda node=node: _listens(node.address, 1811),
                       lambda node=node: node.output("ganeti-noded"))
        self.start_master()

    def start_master(self, *options: str) -> None:
        """Start the master daemon and wait until it serves."""
        self.master.start("ganeti-masterd", *options)
        wait_until(self._master_serves, lambda: self.master.output("ganeti-masterd"))

    def _master_serves(self) -> bool:
        path = os.path.join(self.master.root, "var/run/ganeti/socket/ganeti-query")
        process = self.master.processes["ganeti-masterd"]
        if process.poll() is not None:
            raise AssertionError("The master daemon has ended:\n"
                                 + self.master.output("ganeti-masterd"))
        with socket.socket(socket.AF_UNIX) as sock:
            try:
                sock.connect(path)
            except OSError:
                return False
        return True

    def client(self) -> luxi_client.Client:
        """A client of the master daemon."""
        return luxi_client.Client(
            os.path.join(self.master.root, "var/run/ganeti/socket/ganeti-query"))

    def job_file(self, job_id: int, node: int = 1) -> dict[str, Any]:
        """A job's file as it lies on a node."""
        with open(self.nodes[node - 1].path(f"queue/job-{job_id}"), "rb") as stream:
            data: dict[str, Any] = serializer.load(stream.read())
        return data

    def close(self) -> None:
        """Kill every process and remove the trees."""
        for node in self.nodes:
            for daemon in list(node.processes):
                if node.processes[daemon].poll() is None:
                    node.kill(daemon)
        shutil.rmtree(self.base)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def _listens(address: str, port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex((address, port)) == 0


def wait_for_job(client: luxi_client.Client, job_id: int, seconds: float = 60) -> list[Any]:
    """Wait until a job has ended: [status, opresult, oplog]."""
    fields = ["status", "opresult", "oplog"]
    row: list[Any] | None = None
    deadline = time.monotonic() + seconds
    while row is None or row[0] not in constants.JOBS_FINALIZED:
        assert time.monotonic() < deadline, f"job {job_id} is still {row}"
        row, _entries = client.call(
            "WaitForJobChange", [job_id, fields, row, None, 10])
    return row
