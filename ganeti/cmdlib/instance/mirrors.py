"""Steps on disks that are mirrored between the two nodes of an instance.

Instances without such disks pass through them unchanged.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from ganeti import errors, objects
from ganeti.cmdlib import base
from ganeti.storage import registry as storage
from ganeti.storage.base import Mirroring

#: Seconds between two looks at how far the mirrors are
POLL = 2.0


def mirrored(disks: Iterable[objects.Disk]) -> list[objects.Disk]:
    """Those of the disks that are mirrored between nodes."""
    return [disk for disk in disks
            if storage.template(disk.dev_type).mirroring is Mirroring.INTERNAL]


def attach_net(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    disks: Sequence[objects.Disk],
    nodes: Sequence[str],
    *,
    two_primaries: bool = False,
) -> None:
    """Connect both copies of disks, on nodes that can be reached."""
    answers = lu.rpc.drbd_attach_net(list(nodes), (list(disks), instance), two_primaries)
    for node_uuid, result in answers.items():
        result.raise_if_failed(
            f"Can not connect the disks of instance {instance.name} on node"
            f" {lu.config.nodes[node_uuid].name}")


def wait_connected(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    disks: Sequence[objects.Disk],
    nodes: Sequence[str],
) -> None:
    """Wait until nothing is left to copy."""
    while True:
        answers = lu.rpc.drbd_wait_sync(list(nodes), (list(disks), instance))
        progress = []
        for node_uuid, result in answers.items():
            progress.append(result.raise_if_failed(
                f"Can not resync the disks of instance {instance.name} on node"
                f" {lu.config.nodes[node_uuid].name}"))
        if all(done for done, _percent in progress):
            return
        lu.feedback(f"   - progress: {min(percent for _done, percent in progress):.1f} %")
        time.sleep(POLL)


def allow_two_primaries(lu: base.LogicalUnit, instance: objects.Instance) -> None:
    """Let both nodes write, for the time of a live migration."""
    wanted = mirrored(lu.config.instance_disks(instance))
    if not wanted:
        return
    nodes = lu.config.instance_nodes(instance)
    lu.feedback("* changing disks into dual-primary mode")
    attach_net(lu, instance, wanted, nodes, two_primaries=True)
    wait_connected(lu, instance, wanted, nodes)


def one_primary(lu: base.LogicalUnit, instance: objects.Instance) -> None:
    """Take the second node's right to write away again; what fails is told, not fatal."""
    current = lu.config.instances[instance.uuid]
    wanted = mirrored(lu.config.instance_disks(current))
    if not wanted:
        return
    lu.feedback("* changing disks into single-primary mode")
    nodes = [uuid for uuid in lu.config.instance_nodes(current)
             if not lu.config.nodes[uuid].offline]
    try:
        attach_net(lu, current, wanted, nodes)
    except errors.GenericError as err:
        lu.feedback.warning(errors.text(err), hint=f"gnt-instance activate-disks {current.name}")
