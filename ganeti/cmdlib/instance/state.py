"""What guests keep on their node beside their disks (UEFI variables, TPM), as steps of units.

Live migration takes it along inside the hypervisor. Where a guest moves while it is off, the
master carries it from node to node; and the secondary nodes get a copy whenever a guest stops, for
the day on which the primary is dead. Only hypervisors that say so keep anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ganeti import constants, errors, objects
from ganeti.cmdlib import base
from ganeti.hypervisor import registry as hypervisors
from ganeti.utils import text

_FRESH = ("its UEFI variables and its TPM begin anew: what was sealed with the TPM (disk"
          " encryption) needs its recovery key")


def is_kept(lu: base.LogicalUnit, instance: objects.Instance) -> bool:
    """Whether the instance has, by its parameters, something to carry.

    Where the driver's package is gone nothing can be carried, so nothing is kept up by it.
    """
    if instance.hypervisor not in constants.HYPER_TYPES:
        return False
    return hypervisors.get_class(instance.hypervisor).keeps_state(
        lu.config.filled_hvparams(instance))


def mirror(lu: base.LogicalUnit, instance: objects.Instance) -> None:
    """Copy the state of a stopped guest to its secondary nodes; failures are told only."""
    current = lu.config.instances[instance.uuid]
    secondaries = [uuid for uuid in lu.config.secondary_nodes(current)
                   if not lu.config.nodes[uuid].offline]
    if not secondaries or not is_kept(lu, current):
        return
    try:
        _put(lu, current, secondaries, _get(lu, current, current.primary_node))
    except errors.GenericError as err:
        lu.feedback.warning(f"{errors.text(err)}; the copy on the secondary node is an older one"
                            " until the instance is stopped again")


def carry(lu: base.LogicalUnit, instance: objects.Instance, source: str, target: str) -> None:
    """Bring the state of a stopped guest to the node it moves to; raises when that fails."""
    if is_kept(lu, instance):
        _put(lu, instance, [target], _get(lu, instance, source))


def follow(lu: base.LogicalUnit, instance: objects.Instance, source: str, target: str, *,
           lost: bool, force: bool) -> None:
    """The same for a fail-over: a `lost` source can not be asked, `force` goes on without it."""
    if not is_kept(lu, instance):
        return
    if not lost:
        try:
            carry(lu, instance, source, target)
            return
        except errors.GenericError as err:
            if not force:
                raise errors.OpExecError(
                    f"{errors.text(err)}; --ignore-consistency goes on without it") from err
            lu.feedback.warning(errors.text(err))
    _tell_copy(lu, instance, target)


def _tell_copy(lu: base.LogicalUnit, instance: objects.Instance, target: str) -> None:
    """The guest's node is lost: say with what the guest will start on another one."""
    name = lu.config.nodes[target].name
    found = _get(lu, instance, target)
    if found is None:
        lu.feedback.warning(f"Node {name} has no copy of what instance {instance.name} keeps"
                            f" beside its disks; {_FRESH}")
        return
    when = text.format_time(found["saved"])
    lu.feedback.warning(f"Instance {instance.name} starts with the UEFI variables and TPM that node"
                        f" {name} has a copy of; they are those of {when}")


def forget(lu: base.LogicalUnit, instance: objects.Instance,
           nodes: Iterable[str] | None = None) -> None:
    """Remove the state from nodes; without these, wherever the instance has ever been."""
    if not is_kept(lu, instance):
        return
    if nodes is None:
        group = lu.config.nodes[instance.primary_node].group
        nodes = [node.uuid for node in lu.config.nodes.values() if node.group == group]
    online = [uuid for uuid in nodes if not lu.config.nodes[uuid].offline]
    for uuid, result in lu.rpc.instance_state_put(online, instance, None).items():
        if result.fail_msg:
            lu.feedback.warning(
                f"What instance {instance.name} kept beside its disks stays on node"
                f" {lu.config.nodes[uuid].name}: {result.fail_msg}")


def _get(lu: base.LogicalUnit, instance: objects.Instance, node_uuid: str
         ) -> dict[str, Any] | None:
    result = lu.rpc.instance_state_get(node_uuid, instance)
    found: dict[str, Any] | None = result.raise_if_failed(
        f"Could not read what instance {instance.name} keeps beside its disks from node"
        f" {lu.config.nodes[node_uuid].name}")
    return found


def _put(lu: base.LogicalUnit, instance: objects.Instance, nodes: Iterable[str],
         found: Mapping[str, Any] | None) -> None:
    """Give nodes a state; a guest that was never started has none yet."""
    if found is None:
        return
    for uuid, result in lu.rpc.instance_state_put(list(nodes), instance, found).items():
        result.raise_if_failed(
            f"Could not copy what instance {instance.name} keeps beside its disks to node"
            f" {lu.config.nodes[uuid].name}")
