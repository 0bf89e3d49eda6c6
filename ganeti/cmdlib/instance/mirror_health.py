"""Judging the two copies of a mirrored disk: in step, catching up, cut off, or split.

Pure functions over what both nodes tell; asking them is at the end. Nothing here changes
anything.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping
from typing import Any

from ganeti import errors, objects
from ganeti.cmdlib.instance import mirrors
from ganeti.storage.drbd import generations, status
from ganeti.storage.drbd.generations import Relation
from ganeti.utils import text

KIB_PER_MIB = 1024


class Verdict(enum.Enum):
    """What is to be said of a mirrored disk."""

    HEALTHY = "in step"
    RESYNC = "catching up"
    #: A node does not tell
    UNKNOWN = "unknown"
    #: Not in use on either node, and no reason to worry
    INACTIVE = "not active"
    #: Connected, but one side has no good copy and none is on its way
    LOST = "copy lost"
    #: Not connected, and connecting loses nothing
    CUT_OFF = "cut off"
    #: Both copies have changed: one side's changes have to be given up
    SPLIT = "split brain"
    #: The copies have nothing in common
    UNRELATED = "unrelated copies"


@dataclasses.dataclass(frozen=True)
class Copy:
    """One node's copy, or why it is not known."""

    node: str
    generation: str = ""
    connection: str = ""
    role: str = ""
    disk: str = ""
    #: KiB
    changed: int = 0
    problem: str = ""

    @property
    def shown(self) -> str:
        """A copy in words."""
        if self.problem:
            return f"{self.node}: {self.problem}"
        changed = text.format_unit(max(1, -(-self.changed // KIB_PER_MIB)), "h") \
            if self.changed else "nothing"
        return (f"{self.node}: {self.role}, {self.connection}, its copy is {self.disk};"
                f" {changed} changed since the copies were last equal")


@dataclasses.dataclass(frozen=True)
class Finding:
    """What is so with one disk; the primary node's copy comes first."""

    disk: str
    verdict: Verdict
    copies: tuple[Copy, Copy]

    def explain(self) -> str:
        """One line for an administrator."""
        first, second = self.copies
        if self.verdict is Verdict.SPLIT:
            return (f"split brain: the copies on {first.node} and {second.node} have both changed"
                    " since they were last equal")
        if self.verdict is Verdict.UNRELATED:
            return f"the copies on {first.node} and {second.node} have nothing in common"
        if self.verdict is Verdict.CUT_OFF:
            newer = self.newer
            which = f"the copy on {newer} is newer" if newer else "both copies are equal"
            return f"not connected; {which}, connecting loses nothing"
        if self.verdict is Verdict.LOST:
            lost = [f"the copy on {copy.node} is {copy.disk}" for copy in self.copies
                    if copy.disk != status.UP_TO_DATE]
            return f"{' and '.join(lost)}; reads and writes go to the other node alone"
        if self.verdict is Verdict.UNKNOWN:
            return "; ".join(copy.shown for copy in self.copies if copy.problem)
        return str(self.verdict.value)

    @property
    def newer(self) -> str | None:
        """Node with the newer copy, where one is."""
        first, second = self.copies
        relation = _relation(first, second)
        if relation is Relation.NEWER:
            return first.node
        return second.node if relation is Relation.OLDER else None

    def wire(self) -> dict[str, Any]:
        """As the result of an operation."""
        return {"disk": self.disk, "verdict": self.verdict.value, "text": self.explain(),
                "copies": [{"node": copy.node, "text": copy.shown, "changed": copy.changed}
                           for copy in self.copies]}


def _relation(first: Copy, second: Copy) -> Relation:
    return generations.compare(
        generations.parse(first.generation), generations.parse(second.generation))


def judge(disk: str, first: Copy, second: Copy) -> Finding:
    """What is to be said of a disk's two copies."""
    return Finding(disk, _verdict(first, second), (first, second))


def _verdict(first: Copy, second: Copy) -> Verdict:
    if first.problem or second.problem:
        return Verdict.UNKNOWN
    states = {first.connection, second.connection}
    if states == {status.CONNECTED}:
        good = first.disk == second.disk == status.UP_TO_DATE
        return Verdict.HEALTHY if good else Verdict.LOST
    if states & status.RESYNC:
        return Verdict.RESYNC
    usual = Verdict.INACTIVE if states == {status.UNCONFIGURED} else Verdict.CUT_OFF
    return {Relation.SPLIT: Verdict.SPLIT, Relation.UNRELATED: Verdict.UNRELATED}.get(
        _relation(first, second), usual)


# Asking the nodes.


def parse_copy(node: str, answer: Any) -> Copy:
    """A node's answer [ok, state or message] about one disk."""
    good, value = answer
    if not good or not isinstance(value, Mapping):
        return Copy(node, problem=str(value))
    try:
        found = Copy(node, **{name: value[name] for name in (
            "generation", "connection", "role", "disk", "changed")})
        generations.parse(found.generation)
    except (KeyError, errors.BlockDeviceError) as err:
        return Copy(node, problem=f"an answer of the wrong form: {err}")
    return found


def ask(
    rpc: Any,
    config: objects.ConfigData,
    wanted: Iterable[tuple[objects.Instance, objects.Disk]],
) -> dict[str, Finding]:
    """Disk uuid -> finding, for mirrored disks; each node is asked once."""
    pairs = [(inst, disk) for inst, disk in wanted if mirrors.mirrored([disk])]
    copies: dict[tuple[str, str], Copy] = {}
    for uuid in sorted({uuid for _inst, disk in pairs for uuid in disk.nodes}):
        node = config.nodes[uuid]
        asked = [(disk, inst) for inst, disk in pairs if uuid in disk.nodes]
        result = rpc.drbd_copies(uuid, asked)
        for (disk, _inst), answer in zip(
                asked, result.payload or [[False, result.fail_msg]] * len(asked), strict=True):
            copies[uuid, disk.uuid] = parse_copy(node.name, answer)
    found = {}
    for inst, disk in pairs:
        first, second = sorted(disk.nodes, key=lambda uuid: uuid != inst.primary_node)
        found[disk.uuid] = judge(disk.iv_name or disk.uuid, copies[first, disk.uuid],
                                 copies[second, disk.uuid])
    return found
