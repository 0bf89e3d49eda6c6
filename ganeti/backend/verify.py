"""Answers of this node to the questions of cluster verify: one function a question.

Judging the answers is the master's business. What a question asks about other nodes is in
:mod:`ganeti.backend.verify_peers`.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganeti import constants, errors, pathutils
from ganeti.backend import instance, verify_peers, volumes
from ganeti.backend import os as backend_os
from ganeti.hypervisor import linux, registry
from ganeti.storage import filepaths, gluster, lvm
from ganeti.storage.drbd import kernel
from ganeti.utils import net, patchedfile, text

CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Context:
    """What all questions of one call share."""

    cluster_name: str
    #: Cluster level parameters by hypervisor
    hvparams: Mapping[str, Mapping[str, Any]]
    node_name: str


Check = Callable[[Any, Context], Any]


def _or_text(action: Callable[[], Any]) -> Any:
    """The value, or the text of what went wrong, for questions that allow a text."""
    try:
        return action()
    except errors.GenericError as err:
        return errors.text(err)


# Files ---------------------------------------------------------------------------------------

def file_digest(path: str) -> str:
    """SHA1 of a file, in hex."""
    digest = hashlib.sha1(usedforsecurity=False)
    with open(path, "rb") as fobj:
        while chunk := fobj.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _content_digest(path: str) -> str:
    """Digest of a file; the configuration counts with the changes in its journal."""
    if path == pathutils.CLUSTER_CONF_FILE:
        return hashlib.sha1(patchedfile.read(path), usedforsecurity=False).hexdigest()
    return file_digest(path)


def _filelist(paths: Sequence[str], _context: Context) -> dict[str, str]:
    digests = {}
    for path in paths:
        try:
            digests[path] = _content_digest(pathutils.local(path))
        except FileNotFoundError:
            continue
        except (OSError, errors.ParseError) as err:
            logging.warning("No checksum of %s: %s", path, err)
    return digests


def _not_executable(path: str) -> bool:
    real = pathutils.local(path)
    return not (os.path.isfile(real) and os.access(real, os.X_OK))


def _user_scripts(paths: Sequence[str], _context: Context) -> list[str]:
    return [path for path in paths if _not_executable(path)]


def _oob_paths(paths: Sequence[str], _context: Context) -> list[str | None]:
    return [f"{path} is no executable file" if not (os.path.isfile(path)
                                                    and os.access(path, os.X_OK)) else None
            for path in paths]


# Hypervisors ---------------------------------------------------------------------------------

def _hypervisor_problem(name: str, context: Context) -> str | None:
    try:
        return registry.get(name).verify(context.hvparams.get(name))
    except errors.HypervisorError as err:
        return errors.text(err)


def _hypervisor(names: Sequence[str], context: Context) -> dict[str, str | None]:
    return {name: _hypervisor_problem(name, context) for name in names}


def _hvparms(sets: Sequence[Sequence[Any]], _context: Context) -> list[list[str]]:
    failed = []
    for source, name, params in sets:
        try:
            registry.get(name).validate(params)
        except errors.GenericError as err:
            failed.append([source, name, errors.text(err)])
    return failed


def _hvinfo(name: str, context: Context) -> Any:
    return _or_text(lambda: registry.get(name).node_info(context.hvparams.get(name)))


def _instancelist(names: Sequence[str], context: Context) -> Any:
    return _or_text(lambda: instance.instance_list(names, context.hvparams))


# Storage -------------------------------------------------------------------------------------

def _lvlist(vg_name: str, _context: Context) -> Any:
    return _or_text(lambda: volumes.lv_list(vg_name))


def _vglist(_value: None, _context: Context) -> Any:
    return _or_text(volumes.vg_list)


def _lvs_by_pv(vg_names: Sequence[str]) -> dict[str, list[str]]:
    found = defaultdict(set)
    for volume in lvm.logical_volumes():
        if volume.vg_name in vg_names:
            for device in volume.devices.split(","):
                found[device.split("(")[0]].add(volume.name)
    return {pv: sorted(names) for pv, names in found.items()}


def _pvlist(vg_names: Sequence[str], _context: Context) -> Any:
    def ask() -> list[dict[str, Any]]:
        by_pv = _lvs_by_pv(vg_names)
        return [{"name": pv.name, "vg_name": pv.vg_name, "size": pv.size, "free": pv.free,
                 "attributes": pv.attributes, "lv_list": by_pv.get(pv.name, [])}
                for pv in lvm.physical_volumes(vg_names)]
    return _or_text(ask)


def _exclusive_pvs(_value: bool, _context: Context) -> Any:
    def ask() -> list[list[Any]]:
        groups = [group.name for group in lvm.volume_groups()]
        return [[pv, lvs] for pv, lvs in sorted(_lvs_by_pv(groups).items()) if len(lvs) > 1]
    return _or_text(ask)


def _accepted_paths(node_name: str, context: Context) -> list[str]:
    """Forbidden directories that the administrator listed; asked of one node only."""
    if node_name != context.node_name:
        return []
    return filepaths.forbidden(filepaths.allowed_paths())


def _storage_path(path: str, _context: Context) -> str | None:
    return filepaths.usable_problem(path)


def _gluster_path(path: str, _context: Context) -> str | None:
    return gluster.mount_problem(pathutils.local(path))


# DRBD ----------------------------------------------------------------------------------------

def _drbd_version(_value: None, _context: Context) -> str:
    return str(_or_text(kernel.version))


def _drbd_list(_value: None, _context: Context) -> Any:
    return _or_text(lambda: sorted(kernel.mirrors()))


def _drbd_helper(wanted: str | None, _context: Context) -> list[Any]:
    try:
        helper = kernel.helper()
    except errors.BlockDeviceError as err:
        return [False, str(err)]
    if wanted is not None and helper != wanted:
        return [False, f"the kernel calls {helper}, the cluster has {wanted}"]
    return [True, helper]


# The system ----------------------------------------------------------------------------------

def node_setup_problems() -> list[str]:
    """What the kernel of this node lacks. Without sysrq only power-cycling is impossible."""
    problems = []
    for directory, meaning in (("/sys/block", "sysfs is not mounted"),
                               ("/sys/class/net", "sysfs is not mounted"),
                               ("/proc/sys", "procfs is not mounted")):
        if not os.path.isdir(directory):
            problems.append(f"directory {directory} is missing: {meaning}")
    if not os.path.exists(linux.SYSRQ_TRIGGER):
        problems.append(f"{linux.SYSRQ_TRIGGER} is missing: this node can not be power-cycled"
                        " by its node daemon")
    return problems


def _nodesetup(_value: None, _context: Context) -> list[str]:
    return node_setup_problems()


def _version(_value: None, _context: Context) -> list[Any]:
    return [constants.PROTOCOL_VERSION, constants.RELEASE_VERSION]


def _time(_value: None, _context: Context) -> list[int]:
    return text.split_time(time.time_ns())


def _oslist(_value: None, _context: Context) -> Any:
    return _or_text(backend_os.os_diagnose)


# The calls -----------------------------------------------------------------------------------

#: Questions that every node answers
CHECKS: dict[str, Check] = {
    constants.NV_FILELIST: _filelist,
    constants.NV_USERSCRIPTS: _user_scripts,
    constants.NV_OOB_PATHS: _oob_paths,
    constants.NV_NODESETUP: _nodesetup,
    constants.NV_VERSION: _version,
    constants.NV_TIME: _time,
    constants.NV_ACCEPTED_STORAGE_PATHS: _accepted_paths,
    constants.NV_FILE_STORAGE_PATH: _storage_path,
    constants.NV_SHARED_FILE_STORAGE_PATH: _storage_path,
    constants.NV_GLUSTER_STORAGE_PATH: _gluster_path,
    constants.NV_CLIENT_CERT: lambda value, context: verify_peers.client_cert(),
    constants.NV_SSH_SETUP: lambda value, context: verify_peers.ssh_setup(
        value, context.node_name),
    constants.NV_SSH_CLUTTER: lambda value, context: verify_peers.ssh_clutter(value),
    constants.NV_NODELIST: lambda value, context: verify_peers.node_list(
        value, context.node_name, context.cluster_name),
    constants.NV_NODENETTEST: lambda value, context: verify_peers.net_test(
        value, context.node_name),
    constants.NV_MASTERIP: lambda value, context: verify_peers.master_ip(
        value, context.node_name),
}

#: Questions that only nodes answer that run instances
VM_CHECKS: dict[str, Check] = {
    constants.NV_HYPERVISOR: _hypervisor,
    constants.NV_HVPARAMS: _hvparms,
    constants.NV_HVINFO: _hvinfo,
    constants.NV_INSTANCELIST: _instancelist,
    constants.NV_LVLIST: _lvlist,
    constants.NV_VGLIST: _vglist,
    constants.NV_PVLIST: _pvlist,
    constants.NV_EXCLUSIVEPVS: _exclusive_pvs,
    constants.NV_DRBDVERSION: _drbd_version,
    constants.NV_DRBDLIST: _drbd_list,
    constants.NV_DRBDHELPER: _drbd_helper,
    constants.NV_OSLIST: _oslist,
    constants.NV_BRIDGES: lambda value, context: verify_peers.missing_bridges(value),
}

#: Answers that are left out when there is nothing to tell
SILENT_WHEN_FINE = frozenset([constants.NV_ACCEPTED_STORAGE_PATHS, constants.NV_FILE_STORAGE_PATH,
                              constants.NV_SHARED_FILE_STORAGE_PATH,
                              constants.NV_GLUSTER_STORAGE_PATH])


def node_verify(checkdict: Mapping[str, Any], cluster_name: str,
                all_hvparams: Mapping[str, Mapping[str, Any]] | None) -> dict[str, Any]:
    """Answer the questions that this node knows; one that can not be answered is left out."""
    context = Context(cluster_name, all_hvparams or {}, net.hostname())
    checks = dict(CHECKS)
    if context.node_name not in checkdict.get(constants.NV_NONVMNODES, ()):
        checks.update(VM_CHECKS)
    answers = {}
    for question, value in checkdict.items():
        if question not in checks:
            continue
        answer = checks[question](value, context)
        if answer or question not in SILENT_WHEN_FINE:
            answers[question] = answer
    return answers


def node_verify_light(checkdict: Mapping[str, Any], cluster_name: str,
                      hvparams: Mapping[str, Mapping[str, Any]] | None) -> dict[str, Any]:
    """The same for a node that is about to join, which has no certificate of its own yet."""
    return node_verify(checkdict, cluster_name, hvparams)
