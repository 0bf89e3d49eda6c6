"""The cluster's simple settings: pure functions from an opcode to changed fields.

What has to be asked of nodes or compared with instances is in `set_params` and `usage`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from ganeti import constants, errors, ht, objects, opcodes, serializer
from ganeti.cmdlib.checks import instance_parameters, parameters, uids
from ganeti.config import macs
from ganeti.hypervisor import registry as hypervisors
from ganeti.objects import filled
from ganeti.storage import registry as storage

# Parameters that are stored as they are given.
_PLAIN = (
    "candidate_pool_size", "max_running_jobs", "max_tracked_jobs", "maintain_node_health",
    "prealloc_wipe_disks", "default_iallocator", "default_iallocator_params", "master_netdev",
    "use_external_mip_script", "modify_etc_hosts", "install_image", "zeroing_image",
    "enabled_user_shutdown", "instance_communication_network",
)
_DIRECTORIES = ("file_storage_dir", "shared_file_storage_dir", "gluster_storage_dir")
_TOOL = re.compile(r"[-_.a-zA-Z0-9]+")
# Compression that needs no program on the nodes.
NO_COMPRESSION = "none"


def changes(op: Any, config: objects.ConfigData) -> dict[str, Any]:
    """All fields of the cluster that the opcode changes, checked as far as the master can."""
    result: dict[str, Any] = {name: getattr(op, name) for name in _PLAIN
                              if getattr(op, name) is not None}
    for name, compute in _COMPUTED.items():
        if getattr(op, name) is not None:
            result[_FIELDS.get(name, name)] = compute(op, config.cluster)
    for name in _DIRECTORIES:
        if getattr(op, name) is not None:
            result[name] = directory(getattr(op, name), name)
    result.update(_uid_pool(op, config.cluster))
    result.update(_collectors(op, config.cluster))
    _check_limits(result, config.cluster)
    return result


def _check_limits(result: dict[str, Any], cluster: objects.Cluster) -> None:
    running = result.get("max_running_jobs", cluster.max_running_jobs)
    tracked = result.get("max_tracked_jobs", cluster.max_tracked_jobs)
    if tracked < running and ("max_running_jobs" in result or "max_tracked_jobs" in result):
        raise errors.OpPrereqError(
            f"There can not be more running jobs ({running}) than tracked ones ({tracked})",
            errors.ECODE_INVAL)


# Single values.

def directory(path: str, what: str) -> str:
    """An absolute path, or empty to use none."""
    if path and not ht.is_abs_path(path):
        raise errors.OpPrereqError(
            f"{what}: '{path}' is not an absolute path without '..' or doubled slashes",
            errors.ECODE_INVAL)
    return path


def reserved_volumes(patterns: Iterable[str]) -> list[str]:
    """Regular expressions on "vg/lv" names that verification leaves alone."""
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as err:
            raise errors.OpPrereqError(
                f"reserved_lvs: '{pattern}' is no regular expression: {err}",
                errors.ECODE_INVAL) from err
    return list(patterns)


def compression_tools(names: Iterable[str]) -> list[str]:
    """Programs that instance exports may be compressed with; the built-in 'none' stays."""
    result = list(dict.fromkeys(names))
    for name in result:
        if not _TOOL.fullmatch(name):
            raise errors.OpPrereqError(
                f"'{name}' is no name of a compression program; letters, digits, '-', '_' and"
                " '.' are allowed", errors.ECODE_INVAL)
    return result if NO_COMPRESSION in result else [NO_COMPRESSION, *result]


def enabled_hypervisors(names: Iterable[str]) -> list[str]:
    """The enabled hypervisors, the default one first."""
    return _enabled(names, "hypervisor", hypervisors.require_usable)


def enabled_templates(names: Iterable[str]) -> list[str]:
    """The enabled disk templates, the default one first."""
    return _enabled(names, "disk template", storage.require_usable)


def _enabled(names: Iterable[str], kind: str, require: Callable[[str], object]) -> list[str]:
    result = list(dict.fromkeys(names))
    if not result:
        raise errors.OpPrereqError(f"At least one {kind} has to stay enabled",
                                   errors.ECODE_INVAL)
    for name in result:
        require(name)
    return result


def changed_list(old: Iterable[str], steps: Iterable[tuple[str, str]], what: str) -> list[str]:
    """A list of names after additions and removals; a repetition is told, not refused."""
    result = list(old)
    for action, name in steps:
        if action in (constants.DDM_ADD, constants.DDM_ATTACH):
            if name in result:
                raise errors.OpPrereqError(f"OS {name} is {what} already", errors.ECODE_EXISTS)
            result.append(name)
        else:
            if name not in result:
                raise errors.OpPrereqError(f"OS {name} is not {what}", errors.ECODE_NOENT)
            result.remove(name)
    return result


def master_netmask(bits: int, family: int) -> int:
    """Length of the network's prefix of the master address."""
    longest = 128 if family == 10 else 32
    if not 0 < bits <= longest:
        raise errors.OpPrereqError(f"The netmask has to be 1 to {longest} bits, not {bits}",
                                   errors.ECODE_INVAL)
    return bits


# Parameters of things.

def nic_parameters(params: dict[str, Any], cluster: objects.Cluster) -> dict[str, Any]:
    """Default parameters of interfaces, by the name of the one set there is."""
    checked = parameters.enforced(constants.NIC_TABLE, params, "nicparams")
    old = cluster.nicparams.get(filled.PP_DEFAULT, {})
    return {filled.PP_DEFAULT: parameters.merged(old, checked)}


def backend_parameters(params: dict[str, Any], cluster: objects.Cluster) -> dict[str, Any]:
    """Default parameters of instances, by the name of the one set there is."""
    checked = instance_parameters.backend(params)
    merged = parameters.merged(cluster.beparams.get(filled.PP_DEFAULT, {}), checked)
    instance_parameters.require_sane_backend({**constants.BE_TABLE.defaults(), **merged})
    return {filled.PP_DEFAULT: merged}


def merged_os_hypervisor(op: Any, cluster: objects.Cluster) -> dict[str, Any]:
    """Hypervisor parameters by OS and hypervisor; what becomes empty is taken out."""
    result = {name: dict(values) for name, values in cluster.os_hvp.items()}
    for os_name, by_hypervisor in op.os_hvp.items():
        checked = parameters.hypervisor_parameters(by_hypervisor, f"os_hvp.{os_name}")
        result[os_name] = parameters.merged_levels(result.get(os_name, {}), checked)
    return {name: values for name, values in result.items() if values}


def merged_private(op: Any, cluster: objects.Cluster) -> dict[str, Any]:
    """Private OS parameters; they are stored as plain values, in the configuration only."""
    given = serializer.reveal(op.osparams_private_cluster)
    return parameters.merged_levels(cluster.osparams_private_cluster, given)


def policy(op: Any, cluster: objects.Cluster) -> dict[str, Any]:
    """The instance policy."""
    result = parameters.changed_policy({**constants.IPOLICY_DEFAULTS, **cluster.ipolicy},
                                       op.ipolicy, of_group=False)
    enabled = op.enabled_disk_templates or cluster.enabled_disk_templates
    closed = sorted(set(op.ipolicy.get(constants.IPOLICY_DTS, ())) - set(enabled))
    if closed:
        raise errors.OpPrereqError(
            f"Instance policy: disk template(s) {', '.join(closed)} are not enabled in this"
            " cluster", errors.ECODE_INVAL)
    return result


_COMPUTED: dict[str, Callable[[Any, objects.Cluster], Any]] = {
    "mac_prefix": lambda op, cluster: macs.check_prefix(op.mac_prefix),
    "master_netmask": lambda op, cluster: master_netmask(op.master_netmask,
                                                         cluster.primary_ip_family),
    "reserved_lvs": lambda op, cluster: reserved_volumes(op.reserved_lvs),
    "compression_tools": lambda op, cluster: compression_tools(op.compression_tools),
    "vg_name": lambda op, cluster: op.vg_name or None,
    "drbd_helper": lambda op, cluster: op.drbd_helper or None,
    "enabled_hypervisors": lambda op, cluster: enabled_hypervisors(op.enabled_hypervisors),
    "enabled_disk_templates": lambda op, cluster: enabled_templates(op.enabled_disk_templates),
    "hidden_os": lambda op, cluster: changed_list(cluster.hidden_os, op.hidden_os, "hidden"),
    "blacklisted_os": lambda op, cluster: changed_list(
        cluster.blacklisted_os, op.blacklisted_os, "blacklisted"),
    "nicparams": lambda op, cluster: nic_parameters(op.nicparams, cluster),
    "beparams": lambda op, cluster: backend_parameters(op.beparams, cluster),
    "ndparams": lambda op, cluster: parameters.merged(
        cluster.ndparams, parameters.node_parameters(op.ndparams, "ndparams")),
    "diskparams": lambda op, cluster: parameters.merged_levels(
        cluster.diskparams, parameters.disk_parameters(op.diskparams, "diskparams")),
    "hvparams": lambda op, cluster: parameters.merged_levels(
        cluster.hvparams, parameters.hypervisor_parameters(op.hvparams, "hvparams")),
    "os_hvp": merged_os_hypervisor,
    "osparams": lambda op, cluster: parameters.merged_levels(cluster.osparams, op.osparams),
    "osparams_private_cluster": merged_private,
    "ipolicy": policy,
    "hv_state": lambda op, cluster: parameters.merged_hv_state(
        cluster.hv_state_static, op.hv_state),
    "disk_state": lambda op, cluster: parameters.merged_disk_state(
        cluster.disk_state_static, op.disk_state),
}
# Where the field of the cluster has another name than the parameter.
_FIELDS = {"vg_name": "volume_group_name", "drbd_helper": "drbd_usermode_helper",
           "hv_state": "hv_state_static", "disk_state": "disk_state_static"}


def _uid_pool(op: Any, cluster: objects.Cluster) -> dict[str, Any]:
    pool: list[list[int]] = [list(item) for item in cluster.uid_pool]
    if op.uid_pool is not None:
        pool = uids.checked(op.uid_pool)
    if op.add_uids:
        pool = uids.added(pool, op.add_uids)
    if op.remove_uids:
        pool = uids.removed(pool, op.remove_uids)
    return {"uid_pool": pool} if pool != cluster.uid_pool else {}


def _collectors(op: Any, cluster: objects.Cluster) -> dict[str, Any]:
    """Which data collectors of the monitoring daemon run, and how often."""
    if op.enabled_data_collectors is None and op.data_collector_interval is None:
        return {}
    result = {name: dict(values) for name, values in cluster.data_collectors.items()}
    for given, key in ((op.enabled_data_collectors, constants.DATA_COLLECTOR_STATE_ACTIVE),
                       (op.data_collector_interval, constants.DATA_COLLECTOR_PARAMETER_INTERVAL)):
        for name, value in (given or {}).items():
            if name not in constants.DATA_COLLECTOR_NAMES:
                raise errors.OpPrereqError(
                    f"There is no data collector '{name}'"
                    f"{ht.nearest_hint(name, constants.DATA_COLLECTOR_NAMES)}",
                    errors.ECODE_INVAL)
            if key == constants.DATA_COLLECTOR_PARAMETER_INTERVAL and value <= 0:
                raise errors.OpPrereqError(
                    f"The interval of data collector {name} has to be positive",
                    errors.ECODE_INVAL)
            entry = result.setdefault(name, {
                constants.DATA_COLLECTOR_STATE_ACTIVE: True,
                constants.DATA_COLLECTOR_PARAMETER_INTERVAL:
                    constants.MOND_TIME_INTERVAL * 1_000_000})
            entry[key] = value
    return {"data_collectors": result}


PARAMETERS_WITHOUT_EFFECT_OF_THEIR_OWN = frozenset(["force"])


def anything_given(op: opcodes.OpCode) -> bool:
    """Whether the opcode asks for any change at all."""
    skipped = PARAMETERS_WITHOUT_EFFECT_OF_THEIR_OWN | opcodes.COMMON.keys()
    return any(getattr(op, name) is not None for name in op.FIELDS if name not in skipped)
