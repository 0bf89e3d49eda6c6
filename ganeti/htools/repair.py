"""Automatic repair: what the tags of an instance permit and record, and what is to be done.

Nothing is kept anywhere but in tags, so that an administrator sees and changes all of it:
`ganeti:watcher:autorepair:` and then `TYPE` (repairs up to this type are allowed),
`suspend[:EPOCH]`, `pending:TYPE:UUID:EPOCH:JOBS` or `result:TYPE:UUID:EPOCH:RESULT:JOBS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from ganeti import constants, errors
from ganeti.htools import model
from ganeti.htools.model import MIRROR_EXTERNAL, MIRROR_INTERNAL

PREFIX = "ganeti:watcher:autorepair:"
FIX_STORAGE, MIGRATE, FAILOVER, REINSTALL = "fix-storage", "migrate", "failover", "reinstall"
#: From mild to harsh.
TYPES = (FIX_STORAGE, MIGRATE, FAILOVER, REINSTALL)
SUCCESS, FAILED, NOT_PERMITTED = "success", "failure", "enoperm"
RESULTS = (SUCCESS, FAILED, NOT_PERMITTED)
HEALTHY, FAILURE, PENDING, NEEDED = "Healthy", "Failure", "Pending repair", "Needs repair"
STATES = (FAILURE, HEALTHY, NEEDED, PENDING)
_SUSPEND, _PENDING, _RESULT = "suspend", "pending", "result"
_ALLOCATOR = "hail"
FOR_EVER = float("inf")


@dataclasses.dataclass(frozen=True)
class Note:
    """A repair under way (without a result) or done, as a tag tells it."""

    type: str
    uuid: str
    epoch: int
    jobs: tuple[int, ...] = ()
    result: str | None = None

    @property
    def tag(self) -> str:
        jobs = "+".join(map(str, self.jobs))
        parts = ([_PENDING, self.type, self.uuid, str(self.epoch), jobs] if self.result is None
                 else [_RESULT, self.type, self.uuid, str(self.epoch), self.result, jobs])
        return PREFIX + ":".join(parts)


@dataclasses.dataclass(frozen=True)
class Permission:
    """The harshest repair that is allowed (if any), or until when there is none."""

    type: str | None = None
    suspended: float | None = None

    def allows(self, wanted: str) -> bool:
        return self.type is not None and TYPES.index(wanted) <= TYPES.index(self.type)


@dataclasses.dataclass(frozen=True)
class Patient:
    """An instance with all that decides about its repair."""

    name: str
    template: str
    primary_offline: bool
    secondary_offline: bool
    tags: tuple[str, ...] = ()
    group_tags: tuple[str, ...] = ()

    def notes(self) -> list[Note]:
        """Its repairs, the last one last."""
        found = (read_note(tag) for tag in self.tags)
        return sorted((note for note in found if note is not None),
                      key=lambda note: (note.epoch, note.tag))

    def pending(self) -> Note | None:
        """The repair that is under way."""
        return next((note for note in reversed(self.notes()) if note.result is None), None)

    def last(self) -> Note | None:
        """The repair that ended last."""
        return next((note for note in reversed(self.notes()) if note.result is not None), None)

    def state(self) -> str:
        """As the tags tell it."""
        if self.pending():
            return PENDING
        last = self.last()
        if last is None or last.result == SUCCESS:
            return HEALTHY
        return FAILURE if last.result == FAILED else NEEDED


def read_note(tag: str) -> Note | None:
    """What a tag says of a repair; None if it is none."""
    kind, _, rest = tag.removeprefix(PREFIX).partition(":")
    parts = rest.split(":")
    if not tag.startswith(PREFIX) or len(parts) != {_PENDING: 4, _RESULT: 5}.get(kind):
        return None
    result = parts.pop(3) if kind == _RESULT else None
    try:
        jobs = tuple(int(job) for job in parts[3].split("+") if job)
        note = Note(parts[0], parts[1], int(parts[2]), jobs, result)
    except ValueError:
        return None
    known = note.type in TYPES and (result is None or result in RESULTS)
    return note if known and (jobs or result is not None) else None


def permission(levels: Iterable[Sequence[str]], now: float) -> Permission:
    """What is permitted; `levels` are the tags of the instance, its group and the cluster."""
    for tags in levels:
        words = [tag[len(PREFIX):] for tag in tags if tag.startswith(PREFIX)]
        until = max((limit for word in words if (limit := _suspension(word)) is not None),
                    default=0.0)
        if until > now:
            return Permission(suspended=until)
        if types := [word for word in words if word in TYPES]:
            return Permission(min(types, key=TYPES.index))
    return Permission()


def _suspension(word: str) -> float | None:
    """Until when a tag suspends repairs; None if it is no such tag."""
    kind, colon, epoch = word.partition(":")
    if kind != _SUSPEND:
        return None
    if not colon:
        return FOR_EVER
    return float(epoch) if epoch.isdigit() else None


def find(patient: Patient) -> tuple[str, list[dict[str, Any]]] | None:
    """What an instance on offline nodes needs: the type of repair, and its opcodes.

    A copy that is still there is used; disks that lie elsewhere start on another node; what was
    on one node only is made anew. Disks that nobody here can judge are left alone.
    """
    if not model.known(patient.template):
        return None
    kind = model.template(patient.template)
    name = {"instance_name": patient.name}
    anew = (REINSTALL, [
        {"OP_ID": "OP_INSTANCE_RECREATE_DISKS", "iallocator": _ALLOCATOR, **name},
        {"OP_ID": "OP_INSTANCE_REINSTALL", **name}])
    if kind.mirror == MIRROR_INTERNAL:
        if patient.primary_offline and patient.secondary_offline:
            return anew
        if patient.primary_offline:
            return FAILOVER, [{"OP_ID": "OP_INSTANCE_FAILOVER", **name}]
        if patient.secondary_offline:
            return FIX_STORAGE, [{
                "OP_ID": "OP_INSTANCE_REPLACE_DISKS", "mode": constants.REPLACE_DISK_CHG,
                "iallocator": _ALLOCATOR, **name}]
        return None
    if not patient.primary_offline:
        return None
    if kind.mirror == MIRROR_EXTERNAL:
        return FAILOVER, [{"OP_ID": "OP_INSTANCE_FAILOVER", "iallocator": _ALLOCATOR, **name}]
    return anew


def outcome(statuses: Sequence[str | None]) -> str | None:
    """The result of jobs (None for one that is not known any more), None while some still run."""
    if any(status is not None and status not in constants.JOBS_FINALIZED for status in statuses):
        return None
    return SUCCESS if all(status == constants.JOB_STATUS_SUCCESS for status in statuses) else FAILED


def patients(instances: Iterable[dict[str, Any]], nodes: Iterable[dict[str, Any]],
             groups: Iterable[dict[str, Any]]) -> list[Patient]:
    """Instances from the answers of the master daemon."""
    by_node = {node["name"]: node for node in nodes}
    tags = {group["uuid"]: tuple(group["tags"] or ()) for group in groups}
    try:
        return [Patient(
            inst["name"], inst["disk_template"], bool(by_node[inst["pnode"]]["offline"]),
            any(by_node[node]["offline"] for node in inst["snodes"] or ()),
            tuple(inst["tags"] or ()), tags[by_node[inst["pnode"]]["group.uuid"]])
            for inst in instances]
    except KeyError as err:
        raise errors.GenericError(f"The master's answers name the unknown object {err}; it may have"
                                  " been removed meanwhile: try again") from None
