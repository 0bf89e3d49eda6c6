"""How much of the node a container may use: its parameters as settings of control groups, and back.

Names and units of version 1 and 2 differ; nobody else needs to know.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import constants, errors
from ganeti.hypervisor.lxc import cgroup
from ganeti.hypervisor.lxc.cgroup import Group, Tree

Setting = tuple[str, str]

_MIB = 1 << 20
#: Microseconds in which the time of the processors is shared out
_PERIOD = 100000
#: Share of one virtual processor in each version
_SHARES, _WEIGHT = 1024, 100
_MOST_SHARES, _MOST_WEIGHT = 262144, 10000
_MEMSW = "memory.memsw.limit_in_bytes"
_NO_SWAP_ACCOUNT = "swapaccount=0"
_COMMAND_LINE = "/proc/cmdline"
#: What every container needs
CONTROLLERS = ("memory", "cpu", "cpuacct", "cpuset", "devices", "freezer")


def extra_controllers(hvparams: Mapping[str, Any]) -> list[str]:
    """Names in the parameter extra_cgroups."""
    return [word.strip() for word in hvparams["extra_cgroups"].split(",") if word.strip()]


def settings(hvparams: Mapping[str, Any], beparams: Mapping[str, Any], tree: Tree,
             devices: Sequence[str]) -> list[Setting]:
    """Lines of the configuration for the limits; `devices` are rules for the disks."""
    vcpus = beparams[constants.BE_VCPUS]
    return [*_memory(beparams[constants.BE_MAXMEM] * _MIB, tree),
            *_time(vcpus, tree),
            *_processors(hvparams["cpu_mask"], tree),
            *_devices([*device_rules(hvparams["devices"]), *devices], tree)]


def device_rules(value: str) -> list[str]:
    """The rules in the parameter devices."""
    return [word.strip() for word in value.split(",") if word.strip()]


def disk_rule(device_number: int, mode: int, writable: bool) -> str:
    """The rule that lets a container use a block or character device."""
    kind = "b" if stat.S_ISBLK(mode) else "c"
    return (f"{kind} {os.major(device_number)}:{os.minor(device_number)}"
            f" {'rwm' if writable else 'rm'}")


def _key(tree: Tree, controller: str, v1: str, v2: str) -> tuple[str, int]:
    version = tree.require(controller).version
    return (f"lxc.cgroup.{v1}", 1) if version == 1 else (f"lxc.cgroup2.{v2}", 2)


def swap_is_counted(tree: Tree) -> bool:
    """Whether the kernel can keep containers from swapping."""
    if tree.require("memory").version == 1:
        return tree.has_file("memory", _MEMSW)
    with open(_COMMAND_LINE, encoding="utf-8", errors="replace") as stream:
        return _NO_SWAP_ACCOUNT not in stream.read().split()


def _memory(size: int, tree: Tree) -> list[Setting]:
    """Memory, and no swap beyond it."""
    key, version = _key(tree, "memory", "memory.limit_in_bytes", "memory.max")
    found = [(key, str(size))]
    if swap_is_counted(tree):
        found.append((f"lxc.cgroup.{_MEMSW}", str(size)) if version == 1
                     else ("lxc.cgroup2.memory.swap.max", "0"))
    return found


def _time(vcpus: int, tree: Tree) -> list[Setting]:
    """As much time as `vcpus` processors have, and a share by their number when it is scarce."""
    share, version = _key(tree, "cpu", "cpu.shares", "cpu.weight")
    if version == 2:
        return [(share, str(min(vcpus * _WEIGHT, _MOST_WEIGHT))),
                ("lxc.cgroup2.cpu.max", f"{vcpus * _PERIOD} {_PERIOD}")]
    found = [(share, str(min(vcpus * _SHARES, _MOST_SHARES)))]
    if tree.has_file("cpu", "cpu.cfs_quota_us"):
        found += [("lxc.cgroup.cpu.cfs_period_us", str(_PERIOD)),
                  ("lxc.cgroup.cpu.cfs_quota_us", str(vcpus * _PERIOD))]
    return found


def _processors(mask: str, tree: Tree) -> list[Setting]:
    if not mask:
        return []
    key, _ = _key(tree, "cpuset", "cpuset.cpus", "cpuset.cpus")
    return [(key, mask)]


def _devices(rules: Sequence[str], tree: Tree) -> list[Setting]:
    """Nothing but what the rules allow."""
    allow, _ = _key(tree, "devices", "devices.allow", "devices.allow")
    deny, _ = _key(tree, "devices", "devices.deny", "devices.deny")
    return [(deny, "a"), *((allow, rule) for rule in rules)]


# Back from the running container -------------------------------------------------------------


def memory(group: Group) -> int:
    """MiB that a running container may use; -1 when there is no limit."""
    value = (group.read("memory", "memory.limit_in_bytes")
             or group.read("memory", "memory.max") or "max")
    # version 1 says "no limit" by a number near 2**63
    return -1 if value == "max" or int(value) >= 1 << 62 else int(value) // _MIB


def vcpus(group: Group) -> int:
    """Virtual processors of a running container."""
    if quota := group.read("cpu", "cpu.max"):
        time, _, period = quota.partition(" ")
        weight = int(group.read("cpu", "cpu.weight") or _WEIGHT)
        return weight // _WEIGHT if time == "max" else -(-int(time) // int(period))
    time = group.read("cpu", "cpu.cfs_quota_us") or "-1"
    if int(time) > 0:
        return -(-int(time) // int(group.read("cpu", "cpu.cfs_period_us") or _PERIOD))
    return max(1, int(group.read("cpu", "cpu.shares") or _SHARES) // _SHARES)


def cpu_seconds(group: Group) -> float:
    """Processor time that the container's processes have used."""
    if (used := group.read("cpuacct", "cpuacct.usage")) is not None:
        return int(used) / 1e9
    for line in (group.read("cpu", "cpu.stat") or "").splitlines():
        name, _, value = line.partition(" ")
        if name == "usage_usec":
            return int(value) / 1e6
    return 0.0


def set_memory(group: Group, size: int) -> None:
    """Give a running container `size` MiB; what it holds beyond is refused by the kernel."""
    if group.tree.require("memory").version == 2:
        used = int(group.read("memory", "memory.current") or 0)
        if used > size * _MIB:
            raise _too_small(group, size, used)
        group.write("memory", "memory.max", str(size * _MIB))
        return
    names = ["memory.limit_in_bytes"]
    if group.read("memory", _MEMSW) is not None:
        # the limit with swap may never be below the one without
        names.insert(0 if memory(group) < size else 1, _MEMSW)
    for name in names:
        try:
            group.write("memory", name, str(size * _MIB))
        except errors.HypervisorError as err:
            used = int(group.read("memory", "memory.usage_in_bytes") or 0)
            if used > size * _MIB:
                raise _too_small(group, size, used) from err
            raise


def _too_small(group: Group, size: int, used: int) -> errors.HypervisorError:
    return errors.HypervisorError(
        f"Instance {group.files.name} uses {used // _MIB} MiB of memory and can not be given"
        f" {size} MiB only; stop some of its programs first")


def prepare_extra(hvparams: Mapping[str, Any]) -> None:
    """Mount the controllers of extra_cgroups that are not, where the kernel has version 1."""
    found = cgroup.tree()
    for name in extra_controllers(hvparams):
        if found.of(name) is None:
            cgroup.mount(name)
