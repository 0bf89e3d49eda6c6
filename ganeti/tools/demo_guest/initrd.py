"""Packing the guest's initial RAM disk: busybox, the modules it needs, and its init."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from ganeti.tools.demo_guest import GuestError, init
from ganeti.tools.demo_guest.fetch import Kernel
from ganeti.utils import io

#: What virtual machines of QEMU and of Xen have; loaded in this order, dependencies first. A host's
#: kernel may have some built in.
_MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_scsi", "sd_mod", "virtio_balloon",
            "virtio_console", "ata_piix", "e1000", "button", "evdev", "xen_blkfront",
            "xen_netfront")
_DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")


def make(cache: Path, kernel: Kernel, busybox: Path) -> Path:
    """The packed file; made anew when something that goes into it has changed."""
    parts = dict(_modules(kernel.modules))
    key = hashlib.sha256("\n".join([init.SCRIPT, str(kernel.image), *parts]).encode())
    key.update(busybox.read_bytes())
    target, stamp = cache / "initrd.gz", cache / "initrd.made-from"
    if not target.exists() or not stamp.exists() or stamp.read_text() != key.hexdigest():
        io.write_file(str(target), gzip.compress(_archive(parts, busybox), 6, mtime=0), mode=0o644)
        io.write_file(str(stamp), key.hexdigest(), mode=0o644)
    return target


def _archive(modules: dict[str, bytes], busybox: Path) -> bytes:
    archive = Cpio()
    for name in ("bin", "proc", "sys", "dev", "tmp", "etc", "modules"):
        archive.directory(name)
    archive.device("dev/console", 5, 1)
    archive.file("bin/busybox", busybox.read_bytes(), 0o755)
    archive.file("init", init.SCRIPT.encode(), 0o755)
    for number, (name, content) in enumerate(modules.items()):
        archive.file(f"modules/{number:02d}-{name}.ko", content, 0o644)
    return archive.finish()


def _modules(root: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of all modules, each after those it depends on."""
    where = {path.name.partition(".")[0].replace("-", "_"): path
             for path in root.rglob("*.ko*")}
    if not where:
        raise GuestError(f"There are no kernel modules in {root}")
    done: set[str] = set()

    def load(name: str) -> Iterator[tuple[str, bytes]]:
        if name in done or name not in where:
            return
        done.add(name)
        content = _read(where[name])
        found = _DEPENDS.search(content)
        for needed in (found.group(1).decode().split(",") if found else ()):
            yield from load(needed.replace("-", "_"))
        yield name, content

    for name in _MODULES:
        yield from load(name)


def _read(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".ko":
        return data
    raise GuestError(f"Modules compressed as {path.suffix} are not understood: {path}")


class Cpio:
    """An archive in the kernel's format ("newc")."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._count = 0

    def directory(self, name: str) -> None:
        self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, name: str, content: bytes, mode: int) -> None:
        self._entry(name, stat.S_IFREG | mode, content)

    def device(self, name: str, major: int, minor: int) -> None:
        self._entry(name, stat.S_IFCHR | 0o600, rdev=os.makedev(major, minor))

    def _entry(self, name: str, mode: int, content: bytes = b"", rdev: int = 0) -> None:
        self._count += 1
        encoded = name.encode() + b"\0"
        fields = (self._count, mode, 0, 0, 1, 0, len(content), 0, 0, os.major(rdev),
                  os.minor(rdev), len(encoded), 0)
        self._data += b"070701" + b"".join(b"%08x" % value for value in fields) + encoded
        self._pad()
        self._data += content
        self._pad()

    def _pad(self) -> None:
        self._data += bytes(-len(self._data) % 4)

    def finish(self) -> bytes:
        self._entry("TRAILER!!!", 0)
        return bytes(self._data)
