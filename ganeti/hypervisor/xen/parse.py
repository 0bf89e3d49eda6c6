"""What `xl` prints, as objects. Recorded answers are in test/unit/hypervisor/xen/recorded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ganeti import errors, ht, serializer

DOM0 = "Domain-0"
#: What `xl` calls a guest on its way, at either end
INCOMING, LEAVING = "--incoming", "--migratedaway"
_NAMELESS = "(null)"

#: Reason codes of a domain that does not run any more
REASON_POWEROFF, REASON_REBOOT, REASON_SUSPEND, REASON_CRASH = 0, 1, 2, 3

# Names are of any length and come first; a domain that dies may have none.
_DOMAIN = re.compile(
    r"^(?P<name>.*?)\s+(?P<id>\d+)\s+(?P<memory>\d+)\s+(?P<vcpus>\d+)\s+(?P<flags>[a-zA-Z-]{5,7})"
    r"\s+(?P<time>\d+(?:\.\d+)?)(?:\s+(?P<uuid>[0-9a-fA-F-]{36})(?:\s+(?P<reason>\d+|-))?.*)?$")
_HEADING = re.compile(r"^Name\s+ID\s+Mem\s+VCPUs")
_TYPE = re.compile(r"^(?:type|builder)\s*=\s*['\"](pv|pvh|hvm)['\"]", re.MULTILINE)
_LONG_LIST = ht.ListOf(ht.Object(
    {"config": ht.Object({"c_info": ht.DictOf(ht.String, ht.Any)}, exact=False)}, exact=False))
_PROGRESS = re.compile(r"Frames:\s+(\d+)/(\d+)|(?:iteration|Pages)\D+(\d+)\s*(?:/|of)\s*(\d+)")


@dataclass(frozen=True, slots=True)
class Domain:
    """A line of `xl list -v`."""

    name: str
    id: int
    #: MiB
    memory: int
    vcpus: int
    #: A letter or '-' each: running, blocked, paused, shut down, why it was shut down, dying
    flags: str
    #: CPU time in seconds
    time: float
    #: Why it was shut down (REASON_*), None while it lives
    reason: int | None = None

    @property
    def dying(self) -> bool:
        """Whether it is only waited for that its memory comes back."""
        return "d" in self.flags[5:] or self.name == _NAMELESS

    @property
    def shut_down(self) -> bool:
        """Whether it has stopped, but is kept; a guest that is being saved looks like that too."""
        return "s" in self.flags[3:4]

    @property
    def crashed(self) -> bool:
        return self.shut_down and ("c" in self.flags[4:5] or self.reason == REASON_CRASH)

    @property
    def ended(self) -> bool:
        """Whether it does not run any more and, other than for a reboot, will not again."""
        return self.dying or (self.shut_down
                              and self.reason not in (REASON_SUSPEND, REASON_REBOOT))

    @property
    def powered_off(self) -> bool:
        """Whether its own operating system has switched it off."""
        return (self.shut_down and not self.dying and not self.crashed
                and self.reason in (REASON_POWEROFF, None))


def domains(output: str) -> list[Domain]:
    """The domains of `xl list -v` (or without -v, which then says no reasons), dom0 first."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    if not lines or not _HEADING.match(lines[0]):
        raise errors.HypervisorError(
            f"'xl list' printed no list of domains, but: {output[:200]!r}")
    return [_domain(line) for line in lines[1:]]


def _domain(line: str) -> Domain:
    found = _DOMAIN.match(line)
    if found is None:
        raise errors.HypervisorError(f"'xl list' printed a line that is not understood: {line!r}")
    reason = found["reason"]
    return Domain(found["name"].strip() or _NAMELESS, int(found["id"]), int(found["memory"]),
                  int(found["vcpus"]), found["flags"], float(found["time"]),
                  int(reason) if reason and reason != "-" else None)


def guests(found: Sequence[Domain]) -> list[Domain]:
    """Without dom0, domains that are dying, and guests on their way from or to other nodes."""
    return [domain for domain in found
            if domain.id != 0 and not domain.dying
            and not domain.name.endswith((INCOMING, LEAVING))]


def types(output: str) -> dict[str, str]:
    """Domain name -> pv, pvh or hvm, from `xl list -l`."""
    try:
        found = _LONG_LIST.check(serializer.load(output))
    except (errors.ParseError, ht.Mismatch) as err:
        raise errors.HypervisorError(f"'xl list -l' printed no list of domains: {err}") from None
    return {entry["config"]["c_info"]["name"]: entry["config"]["c_info"].get("type", "pv")
            for entry in found if "name" in entry["config"]["c_info"]}


def configured_type(text: str) -> str:
    """pv, pvh or hvm, from a domain's configuration, also one that an older release wrote."""
    found = _TYPE.search(text)
    return found[1] if found else "pv"


def info(output: str) -> dict[str, str]:
    """The `key : value` lines of `xl info`."""
    values = {}
    for line in output.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            values[key.strip()] = value.strip()
    return values


def node_info(values: dict[str, str], dom0: Domain | None) -> dict[str, Any]:
    """The catalogue's hv dict from `xl info` and the line of dom0; what is unknown is left out."""
    known: dict[str, Any] = {}
    numbers = {key: int(value) for key, value in values.items() if value.isdigit()}
    names = {"total_memory": "memory_total", "free_memory": "memory_free",
             "nr_cpus": "cpu_total", "nr_nodes": "cpu_nodes"}
    known |= {name: numbers[key] for key, name in names.items() if key in numbers}
    in_socket = numbers.get("cores_per_socket", 0) * numbers.get("threads_per_core", 1)
    if in_socket and "nr_cpus" in numbers:
        known["cpu_sockets"] = max(1, numbers["nr_cpus"] // in_socket)
    if dom0 is not None:
        known |= {"memory_dom0": dom0.memory, "cpu_dom0": dom0.vcpus}
    if {"xen_major", "xen_minor"} <= numbers.keys():
        known["hv_version"] = [numbers["xen_major"], numbers["xen_minor"]]
    return known


def frames(output: str) -> tuple[int, int] | None:
    """How many pages of how many a guest's saving has told last."""
    found = None
    for match in _PROGRESS.finditer(output):
        found = int(match[1] or match[3]), int(match[2] or match[4])
    return found
