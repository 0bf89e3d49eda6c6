"""Judges of node storage: volume groups, physical and logical volumes, DRBD."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from ganeti import constants
from ganeti.cmdlib.cluster.verify.report import Problem, warning
from ganeti.cmdlib.cluster.verify.view import GroupView

Problems = Iterator[Problem]

# Physical volumes count as equal when their sizes differ by no more than this share: LVM rounds
# to its extents and takes room for its metadata.
PV_TOLERANCE = 0.01


def volume_groups(view: GroupView) -> Problems:
    """The cluster's volume group exists on each node and is large enough to be useful."""
    wanted = view.config.cluster.volume_group_name
    if not wanted:
        return
    for answer in view.arrived(vm_only=True):
        groups = answer.get(constants.NV_VGLIST)
        name = answer.node.name
        if isinstance(groups, str):
            yield Problem(name, f"cannot list volume groups: {groups}")
        elif groups is not None and wanted not in groups:
            yield Problem(name, f"volume group '{wanted}' is missing")
        elif groups is not None and groups[wanted] < constants.MIN_VG_SIZE:
            yield Problem(name, f"volume group '{wanted}' is too small: {groups[wanted]:.0f} MiB, "
                                f"at least {constants.MIN_VG_SIZE} MiB are needed")


def physical_volumes(view: GroupView) -> Problems:
    """LVM's programs misread names with a colon; exclusive storage needs one LV a PV."""
    for answer in view.arrived(vm_only=True):
        name = answer.node.name
        volumes = answer.get(constants.NV_PVLIST)
        if isinstance(volumes, str):
            yield Problem(name, f"cannot list physical volumes: {volumes}")
        elif volumes is not None:
            for volume in volumes:
                if ":" in volume["name"]:
                    yield Problem(name, f"physical volume '{volume['name']}' of volume group "
                                        f"'{volume['vg_name']}' has a ':' in its name")
        shared = answer.get(constants.NV_EXCLUSIVEPVS)
        if isinstance(shared, str):
            yield Problem(name, f"cannot list shared physical volumes: {shared}")
        elif shared and view.config.filled_ndparams(answer.node)["exclusive_storage"]:
            for volume, lvs in shared:
                yield Problem(name, f"physical volume {volume} holds more than one logical "
                                    f"volume ({', '.join(lvs)}), but storage is exclusive")


def physical_volume_sizes(view: GroupView) -> Problems:
    """With exclusive storage a disk is a number of PVs, so all have to be of one size."""
    sizes: list[tuple[float, str]] = []
    for answer in view.arrived(vm_only=True):
        volumes = answer.get(constants.NV_PVLIST)
        if not isinstance(volumes, list):
            continue
        if view.config.filled_ndparams(answer.node)["exclusive_storage"]:
            sizes += [(volume["size"], answer.node.name) for volume in volumes]
    if not sizes:
        return
    (low, low_node), (high, high_node) = min(sizes), max(sizes)
    if low < high * (1 - PV_TOLERANCE):
        yield Problem(view.group.name,
                      f"physical volumes differ in size: smallest {low:.0f} MiB on {low_node}, "
                      f"largest {high:.0f} MiB on {high_node}")


def logical_volumes(view: GroupView) -> Problems:
    """The node can list its volumes."""
    for answer in view.arrived(vm_only=True):
        listed = answer.get(constants.NV_LVLIST)
        if isinstance(listed, str):
            yield Problem(answer.node.name, f"cannot list logical volumes: {listed}")


def is_reserved(name: str, patterns: list[str]) -> bool:
    """Whether the administrator keeps the volume out of ganeti's sight (expressions on "vg/lv")."""
    return any(re.fullmatch(pattern, name) for pattern in patterns)


def orphan_volumes(view: GroupView) -> Problems:
    """Volumes in the cluster's volume group that belong to no instance."""
    patterns = list(view.config.cluster.reserved_lvs)
    for answer in view.arrived(vm_only=True):
        listed = answer.get(constants.NV_LVLIST)
        if not isinstance(listed, dict):
            continue
        known = view.volumes.get(answer.node.uuid, {})
        for name in sorted(listed.keys() - known.keys()):
            if not is_reserved(name, patterns):
                yield warning(answer.node.name, f"volume {name} is unknown")


def drbd_helper(view: GroupView) -> Problems:
    """The kernel module calls the helper program that the cluster is configured with."""
    for answer in view.arrived(vm_only=True):
        value = answer.get(constants.NV_DRBDHELPER)
        if value is not None and not value[0]:
            yield Problem(answer.node.name, f"drbd usermode helper: {value[1]}")


def drbd_versions(view: GroupView) -> Problems:
    """Mirrors are made between nodes of a group: they should run one version of DRBD."""
    by_version = defaultdict(list)
    for answer in view.arrived(vm_only=True):
        version = answer.get(constants.NV_DRBDVERSION)
        if version:
            by_version[version].append(answer.node.name)
    if len(by_version) > 1:
        for version, names in sorted(by_version.items()):
            for name in names:
                yield Problem(name, f"drbd version {version}; others of the group have "
                                    + ", ".join(sorted(by_version.keys() - {version})))


def drbd_minors(view: GroupView) -> Problems:
    """Minors in use are those of the instances whose disks are active."""
    for answer in view.arrived(vm_only=True):
        used = answer.get(constants.NV_DRBDLIST)
        name = answer.node.name
        if isinstance(used, str):
            yield Problem(name, f"cannot list drbd minors: {used}")
        elif used is not None:
            owners = view.minors.get(answer.node.uuid, {})
            for minor, owner in sorted(owners.items()):
                if minor not in used and owner in view.active_names:
                    yield Problem(name, f"drbd minor {minor} of instance {owner} is not active")
            for minor in sorted(set(used) - owners.keys()):
                yield Problem(name, f"drbd minor {minor} is in use but belongs to no instance")
