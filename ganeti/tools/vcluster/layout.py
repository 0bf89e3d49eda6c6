"""What a virtual cluster is on disk: one directory, a tree a node, one JSON file that describes it.

Starting and killing processes lives in `nodes`, the network in `netns`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import socket
import stat
import sys

from ganeti.tools import programs

STATE_FILE = "vcluster.json"
CLUSTER_HOST = 254
SSH_PORT = 10022
NODED_PORT = 1811
#: A unix socket's path must stay below 108 bytes; the deepest one that daemons make below a node's
#: tree is var/run/ganeti/kvm-hypervisor/ctrl/INSTANCE.monitor, with room for a name of 30 letters.
MAX_ROOT = 40
SHARED_STORAGE = "srv/ganeti/shared-file-storage"
#: Directories that an administrator's machine would have before the first daemon starts.
TREE = (
    "etc/ganeti", "etc/ssh", "root/.ssh", "var/lib", "var/log", "var/run", "var/lock",
    "srv/ganeti/os", "srv/ganeti/file-storage", "srv/ganeti/export", "srv/ganeti/extstorage",
    "usr/lib/ganeti/tools", "usr/lib/ganeti/iallocators", "tmp",
)


class VclusterError(Exception):
    """A clear one-line reason why the virtual cluster cannot do what was asked."""


@dataclasses.dataclass(frozen=True)
class VirtualNode:
    """One node: its name, its primary IP address, its tree."""

    name: str
    address: str
    root: str


@dataclasses.dataclass(frozen=True)
class VirtualCluster:
    """The whole: `prefix` is the first three numbers of every address (127.0.77)."""

    root: pathlib.Path
    prefix: str
    nodes: tuple[VirtualNode, ...]
    netns: bool

    @property
    def name(self) -> str:
        return f"cluster{self.prefix.rpartition('.')[2]}"

    @property
    def address(self) -> str:
        return f"{self.prefix}.{CLUSTER_HOST}"

    @property
    def bin_dir(self) -> pathlib.Path:
        return self.root / "bin"

    @property
    def key_file(self) -> pathlib.Path:
        return self.root / "id_rsa"

    def node(self, name: str) -> VirtualNode:
        for node in self.nodes:
            if node.name == name:
                return node
        raise VclusterError(f"No node '{name}' here; there are: "
                            + ", ".join(node.name for node in self.nodes))

    def environment(self, node: VirtualNode) -> dict[str, str]:
        """What a process must have in its environment to be on that node."""
        return {
            "GANETI_ROOTDIR": node.root,
            "GANETI_HOSTNAME": node.name,
            "PATH": f"{self.bin_dir}:{os.environ.get('PATH', os.defpath)}",
        }

    def save(self) -> None:
        data = {"prefix": self.prefix, "netns": self.netns,
                "nodes": [[node.name, node.address] for node in self.nodes]}
        target = self.root / STATE_FILE
        scratch = target.with_suffix(".new")
        scratch.write_text(json.dumps(data, indent=1) + "\n")
        scratch.replace(target)


def default_root() -> pathlib.Path:
    """Directory of the cluster when none is named: short, because of the sockets in it."""
    named = os.environ.get("GANETI_VCLUSTER")
    return pathlib.Path(named if named else f"/tmp/vcluster-{os.getuid()}")


def load(root: pathlib.Path) -> VirtualCluster:
    """Read the description of the cluster below `root`.

    Raises VclusterError when there is none, or it is damaged.
    """
    try:
        data = json.loads((root / STATE_FILE).read_text())
        nodes = tuple(VirtualNode(name, address, str(root / name))
                      for name, address in data["nodes"])
        return VirtualCluster(root, data["prefix"], nodes, data["netns"])
    except FileNotFoundError:
        raise VclusterError(
            f"No virtual cluster in {root}; 'tools/vcluster-setup up' makes one") from None
    except (ValueError, KeyError, TypeError) as err:
        raise VclusterError(f"{root / STATE_FILE} is damaged ({err}); remove {root}") from err


#: Nodes that are looked for when a network is chosen
_PROBED = range(1, 6)
#: Networks that this process has chosen and where no node is on yet -> listening descriptor.
_claims: dict[str, int] = {}


def free_prefix() -> str:
    """Choose a 127.0.x network in which no virtual node is on.

    It is claimed, so that clusters that are made at the same moment differ; `release` ends that.
    """
    for third in range(77, 250):
        prefix = f"127.0.{third}"
        if _claim(prefix):
            # not the first alone: that one may be switched off
            if all(_is_free(f"{prefix}.{node}", port) for node in _PROBED
                   for port in (NODED_PORT, SSH_PORT)):
                return prefix
            release(prefix)
    raise VclusterError("No free 127.0.x network: too many virtual clusters are up")


def _claim(prefix: str) -> bool:
    with socket.socket() as claim:
        try:
            claim.bind((f"{prefix}.{CLUSTER_HOST}", SSH_PORT))
            claim.listen()
        except OSError:
            return False
        _claims[prefix] = claim.detach()
    return True


def release(prefix: str) -> None:
    """End the claim, if there is one: the network's first node holds its own address now."""
    if prefix in _claims:
        os.close(_claims.pop(prefix))


def free_private_prefix() -> str:
    """Find a 10.77.x network whose namespaces do not exist."""
    for third in range(250):
        if not pathlib.Path(f"/run/netns/{namespace_tag(f'10.77.{third}')}-hub").exists():
            return f"10.77.{third}"
    raise VclusterError("No free 10.77.x network: too many virtual clusters are up")


def namespace_tag(prefix: str) -> str:
    """What the names of a cluster's network namespaces begin with."""
    return "vc" + prefix.replace(".", "-")


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def create(root: pathlib.Path, count: int, prefix: str | None, netns: bool,
           label: str = "node") -> VirtualCluster:
    """Make the trees of nodes LABEL1..LABELn below `root`; safe to repeat over a half-made one."""
    if len(str(root)) > MAX_ROOT:
        raise VclusterError(f"{root} is longer than {MAX_ROOT} characters: the sockets below it "
                            "could not be bound; name a shorter directory with --root")
    if not 1 <= count < CLUSTER_HOST:
        raise VclusterError(f"A virtual cluster has 1 to {CLUSTER_HOST - 1} nodes, not {count}")
    prefix = prefix or (free_private_prefix() if netns else free_prefix())
    nodes = tuple(VirtualNode(f"{label}{n}", f"{prefix}.{n}", str(root / f"{label}{n}"))
                  for n in range(1, count + 1))
    cluster = VirtualCluster(root, prefix, nodes, netns)
    (root / "shared").mkdir(parents=True, exist_ok=True)
    cluster.bin_dir.mkdir(exist_ok=True)
    _write_launchers(cluster.bin_dir)
    _administrators_key(cluster)
    for node in nodes:
        _make_node(cluster, node)
    cluster.save()
    return cluster


def _make_node(cluster: VirtualCluster, node: VirtualNode) -> None:
    top = pathlib.Path(node.root)
    for directory in TREE:
        (top / directory).mkdir(parents=True, exist_ok=True)
    hosts = [f"{other.address} {other.name}" for other in cluster.nodes]
    hosts = ["127.0.0.1 localhost", *hosts, f"{cluster.address} {cluster.name}"]
    (top / "etc/hosts").write_text("\n".join(hosts) + "\n")
    shared = top / SHARED_STORAGE
    if not shared.is_symlink():
        shared.symlink_to(cluster.root / "shared")
    (top / "etc/ganeti/file-storage-paths").write_text(
        "/srv/ganeti/file-storage\n/srv/ganeti/shared-file-storage\n")
    os.chmod(top / "root/.ssh", 0o700)
    for name, source in (("id_rsa", cluster.key_file),
                         ("id_rsa.pub", cluster.key_file.with_suffix(".pub"))):
        target = top / "root/.ssh" / name
        if not target.exists():
            target.write_bytes(source.read_bytes())
            target.chmod(0o600)
    authorized = top / "root/.ssh/authorized_keys"
    if not authorized.exists():
        authorized.write_bytes(cluster.key_file.with_suffix(".pub").read_bytes())
        authorized.chmod(0o600)
    demo_os = checkout() / "tools/os"
    for definition in sorted(demo_os.iterdir()) if demo_os.is_dir() else []:
        link = top / "srv/ganeti/os" / definition.name
        if not link.is_symlink():
            link.symlink_to(definition)
    library = top / "usr/lib/ganeti"
    for name, module in programs.LIBRARY.items():
        write_launcher(library / name, module)
    write_script(library / "daemon-util",
                 f'PATH="{cluster.bin_dir}:$PATH" exec {checkout()}/daemons/daemon-util "$@"')
    for script in (checkout() / "tools").iterdir():
        if script.name in programs.CHECKOUT_ONLY:
            continue
        link = library / "tools" / script.name
        if script.is_file() and os.access(script, os.X_OK) and not link.exists():
            link.symlink_to(script)


def _administrators_key(cluster: VirtualCluster) -> None:
    """The key by which the administrator reaches every node before there is a cluster."""
    if cluster.key_file.exists():
        return
    import paramiko

    key = paramiko.RSAKey.generate(2048)
    key.write_private_key_file(str(cluster.key_file))
    cluster.key_file.with_suffix(".pub").write_text(f"ssh-rsa {key.get_base64()} vcluster\n")


def checkout() -> pathlib.Path:
    """The directory that holds the package, daemons/ and tools/."""
    return pathlib.Path(__file__).resolve().parents[3]


def _write_launchers(bin_dir: pathlib.Path) -> None:
    for name, module in (programs.COMMANDS | programs.DAEMONS).items():
        write_launcher(bin_dir / name, module)


def write_launcher(path: pathlib.Path, module: str) -> None:
    """Write an executable that runs `main` of a module of this checkout with this interpreter."""
    _write_executable(path, f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(checkout())!r})
from {module} import main
sys.exit(main())
""")


def write_script(path: pathlib.Path, text: str) -> None:
    """Write an executable shell script."""
    _write_executable(path, f"#!/bin/sh\n{text}\n")


def _write_executable(path: pathlib.Path, text: str) -> None:
    scratch = path.with_name(path.name + ".new")
    scratch.write_text(text)
    scratch.chmod(stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
    scratch.replace(path)
