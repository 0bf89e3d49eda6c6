"""Where the guest's kernel and busybox come from: Debian's packages (unpacked, not installed),
or the host's own files.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ganeti.tools.demo_guest import GuestError
from ganeti.utils import process

#: Depends on the kernel's own package, whose name has the version
_KERNEL_PACKAGE = "linux-image-cloud-amd64"
_BUSYBOX_PACKAGE = "busybox-static"
_TIMEOUT = 300


@dataclass(frozen=True)
class Kernel:
    """A kernel image and the directory of its modules."""

    image: Path
    modules: Path


def kernel(cache: Path) -> Kernel:
    """The cached kernel, else Debian's, else the host's."""
    found = _kernel_in(cache / "kernel")
    if found:
        return found
    try:
        package = _dependency(_KERNEL_PACKAGE)
        _unpack(package, cache / "kernel")
        found = _kernel_in(cache / "kernel")
    except GuestError as err:
        found = _host_kernel()
        if found is None:
            raise GuestError(
                f"{err}; and this host has no kernel in /boot with its modules that could be"
                " used instead") from err
    if found is None:
        raise GuestError(f"Package {package} holds no kernel")
    return found


def _kernel_in(root: Path) -> Kernel | None:
    images = sorted(root.glob("boot/vmlinuz-*"))
    if not images:
        return None
    release = images[-1].name.removeprefix("vmlinuz-")
    for base in ("lib/modules", "usr/lib/modules"):
        if (root / base / release).is_dir():
            return Kernel(images[-1], root / base / release)
    return None


def _host_kernel() -> Kernel | None:
    release = os.uname().release
    image, modules = Path(f"/boot/vmlinuz-{release}"), Path(f"/lib/modules/{release}")
    return Kernel(image, modules) if os.access(image, os.R_OK) and modules.is_dir() else None


def busybox(cache: Path) -> Path:
    """A busybox that needs no libraries: cached, the host's, or Debian's."""
    places = [cache / "busybox/bin/busybox", cache / "busybox/usr/bin/busybox",
              Path("/bin/busybox"), Path("/usr/bin/busybox")]
    for path in places:
        if path.is_file() and _is_static(path):
            return path
    _unpack(_BUSYBOX_PACKAGE, cache / "busybox")
    for path in places[:2]:
        if path.is_file():
            return path
    raise GuestError(f"Package {_BUSYBOX_PACKAGE} holds no busybox")


def _is_static(path: Path) -> bool:
    """No program interpreter in the first page of the ELF file."""
    with path.open("rb") as stream:
        head = stream.read(4096)
    return head.startswith(b"\x7fELF") and b"/ld-linux" not in head and b"/ld-musl" not in head


def _dependency(package: str) -> str:
    """The versioned package on which a meta package depends."""
    words = ["apt-cache", "depends", package]
    shown = process.run(words, timeout=_TIMEOUT)
    if (shown.failed or "Depends:" not in shown.stdout) and os.geteuid() == 0:
        process.run(["apt-get", "-q", "update"], timeout=_TIMEOUT)
        shown = process.run(words, timeout=_TIMEOUT)
    found = re.search(r"Depends: (linux-image-\d\S*)", shown.stdout)
    if not found:
        raise GuestError(f"apt knows no package {package} (run 'apt-get update' as root)")
    return found.group(1)


def _unpack(package: str, target: Path) -> None:
    """Download a package and unpack it; `target` appears whole or not at all."""
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise GuestError(f"{tool} is missing, so package {package} can not be had")
    with tempfile.TemporaryDirectory(prefix=".unpack-", dir=target.parent) as work:
        # apt's unprivileged user can not write here; without it no warning comes
        fetched = process.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download",
                               package], cwd=work, timeout=_TIMEOUT)
        archives = list(Path(work).glob("*.deb"))
        if fetched.failed or not archives:
            raise GuestError(f"Downloading package {package} failed:"
                             f" {(fetched.output.strip().splitlines() or ['no output'])[-1]}")
        process.run(["dpkg-deb", "-x", str(archives[0]), f"{work}/tree"],
                    timeout=_TIMEOUT).require_success(f"Unpacking {package}")
        shutil.rmtree(target, ignore_errors=True)
        os.rename(f"{work}/tree", target)
