"""The steps of a live migration, and what is done when one of them fails.

The order keeps the configuration true: it names the source as long as the guest can only live
there, and the target from the moment the hypervisor says that everything has arrived.
"""

from __future__ import annotations

import time
from typing import Any

from ganeti import constants, errors
from ganeti.cmdlib.instance import disks, mirrors
from ganeti.cmdlib.instance.relocate import RelocatingUnit

FIRST_POLL = 0.05
LONGEST_POLL = 1.0
PROGRESS_EVERY = 10.0
FIRST_PROGRESS = 2.0
#: How long the source node may not answer before its migration counts as out of sight
PATIENCE = 60.0


class OutOfSightError(errors.OpExecError):
    """The source does not answer: nobody knows where the guest is."""


def migrate(unit: RelocatingUnit, live: bool) -> None:
    """Move the running guest to the unit's target; both sides are cleaned up on failure."""
    unit.feedback("* checking disk consistency between source and target")
    unit.require_consistent_disks()
    info = _prepare(unit)
    try:
        unit.feedback(f"* migrating instance to {unit.target_node.name}")
        result = unit.rpc.instance_migrate(
            unit.source, unit.config.cluster.cluster_name, unit.instance, _address(unit), live)
        result.raise_if_failed(f"Could not migrate instance {unit.instance.name}")
        wait_for_end(unit, unit.source)
    except OutOfSightError as err:
        raise errors.OpExecError(
            f"{err}; the migration may go on by itself. When the node answers again, 'gnt-instance"
            f" migrate --cleanup {unit.instance.name}' finds out where the guest is") from err
    except errors.JobCanceled:
        _abort(unit, info, live)
        unit.feedback(f"Instance {unit.instance.name} stays on node"
                      f" {unit.node_name(unit.source)}")
        raise
    except errors.GenericError as err:
        _abort(unit, info, live)
        raise errors.OpExecError(
            f"Could not migrate instance {unit.instance.name}: {errors.text(err)}; it stays on"
            f" node {unit.node_name(unit.source)}") from err
    unit.record_primary(unit.target_node.uuid)
    _finish(unit, info, live)


def _address(unit: RelocatingUnit) -> str:
    """Migration traffic goes over the secondary network."""
    return str(unit.target_node.secondary_ip)


def _prepare(unit: RelocatingUnit) -> Any:
    """Get the disks and the hypervisor of the target ready; returns what the source told."""
    instance, target = unit.instance, unit.target_node
    info = unit.rpc.migration_info(unit.source, instance).raise_if_failed(
        f"Failed fetching source migration information from {unit.node_name(unit.source)}")
    unit.feedback(f"* preparing {target.name} to accept the instance")
    try:
        mirrors.allow_two_primaries(unit, instance)
        disks.assemble(unit, instance, on_node=target.uuid)
        disks.open_on(unit, instance, target.uuid, exclusive=False)
        result = unit.rpc.accept_instance(target.uuid, instance, info, _address(unit))
        result.raise_if_failed(f"Could not pre-migrate instance {instance.name}")
    except errors.GenericError as err:
        unit.feedback("Instance pre-migration failed, trying to revert the state of the target")
        _clear_target(unit, info)
        raise errors.OpExecError(
            f"{errors.text(err)}; the instance goes on running on node"
            f" {unit.node_name(unit.source)}") from err
    return info


def wait_for_end(unit: RelocatingUnit, source: str) -> None:
    """Watch the migration that a node sends until it has ended well; raises when it did not.

    A job that is cancelled meanwhile raises JobCanceled.
    """
    delay, shown = FIRST_POLL, time.monotonic() - PROGRESS_EVERY + FIRST_PROGRESS
    silent_since: float | None = None
    while True:
        result = unit.rpc.instance_get_migration_status(source, unit.instance)
        now = time.monotonic()
        if result.fail_msg:
            silent_since = silent_since or now
            if now - silent_since > PATIENCE:
                raise OutOfSightError(
                    f"Node {unit.node_name(source)} does not tell how far the migration of"
                    f" instance {unit.instance.name} is: {result.fail_msg}")
        else:
            silent_since = None
            if _has_ended(unit, result.payload):
                return
            if now - shown >= PROGRESS_EVERY:
                shown = now
                _show_progress(unit, result.payload)
            if not result.payload.get("postcopy_status"):
                # after that the guest is on both nodes, and can not be taken back
                unit.check_cancel()
        time.sleep(delay)
        delay = min(delay * 1.5, LONGEST_POLL)


def _has_ended(unit: RelocatingUnit, status: dict[str, Any]) -> bool:
    word = status["status"]
    if word in constants.HV_MIGRATION_FAILED_STATUSES:
        reason = f": {status['reason']}" if status.get("reason") else ""
        raise errors.OpExecError(f"the hypervisor says that the migration {word}{reason}")
    if word not in constants.HV_KVM_MIGRATION_VALID_STATUSES:
        raise errors.OpExecError(f"the hypervisor reported the unknown status '{word}'")
    if word != constants.HV_MIGRATION_COMPLETED:
        return False
    _show_progress(unit, status)
    return True


def _show_progress(unit: RelocatingUnit, status: dict[str, Any]) -> None:
    sent, total = status.get("transferred_ram"), status.get("total_ram")
    if status["status"] == constants.HV_MIGRATION_COMPLETED:
        unit.feedback("* memory transfer complete" + _times(status))
    elif sent is not None and total:
        unit.feedback(f"* memory transfer progress: {100 * float(sent) / float(total):.2f} %")
    if status.get("postcopy_status"):
        unit.feedback(f"* postcopy status: {status['postcopy_status']}")


def _times(status: dict[str, Any]) -> str:
    """What the hypervisor measured, where it tells: the guest's standstill above all."""
    words = []
    if status.get("total_time") is not None:
        words.append(f"{status.get('transferred_ram') or 0:.0f} MiB in {status['total_time']} ms")
    if status.get("downtime") is not None:
        words.append(f"downtime {status['downtime']} ms")
    return f" ({', '.join(words)})" if words else ""


def _abort(unit: RelocatingUnit, info: Any, live: bool) -> None:
    """Take back what was done on both sides; the guest goes on at the source."""
    unit.feedback("Migration failed, aborting")
    _clear_target(unit, info)
    result = unit.rpc.instance_finalize_migration_src(unit.source, unit.instance, False, live)
    if result.fail_msg:
        unit.feedback.warning(
            f"Aborting the migration on source node {unit.node_name(unit.source)} failed:"
            f" {result.fail_msg}",
            hint=f"gnt-instance migrate --cleanup {unit.instance.name}")


def _clear_target(unit: RelocatingUnit, info: Any) -> None:
    target = unit.target_node
    result = unit.rpc.instance_finalize_migration_dst(target.uuid, unit.instance, info, False)
    if result.fail_msg:
        unit.feedback.warning(
            f"Aborting the migration on target node {target.name} failed: {result.fail_msg}",
            hint=f"gnt-instance migrate --cleanup {unit.instance.name}")
    failure = disks.close(unit, unit.instance, target.uuid)
    if failure:
        unit.feedback.warning(f"Could not close the disks on node {target.name}: {failure}")
    disks.shutdown(unit, unit.instance, on_node=target.uuid)
    mirrors.one_primary(unit, unit.instance)


def _finish(unit: RelocatingUnit, info: Any, live: bool) -> None:
    """The guest lives on the target: take it over there, and clear the source."""
    source_name, target = unit.node_name(unit.source), unit.target_node
    hint = f"'gnt-instance migrate --cleanup {unit.instance.name}' repeats this"
    result = unit.rpc.instance_finalize_migration_dst(target.uuid, unit.instance, info, True)
    failed = []
    if result.fail_msg:
        failed.append(f"Could not finalize the migration on target node {target.name}:"
                      f" {result.fail_msg}")
    result = unit.rpc.instance_finalize_migration_src(unit.source, unit.instance, True, live)
    if result.fail_msg:
        failed.append(f"Could not finalize the migration on source node {source_name}:"
                      f" {result.fail_msg}")
    else:
        clear_disks(unit, unit.source)
    if failed:
        raise errors.OpExecError(
            f"Instance {unit.instance.name} runs on node {target.name} now, but"
            f" {'; '.join(failed)}; {hint}")
    mirrors.one_primary(unit, unit.instance)
    disks.open_on(unit, unit.instance, target.uuid, exclusive=True)
    unit.feedback("* done")


def clear_disks(unit: RelocatingUnit, node_uuid: str) -> None:
    """Close and shut down the disks on a node where the guest does not live any more."""
    name = unit.node_name(node_uuid)
    failure = disks.close(unit, unit.instance, node_uuid)
    if failure:
        unit.feedback.warning(f"Could not close the disks on node {name}: {failure}")
    disks.shutdown(unit, unit.instance, on_node=node_uuid)
