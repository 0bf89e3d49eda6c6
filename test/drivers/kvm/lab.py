"""Nodes, guests and their consoles for tests of the KVM driver on real QEMU."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any, Self

from ganeti import constants
from ganeti.utils import x509
from test.waiting import wait_until

#: Another version's program may be named, to see the driver work with it
QEMU = os.environ.get("GANETI_TEST_QEMU", "/usr/bin/qemu-system-x86_64")
REPOSITORY = Path(__file__).resolve().parents[3]
BOOT_SECTOR = REPOSITORY / "tools/os/demo-linux/bootsector.bin"
_TICK = re.compile(r"BOOT (\d{8}) TICK (\d{8})")


class CallFailed(Exception):
    """What the driver raised on the node."""


class Node:
    """A node root with the driver in a process of its own."""

    def __init__(self, root: Path, address: str) -> None:
        self.root = root
        self.address = address
        root.mkdir()
        (root / "var/run/ganeti/instance-disks").mkdir(parents=True)
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "test.drivers.kvm.worker"], text=True,
            cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "GANETI_ROOTDIR": str(root), "PYTHONPATH": os.pathsep.join(
                [str(REPOSITORY), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])})

    @property
    def pid(self) -> int:
        """The process that the driver runs in."""
        return self._process.pid

    def call(self, name: str, *args: Any, **more: Any) -> Any:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps([name, args, more]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise CallFailed(f"the worker ended with status {self._process.wait()}")
        good, answer = json.loads(line)
        if not good:
            raise CallFailed(answer)
        return answer

    def close(self) -> None:
        """End the worker and any guest that a failed test has left."""
        if self._process.stdin and self._process.stdout:
            self._process.stdin.close()
            self._process.wait(30)
            self._process.stdout.close()
        for path in (self.root / "var/run/ganeti/kvm-hypervisor/pid").glob("*"):
            try:
                os.kill(int(path.read_text()), 9)
            except (ProcessLookupError, FileNotFoundError, ValueError):
                continue

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def link(self, name: str, index: int, target: Path) -> str:
        """The symlink through which a guest of this node finds a disk."""
        link = self.root / f"var/run/ganeti/instance-disks/{name}:{index}"
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        return str(link)

    def control(self, name: str, suffix: str) -> Path:
        return self.root / f"var/run/ganeti/kvm-hypervisor/ctrl/{name}.{suffix}"

    def traces(self, name: str) -> list[str]:
        """Files that exist for a guest."""
        base = self.root / "var/run/ganeti/kvm-hypervisor"
        return sorted(str(path.relative_to(base)) for path in base.rglob(f"{name}*"))


class Serial(threading.Thread):
    """Everything that a guest writes on its serial console."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.text = ""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self.start()

    def run(self) -> None:
        while data := self._receive():
            self.text += data.decode("latin1")
        self._socket.close()

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(65536)
        except OSError:
            return b""

    def type(self, line: str) -> None:
        self._socket.sendall(line.encode() + b"\n")

    def close(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
        finally:
            self.join(5)

    def ticks(self) -> list[tuple[int, int]]:
        """Boot and tick numbers seen so far."""
        return [(int(boot), int(tick)) for boot, tick in _TICK.findall(self.text)]

    def wait(self, condition: Any, what: str, timeout: float = 20) -> None:
        wait_until(lambda: condition(self),
                   lambda: f"no {what}; console: {self.text[-500:]!r}", timeout)

    def wait_ticks(self, count: int = 1) -> None:
        self.wait(lambda serial: len(serial.ticks()) >= count, f"{count} ticks")


def wait_gone(node: Node, name: str, timeout: float = 10) -> None:
    wait_until(lambda: node.call("info", name) is None,
               lambda: f"{name} is gone: {node.call('info', name)}", timeout)


def make_disk(path: Path, text: str = "", mib: int = 1) -> Path:
    """A boot-sector guest's disk."""
    with path.open("wb") as stream:
        stream.write(BOOT_SECTOR.read_bytes())
        stream.seek(2 * 512)
        stream.write(text.encode())
        stream.truncate(mib << 20)
    return path


def make_spice_certificate(node: Node) -> None:
    """The node's files for SPICE over TLS."""
    data = node.root / "var/lib/ganeti"
    data.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=node",
         "-keyout", data / "key.pem", "-out", data / "spice-ca.pem", "-days", "2"],
        check=True, capture_output=True)
    (data / "spice.pem").write_text(
        (data / "key.pem").read_text() + (data / "spice-ca.pem").read_text())


def make_vnc_certificates(directory: Path) -> None:
    """An authority, and a server's certificate by it, under the names that QEMU wants."""
    directory.mkdir()
    authority = x509.create_self_signed("console authority")
    server = x509.create_signed(authority, "node1.example.org", alt_names=["127.0.0.1"])
    (directory / "ca-cert.pem").write_bytes(x509.cert_part(authority))
    (directory / "server-cert.pem").write_bytes(x509.cert_part(server))
    (directory / "server-key.pem").write_bytes(server[:server.index(b"-----BEGIN CERT")])


def disk_dict(size: int = 1) -> dict[str, Any]:
    return {"uuid": str(uuid.uuid4()), "dev_type": "sharedfile", "size": size,
            "logical_id": ["loop", "/srv/ganeti/shared-file-storage/x"], "params": {},
            "serial_no": 1}


def instance_dict(name: str, disks: int = 1, **hvparams: Any) -> dict[str, Any]:
    """A boot-sector guest of 16 MiB as the master would send it."""
    table = constants.HV_TABLES[constants.HT_KVM]
    hvp = table.defaults() | {"kvm_path": QEMU, "kernel_path": "", "kvm_flag": "disabled",
                              "migration_bandwidth": 0, "migration_downtime": 300} | hvparams
    infos = [disk_dict() for _ in range(disks)]
    return {"name": name, "uuid": str(uuid.uuid4()), "primary_node": str(uuid.uuid4()),
            "hypervisor": "kvm", "os": "demo-linux+bootsector", "hvparams": hvp,
            "beparams": {"maxmem": 16, "minmem": 16, "vcpus": 1, "auto_balance": True,
                         "always_failover": False, "spindle_use": 1},
            "disks": [disk["uuid"] for disk in infos], "disks_info": infos, "nics": [],
            "serial_no": 1}
