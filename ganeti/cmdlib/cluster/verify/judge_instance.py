"""Judges of instances: where they run, what state their disks are in, how they are placed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from ganeti import constants, objects
from ganeti.cmdlib.checks import ipolicy
from ganeti.cmdlib.cluster.verify import footprint
from ganeti.cmdlib.cluster.verify.report import Problem, warning
from ganeti.cmdlib.cluster.verify.view import GroupView
from ganeti.cmdlib.instance.mirror_health import Verdict
from ganeti.storage import registry

Problems = Iterator[Problem]


def _existing(view: GroupView) -> Iterator[objects.Instance]:
    """Instances that are more than a plan."""
    for inst in view.instances:
        if not inst.forthcoming:
            yield inst


def not_running(view: GroupView) -> Problems:
    """What is to be up runs on its primary node, as far as that node can be asked."""
    for inst in _existing(view):
        answer = view.answers.get(inst.primary_node)
        if inst.admin_state != constants.ADMINST_UP or answer is None:
            continue
        running = answer.get(constants.NV_INSTANCELIST)
        if isinstance(running, list) and inst.name not in running:
            yield Problem(inst.name, f"does not run on its primary node {answer.node.name}")


def wrong_node(view: GroupView) -> Problems:
    """Nothing runs on a node other than its primary: two copies would ruin the disks."""
    for inst in _existing(view):
        for node_uuid in view.all_running.get(inst.name, ()):
            if node_uuid != inst.primary_node:
                yield Problem(inst.name, f"runs on node {view.name_of(node_uuid)}, its primary "
                                         f"is {view.name_of(inst.primary_node)}")


def bad_node(view: GroupView) -> Problems:
    """Instances need nodes that are online and can run instances."""
    for inst in _existing(view):
        primary = view.config.node(inst.primary_node)
        if inst.admin_state == constants.ADMINST_UP and primary.offline:
            yield Problem(inst.name, f"is to be running but its node {primary.name} is offline")
        secondaries = [view.config.node(uuid) for uuid in view.config.secondary_nodes(inst)]
        offline = sorted(node.name for node in secondaries if node.offline)
        if offline:
            yield Problem(inst.name, f"has offline secondary node(s) {', '.join(offline)}")
        for node in (primary, *secondaries):
            if not node.vm_capable:
                yield Problem(inst.name, f"is on node {node.name}, which is not vm_capable")


def orphans(view: GroupView) -> Problems:
    """Guests that run under a name that the configuration does not know."""
    known = {inst.name for inst in view.config.instances.values()}
    for answer in view.arrived(vm_only=True):
        running = answer.get(constants.NV_INSTANCELIST)
        for name in sorted(running if isinstance(running, list) else ()):
            if name not in known:
                yield warning(answer.node.name, f"runs the unknown instance {name}")


def instance_lists(view: GroupView) -> Problems:
    """The node can list its guests and tell its resources."""
    for answer in view.arrived(vm_only=True):
        for key, what in ((constants.NV_INSTANCELIST, "list running instances"),
                          (constants.NV_HVINFO, "tell its memory and CPUs")):
            text = answer.get(key)
            if isinstance(text, str):
                yield Problem(answer.node.name, f"cannot {what}: {text}")


def missing_volumes(view: GroupView) -> Problems:
    """Every volume of an instance exists on the nodes that hold it.

    Nodes list the cluster's volume group; volumes in others are seen when they are in use.
    """
    missing: dict[str, list[str]] = defaultdict(list)
    group = f"{view.config.cluster.volume_group_name}/"
    for answer in view.answers.values():
        listed = answer.get(constants.NV_LVLIST)
        if not isinstance(listed, dict):
            continue
        for name, inst_name in view.volumes.get(answer.node.uuid, {}).items():
            if name not in listed and name.startswith(group):
                missing[inst_name].append(f"volume {name} is missing on {answer.node.name}")
    for inst in _existing(view):
        for text in sorted(missing.get(inst.name, ())):
            yield Problem(inst.name, text)


def disk_health(view: GroupView) -> Problems:
    """Disks that should be active are, and are healthy, on each node that holds them."""
    for inst in _existing(view):
        for node_uuid, states in sorted(view.disk_states.get(inst.uuid, {}).items()):
            node = view.name_of(node_uuid)
            for index, (good, status) in enumerate(states):
                if not good:
                    yield Problem(inst.name, f"state of disk/{index} on {node} is unknown: "
                                             f"{status}")
                elif status is not None:
                    yield from _judge_status(inst, f"disk/{index} on {node}", status)


def mirrors(view: GroupView) -> Problems:
    """Copies that are not connected: whether they will find together by themselves."""
    for inst in _existing(view):
        for disk in view.config.instance_disks(inst):
            found = view.mirrors.get(disk.uuid)
            if found is None:
                continue
            text = f"{found.disk}: {found.explain()}"
            if found.verdict in (Verdict.SPLIT, Verdict.UNRELATED):
                yield Problem(inst.name, text)
            elif found.verdict is Verdict.CUT_OFF:
                yield warning(inst.name, text)


def _judge_status(inst: objects.Instance, where: str, status: Any) -> Problems:
    local = status.get("ldisk_status") if isinstance(status, dict) else None
    if local not in constants.LDS_NAMES:
        yield Problem(inst.name, f"{where}: status {str(status)[:80]} has the wrong form")
    elif local in (constants.LDS_FAULTY, constants.LDS_UNKNOWN):
        yield Problem(inst.name, f"{where} is {constants.LDS_NAMES[local]}")
    elif status.get("is_degraded"):
        yield warning(inst.name, f"{where} is degraded, its local copy is "
                                 f"{constants.LDS_NAMES[local]}")


def layout(view: GroupView) -> Problems:
    """All disks of an instance should have the same secondary node."""
    for inst in _existing(view):
        secondaries = view.config.secondary_nodes(inst)
        if len(secondaries) > 1:
            names = ", ".join(view.name_of(uuid) for uuid in secondaries)
            yield warning(inst.name, f"has several secondary nodes: {names}")


def split_groups(view: GroupView) -> Problems:
    """An instance that is mirrored between nodes should stay inside one group."""
    for inst in _existing(view):
        if not any(footprint.is_node_mirrored(disk)
                   for disk in view.config.instance_disks(inst)):
            continue
        groups = {view.config.group_of(view.config.node(uuid)).name
                  for uuid in view.config.instance_nodes(inst)}
        if len(groups) > 1:
            yield warning(inst.name, f"has nodes in several groups: {', '.join(sorted(groups))}")


def unsuitable_node(view: GroupView) -> Problems:
    """Nodes with exclusive storage take only some disk templates, and count spindles."""
    for inst in _existing(view):
        nodes = [view.config.node(uuid) for uuid in view.config.instance_nodes(inst)]
        exclusive = sorted(node.name for node in nodes
                           if view.config.filled_ndparams(node)["exclusive_storage"])
        if not exclusive:
            continue
        for index, disk in enumerate(view.config.instance_disks(inst)):
            template = registry.template(disk.dev_type)
            if template.uses_lvm and not template.exclusive_storage:
                yield Problem(inst.name, f"disk/{index} is of template {disk.dev_type}, which "
                                         "does not work with the exclusive storage of "
                                         + ", ".join(exclusive))
            elif template.uses_lvm and disk.spindles is None:
                yield Problem(inst.name, f"disk/{index} has no number of spindles, but storage "
                                         f"is exclusive on {', '.join(exclusive)}")


def policy(view: GroupView) -> Problems:
    """Instances keep to the policy of their group."""
    limits = view.config.filled_ipolicy(view.group)
    for inst in _existing(view):
        texts = ipolicy.violations(limits, ipolicy.of_instance(view.config, inst))
        if texts:
            yield warning(inst.name, f"violates the instance policy: {', '.join(texts)}")


def failover_memory(view: GroupView) -> Problems:
    """If one node dies, each secondary has memory for the instances it takes over from it.

    Counted are instances that are to be up, mirrored between nodes, and balanced automatically.
    """
    needs: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for inst in view.config.instances.values():
        if inst.forthcoming or inst.admin_state != constants.ADMINST_UP:
            continue
        backend = view.config.filled_beparams(inst)
        if backend["auto_balance"]:
            for uuid in view.config.secondary_nodes(inst):
                needs[uuid][inst.primary_node] += backend["minmem"]
    for answer in view.arrived(vm_only=True):
        info = answer.get(constants.NV_HVINFO)
        free = info.get("memory_free") if isinstance(info, dict) else None
        if not isinstance(free, (int, float)):
            continue
        for primary, needed in sorted(needs[answer.node.uuid].items()):
            if needed > free:
                yield Problem(answer.node.name,
                              f"has too little memory to take over the instances of "
                              f"{view.name_of(primary)}: {needed} MiB needed, "
                              f"{free:.0f} MiB free")


def exclusion_tags(view: GroupView) -> Problems:
    """Primaries of one node do not share a tag that the cluster's tags make exclusive."""
    prefixes = exclusion_prefixes(view.config.cluster.tags)
    if not prefixes:
        return
    for node in view.members:
        holders: dict[str, list[str]] = defaultdict(list)
        for inst in view.config.primaries(node.uuid):
            for tag in inst.tags:
                if tag.startswith(prefixes):
                    holders[tag].append(inst.name)
        for tag, names in sorted(holders.items()):
            if len(names) > 1:
                yield Problem(node.name, f"instances {', '.join(sorted(names))} share the "
                                         f"exclusive tag {tag}")


def exclusion_prefixes(cluster_tags: list[str]) -> tuple[str, ...]:
    """The tag prefixes made exclusive by cluster tags 'htools:iextags:PREFIX'."""
    start = "htools:iextags:"
    return tuple(tag.removeprefix(start) + ":" for tag in cluster_tags if tag.startswith(start)
                 and len(tag) > len(start))
