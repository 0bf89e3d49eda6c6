"""Storage servers for tests: a one-OSD Ceph and a Gluster server, beside the nodes of a cluster.

They run in the hub of a virtual cluster whose nodes have networks of their own, as machines of
their own would. Clients come from the distribution's packages (installed once); Ceph's servers
are unpacked into a directory, because installing them would bring LVM onto the host.
"""

from __future__ import annotations

import abc
import contextlib
import ctypes
import os
import pathlib
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from typing import IO

from ganeti.tools.vcluster import netns
from ganeti.utils import io, process
from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until

CACHE = pathlib.Path("/var/cache/ganeti-lab/storage-servers")
CLONE_NEWNET = 0x40000000
APT_LOCK = "/var/tmp/apt.lock"
#: What has to be there once everything is -> the package that brings it
CLIENTS = {"/usr/bin/rbd": "ceph-common", "/sbin/mount.glusterfs": "glusterfs-client",
           "/usr/lib/x86_64-linux-gnu/qemu/block-rbd.so": "qemu-block-extra",
           "/usr/sbin/glusterd": "glusterfs-server"}
UNPACKED = ("ceph-mon", "ceph-osd", "ceph-base", "libleveldb1d", "libsnappy1v5", "libfuse2")
LIBRARIES = CACHE / "usr/lib/x86_64-linux-gnu"


def require() -> str | None:
    """See to it that the packages are here; why they can not be had, or None."""
    if os.getuid() != 0:
        return "storage servers need root"
    if shutil.which("apt-get") is None:
        return "storage servers come from Debian's packages, and there is no apt-get"
    missing = [package for path, package in CLIENTS.items() if not os.path.exists(path)]
    try:
        if missing:
            _apt("install", "-y", "--no-install-recommends", *missing)
        if not (CACHE / "complete").exists():
            _unpack()
    except subprocess.CalledProcessError as err:
        return (f"packages can not be had ({' '.join(err.cmd[-3:])}):"
                f" {err.stderr.strip().splitlines()[-1:]}")
    return None


def _apt(*words: str, cwd: pathlib.Path | None = None) -> None:
    subprocess.run(["flock", APT_LOCK, "apt-get", "-q", *words], check=True, capture_output=True,
                   text=True, cwd=cwd, timeout=600,
                   env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def _unpack() -> None:
    shutil.rmtree(CACHE, ignore_errors=True)
    packages = CACHE / "packages"
    packages.mkdir(parents=True)
    _apt("download", *UNPACKED, cwd=packages)
    for package in packages.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, CACHE], check=True, capture_output=True,
                       text=True)
        package.unlink()
    (CACHE / "complete").touch()


@contextlib.contextmanager
def on_network(space: str) -> Iterator[None]:
    """Let this thread, and the programs that it starts, be on the network of a namespace."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(handle: IO[bytes]) -> None:
        if libc.setns(handle.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"can not enter the network of {handle.name}")

    with open("/proc/thread-self/ns/net", "rb") as home, \
            open(f"/run/netns/{space}", "rb") as there:
        enter(there)
        try:
            yield
        finally:
            enter(home)


class Server(abc.ABC):
    """Programs in the hub of a cluster's network, with their files below one directory."""

    def __init__(self, cluster: VirtualCluster) -> None:
        layout = cluster.layout
        self.cluster = cluster
        self.directory = cluster.root / type(self).__name__.lower()
        self.directory.mkdir()
        self.address = f"{layout.prefix}.250"
        self.space = netns.namespace(layout, "hub")
        subprocess.run(["ip", "-n", self.space, "addr", "replace", f"{self.address}/24", "dev",
                        "br0"], check=True)

    def run(self, *argv: str, timeout: float = 120) -> str:
        """Run a program of the server to its end."""
        result = subprocess.run([*self.enter(), *argv], capture_output=True, text=True,
                                timeout=timeout, check=False, env=self.environment())
        assert result.returncode == 0, f"{argv}: {result.stdout}{result.stderr}"
        return result.stdout

    def enter(self) -> Sequence[str]:
        return ["nsenter", f"--net=/run/netns/{self.space}"]

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    @abc.abstractmethod
    def pids(self) -> list[int]:
        """The processes of the server that run."""

    def stop(self) -> None:
        for pid in self.pids():
            if process.alive(pid):
                process.end(pid, 5)


CEPH_CONF = """\
[global]
fsid = {fsid}
public_addr = {address}
mon_host = v1:{address}:6789
mon_initial_members = a
keyring = {dir}/$name.keyring
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
osd_pool_default_pg_num = 8
osd_pool_default_pgp_num = 8
osd_pool_default_pg_autoscale_mode = off
mon_data_avail_crit = 1
mon_data_avail_warn = 1
run_dir = {dir}
admin_socket =
log_file = {dir}/$name.log
pid_file = {dir}/$name.pid
ms_bind_msgr2 = false
osd_objectstore = bluestore
bluestore_block_size = 1073741824
bluestore_block_create = true
osd_memory_target = 536870912
erasure_code_dir = {libraries}/ceph/erasure-code
osd_class_dir = {libraries}/rados-classes
osd_pool_default_flag_hashpspool = true
[client]
log_file =
[mon.a]
mon_data = {dir}/mon
[osd.0]
osd_data = {dir}/osd
"""


class Ceph(Server):
    """A monitor and one OSD on a sparse file, with a pool `rbd` and a user `guests` for it.

    Nodes find it by the file in CEPH_CONF, which has to be in their environment from the start.
    """

    def __init__(self, cluster: VirtualCluster) -> None:
        super().__init__(cluster)
        self.conf = pathlib.Path(os.environ["CEPH_CONF"])
        fsid = str(uuid.uuid4())
        self.conf.write_text(CEPH_CONF.format(fsid=fsid, address=self.address, dir=self.directory,
                                              libraries=LIBRARIES))
        try:
            self._start_monitor(fsid)
            self._start_osd()
            self.pool("rbd", "guests")
        except BaseException:
            self.stop()
            raise

    def environment(self) -> dict[str, str]:
        return {**os.environ, "CEPH_CONF": str(self.conf),
                "LD_LIBRARY_PATH": f"{LIBRARIES}:{CACHE}/lib/x86_64-linux-gnu"}

    def ceph(self, *words: str) -> str:
        return self.run("ceph", "--connect-timeout", "60", *words)

    def user(self, name: str, **capabilities: str) -> None:
        """A client with its keyring where the configuration looks for it."""
        words = [word for pair in capabilities.items() for word in pair]
        self.ceph("auth", "get-or-create", f"client.{name}", *words, "-o",
                  str(self.directory / f"client.{name}.keyring"))

    def pool(self, name: str, user: str = "") -> None:
        """A pool of images with a user, who has its name unless told otherwise."""
        self.ceph("osd", "pool", "create", name, "8", "8")
        self.run("rbd", "pool", "init", name)
        self.user(user or name, mon="profile rbd", osd=f"profile rbd pool={name}")

    def images(self) -> list[str]:
        return self.run("rbd", "ls", "rbd").split()

    def _program(self, name: str) -> str:
        return str(CACHE / "usr/bin" / name)

    def _start_monitor(self, fsid: str) -> None:
        admin, mon = (str(self.directory / f"{name}.keyring") for name in ("client.admin", "mon"))
        everything = [word for what in ("mon", "osd", "mgr", "mds")
                      for word in ("--cap", what, "allow *")]
        self.run("ceph-authtool", "--create-keyring", admin, "--gen-key", "-n", "client.admin",
                 *everything)
        self.run("ceph-authtool", "--create-keyring", mon, "--gen-key", "-n", "mon.", "--cap",
                 "mon", "allow *")
        self.run("ceph-authtool", mon, "--import-keyring", admin)
        monmap = str(self.directory / "monmap")
        self.run(self._program("monmaptool"), "--create", "--fsid", fsid, "--addv", "a",
                 f"[v1:{self.address}:6789]", monmap)
        (self.directory / "mon").mkdir()
        self.run(self._program("ceph-mon"), "--mkfs", "-i", "a", "--monmap", monmap, "--keyring",
                 mon)
        self.run(self._program("ceph-mon"), "-i", "a")

    def _start_osd(self) -> None:
        (self.directory / "osd").mkdir()
        number = str(uuid.uuid4())
        self.ceph("osd", "new", number)
        self.ceph("auth", "get-or-create", "osd.0", "osd", "allow *", "mon", "allow profile osd",
                  "mgr", "allow profile osd", "-o", str(self.directory / "osd.0.keyring"))
        self.run(self._program("ceph-osd"), "-i", "0", "--mkfs", "--osd-uuid", number)
        self.run(self._program("ceph-osd"), "-i", "0")
        wait_until(lambda: "1 up" in self.ceph("osd", "stat"), "the OSD is up", 90)

    def pids(self) -> list[int]:
        return [io.read_pid_file(str(self.directory / f"{name}.pid"))
                for name in ("osd.0", "mon.a")]


GLUSTERD = """\
volume management
    type mgmt/glusterd
    option working-directory /var/lib/glusterd
    option transport-type socket
    option transport.socket.bind-address {address}
    option transport.socket.listen-port 24007
    option rpc-auth-allow-insecure on
    option max-port 49251
end-volume
"""


class Gluster(Server):
    """A Gluster server with the volume `gv0` of one brick."""

    def __init__(self, cluster: VirtualCluster) -> None:
        super().__init__(cluster)
        for name in ("lib", "run/gluster", "brick", "log"):
            (self.directory / name).mkdir(parents=True)
        volfile = self.directory / "glusterd.vol"
        volfile.write_text(GLUSTERD.format(address=self.address))
        os.makedirs("/var/lib/glusterd", exist_ok=True)
        script = (f"mount --bind {self.directory}/lib /var/lib/glusterd"
                  f" && mount --bind {self.directory}/log /var/log/glusterfs"
                  f" && mount --bind {self.directory}/run /run"
                  f" && exec glusterd -N -f {volfile} -l {self.directory}/log/glusterd.log")
        self.pid = process.start_daemon(
            [*super().enter(), "unshare", "--mount", "--propagation", "private", "sh", "-c",
             script], output=str(self.directory / "output"))
        try:
            wait_until(self._answers, "glusterd answers", 120)
            brick = f"{self.address}:{self.directory}/brick"
            self.gluster("volume", "create", "gv0", brick, "force")
            self.gluster("volume", "set", "gv0", "server.allow-insecure", "on")
            self.gluster("volume", "start", "gv0")
        except BaseException:
            self.stop()
            raise

    def enter(self) -> Sequence[str]:
        return ["nsenter", "-t", str(self.pid), "--net", "--mount"]

    def gluster(self, *words: str) -> str:
        return self.run("gluster", "--mode=script", *words)

    def _answers(self) -> bool:
        assert process.alive(self.pid), (self.directory / "output").read_text()
        return subprocess.run([*self.enter(), "gluster", "--mode=script", "volume", "list"],
                              capture_output=True, check=False, timeout=60).returncode == 0

    def files(self) -> list[str]:
        return [str(path) for path in (self.directory / "brick/ganeti").glob("*")]

    def pids(self) -> list[int]:
        """The brick's server and glusterd itself."""
        bricks = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if words.startswith(b"/usr/sbin/glusterfsd") and str(
                        self.directory).encode() in words:
                    bricks.append(int(entry.name))
        return [*bricks, self.pid]
