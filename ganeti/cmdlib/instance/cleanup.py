"""Finding out where the guest is after a migration that was cut off, and tidying up after it."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors
from ganeti.cmdlib.checks import nodes
from ganeti.cmdlib.instance import disks, migration, mirrors
from ganeti.cmdlib.instance.relocate import RelocatingUnit
from ganeti.hypervisor.base import RUNNING


def candidates(unit: RelocatingUnit) -> list[str]:
    """Uuids of the nodes on which the guest may be, its configured node first."""
    instance = unit.instance
    found = [instance.primary_node]
    if unit.internal:
        found += unit.config.secondary_nodes(instance)
    elif unit.target:
        found.append(unit.target)
    else:
        group = unit.config.nodes[instance.primary_node].group
        found += [node.uuid for node in unit.config.group_nodes(group)
                  if node.vm_capable and not node.offline]
    return list(dict.fromkeys(found))


def require_nodes(unit: RelocatingUnit) -> None:
    """Refuse to clean up while the nodes that matter can not be asked."""
    for uuid in [unit.instance.primary_node, *([unit.target] if unit.target else [])]:
        nodes.require_online(unit.config.nodes[uuid],
                             "it can not be told whether the guest runs there")


def clean_up(unit: RelocatingUnit) -> None:
    """Bring configuration and nodes in line with where the guest really is."""
    instance = unit.instance
    unit.feedback(f"* looking for instance {instance.name} on the nodes")
    where = candidates(unit)
    running = [uuid for uuid in where if _runs(unit, uuid)]
    if len(running) > 2:
        names = ", ".join(map(unit.node_name, running))
        raise errors.OpExecError(
            f"Instance {instance.name} runs on {names}; that is no half-done migration. End the"
            " wrong guests by hand")
    arrived = False
    if len(running) == 2:
        home, arrived = _settle(unit, *running)
        running = [home]
    if not running:
        _clear_all(unit, where)
        raise errors.OpExecError(
            f"Instance {instance.name} runs on no node; what the migration left was cleared."
            f" 'gnt-instance startup {instance.name}' starts it on node"
            f" {unit.node_name(instance.primary_node)}")
    _adopt(unit, running[0], where, arrived or running[0] != instance.primary_node)


def _runs(unit: RelocatingUnit, node_uuid: str) -> bool:
    result = unit.rpc.instance_info(
        node_uuid, unit.instance.name, unit.instance.hypervisor,
        unit.config.filled_hvparams(unit.instance))
    info = result.raise_if_failed(f"Can not ask node {unit.node_name(node_uuid)}")
    return bool(info) and info.get("state", RUNNING) == RUNNING


def _settle(unit: RelocatingUnit, first: str, second: str) -> tuple[str, bool]:
    """Both nodes have the guest: the sender's hypervisor knows how its migration went.

    Only the sender tells amounts of memory; waits for a migration that still goes on. Returns
    the node on which the guest lives, and whether it has arrived there by this migration.
    """
    statuses = {uuid: _status(unit, uuid) for uuid in (first, second)}
    senders = [uuid for uuid, status in statuses.items()
               if status and status.get("total_ram") is not None]
    if len(senders) != 1:
        raise errors.OpExecError(
            f"Instance {unit.instance.name} runs on {unit.node_name(first)} and"
            f" {unit.node_name(second)}, and their hypervisors do not tell which of them sent it;"
            " end the wrong guest by hand")
    sender = senders[0]
    receiver = second if sender == first else first
    word = (statuses[sender] or {})["status"]
    if word in constants.HV_MIGRATION_ACTIVE_STATUSES:
        unit.feedback(f"* the migration from {unit.node_name(sender)} still goes on, waiting")
        try:
            migration.wait_for_end(unit, sender)
            word = constants.HV_MIGRATION_COMPLETED
        except errors.OpExecError as err:
            unit.feedback(f"* the migration failed: {errors.text(err)}")
            word = constants.HV_MIGRATION_FAILED
    if word == constants.HV_MIGRATION_COMPLETED:
        return receiver, True
    result = unit.rpc.instance_finalize_migration_dst(receiver, unit.instance, None, False)
    result.raise_if_failed(f"Could not clear node {unit.node_name(receiver)}")
    return sender, False


def _status(unit: RelocatingUnit, node_uuid: str) -> dict[str, Any] | None:
    result = unit.rpc.instance_get_migration_status(node_uuid, unit.instance)
    return None if result.fail_msg else dict(result.payload)


def _adopt(unit: RelocatingUnit, node_uuid: str, where: list[str], arrived: bool) -> None:
    """The guest lives on a node: the configuration says so, and the others are cleared."""
    unit.target = node_uuid
    name = unit.node_name(node_uuid)
    if node_uuid != unit.instance.primary_node:
        unit.feedback(f"* instance running on {name}, updating the configuration")
        unit.record_primary(node_uuid)
    else:
        unit.feedback(f"* instance running on its configured node {name}")
    if arrived:
        result = unit.rpc.instance_finalize_migration_dst(node_uuid, unit.instance, None, True)
    else:
        result = unit.rpc.instance_finalize_migration_src(node_uuid, unit.instance, False, True)
    if result.fail_msg:
        unit.feedback.warning(f"Could not make sure that the guest goes on: {result.fail_msg}")
    disks.set_active(unit, unit.instance, True)
    for uuid in where:
        if uuid != node_uuid:
            _clear(unit, uuid, ended_well=True)
    disks.assemble(unit, unit.instance)
    mirrors.one_primary(unit, unit.instance)
    unit.feedback("* done")


def _clear_all(unit: RelocatingUnit, where: list[str]) -> None:
    for uuid in where:
        _clear(unit, uuid, ended_well=False)


def _clear(unit: RelocatingUnit, node_uuid: str, *, ended_well: bool) -> None:
    """Remove what a migration left on a node where the guest does not live."""
    if ended_well and _runs(unit, node_uuid):
        result = unit.rpc.instance_finalize_migration_src(
            node_uuid, unit.instance, True, True)
    else:
        result = unit.rpc.instance_finalize_migration_dst(
            node_uuid, unit.instance, None, False)
    if result.fail_msg:
        unit.feedback.warning(
            f"Could not clear node {unit.node_name(node_uuid)}: {result.fail_msg}")
    migration.clear_disks(unit, node_uuid)
