"""Processors: model, topology, and on which of the node's processors they run."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import errors
from ganeti.hypervisor.kvm.command import CommandLine
from ganeti.hypervisor.kvm.guest import Guest
from ganeti.hypervisor.kvm.qmp import CommandRefused, Session
from ganeti.utils import text

_ALL = "all"


def arguments(guest: Guest, cmd: CommandLine) -> None:
    hvp = guest.hvp
    smp = [str(guest.vcpus)]
    smp += [f"{key}={hvp['cpu_' + key]}" for key in ("sockets", "cores", "threads")
            if hvp["cpu_" + key]]
    trouble = topology_trouble(hvp, guest.vcpus)
    if trouble:
        raise errors.HypervisorError(f"Instance {guest.name}: {trouble}")
    cmd.add("-smp", ",".join(smp))
    if hvp["cpu_type"]:
        cmd.add("-cpu", hvp["cpu_type"])


def topology_trouble(hvp: Mapping[str, Any], vcpus: int) -> str | None:
    """Why sockets, cores and threads can not be made of so many virtual processors."""
    product = 1
    for key in ("cpu_sockets", "cpu_cores", "cpu_threads"):
        product *= hvp[key] or 1
    complete = all(hvp[key] for key in ("cpu_sockets", "cpu_cores", "cpu_threads"))
    if (not complete or product == vcpus) and vcpus % product == 0:
        return None
    return (f"{vcpus} virtual processors do not make up the topology of cpu_sockets, cpu_cores"
            f" and cpu_threads ({product}); change these or the backend parameter 'vcpus'")


def mask_trouble(hvp: Mapping[str, Any], vcpus: int) -> str | None:
    """Why a mask for each virtual processor does not fit so many of them."""
    count = len(masks(hvp["cpu_mask"]))
    if count in (1, vcpus):
        return None
    return (f"cpu_mask '{hvp['cpu_mask']}' is for {count} virtual processors, the backend"
            f" parameter 'vcpus' is {vcpus}")


def masks(mask: str) -> list[set[int] | None]:
    """A cpu_mask as one set of node processors a virtual one; None stands for all of them."""
    return [None if part == _ALL else set(text.parse_cpu_mask(part))
            for part in mask.split(":")]


def pin(mask: str, vcpus: int, pid: int, session: Session) -> None:
    """Put the threads of a guest that does not run yet on their processors.

    One mask is for the whole process, several are one a virtual processor; the process itself
    then stays where it is.
    """
    wanted = masks(mask)
    if wanted == [None]:
        return
    if len(wanted) == 1:
        for thread in os.listdir(f"/proc/{pid}/task"):
            _bind(int(thread), wanted[0])
        return
    if len(wanted) != vcpus:
        raise errors.HypervisorError(
            f"cpu_mask '{mask}' is for {len(wanted)} virtual processors, the instance has {vcpus}")
    for cpu, cpus in zip(_threads(session.execute("query-cpus-fast")), wanted, strict=True):
        _bind(cpu, cpus)


def _threads(answer: Sequence[Mapping[str, Any]]) -> list[int]:
    return [cpu["thread-id"] for cpu in sorted(answer, key=lambda cpu: cpu["cpu-index"])]


def features(session: Session) -> dict[str, int]:
    """The CPUID words of the virtual processors: what they can do, one bit an ability.

    Processors of other architectures than x86 have none.
    """
    try:
        words = session.execute("qom-get", {"path": _first(session), "property": "feature-words"})
    except CommandRefused as err:
        logging.info("Processors are not compared: %s", err)
        return {}
    return {f"{word['cpuid-input-eax']:#x}.{word.get('cpuid-input-ecx', 0)}"
            f".{word['cpuid-register']}": word["features"] for word in words}


def feature_names(session: Session) -> list[str]:
    """The same by QEMU's names (aes, avx2 ...), among them some that are settings only."""
    path = _first(session)
    names = [entry["name"] for entry in session.execute("qom-list", path=path)
             if entry["type"] == "bool" and not entry["name"].startswith("x-")]
    return [name for name in names
            if session.execute("qom-get", {"path": path, "property": name}) is True]


def _first(session: Session) -> str:
    return str(session.execute("query-cpus-fast")[0]["qom-path"])


def missing(wanted: Mapping[str, int], here: Mapping[str, int]) -> list[str]:
    """The words of `wanted` that have bits which those of `here` have not."""
    lost = {word: bits & ~here.get(word, 0) for word, bits in wanted.items()}
    return [f"CPUID {word} {bits:#x}" for word, bits in lost.items() if bits]


def _bind(thread: int, cpus: set[int] | None) -> None:
    try:
        os.sched_setaffinity(thread, cpus if cpus is not None else range(os.cpu_count() or 1))
    except OSError as err:
        raise errors.HypervisorError(
            f"Can not run thread {thread} on processors {sorted(cpus or ())}: {err.strerror};"
            " check 'cpu_mask' against the node's processors") from err
    logging.debug("Thread %s is bound to processors %s", thread, sorted(cpus or ()) or _ALL)
