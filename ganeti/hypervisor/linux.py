"""What every hypervisor on a Linux node reads from /proc: memory, processors, boots."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from ganeti import errors
from ganeti.utils import io

MEMINFO = "/proc/meminfo"
CPUINFO = "/proc/cpuinfo"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
SYSRQ_TRIGGER = "/proc/sysrq-trigger"
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def parse_meminfo(text: str) -> dict[str, int]:
    """Values of /proc/meminfo in MiB."""
    values = {}
    for line in text.splitlines():
        key, _, rest = line.partition(":")
        fields = rest.split()
        if len(fields) == 2 and fields[1] == "kB" and fields[0].isdigit():
            values[key.strip()] = int(fields[0]) // 1024
    return values


def memory_info(meminfo: Mapping[str, int]) -> dict[str, int]:
    """The memory part of the catalogue's hv dict; a value that is not known is left out."""
    info: dict[str, int] = {}
    if "MemTotal" in meminfo:
        info["memory_total"] = meminfo["MemTotal"]
    if "MemFree" in meminfo:
        info["memory_free"] = sum(meminfo.get(key, 0) for key in ("MemFree", "Buffers", "Cached"))
    if "memory_total" in info and "memory_free" in info:
        info["memory_dom0"] = info["memory_total"] - info["memory_free"]
    return info


def node_info() -> dict[str, Any]:
    """Memory and processors of this node."""
    try:
        with open(MEMINFO, encoding="ascii") as fobj:
            info: dict[str, Any] = dict(memory_info(parse_meminfo(fobj.read())))
        with open(CPUINFO, encoding="ascii", errors="replace") as fobj:
            cpus = sum(1 for line in fobj if line.startswith("processor"))
    except OSError as err:
        raise errors.HypervisorError(f"Can not read the node's memory and processors: {err}"
                                     ) from err
    info["cpu_total"] = info["cpu_dom0"] = cpus
    # The Linux kernel is the "dom0": no topology is promised to callers
    info["cpu_nodes"] = info["cpu_sockets"] = 1
    return info


def boot_id() -> str:
    """A text that changes with each boot of the node."""
    return io.read_file(BOOT_ID).strip()


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as fobj:
            fields = fobj.read().rsplit(")", 1)[1].split()
    except OSError as err:
        raise errors.HypervisorError(f"Process {pid} is gone: {err.strerror}") from err
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def powercycle() -> None:
    """Restart this node at once, without shutting anything down."""
    if not os.path.exists(SYSRQ_TRIGGER):
        raise errors.HypervisorError(
            f"This node has no {SYSRQ_TRIGGER}; restart it by its own means")
    logging.warning("Restarting this node at once, as asked for")
    with open(SYSRQ_TRIGGER, "w", encoding="ascii") as fobj:
        fobj.write("b")
