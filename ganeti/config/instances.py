"""Instances together with their disks: what is added, changed and removed as one."""

from __future__ import annotations

from collections.abc import Iterable

from ganeti import objects
from ganeti.config import draft as drafts


def add(draft: drafts.Draft, instance: objects.Instance,
        disks: Iterable[objects.Disk]) -> objects.Instance:
    """Add an instance and its disks (whose uuids become the instance's list)."""
    uuids = [draft.add(disk).uuid for disk in disks]
    return draft.add(instance.replace(disks=uuids))


def attach_disk(draft: drafts.Draft, instance: objects.Instance, disk: objects.Disk,
                index: int | None = None) -> objects.Instance:
    """Put a disk (new or detached) into an instance at a place, by default the last."""
    draft.put(disk)
    uuids = list(draft.get(instance).disks)
    uuids.insert(len(uuids) if index is None else index, disk.uuid)
    return _renumber(draft, draft.update(instance, disks=uuids))


def detach_disk(draft: drafts.Draft, instance: objects.Instance,
                disk: objects.Disk) -> objects.Instance:
    """Take a disk out of an instance; the disk stays in the configuration."""
    uuids = [uuid for uuid in draft.get(instance).disks if uuid != disk.uuid]
    return _renumber(draft, draft.update(instance, disks=uuids))


def remove_disk(draft: drafts.Draft, instance: objects.Instance,
                disk: objects.Disk) -> objects.Instance:
    """Take a disk out of an instance and of the configuration."""
    changed = detach_disk(draft, instance, disk)
    draft.remove(disk)
    return changed


def remove(draft: drafts.Draft, instance: objects.Instance) -> None:
    """Remove an instance and its disks."""
    current = draft.get(instance)
    disks = draft.config.disks
    for uuid in current.disks:
        if uuid in disks:
            draft.remove(disks[uuid])
    draft.remove(current)


def _renumber(draft: drafts.Draft, instance: objects.Instance) -> objects.Instance:
    disks = draft.config.disks
    for index, uuid in enumerate(instance.disks):
        if disks[uuid].iv_name != f"disk/{index}":
            draft.update(disks[uuid], iv_name=f"disk/{index}")
    return instance
