"""Starting and stopping a guest, as steps of several units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti import constants, errors, objects
from ganeti.cmdlib import base
from ganeti.cmdlib.instance import disks


def start(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    *,
    hvparams: Mapping[str, Any] | None = None,
    beparams: Mapping[str, Any] | None = None,
    paused: bool = False,
    ignore_secondaries: bool = False,
) -> None:
    """Assemble the disks and start the guest; the disks are shut down again when that fails."""
    disks.activate(lu, instance, ignore_secondaries=ignore_secondaries)
    current = lu.config.instances[instance.uuid]
    result = lu.rpc.instance_start(
        current.primary_node, (current, dict(hvparams or {}), dict(beparams or {})), paused,
        reason(lu))
    if result.fail_msg:
        disks.deactivate(lu, current, ignore_primary=True)
        raise errors.OpExecError(
            f"Could not start instance {instance.name} on node"
            f" {lu.config.nodes[current.primary_node].name}: {result.fail_msg}")


def stop(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    timeout: float,
    node_uuid: str | None = None,
) -> str | None:
    """Stop the guest on a node (the primary by default); the text of the failure, if it fails."""
    result = lu.rpc.instance_shutdown(
        node_uuid or instance.primary_node, instance, timeout, reason(lu))
    return str(result.fail_msg) if result.fail_msg else None


def mark_up(lu: base.LogicalUnit, instance: objects.Instance) -> objects.Instance:
    """Note that the administrator wants the instance to run."""
    return _mark(lu, instance, constants.ADMINST_UP, True, constants.ADMIN_SOURCE)


def mark_down(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    source: str = constants.ADMIN_SOURCE,
) -> objects.Instance:
    """Note that the instance is to be stopped (its disks are told separately)."""
    return _mark(lu, instance, constants.ADMINST_DOWN, None, source)


def _mark(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    state: str,
    active: bool | None,
    source: str,
) -> objects.Instance:
    current = lu.config.instances[instance.uuid]
    wanted: dict[str, Any] = {"admin_state": state, "admin_state_source": source}
    if active is not None:
        wanted["disks_active"] = active
    changes = {key: value for key, value in wanted.items() if getattr(current, key) != value}
    if changes:
        with lu.cfg.edit(job=lu.job_id) as draft:
            draft.update(current, **changes)
    return lu.config.instances[instance.uuid]


def reason(lu: base.LogicalUnit) -> list[Any]:
    """The opcode's reason trail, for the node's log and state."""
    return list(lu.op.reason or [])
