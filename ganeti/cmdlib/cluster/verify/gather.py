"""Asks the nodes of a group all that the judges want to know: one call a node, in parallel.

A second call asks for the state of active disks, and only where there are any. Nodes outside
the group are asked for the little that concerns it.
"""

from __future__ import annotations

import dataclasses
import random
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from ganeti import constants, objects, pathutils
from ganeti.cmdlib import ancillary
from ganeti.cmdlib.cluster.verify import answers, footprint, judge_files, view
from ganeti.cmdlib.instance import mirror_health
from ganeti.objects import filled as filled_objects
from ganeti.storage import registry

# Each node tries SSH to the other nodes of its group and to this many of every other group.
SSH_PEERS_PER_GROUP = 1
# How often files that the configuration store writes are asked for again when they differ.
FILE_ATTEMPTS = 3


def uses_lvm(cluster: objects.Cluster) -> bool:
    """Whether any enabled template lives in volume groups."""
    return any(registry.template(name).uses_lvm for name in cluster.enabled_disk_templates)


def uses_drbd(cluster: objects.Cluster) -> bool:
    """Whether ganeti mirrors disks between nodes here."""
    return any(footprint.is_node_mirrored_template(name)
               for name in cluster.enabled_disk_templates)


def hypervisor_parameter_sets(config: objects.ConfigData, instances: Iterable[objects.Instance],
                              ) -> list[tuple[str, str, dict[str, Any]]]:
    """Every distinct set of filled parameters, with the source that it is reported under."""
    cluster = config.cluster
    result = [("cluster", name, dict(config.filled_hvparams(name)))
              for name in cluster.enabled_hypervisors]
    for os_name, by_hypervisor in sorted(cluster.os_hvp.items()):
        result += [(f"os {os_name}", name, dict(config.filled_hvparams(name, os_name)))
                   for name in sorted(by_hypervisor) if name in cluster.enabled_hypervisors]
    result += [(f"instance {inst.name}", inst.hypervisor, dict(config.filled_hvparams(inst)))
               for inst in instances if inst.hvparams and not inst.forthcoming]
    return result


def ssh_peers(config: objects.ConfigData, group: objects.NodeGroup) -> list[Any]:
    """The value of the question `nodelist`: own group, some of the others, and candidates."""
    online = [node for node in config.nodes.values() if not node.offline]
    own = sorted(node.name for node in online if node.group == group.uuid)
    foreign: dict[str, list[str]] = defaultdict(list)
    for node in online:
        if node.group != group.uuid:
            foreign[node.group].append(node.name)
    by_node = {name: sorted(peer for names in foreign.values()
                            for peer in random.sample(names, min(SSH_PEERS_PER_GROUP, len(names))))
               for name in own}
    candidates = sorted(node.name for node in online if node.master_candidate)
    return [own, by_node, candidates]


def bridges(config: objects.ConfigData, instances: Iterable[objects.Instance]) -> list[str]:
    """Bridges that NICs need: the cluster's default, and those of the instances."""
    filled = [config.cluster.nicparams.get(filled_objects.PP_DEFAULT, {})]
    filled += [config.filled_nicparams(nic) for inst in instances for nic in inst.nics]
    return sorted({params[constants.NIC_LINK] for params in filled
                   if params.get(constants.NIC_MODE) == constants.NIC_MODE_BRIDGED
                   and params.get(constants.NIC_LINK)})


def questions(config: objects.ConfigData, group: objects.NodeGroup, *,
              skip: Collection[str] = (), clutter: bool = False) -> dict[str, Any]:
    """The question dictionary for the nodes of a group."""
    cluster = config.cluster
    members = [node for node in config.nodes.values()
               if node.group == group.uuid and not node.offline]
    uuids = {node.uuid for node in members}
    instances = [inst for inst in config.instances.values() if inst.primary_node in uuids]
    master = config.node(cluster.master_node)
    asked: dict[str, Any] = {
        constants.NV_FILELIST: [pathutils.virtual(item.path) for item in ancillary.files(config)],
        constants.NV_NODELIST: ssh_peers(config, group),
        constants.NV_NODENETTEST: sorted([node.name, node.primary_ip, node.secondary_ip]
                                         for node in members),
        constants.NV_MASTERIP: [master.name, cluster.master_ip],
        constants.NV_HYPERVISOR: list(cluster.enabled_hypervisors),
        constants.NV_INSTANCELIST: list(cluster.enabled_hypervisors),
        constants.NV_HVINFO: cluster.default_hypervisor,
        constants.NV_OSLIST: None,
        constants.NV_VERSION: None,
        constants.NV_TIME: None,
        constants.NV_NODESETUP: None,
        constants.NV_CLIENT_CERT: None,
        constants.NV_USERSCRIPTS: user_scripts(cluster),
        constants.NV_NONVMNODES: sorted(node.name for node in members if not node.vm_capable),
    }
    if constants.VERIFY_HVPARAM_ASSESSMENT not in skip:
        asked[constants.NV_HVPARAMS] = hypervisor_parameter_sets(config, instances)
    asked.update(_storage_questions(config, master))
    links = bridges(config, instances)
    if links:
        asked[constants.NV_BRIDGES] = links
    programs = sorted({config.filled_ndparams(node)["oob_program"] for node in members} - {""})
    if programs:
        asked[constants.NV_OOB_PATHS] = programs
    if cluster.modify_ssh_setup:
        asked[constants.NV_SSH_SETUP] = [
            [[node.uuid, node.name, node.master_candidate, node.master_capable,
              not node.offline] for node in config.nodes.values()], cluster.ssh_key_type]
        if clutter:
            asked[constants.NV_SSH_CLUTTER] = cluster.ssh_key_type
    return asked


def user_scripts(cluster: objects.Cluster) -> list[str]:
    """Scripts that the configuration makes the nodes call."""
    if cluster.use_external_mip_script:
        return [pathutils.virtual(pathutils.EXTERNAL_MASTER_SETUP_SCRIPT)]
    return []


def _storage_questions(config: objects.ConfigData, master: objects.Node) -> dict[str, Any]:
    cluster = config.cluster
    asked: dict[str, Any] = {}
    if uses_lvm(cluster) and cluster.volume_group_name:
        asked[constants.NV_VGLIST] = None
        asked[constants.NV_LVLIST] = cluster.volume_group_name
        asked[constants.NV_PVLIST] = [cluster.volume_group_name]
        asked[constants.NV_EXCLUSIVEPVS] = True
    if uses_drbd(cluster) and cluster.drbd_usermode_helper:
        asked[constants.NV_DRBDVERSION] = None
        asked[constants.NV_DRBDLIST] = None
        asked[constants.NV_DRBDHELPER] = cluster.drbd_usermode_helper
    for template, key, path in (
            (constants.DT_FILE, constants.NV_FILE_STORAGE_PATH, cluster.file_storage_dir),
            (constants.DT_SHARED_FILE, constants.NV_SHARED_FILE_STORAGE_PATH,
             cluster.shared_file_storage_dir),
            (constants.DT_GLUSTER, constants.NV_GLUSTER_STORAGE_PATH,
             cluster.gluster_storage_dir)):
        if template in cluster.enabled_disk_templates and path:
            asked[key] = pathutils.virtual(path)
            asked[constants.NV_ACCEPTED_STORAGE_PATHS] = master.name
    return asked


def _ask(rpc: Any, config: objects.ConfigData, nodes: Collection[objects.Node],
         asked: Mapping[str, Any], hvparams: Any) -> dict[str, answers.NodeAnswer]:
    uuids = [node.uuid for node in nodes]
    if not uuids:
        return {}
    results = rpc.node_verify(uuids, dict(asked), config.cluster.cluster_name, hvparams)
    return {node.uuid: answers.parse(node, asked.keys(), results[node.uuid].payload,
                                     results[node.uuid].fail_msg or "")
            for node in nodes}


def disk_states(rpc: Any, config: objects.ConfigData, instances: Iterable[objects.Instance],
                reachable: Collection[str]) -> dict[str, dict[str, list[tuple[bool, Any]]]]:
    """Instance uuid -> node uuid -> (ok, status or text) a disk, for instances in use."""
    wanted: dict[str, list[tuple[objects.Instance, objects.Disk]]] = defaultdict(list)
    for inst in instances:
        if not inst.disks_active or inst.forthcoming:
            continue
        for disk in config.instance_disks(inst):
            secondaries = disk.nodes if footprint.is_node_mirrored(disk) else ()
            for node_uuid in dict.fromkeys([inst.primary_node, *secondaries]):
                if node_uuid in reachable:
                    wanted[node_uuid].append((inst, disk))
    if not wanted:
        return {}
    asked = {uuid: [(disk, inst) for inst, disk in pairs] for uuid, pairs in wanted.items()}
    results = rpc.blockdev_getmirrorstatus_multi(list(asked), asked)
    found: dict[str, dict[str, list[tuple[bool, Any]]]] = defaultdict(dict)
    for uuid, pairs in wanted.items():
        result = results[uuid]
        states: list[Any] = result.payload if isinstance(result.payload, list) else []
        text = result.fail_msg
        if not text and len(states) != len(pairs):
            text = f"node answered for {len(states)} of {len(pairs)} disks"
        for index, (inst, _disk) in enumerate(pairs):
            state = (False, text) if text else (bool(states[index][0]), states[index][1])
            found[inst.uuid].setdefault(uuid, []).append(state)
    return dict(found)


def group_view(rpc: Any, config: objects.ConfigData, group: objects.NodeGroup, *,
               skip: Collection[str] = (), clutter: bool = False) -> view.GroupView:
    """Ask the nodes, and put together what the judges look at."""
    members = [node for node in config.nodes.values() if node.group == group.uuid]
    asked = questions(config, group, skip=skip, clutter=clutter)
    hvparams = {name: config.filled_hvparams(name)
                for name in config.cluster.enabled_hypervisors}
    started = time.time()
    found = _ask(rpc, config, members, asked, hvparams)
    ended = time.time()
    for nodes, keys in _outsiders(config, group, found):
        part = {key: value for key, value in asked.items() if key in keys}
        if part:
            found.update(_ask(rpc, config, nodes, part, hvparams))
    uuids = {node.uuid for node in members}
    instances = [inst for inst in config.instances.values() if inst.primary_node in uuids]
    reachable = {uuid for uuid, answer in found.items() if answer.arrived}
    reachable |= {node.uuid for node in config.nodes.values()
                  if not node.offline and node.uuid not in uuids}
    states = disk_states(rpc, config, instances, reachable)
    return view.GroupView(
        config, group, found, started, ended, disk_states=states,
        files=ancillary.files(config), mirrors=separated(rpc, config, states, reachable))


def separated(rpc: Any, config: objects.ConfigData,
              states: Mapping[str, Mapping[str, Sequence[tuple[bool, Any]]]],
              reachable: Collection[str]) -> dict[str, mirror_health.Finding]:
    """Disk uuid -> how the copies stand, of mirrored disks that are degraded and not catching up.

    Only those whose two nodes answer are asked again: that is where a split brain can be seen.
    """
    wanted = []
    for inst_uuid, by_node in states.items():
        inst = config.instances[inst_uuid]
        for index, disk in enumerate(config.instance_disks(inst)):
            seen = [found[index] for found in by_node.values() if index < len(found)]
            broken = any(good and status["is_degraded"] and status["sync_percent"] is None
                         for good, status in seen if isinstance(status, dict))
            if broken and disk.nodes and all(uuid in reachable for uuid in disk.nodes):
                wanted.append((inst, disk))
    return mirror_health.ask(rpc, config, wanted) if wanted else {}


def settled(rpc: Any, seen: view.GroupView, wait_durable: Callable[[], None]) -> view.GroupView:
    """The same view once the files of the configuration store had time to arrive.

    Other jobs go on changing the configuration meanwhile, so that one node may show the version
    before and another the version after: what still differs at the end really does.
    """
    written = [item for item in seen.files if not item.copied]
    for _attempt in range(FILE_ATTEMPTS):
        part = dataclasses.replace(seen, files=written)
        if not any(judge_files.files_equal(part)):
            break
        wait_durable()
        asked = {constants.NV_FILELIST: [pathutils.virtual(item.path) for item in seen.files]}
        nodes = [answer.node for answer in seen.answers.values()
                 if answer.get(constants.NV_FILELIST)]
        again = _ask(rpc, seen.config, nodes, asked, {})
        fresh = {uuid: dataclasses.replace(seen.answers[uuid], values={
                    **seen.answers[uuid].values, **answer.values})
                 for uuid, answer in again.items() if answer.get(constants.NV_FILELIST)}
        seen = dataclasses.replace(seen, answers={**seen.answers, **fresh})
    return seen


def _outsiders(config: objects.ConfigData, group: objects.NodeGroup,
               found: Mapping[str, answers.NodeAnswer],
               ) -> list[tuple[list[objects.Node], frozenset[str]]]:
    """Nodes outside the group, and what they are asked.

    The secondaries of its instances are asked for their volumes and guests, and a group without
    the master or other candidates compares its files with the master's.
    """
    secondaries = {uuid for inst in config.instances.values() if inst.primary_node in found
                   for uuid in config.secondary_nodes(inst)} - found.keys()
    nodes = [config.node(uuid) for uuid in sorted(secondaries)]
    asked = [([node for node in nodes if not node.offline],
              frozenset([constants.NV_LVLIST, constants.NV_INSTANCELIST]))]
    master = config.cluster.master_node
    if master not in found:
        files = frozenset([constants.NV_FILELIST])
        if master in secondaries:
            asked = [([node for node in part if node.uuid != master], keys)
                     for part, keys in asked]
            files |= {constants.NV_LVLIST, constants.NV_INSTANCELIST}
        asked.append(([config.node(master)], files))
    return [(part, keys) for part, keys in asked if part]
