"""Control groups, version 1 and 2: which there are on this node, and those of a container.

What limits a container gets is in :mod:`ganeti.hypervisor.lxc.limits`.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ganeti import errors
from ganeti.hypervisor.lxc.paths import GROUP_KINDS, PAYLOAD, Files, root_mark
from ganeti.utils import io, process

_MOUNTS = "/proc/self/mountinfo"
_FIRST_PROCESS = "/proc/1/cgroup"
_KNOWN = "/proc/cgroups"
_TOP = "/sys/fs/cgroup"
_MOUNT_TIMEOUT = 30
_REMOVE_TIMEOUT = 10
_POLL = 0.02
_INIT_SCOPE = "/init.scope"
#: Version 2 has these in every group without calling them controllers
_ALWAYS_IN_V2 = frozenset(["devices", "freezer", "cpuacct"])


class Hierarchy(NamedTuple):
    """One mounted tree of control groups."""

    version: int
    controllers: frozenset[str]
    #: Directory below which LXC makes the groups of containers
    base: str


@dataclass(frozen=True)
class Tree:
    """All hierarchies of this node."""

    hierarchies: Sequence[Hierarchy]

    def of(self, controller: str) -> Hierarchy | None:
        """The hierarchy with a controller; version 1 first, as on hosts that have both."""
        found = [each for each in self.hierarchies if controller in each.controllers]
        return min(found, key=lambda each: each.version) if found else None

    def require(self, controller: str) -> Hierarchy:
        hierarchy = self.of(controller)
        if hierarchy is None:
            raise errors.HypervisorError(missing(controller))
        return hierarchy

    def has_file(self, controller: str, name: str) -> bool:
        """Whether groups of version 1 have a file; the root group tells."""
        hierarchy = self.of(controller)
        return hierarchy is not None and os.path.exists(os.path.join(hierarchy.base, name))


def missing(controller: str) -> str:
    """That a controller is not there, and how to get it."""
    states = known()
    if states.get(controller) is False:
        return (f"The kernel's cgroup controller '{controller}' is switched off; start the node"
                f" with the kernel option cgroup_enable={controller}")
    if controller in states:
        return (f"The cgroup controller '{controller}' is not mounted; "
                f"'mkdir -p {_TOP}/{controller} && mount -t cgroup -o {controller} cgroup"
                f" {_TOP}/{controller}' mounts it, /etc/fstab keeps it")
    return f"The kernel of this node has no cgroup controller '{controller}'"


def known() -> dict[str, bool]:
    """Controllers that the kernel has, and whether they are switched on."""
    rows = [line.split() for line in io.read_file(_KNOWN).splitlines()
            if not line.startswith("#")]
    return {row[0]: row[3] == "1" for row in rows if len(row) == 4}


def mount(controller: str) -> None:
    """Mount a controller of version 1 that the kernel has but nobody has mounted."""
    if not known().get(controller):
        raise errors.HypervisorError(missing(controller))
    target = os.path.join(_TOP, controller)
    try:
        os.makedirs(target, exist_ok=True)
    except OSError as err:
        raise errors.HypervisorError(f"{missing(controller)} ({err})") from err
    process.run(["mount", "-t", "cgroup", "-o", controller, "cgroup", target],
                timeout=_MOUNT_TIMEOUT).require_success(missing(controller))


def tree() -> Tree:
    """What is mounted on this node now."""
    return Tree(parse(io.read_file(_MOUNTS), io.read_file(_FIRST_PROCESS)))


def parse(mounts: str, first_process: str) -> list[Hierarchy]:
    """Hierarchies by /proc/PID/mountinfo and /proc/1/cgroup, below whose group LXC stays."""
    places = dict(_places(first_process))
    found: list[Hierarchy] = []
    seen: set[frozenset[str]] = set()
    for fstype, root, point, options in _cgroup_mounts(mounts):
        if fstype == "cgroup2":
            base = _below(point, root, places.get(frozenset(), "/"))
            controllers = frozenset(_v2_controllers(base)) | _ALWAYS_IN_V2
            key = frozenset[str]()
        else:
            key = next((names for names in places if names and names <= options), frozenset())
            if not key:
                continue
            base, controllers = _below(point, root, places[key]), key
        if key not in seen:
            seen.add(key)
            found.append(Hierarchy(2 if fstype == "cgroup2" else 1, controllers, base))
    return found


def _cgroup_mounts(mounts: str) -> Iterator[tuple[str, str, str, frozenset[str]]]:
    for line in mounts.splitlines():
        fields = line.split()
        dash = fields.index("-")
        if fields[dash + 1] in ("cgroup", "cgroup2"):
            yield (fields[dash + 1], fields[3], fields[4],
                   frozenset(fields[dash + 3].split(",")))


def _places(first_process: str) -> Iterator[tuple[frozenset[str], str]]:
    for line in first_process.splitlines():
        _, names, path = line.split(":", 2)
        path = path.removesuffix(_INIT_SCOPE) or "/"
        yield frozenset(names.split(",")) if names else frozenset(), path


def _below(point: str, root: str, place: str) -> str:
    """The directory of a group where only `root` of its hierarchy is mounted on `point`."""
    if root != "/" and (place + "/").startswith(root + "/"):
        place = place[len(root):]
    return os.path.normpath(point + "/" + place.lstrip("/"))


def _v2_controllers(base: str) -> list[str]:
    try:
        return io.read_file(os.path.join(base, "cgroup.controllers")).split()
    except FileNotFoundError:
        return []


# A container's groups ------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """The control groups in which a container's processes are, or its monitor with its hooks."""

    tree: Tree
    files: Files
    kind: str = PAYLOAD

    def directory(self, controller: str) -> str:
        return os.path.join(self.tree.require(controller).base, self.files.group(self.kind))

    def processes(self) -> list[int]:
        """All processes, those of groups that the container made itself too."""
        numbers: set[int] = set()
        for directory, _, names in os.walk(self.directory("memory")):
            if "cgroup.procs" in names:
                numbers.update(_numbers(os.path.join(directory, "cgroup.procs")))
        return sorted(numbers)

    def read(self, controller: str, name: str) -> str | None:
        """Content of a file, None where the group or the file is not there."""
        try:
            return io.read_file(os.path.join(self.directory(controller), name)).strip()
        except OSError:
            return None

    def write(self, controller: str, name: str, value: str) -> None:
        path = os.path.join(self.directory(controller), name)
        try:
            with open(path, "w", encoding="ascii") as stream:
                stream.write(value)
        except OSError as err:
            raise errors.HypervisorError(
                f"The kernel does not take '{value}' in {path}: {err.strerror}") from err

    def kill(self) -> None:
        """End every process; repeated by the caller until none is left."""
        for number in self.processes():
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                continue


def init_of(processes: Sequence[int]) -> int | None:
    """The first process of a container, number 1 in its namespace."""
    found = []
    for number in processes:
        spaces = namespace_numbers(number)
        if len(spaces) > 1 and spaces[-1] == 1:
            found.append((len(spaces), number))
    return min(found)[1] if found else None


def namespace_numbers(number: int) -> list[int]:
    """Numbers of a process in its process namespaces, from outside to inside."""
    for line in status_lines(number):
        if line.startswith("NSpid:"):
            return [int(word) for word in line.split()[1:]]
    return []


def status_lines(number: int) -> list[str]:
    """Lines of /proc/PID/status, none when the process has gone."""
    try:
        with open(f"/proc/{number}/status", encoding="utf-8", errors="replace") as stream:
            return stream.read().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _numbers(path: str) -> list[int]:
    try:
        with open(path, encoding="ascii") as stream:
            return [int(line) for line in stream]
    except OSError:
        # the group has just gone, or is of a kind that has threads only
        return []


def remove(files: Files) -> None:
    """Remove the empty groups that a monitor which was killed could not."""
    for hierarchy in tree().hierarchies:
        for kind in GROUP_KINDS:
            _remove_tree(os.path.join(hierarchy.base, files.group(kind)))


def remove_of_root(root: str) -> None:
    """Remove the groups of a virtual node that was switched off."""
    for hierarchy in tree().hierarchies:
        for name in os.listdir(hierarchy.base):
            if name.startswith("lxc.") and name.endswith(root_mark(root)):
                _remove_tree(os.path.join(hierarchy.base, name))


def _remove_tree(top: str) -> None:
    for directory, _, _ in os.walk(top, topdown=False):
        _remove_one(directory)


def _remove_one(directory: str) -> None:
    """Remove a group; processes that have just ended are in it for a moment longer."""
    deadline = time.monotonic() + _REMOVE_TIMEOUT
    while True:
        try:
            os.rmdir(directory)
        except FileNotFoundError:
            return
        except OSError as err:
            if time.monotonic() > deadline:
                raise errors.HypervisorError(
                    f"Can not remove the control group {directory}: {err.strerror}; 'cat"
                    f" {directory}/cgroup.procs' tells which processes are left in it") from err
            time.sleep(_POLL)
