"""What a QEMU program can do, by asking it: version, machines, devices, processors.

Answers are remembered as long as the program file stays the same. Whether hardware
virtualisation works is another question (:mod:`.accel`).
"""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass

from ganeti import errors
from ganeti.utils import process

_VERSION = re.compile(r"version (\d+)\.(\d+)(?:\.(\d+))?")
_ALIAS = re.compile(r"^(\S+)\s.*\(alias of (\S+)\)")
_DEFAULT = re.compile(r"^(\S+)\s.*\(default\)")
_DEVICE = re.compile(r'^name "([^"]+)"(?:.*alias "([^"]+)")?')
_TIMEOUT = 20


@dataclass(frozen=True)
class Binary:
    """Answers of one QEMU program."""

    path: str
    version: tuple[int, int, int]
    machines: frozenset[str]
    aliases: tuple[tuple[str, str], ...]
    default_machine: str
    devices: frozenset[str]
    cpus: frozenset[str]
    has_spice: bool

    def machine_of(self, name: str) -> str:
        """The versioned machine type that a name (with options) stands for."""
        kind, comma, options = name.partition(",")
        return dict(self.aliases).get(kind, kind) + comma + options

    def has_machine(self, name: str) -> bool:
        return name.partition(",")[0] in self.machines

    def has_cpu(self, name: str) -> bool:
        return name.partition(",")[0] in self.cpus

    def has_device(self, name: str) -> bool:
        return name in self.devices


def probe(path: str) -> Binary:
    """Ask the program at `path`; HypervisorError when it does not answer as QEMU does."""
    try:
        info = os.stat(path)
    except OSError as err:
        raise errors.HypervisorError(
            f"QEMU can not be used: {path}: {err.strerror}; install it or set the hypervisor"
            " parameter 'kvm_path'") from err
    return _probe(path, info.st_mtime_ns, info.st_size)


@functools.lru_cache(maxsize=16)
def _probe(path: str, _mtime: int, _size: int) -> Binary:
    return parse(path, _ask(path, "--version"), _ask(path, "-machine", "help"),
                 _ask(path, "-device", "help"), _ask(path, "-cpu", "help"),
                 process.run([path, "-spice", "help"], timeout=_TIMEOUT).output)


def _ask(path: str, *question: str) -> str:
    result = process.run([path, *question], timeout=_TIMEOUT)
    if result.failed:
        raise errors.HypervisorError(
            f"'{path} {' '.join(question)}' failed: {result.fail_reason}; {result.output.strip()}")
    return result.stdout


def parse(path: str, version: str, machines: str, devices: str, cpus: str, spice: str) -> Binary:
    """Read QEMU's answers."""
    found = _VERSION.search(version)
    if not found:
        raise errors.HypervisorError(
            f"{path} does not answer like QEMU: {version.strip()[:80]!r}; check 'kvm_path'")
    lines = machines.splitlines()[1:]
    names = frozenset(line.split()[0] for line in lines if line.strip())
    aliases = tuple(match.groups() for match in map(_ALIAS.match, lines) if match)
    default = [match.group(1) for match in map(_DEFAULT.match, lines) if match]
    if not default:
        raise errors.HypervisorError(f"{path} has no default machine type; set 'machine_version'")
    devs = [match.groups() for match in map(_DEVICE.match, devices.splitlines()) if match]
    return Binary(
        path=path, version=(int(found[1]), int(found[2]), int(found[3] or 0)),
        machines=names, aliases=aliases,  # type: ignore[arg-type]
        default_machine=default[0],
        devices=frozenset(name for pair in devs for name in pair if name),
        cpus=_parse_cpus(cpus), has_spice="spice options:" in spice.lower())


def _parse_cpus(text: str) -> frozenset[str]:
    names = set()
    for line in text.splitlines():
        if line.startswith("Recognized"):
            break
        words = line.split()
        if words and words[0] == "x86":
            words = words[1:]
        if words and words[0] != "Available":
            names.add(words[0])
    return frozenset(names)
