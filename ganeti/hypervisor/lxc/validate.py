"""Whether this node can run containers, and with given parameters."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from ganeti import errors
from ganeti.hypervisor.lxc import cgroup, config, limits, program
from ganeti.utils import io, text

_PROCESSORS = "/sys/devices/system/cpu/online"


def trouble(hvparams: Mapping[str, Any] | None) -> Iterator[str]:
    """What keeps containers from running here, each with what mends it."""
    if os.getuid() != 0:
        yield ("containers need a node daemon that runs as root; take 'lxc' out of the cluster's"
               " enabled hypervisors, or run the daemons as root")
        return
    try:
        version = program.version()
    except errors.GenericError as err:
        yield errors.text(err)
        return
    if version < program.OLDEST:
        yield (f"LXC {'.'.join(map(str, version))} is too old;"
               f" {'.'.join(map(str, program.OLDEST))} or later is needed")
    for name in program.missing_programs():
        yield f"program '{name}' is missing; install its package on this node"
    found = cgroup.tree()
    if not found.hierarchies:
        yield "no control groups are mounted; 'mount -t cgroup2 cgroup2 /sys/fs/cgroup' mounts them"
        return
    for name in limits.CONTROLLERS:
        if found.of(name) is None:
            yield cgroup.missing(name)
    yield from parameter_trouble(hvparams) if hvparams else ()


def parameter_trouble(hvparams: Mapping[str, Any]) -> Iterator[str]:
    """Parameters that do not fit this node."""
    online = set(text.parse_cpu_mask(io.read_file(_PROCESSORS).strip()))
    absent = sorted(set(text.parse_cpu_mask(hvparams["cpu_mask"])) - online)
    if absent:
        yield (f"cpu_mask names processors that this node does not have:"
               f" {', '.join(map(str, absent))} (it has {', '.join(map(str, sorted(online)))})")
    found, kernel = cgroup.tree(), cgroup.known()
    for name in limits.extra_controllers(hvparams):
        if found.of(name) is None and not kernel.get(name):
            yield f"extra_cgroups: {cgroup.missing(name)}"
    if not program.missing_programs():
        yield from _not_understood(hvparams)


def _not_understood(hvparams: Mapping[str, Any]) -> Iterator[str]:
    """What LXC itself would refuse when the container starts."""
    drops = [("lxc.cap.drop", name) for name in config.capabilities(hvparams["drop_capabilities"])]
    for setting in program.refused([*drops, *config.extra(hvparams["extra_config"])]):
        key, value = setting
        yield (f"drop_capabilities: LXC knows no capability '{value}'" if setting in drops
               else f"extra_config: LXC does not take {key}={value}")
