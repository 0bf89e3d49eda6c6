"""The nodes' disk image, kernel and hypervisor: built once, kept below the cache directory.

What is in it depends on the package list and the files in `node/` alone, whose digest is the name
of its directory; the checkout comes on a disk of its own (`checkout`), the saved state of a node
that has booted is made in `machine`.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import hashlib
import os
import pathlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from test.lab.vm.errors import LabError

NODE_FILES = pathlib.Path(__file__).parent / "node"
SUITE = "bookworm"
PACKAGES = (
    "systemd-sysv", "udev", "openssh-server", "openssh-client", "openssl", "python3", "lvm2",
    "drbd-utils", "iproute2", "iptables", "bridge-utils", "iputils-ping", "iputils-arping",
    "socat", "kmod", "procps", "busybox-static", "qemu-system-x86", "qemu-utils",
    "qemu-block-extra", "lxc", "netbase", "xz-utils", "less", "xen-utils-4.17", "ceph-common",
    "e2fsprogs", "parted", "fdisk", "ndisc6")
KERNEL = "linux-image-amd64"
HYPERVISOR = "xen-hypervisor-4.17-amd64"
#: What the host needs: a program that shows that the package is there.
HOST_PROGRAMS = {
    "mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs", "cpio": "cpio", "depmod": "kmod",
    "busybox": "busybox-static", "ssh-keygen": "openssh-client", "nft": "nftables",
    "ip": "iproute2", "qemu-img": "qemu-utils", "qemu-system-x86_64": "qemu-system-x86",
}
_KEPT_FOR = 14 * 24 * 3600
_LEAN = [f"path-exclude=/usr/share/{part}/*" for part in ("doc", "man", "locale", "info")]


def cache_dir() -> pathlib.Path:
    """Where images are kept: GANETI_LAB_CACHE, else /var/cache/ganeti-lab."""
    return pathlib.Path(os.environ.get("GANETI_LAB_CACHE", "/var/cache/ganeti-lab"))


def digest() -> str:
    """What the image is made of, as a short name."""
    content = hashlib.sha256()
    for part in (SUITE, *PACKAGES, KERNEL, HYPERVISOR):
        content.update(part.encode() + b"\n")
    for file in sorted(NODE_FILES.iterdir()):
        content.update(file.name.encode() + b"\0" + file.read_bytes())
    return content.hexdigest()[:16]


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock of the cache directory: only one process builds."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    with open(cache_dir() / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def image() -> pathlib.Path:
    """Directory with root.img, vmlinuz, initrd.gz, xen and id (ssh key); built when missing."""
    wanted = cache_dir() / digest()
    with locked("image"):
        if not wanted.exists():
            _require_programs()
            _forget_old()
            scratch = cache_dir() / f"{wanted.name}.new"
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            _build(scratch)
            scratch.rename(wanted)
        os.utime(wanted)
    return wanted


def _run(*argv: str | pathlib.Path, cwd: pathlib.Path | None = None) -> str:
    result = subprocess.run([str(arg) for arg in argv], text=True, capture_output=True,
                            check=False, cwd=cwd, stdin=subprocess.DEVNULL)
    if result.returncode:
        said = (result.stderr or result.stdout).strip()[-1500:]
        raise LabError(f"'{' '.join(map(str, argv[:4]))} ...' failed while the nodes' image was "
                       f"built: {said}")
    return result.stdout


def _require_programs() -> None:
    missing = [package for program, package in HOST_PROGRAMS.items()
               if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None]
    if missing:
        if shutil.which("apt-get") is None:
            raise LabError(f"The lab needs these packages: {' '.join(missing)}")
        _run("apt-get", "-qq", "update")
        _run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "install", "-y",
             "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *missing)


def _forget_old() -> None:
    """Remove images that nobody has used for two weeks."""
    for entry in cache_dir().iterdir():
        if (entry / "root.img").exists() and entry.stat().st_mtime < time.time() - _KEPT_FOR:
            shutil.rmtree(entry)


def _build(directory: pathlib.Path) -> None:
    base, kernel = directory / "base", directory / "kernel"
    with ThreadPoolExecutor() as pool:
        debian = pool.submit(_debian, base)
        unpacked = pool.submit(_kernel_and_hypervisor, directory, kernel)
        debian.result()
        unpacked.result()
    _run("sh", NODE_FILES / "assemble", base, kernel, directory)
    shutil.rmtree(base)
    shutil.rmtree(kernel)


def _debian(base: pathlib.Path) -> None:
    options = [f"--dpkgopt={line}" for line in _LEAN]
    _run("mmdebstrap", "--mode=root", "--variant=minbase", f"--include={','.join(PACKAGES)}",
         *options, '--aptopt=Acquire::Languages "none"', SUITE, base)


def _kernel_and_hypervisor(directory: pathlib.Path, kernel: pathlib.Path) -> None:
    """Unpack Debian's full kernel (the cloud kernel has no DRBD and is no Xen dom0) and Xen."""
    depends = _run("apt-cache", "depends", KERNEL)
    if "linux-image-" not in depends.partition("Depends:")[2]:
        _run("apt-get", "-qq", "update")
        depends = _run("apt-cache", "depends", KERNEL)
    package = depends.partition("Depends:")[2].split()[0]
    debs = directory / "deb"
    debs.mkdir()
    _run("apt-get", "-qq", "download", package, HYPERVISOR, cwd=debs)
    for deb in glob.glob(f"{debs}/linux-image*.deb"):
        _run("dpkg", "-x", deb, kernel)
    for deb in glob.glob(f"{debs}/xen-hypervisor*.deb"):
        _run("dpkg", "-x", deb, directory / "x")
    packed = directory / "x/boot/xen-4.17-amd64.gz"
    (directory / "xen").write_bytes(subprocess.run(
        ["gzip", "-dc", str(packed)], capture_output=True, check=True).stdout)
    shutil.rmtree(directory / "x")
    shutil.rmtree(debs)
