"""The hypervisors that the conformance suite runs against: add a kit to KITS for a new one.

A kit describes how to make an instance for its driver and which faults it can cause. Nodes are
directory trees (test.noderoot); two of them on one machine are enough for migrations.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import tempfile
import uuid
import weakref
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from ganeti import constants, objects, pathutils
from ganeti.hypervisor import registry
from ganeti.hypervisor.base import BaseHypervisor, BlockDevice
from test import noderoot
from test.waiting import wait_until

MEMORY = 64
CONTAINER_OS = pathlib.Path(__file__).parents[2] / "tools/os/demo-container"
BOOT_SECTOR = pathlib.Path(__file__).parents[2] / "tools/os/demo-linux/bootsector.bin"


class HypervisorKit:
    """One hypervisor as the suite sees it."""

    #: Name of the hypervisor
    hypervisor: str
    #: Why the suite can not run here, or None
    unavailable: str | None = None
    #: How long a guest may take to react, in seconds
    patience: float = 5.0

    def __init__(self, root: str) -> None:
        self.root = root

    # Nodes ------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def on(self, node: str) -> Iterator[BaseHypervisor]:
        """Be on a node; a fresh driver as a restarted daemon has it."""
        with pytest.MonkeyPatch.context() as monkeypatch:
            noderoot.move_node_to(os.path.join(self.root, node), monkeypatch)
            yield registry.get_class(self.hypervisor)()

    def node_address(self, node: str) -> str:
        """Where a node receives migrations."""
        return "127.0.0.1"

    # Instances --------------------------------------------------------------------------------

    def hvparams(self) -> dict[str, Any]:
        """Filled hypervisor parameters of a guest that boots here."""
        return constants.HV_TABLES[self.hypervisor].defaults()

    def instance(self, name: str = "inst1.example.org", **changes: Any) -> objects.Instance:
        """An instance without disks, as the node gets it."""
        beparams = {**constants.BE_TABLE.defaults(), constants.BE_MAXMEM: MEMORY,
                    constants.BE_MINMEM: MEMORY // 2, constants.BE_VCPUS: 1}
        values: dict[str, Any] = {
            "name": name, "uuid": str(uuid.uuid4()), "primary_node": "n1-uuid", "os": "none",
            "hypervisor": self.hypervisor, "hvparams": self.hvparams(), "beparams": beparams,
            "admin_state": constants.ADMINST_UP, "disks_info": [], "secondary_nodes": []}
        return objects.Instance(**{**values, **changes})

    def block_devices(self) -> Sequence[BlockDevice]:
        """Disks for a guest, on the node the test is on."""
        return ()

    def broken_devices(self) -> Sequence[BlockDevice]:
        """Disks with which a guest can not start."""
        disk = objects.Disk(uuid=str(uuid.uuid4()), dev_type=constants.DT_FILE,
                            logical_id=[constants.FD_DEFAULT, "/srv/ganeti/file-storage/none"],
                            iv_name="disk/0", size=1)
        return [BlockDevice(disk, os.path.join(pathutils.DISK_LINKS_DIR, "none:0"))]

    # Faults -----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def failing_migration(self, instance: objects.Instance) -> Iterator[None]:
        """Make migrations of a guest fail underway; skips where the kit can not."""
        pytest.skip(f"no way to make a migration fail with {self.hypervisor}")
        yield

    def crash(self, driver: BaseHypervisor, instance: objects.Instance) -> None:
        """End a running guest behind its hypervisor's back; skips where the kit can not."""
        pytest.skip(f"no way to make a guest crash with {self.hypervisor}")

    # What is left -----------------------------------------------------------------------------

    def leftovers(self, name: str) -> list[str]:
        """Files below the node's run directory that belong to a guest by their name."""
        found = []
        for directory, _, names in os.walk(pathutils.RUN_DIR):
            found.extend(os.path.join(directory, entry) for entry in names
                         if entry.startswith(name))
        return found

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(condition, what, self.patience)


def kill_process(driver: BaseHypervisor, instance: objects.Instance) -> None:
    """The crash of a guest that is a process."""
    info = driver.instance_info(instance.name, instance.hvparams)
    assert info is not None
    os.kill(info.id, signal.SIGKILL)


class FakeKit(HypervisorKit):
    hypervisor = constants.HT_FAKE

    def crash(self, driver: BaseHypervisor, instance: objects.Instance) -> None:
        from ganeti.hypervisor import fake
        os.unlink(os.path.join(fake.root_dir(), instance.name))

    @contextlib.contextmanager
    def failing_migration(self, instance: objects.Instance) -> Iterator[None]:
        from ganeti.hypervisor import fake
        marker = fake.fail_file("migration", instance.name)
        os.makedirs(os.path.dirname(marker), exist_ok=True)
        with open(marker, "w", encoding="ascii") as fobj:
            fobj.write("the wire broke")
        yield
        os.unlink(marker)


class KvmKit(HypervisorKit):
    """Real QEMU with a boot-sector guest, which is up in less than a second."""

    hypervisor = constants.HT_KVM
    qemu = "/usr/bin/qemu-system-x86_64"
    unavailable = None if os.path.exists(qemu) else f"there is no {qemu} on this machine"
    patience = 20.0

    def crash(self, driver: BaseHypervisor, instance: objects.Instance) -> None:
        kill_process(driver, instance)

    def __init__(self, root: str) -> None:
        # paths of sockets are limited to 107 bytes, pytest's directories are long
        self._directory = tempfile.TemporaryDirectory(prefix="gkvm-")
        weakref.finalize(self, self._directory.cleanup)
        super().__init__(self._directory.name)
        self._unreachable: list[str] | None = None

    def hvparams(self) -> dict[str, Any]:
        return {**super().hvparams(), "kvm_path": self.qemu, "kernel_path": "",
                "kvm_flag": constants.HT_KVM_DISABLED, "migration_bandwidth": 0}

    def node_address(self, node: str) -> str:
        if self._unreachable:
            return self._unreachable.pop()
        return f"127.87.78.{node[-1]}"

    def block_devices(self) -> Sequence[BlockDevice]:
        disk = objects.Disk(uuid=str(uuid.uuid4()), dev_type=constants.DT_SHARED_FILE,
                            logical_id=[constants.FD_DEFAULT, "/srv/ganeti/x"], size=1)
        path = os.path.join(self.root, disk.uuid)
        with open(path, "wb") as stream:
            stream.write(BOOT_SECTOR.read_bytes())
            stream.truncate(1 << 20)
        # both nodes find the disk under the same logical path
        for node in ("node1", "node2"):
            link = f"{self.root}/{node}/var/run/ganeti/instance-disks/{disk.uuid}"
            os.makedirs(os.path.dirname(link), exist_ok=True)
            os.symlink(path, link)
        return [BlockDevice(disk, f"{pathutils.DISK_LINKS_DIR}/{disk.uuid}")]

    @contextlib.contextmanager
    def failing_migration(self, instance: objects.Instance) -> Iterator[None]:
        """The target listens, but the source is sent to an address where nobody does."""
        self._unreachable = ["127.87.78.9", "127.87.78.2"]
        yield
        self._unreachable = None


class ContainerKit(HypervisorKit):
    """Guests on the node's own kernel, with a busybox from the demo's OS definition."""

    programs: Sequence[str] = ("mkfs.ext4", "losetup", "blkid", "partx")
    patience = 20.0
    #: MiB of the disks
    size = 12

    def crash(self, driver: BaseHypervisor, instance: objects.Instance) -> None:
        kill_process(driver, instance)

    @classmethod
    def why_not(cls) -> str | None:
        if os.getuid() != 0:
            return f"{cls.hypervisor} needs root"
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        missing = [name for name in cls.programs if shutil.which(name, path=path) is None]
        if missing:
            return f"missing on this machine: {', '.join(missing)} (tools/prepare installs them)"
        busybox = shutil.which("busybox")
        if busybox is None or subprocess.run(["ldd", busybox], capture_output=True,
                                             check=False).returncode == 0:
            return "there is no busybox without libraries (Debian package busybox-static)"
        probe = subprocess.run(["losetup", "-f"], capture_output=True, check=False)
        return "this machine has no loop devices" if probe.returncode else None

    def image(self) -> pathlib.Path:
        """A disk with the demo's operating system, made once a kit."""
        path = pathlib.Path(self.root) / "image"
        if not path.exists():
            with open(path, "wb") as stream:
                stream.truncate(self.size << 20)
            subprocess.run([CONTAINER_OS / "create"], check=True, capture_output=True, env={
                "PATH": os.environ["PATH"], "DISK_COUNT": "1", "DISK_0_PATH": str(path),
                "INSTANCE_NAME": "image", "INSTANCE_OS": "demo-container", "OS_VARIANT": "default"})
        return path

    def disk(self, content: bytes) -> BlockDevice:
        """A file disk, linked as the node daemon does it."""
        disk = objects.Disk(uuid=str(uuid.uuid4()), dev_type=constants.DT_FILE,
                            logical_id=[constants.FD_DEFAULT, "/srv/ganeti/x"], size=self.size)
        path = os.path.join(self.root, disk.uuid)
        with open(path, "wb") as stream:
            stream.write(content)
        os.makedirs(pathutils.DISK_LINKS_DIR, exist_ok=True)
        link = f"{pathutils.DISK_LINKS_DIR}/{disk.uuid}"
        os.symlink(path, link)
        return BlockDevice(disk, link)

    def block_devices(self) -> Sequence[BlockDevice]:
        return [self.disk(self.image().read_bytes())]

    def broken_devices(self) -> Sequence[BlockDevice]:
        """A disk without a file system."""
        return [self.disk(bytes(self.size << 20))]

    def partitioned(self) -> Sequence[BlockDevice]:
        """The same disk as the second of two partitions."""
        start, length = 4096, self.size << 11
        entry = struct.pack("<BBBBBBBBII", 0, 0, 0, 0, 0x83, 0, 0, 0, start, length)
        empty = struct.pack("<BBBBBBBBII", 0, 0, 0, 0, 0x82, 0, 0, 0, 2048, 2048)
        table = bytes(446) + empty + entry + bytes(32) + b"\x55\xaa"
        return [self.disk(table.ljust(start * 512, b"\0") + self.image().read_bytes())]

    def on_machine(self) -> list[str]:
        """What guests of this kit left on the machine beside their node's files."""
        with open("/proc/self/mountinfo", encoding="utf-8") as stream:
            found = [line.split()[4] for line in stream if self.root in line]
        loops = subprocess.run(["losetup", "--list", "--noheadings", "--output", "NAME,BACK-FILE"],
                               capture_output=True, text=True, check=True).stdout.splitlines()
        return found + [line for line in loops if self.root in line]


class LxcKit(ContainerKit):
    """Real containers on this machine."""

    hypervisor = constants.HT_LXC
    programs = (*ContainerKit.programs, "lxc-start", "lxc-info")

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.veths = self._veths()

    @staticmethod
    def _veths() -> set[str]:
        return {name for name in os.listdir("/sys/class/net") if name.startswith("veth")}

    def on_machine(self) -> list[str]:
        groups = [directory for top in ("/sys/fs/cgroup",)
                  for directory, _, _ in os.walk(top)
                  if os.path.basename(directory).startswith("lxc.") and "@" in directory
                  and directory.endswith(self._marks())]
        processes = []
        for entry in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if entry.isdigit() and self.root.encode() in pathlib.Path(
                        f"/proc/{entry}/cmdline").read_bytes():
                    processes.append(f"process {entry}")
        return super().on_machine() + groups + processes

    def _marks(self) -> tuple[str, ...]:
        return tuple(f"@{zlib.crc32(os.path.join(self.root, node).encode()):08x}"
                     for node in ("node1", "node2"))


class ChrootKit(ContainerKit):
    hypervisor = constants.HT_CHROOT


class XenPvmKit(HypervisorKit):
    """A stand-in for `xl`: domains are files, the answers have the words of the real one."""

    hypervisor = constants.HT_XEN_PVM
    patience = 30.0
    programs = pathlib.Path(__file__).parent / "xen"

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.migrations_fail = False
        self.password = os.path.join(root, "vnc-password")
        with open(self.password, "w", encoding="ascii") as fobj:
            fobj.write("geheim\n")

    @contextlib.contextmanager
    def on(self, node: str) -> Iterator[BaseHypervisor]:
        with super().on(node) as driver, pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setenv("PATH", f"{self.programs}:{os.environ['PATH']}")
            monkeypatch.setenv("XL_STAND_IN", self.stand_in(node))
            if self.migrations_fail:
                monkeypatch.setenv("SSH_FAILS", "1")
            os.makedirs(self.stand_in(node), exist_ok=True)
            yield driver

    def crash(self, driver: BaseHypervisor, instance: objects.Instance) -> None:
        subprocess.run(["xl", "panic", instance.name], check=True)

    def stand_in(self, node: str) -> str:
        return os.path.join(self.root, node, "xl")

    def node_address(self, node: str) -> str:
        return f"127.0.0.{node[-1]}"

    def hvparams(self) -> dict[str, Any]:
        return {**super().hvparams(), "kernel_path": str(BOOT_SECTOR)}

    @contextlib.contextmanager
    def failing_migration(self, instance: objects.Instance) -> Iterator[None]:
        self.migrations_fail = True
        yield
        self.migrations_fail = False

    def leftovers(self, name: str) -> list[str]:
        config = os.path.join(pathutils.XEN_CONFIG_DIR, name)
        return super().leftovers(name) + ([config] if os.path.exists(config) else [])


class XenHvmKit(XenPvmKit):
    hypervisor = constants.HT_XEN_HVM

    def hvparams(self) -> dict[str, Any]:
        return {**super().hvparams(), "device_model": "/bin/sh",
                "vnc_password_file": self.password}


LxcKit.unavailable = LxcKit.why_not()
ChrootKit.unavailable = ChrootKit.why_not()
KITS: list[type[HypervisorKit]] = [FakeKit, KvmKit, LxcKit, ChrootKit,
                                   XenPvmKit, XenHvmKit]
