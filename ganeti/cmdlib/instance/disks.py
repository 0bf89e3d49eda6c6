"""The steps on an instance's disks that several units take: create, assemble, wait, remove.

Every function takes the unit (for its RPC runner, configuration and feedback) first. How disks
are wished for and laid out is in `disk_specs`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ganeti import constants, errors, objects
from ganeti.cmdlib import base
from ganeti.storage import registry as storage
from ganeti.storage.base import Mirroring

SYNC_POLL_MAX = 60.0
SYNC_RETRIES = 10
#: How often mirrors that are degraded without copying are looked at again, a second apart
DEGRADED_RETRIES = 10

#: [(node name, iv_name, device path or None)]
Assembled = list[tuple[str, str, str | None]]


def nodes_of(disk: objects.Disk, instance: objects.Instance) -> list[str]:
    """Uuids of the nodes on which a disk is created and removed: the primary node first."""
    others = [uuid for uuid in disk.nodes if uuid != instance.primary_node]
    return [instance.primary_node, *others]


def _assembly_nodes(disk: objects.Disk, instance: objects.Instance) -> list[str]:
    """Nodes on which a disk is assembled, those that only mirror it first."""
    if not storage.template(disk.dev_type).assemble_on_secondary:
        return [instance.primary_node]
    return nodes_of(disk, instance)[::-1]


def describe(disk: objects.Disk) -> str:
    """A disk as messages call it."""
    return disk.iv_name or f"disk {disk.uuid}"


# Creating and removing.


def _directories(disks: Iterable[objects.Disk]) -> set[str]:
    """Directories (logical paths) that hold the disks of one instance only."""
    return {str(disk.logical_id[1]).rpartition("/")[0] for disk in disks
            if storage.template(disk.dev_type).path_follows_instance}


def _require_storage_directory(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    disks: Sequence[objects.Disk],
    undo: Any,
) -> None:
    held = _directories(disk for uuid in instance.disks
                        if (disk := lu.config.disks.get(uuid)) is not None)
    for directory in sorted(_directories(disks)):
        result = lu.rpc.file_storage_dir_create(instance.primary_node, directory)
        result.raise_if_failed(f"Failed to create directory {directory}")
        if directory not in held:
            undo.push(f"remove directory {directory}", _remove_directory, lu,
                      instance.primary_node, directory)


def _remove_directory(lu: base.LogicalUnit, node_uuid: str, directory: str) -> None:
    result = lu.rpc.file_storage_dir_remove(node_uuid, directory)
    result.raise_if_failed(f"Could not remove directory {directory}")


def create(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    disks: Sequence[objects.Disk],
    undo: Any,
) -> None:
    """Create the storage of laid out disks; the removal of each goes on the undo stack."""
    _require_storage_directory(lu, instance, disks, undo)
    for disk in disks:
        lu.feedback(f"* creating {describe(disk)} ({disk.dev_type}, {disk.size} MiB)")
        for node_uuid in nodes_of(disk, instance):
            create_on(lu, instance, disk, node_uuid, undo)


def create_on(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    disk: objects.Disk,
    node_uuid: str,
    undo: Any,
) -> None:
    """Create on one node a disk and, before it, what it consists of."""
    for child in parts(lu, disk, node_uuid):
        create_on(lu, instance, child, node_uuid, undo)
    create_top(lu, instance, disk, node_uuid, undo)


def parts(
    lu: base.LogicalUnit, disk: objects.Disk, node_uuid: str
) -> list[objects.Disk]:
    """What a disk consists of, with the parameters that follow from the disk's own."""
    template = storage.template(disk.dev_type)
    group = lu.config.group_of(lu.config.nodes[node_uuid])
    params = lu.config.filled_diskparams(disk, group)
    return [child.replace(params={**(child.params or {}), **template.child_params(params, index)})
            for index, child in enumerate(disk.children)]


def create_top(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    disk: objects.Disk,
    node_uuid: str,
    undo: Any,
) -> None:
    """Create on one node a disk over parts that are there."""
    name = lu.config.nodes[node_uuid].name
    result = lu.rpc.blockdev_create(
        node_uuid, (disk, instance), disk.size, instance.name,
        node_uuid == instance.primary_node, owner_text(instance.name),
        _exclusive(lu, node_uuid))
    result.raise_if_failed(
        f"Can not create {describe(disk)} of instance {instance.name} on node {name}")
    undo.push(f"remove {describe(disk)} from node {name}",
              remove_from, lu, instance, disk, node_uuid)


def remove_from(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    disk: objects.Disk,
    node_uuid: str,
) -> None:
    result = lu.rpc.blockdev_remove(node_uuid, (disk, instance))
    result.raise_if_failed(
        f"Can not remove {describe(disk)} from node {lu.config.nodes[node_uuid].name}")


def _exclusive(lu: base.LogicalUnit, node_uuid: str) -> bool:
    params = lu.config.filled_ndparams(lu.config.nodes[node_uuid])
    return bool(params[constants.ND_EXCLUSIVE_STORAGE])


def owner_text(instance_name: str) -> str:
    """The note that storage with own metadata keeps about its owner."""
    return f"originstname+{instance_name}"


def remove(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    disks: Sequence[objects.Disk],
    *,
    ignore_offline: bool = True,
) -> list[str]:
    """Remove disks as far as possible; returns what could not be removed."""
    problems = []
    for disk in disks:
        for node_uuid in nodes_of(disk, instance):
            result = lu.rpc.blockdev_remove(node_uuid, (disk, instance))
            if not result.fail_msg:
                continue
            name = lu.config.nodes[node_uuid].name
            text = f"Could not remove {describe(disk)} on node {name}: {result.fail_msg}"
            lu.feedback.warning(text)
            if not (result.offline and ignore_offline):
                problems.append(text)
    kept = [disk for disk in lu.config.instance_disks(instance)
            if disk.uuid not in {gone.uuid for gone in disks}]
    for directory in sorted(_directories(disks) - _directories(kept)):
        result = lu.rpc.file_storage_dir_remove(instance.primary_node, directory)
        if result.fail_msg:
            lu.feedback.warning(f"Could not remove directory {directory}: {result.fail_msg}")
    return problems


# Assembling.


def assemble(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    disks: Sequence[objects.Disk] | None = None,
    *,
    ignore_secondaries: bool = False,
    ignore_size: bool = False,
    on_node: str | None = None,
    keep: bool = False,
) -> Assembled:
    """Make disks usable on the primary node (or on `on_node`), the mirrors' other ends before.

    What was assembled is shut down again when a later disk fails, unless it is to be kept: a
    guest may be using it.
    """
    every = lu.config.instance_disks(instance)
    wanted = every if disks is None else list(disks)
    result: Assembled = []
    try:
        for disk in wanted:
            if ignore_size:
                disk = disk.replace(size=0)
            index = _index(every, disk)
            nodes = [on_node] if on_node else _assembly_nodes(disk, instance)
            for node_uuid in nodes:
                primary = node_uuid == (on_node or instance.primary_node)
                answer = lu.rpc.blockdev_assemble(
                    node_uuid, (disk, instance), instance, primary, index)
                name = lu.config.nodes[node_uuid].name
                if answer.fail_msg:
                    text = (f"Could not prepare {describe(disk)} of instance {instance.name}"
                            f" on node {name}: {answer.fail_msg}")
                    if not primary and (ignore_secondaries or answer.offline):
                        lu.feedback.warning(text)
                        continue
                    raise errors.OpExecError(text)
                if primary:
                    path = answer.payload[0] if answer.payload else None
                    path = path if isinstance(path, str) else None
                    result.append((name, disk.iv_name, path))
    except errors.OpExecError:
        if not keep:
            shutdown(lu, instance, wanted, ignore_primary=True, on_node=on_node)
        raise
    return result


def _index(every: Sequence[objects.Disk], disk: objects.Disk) -> int:
    for index, other in enumerate(every):
        if other.uuid == disk.uuid:
            return index
    return len(every)


def activate(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    *,
    ignore_secondaries: bool = False,
    ignore_size: bool = False,
    keep: bool = False,
) -> Assembled:
    """Note that the disks are to be active, and assemble them all.

    A failure takes that back, unless they are to be kept as far as they are active.
    """
    set_active(lu, instance, True)
    try:
        return assemble(lu, instance, ignore_secondaries=ignore_secondaries,
                        ignore_size=ignore_size, keep=keep)
    except errors.OpExecError:
        if not keep:
            set_active(lu, instance, False)
        raise


def deactivate(
    lu: base.LogicalUnit, instance: objects.Instance, *, ignore_primary: bool = False
) -> bool:
    """Shut down all disks and note it; False when some could not be shut down."""
    set_active(lu, instance, False)
    return shutdown(lu, instance, ignore_primary=ignore_primary)


def set_active(lu: base.LogicalUnit, instance: objects.Instance, active: bool) -> None:
    """Note in the configuration whether the disks are to be active."""
    current = lu.config.instances[instance.uuid]
    if current.disks_active != active:
        with lu.cfg.edit(job=lu.job_id) as draft:
            draft.update(current, disks_active=active)


def shutdown(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    disks: Sequence[objects.Disk] | None = None,
    *,
    ignore_primary: bool = False,
    on_node: str | None = None,
) -> bool:
    """Shut down disks (the data stays); False when one could not be.

    Nodes that are offline do not count; with `ignore_primary` neither does the primary node.
    With `on_node` only what the guest's being there needs is shut down: mirrors stay.
    """
    wanted = lu.config.instance_disks(instance) if disks is None else disks
    good = True
    for disk in wanted:
        if on_node and storage.template(disk.dev_type).assemble_on_secondary:
            continue
        nodes = [on_node] if on_node else _assembly_nodes(disk, instance)[::-1]
        for node_uuid in nodes:
            result = lu.rpc.blockdev_shutdown(node_uuid, (disk, instance))
            if not result.fail_msg:
                continue
            lu.feedback.warning(
                f"Could not shut down {describe(disk)} on node"
                f" {lu.config.nodes[node_uuid].name}: {result.fail_msg}")
            primary = node_uuid == instance.primary_node
            if not ((primary and ignore_primary) or (not primary and result.offline)):
                good = False
    return good


# Mirrors.


def mirror_status(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    disks: Sequence[objects.Disk],
    node_uuid: str | None = None,
) -> list[dict[str, Any]]:
    """Health of disks as the primary (or another) node sees it; retried when it doesn't answer."""
    node_uuid = node_uuid or instance.primary_node
    for attempt in range(SYNC_RETRIES):
        result = lu.rpc.blockdev_getmirrorstatus(node_uuid, (list(disks), instance))
        if not result.fail_msg:
            return list(result.payload)
        lu.feedback.warning(f"Can not get the state of the disks: {result.fail_msg}")
        if attempt + 1 < SYNC_RETRIES:
            time.sleep(min(6.0, 0.5 * (attempt + 1)))
    raise errors.RemoteError(
        f"Node {lu.config.nodes[node_uuid].name} did not tell the state of the disks of"
        f" instance {instance.name} in {SYNC_RETRIES} attempts")


def wait_for_sync(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    disks: Sequence[objects.Disk] | None = None,
    *,
    oneshot: bool = False,
) -> bool:
    """Wait until mirrors agree (`oneshot`: only look); True when no disk is degraded after it.

    Returns at once when no disk has a mirror that Ganeti keeps.
    """
    wanted = list(lu.config.instance_disks(instance) if disks is None else disks)
    wanted = [disk for disk in wanted
              if storage.template(disk.dev_type).mirroring is Mirroring.INTERNAL]
    if not wanted:
        return True
    if not oneshot:
        lu.feedback(f"* waiting for the disks of instance {instance.name} to synchronise")
    delay, again = 1.0, 0 if oneshot else DEGRADED_RETRIES
    while True:
        status = mirror_status(lu, instance, wanted)
        busy = [(disk, state) for disk, state in zip(wanted, status, strict=True)
                if state["sync_percent"] is not None]
        for disk, state in busy:
            left = state["estimated_time"]
            lu.feedback(f"* {describe(disk)}: {state['sync_percent']:.2f} % done,"
                        f" {'time left unknown' if left is None else f'{left} s left'}")
        degraded = any(state["is_degraded"] for state in status)
        if not busy and degraded and again:
            # between a connection and its resynchronisation there are moments without either
            again -= 1
            time.sleep(1.0)
            continue
        if not busy or oneshot:
            return not degraded
        known = [state["estimated_time"] for _, state in busy if state["estimated_time"]]
        delay = min([SYNC_POLL_MAX, delay * 1.5, *map(float, known)])
        time.sleep(max(0.5, delay))
        lu.check_cancel()


# Wiping and sizes.


def wipe(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    disks: Iterable[tuple[objects.Disk, int]],
) -> None:
    """Overwrite disks with zeroes, each from the given offset (MiB) to its end.

    A first synchronisation rests meanwhile: it would only be in the way.
    """
    wanted = list(disks)
    mirrors = [disk for disk, _offset in wanted
               if storage.template(disk.dev_type).mirroring is Mirroring.INTERNAL]
    _pause_sync(lu, instance, mirrors, True)
    try:
        _wipe(lu, instance, wanted)
    finally:
        _pause_sync(lu, instance, mirrors, False)


def _pause_sync(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    mirrors: Sequence[objects.Disk],
    pause: bool,
) -> None:
    """Hold or continue synchronisation; what fails makes things slower, or is seen by waiting."""
    if not mirrors:
        return
    result = lu.rpc.blockdev_pause_resume_sync(
        instance.primary_node, (list(mirrors), instance), pause)
    answers = [[False, result.fail_msg]] * len(mirrors) if result.fail_msg else result.payload
    for disk, (good, text) in zip(mirrors, answers, strict=True):
        if not good:
            lu.feedback.warning(
                f"Could not {'pause' if pause else 'resume'} the synchronisation of"
                f" {describe(disk)}: {text}")


def _wipe(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    disks: Iterable[tuple[objects.Disk, int]],
) -> None:
    for disk, offset in disks:
        lu.feedback(f"* wiping {describe(disk)}")
        shown = time.monotonic()
        for start, size in _chunks(offset, disk.size):
            result = lu.rpc.blockdev_wipe(instance.primary_node, (disk, instance), start, size)
            result.raise_if_failed(f"Could not wipe {describe(disk)} at {start} MiB")
            if time.monotonic() - shown > 60:
                shown = time.monotonic()
                lu.feedback(f"* {describe(disk)}: {(start + size) * 100 // disk.size} % wiped")


def _chunks(offset: int, size: int) -> Iterator[tuple[int, int]]:
    """(start, size) of pieces of a tenth of the disk, at most 1 GiB."""
    step = max(1, min(constants.WIPE_CHUNK_MIB_MAX, size * constants.WIPE_CHUNK_PERCENT_MIN // 100))
    while offset < size:
        piece = min(step, size - offset)
        yield offset, piece
        offset += piece


def close(
    lu: base.LogicalUnit, instance: objects.Instance, node_uuid: str
) -> str | None:
    """Give up writing to the disks from a node; the text of the failure, if it fails."""
    disks = lu.config.instance_disks(instance)
    if not disks:
        return None
    result = lu.rpc.blockdev_close(node_uuid, instance.name, (disks, instance))
    return str(result.fail_msg) if result.fail_msg else None


def open_on(
    lu: base.LogicalUnit, instance: objects.Instance, node_uuid: str, *, exclusive: bool
) -> None:
    """Make the disks writable from a node, alone or beside another one."""
    disks = lu.config.instance_disks(instance)
    if disks:
        result = lu.rpc.blockdev_open(node_uuid, instance.name, (disks, instance), exclusive)
        result.raise_if_failed(
            f"Can not open the disks of instance {instance.name} on node"
            f" {lu.config.nodes[node_uuid].name}")
