"""Instance policies: which of an instance's sizes fall outside what its group allows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import constants, errors, objects
from ganeti.storage import registry as storage


@dataclasses.dataclass(frozen=True)
class Sizes:
    """What a policy judges of an instance; memory and disks in MiB."""

    memory: int
    vcpus: int
    disks: Sequence[int]
    nics: int
    spindle_use: int
    templates: Sequence[str]

    @property
    def has_disks(self) -> bool:
        """Whether its template holds disks at all (the limits on disks mean nothing otherwise)."""
        return any(storage.template(name).has_disks for name in self.templates)


def of_instance(
    config: objects.ConfigData,
    instance: objects.Instance,
    *,
    beparams: Mapping[str, Any] | None = None,
    nic_count: int | None = None,
    disks: Sequence[objects.Disk] | None = None,
) -> Sizes:
    """The sizes of a configured instance, with changed values where an operation has some."""
    filled = dict(config.filled_beparams(instance))
    filled.update(beparams or {})
    held = config.instance_disks(instance) if disks is None else disks
    templates = sorted({disk.dev_type for disk in held}) or [constants.DT_DISKLESS]
    return Sizes(
        memory=filled[constants.BE_MAXMEM],
        vcpus=filled[constants.BE_VCPUS],
        disks=[disk.size for disk in held],
        nics=len(instance.nics) if nic_count is None else nic_count,
        spindle_use=filled[constants.BE_SPINDLE_USE],
        templates=templates,
    )


def violations(policy: Mapping[str, Any], sizes: Sizes) -> list[str]:
    """The reasons why the policy forbids these sizes; empty when it allows them.

    A policy may hold several pairs of limits; an instance has to fit into one of them, and
    when it fits into none the pair that it misses least is reported.
    """
    reasons = [
        f"disk template {name} is not allowed"
        for name in sizes.templates
        if name not in policy[constants.IPOLICY_DTS]
    ]
    misses = [_limit_violations(pair, sizes) for pair in policy[constants.ISPECS_MINMAX]]
    return reasons + min(misses, key=len, default=[])


def _limit_violations(pair: Mapping[str, Mapping[str, int]], sizes: Sizes) -> list[str]:
    tests: list[tuple[str, str, int]] = [
        (constants.ISPEC_MEM_SIZE, "", sizes.memory),
        (constants.ISPEC_CPU_COUNT, "", sizes.vcpus),
        (constants.ISPEC_NIC_COUNT, "", sizes.nics),
        (constants.ISPEC_SPINDLE_USE, "", sizes.spindle_use),
    ]
    if sizes.has_disks:
        tests.append((constants.ISPEC_DISK_COUNT, "", len(sizes.disks)))
    tests += [(constants.ISPEC_DISK_SIZE, f"/{i}", size) for i, size in enumerate(sizes.disks)]
    reasons = []
    for key, part, value in tests:
        low = pair[constants.ISPECS_MIN].get(key)
        high = pair[constants.ISPECS_MAX].get(key)
        if (low is not None and value < low) or (high is not None and value > high):
            reasons.append(f"{key}{part} value {value} is not in range [{low}, {high}]")
    return reasons


def require(
    config: objects.ConfigData,
    group: objects.NodeGroup,
    sizes: Sizes,
    what: str,
    *,
    ignore: bool = False,
    before: Sizes | None = None,
) -> list[str]:
    """Refuse sizes that the group's policy forbids; with `ignore` return the reasons instead.

    What was wrong `before` a change already is not held against the change.
    """
    policy = config.filled_ipolicy(group)
    known = violations(policy, before) if before is not None else []
    reasons = [reason for reason in violations(policy, sizes) if reason not in known]
    if not reasons:
        return []
    message = f"{what} violates the instance policy of group {group.name}: {'; '.join(reasons)}"
    if ignore:
        return [message]
    raise errors.OpPrereqError(
        f"{message} (--ignore-ipolicy goes on regardless)", errors.ECODE_INVAL
    )
