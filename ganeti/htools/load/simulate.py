"""Clusters that exist nowhere: --simulate=POLICY,NODES,DISK,MEMORY,CPUS[,SPINDLES[,EXCLUSIVE]]."""

from __future__ import annotations

from collections.abc import Sequence

from ganeti import constants, errors
from ganeti.htools import model
from ganeti.htools.load import units

_POLICIES = {"p": constants.ALLOC_POLICY_PREFERRED, "l": constants.ALLOC_POLICY_LAST_RESORT,
             "u": constants.ALLOC_POLICY_UNALLOCABLE}


def load(specs: Sequence[str]) -> model.Cluster:
    """One group a spec."""
    cluster = model.Cluster([], [], [])
    for number, spec in enumerate(specs, 1):
        _add_group(cluster, number, spec)
    return cluster


def _add_group(cluster: model.Cluster, number: int, spec: str) -> None:
    fields = spec.split(",")
    if not 5 <= len(fields) <= 7:
        raise model.LoadError(f"'{spec}' is no simulated group; write"
                              " POLICY,NODES,DISK,MEMORY,CPUS[,SPINDLES[,0|1]]")
    policy = _POLICIES.get(fields[0], fields[0])
    if policy not in _POLICIES.values():
        raise model.LoadError(f"'{fields[0]}' is no allocation policy in '{spec}'")
    try:
        count, cpus = int(fields[1]), int(fields[4])
        disk, memory = units.parse_size(fields[2]), units.parse_size(fields[3])
        spindles = int(fields[5]) if len(fields) > 5 else 1
        exclusive = bool(int(fields[6])) if len(fields) > 6 else False
    except (ValueError, errors.UnitParseError) as err:
        raise model.LoadError(f"Bad number in the simulated group '{spec}': {err}") from None
    uuid = f"fake-uuid-{number:02d}"
    cluster.groups.append(model.Group(f"group-{number:02d}", uuid, policy))
    for pos in range(1, count + 1):
        cluster.nodes.append(model.Node(
            f"node-{number:02d}-{pos:03d}", uuid, float(memory), 0, memory, float(disk), disk,
            float(cpus), spindles=spindles, f_spindles=spindles, exclusive=exclusive))
