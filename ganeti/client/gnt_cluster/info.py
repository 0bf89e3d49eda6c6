"""gnt-cluster info and show-ispecs-cmd."""

from __future__ import annotations

from typing import Any

from ganeti import pathutils
from ganeti.cli import info as printer
from ganeti.cli import jobs, policy
from ganeti.cli.command import Command
from ganeti.cli.option import Values
from ganeti.cli.report import to_stdout
from ganeti.cli.standard import ROMAN
from ganeti.utils import text

Pairs = list[tuple[str, Any]]


def _joined(values: Any) -> str:
    return ", ".join(str(value) for value in values or [])


def _ranges(pool: Any) -> str:
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in pool or [])


def _nested(params: dict[str, dict[str, Any]]) -> Pairs:
    """Parameters by name of their owner; an empty group stays visible."""
    return [(name, dict(params[name])) for name in sorted(params)]


def show(values: Values, args: list[str]) -> int:
    """Print the settings of the cluster."""
    known = jobs.client().query_cluster_info()
    printer.show(_pairs(known, values.roman_integers))
    return 0


def _pairs(known: dict[str, Any], as_roman: bool) -> Pairs:
    def roman(value: Any) -> Any:
        return printer.roman(value, as_roman)

    bits, machine = known["architecture"]
    enabled = known["enabled_hypervisors"]
    return [
        ("Cluster name", known["name"]), ("Cluster UUID", known["uuid"]),
        ("Creation time", text.format_time(known["ctime"])),
        ("Modification time", text.format_time(known["mtime"])),
        ("Master node", known["master"]),
        ("Architecture (this node)", f"{bits} ({machine})"),
        ("Tags", _joined(sorted(known["tags"])) or "(none)"),
        ("Default hypervisor", known["default_hypervisor"]),
        ("Enabled hypervisors", _joined(enabled)),
        ("Hypervisor parameters", _nested({name: known["hvparams"][name] for name in enabled})),
        ("OS-specific hypervisor parameters",
         [(name, _nested(params)) for name, params in sorted(known["os_hvp"].items())]),
        ("OS parameters", _nested(known["osparams"])),
        ("Hidden OSes", _joined(known["hidden_os"])),
        ("Blacklisted OSes", _joined(known["blacklisted_os"])),
        ("Cluster parameters", _cluster_parameters(known, roman)),
        ("Default node parameters", dict(known["ndparams"])),
        ("Default instance parameters", _nested(known["beparams"])),
        ("Default nic parameters", _nested(known["nicparams"])),
        ("Default disk parameters", _nested(known["diskparams"])),
        ("Instance policy - limits for instances",
         policy.shown(known["ipolicy"], roman=roman)),
        ("Data collectors", [
            (name, {"active": active,
                    "interval": f"{known['data_collector_interval'][name] / 1e6:.3f}s"})
            for name, active in sorted(known["enabled_data_collectors"].items())]),
    ]


def _cluster_parameters(known: dict[str, Any], roman: Any) -> Pairs:
    return [
        ("candidate pool size", roman(known["candidate_pool_size"])),
        ("maximal number of jobs running simultaneously", roman(known["max_running_jobs"])),
        ("maximal number of jobs simultaneously tracked by the scheduler",
         roman(known["max_tracked_jobs"])),
        ("mac prefix", known["mac_prefix"]), ("master netdev", known["master_netdev"]),
        ("master netmask", roman(known["master_netmask"])),
        ("use external master IP address setup script", known["use_external_mip_script"]),
        ("lvm volume group", known["volume_group_name"]),
        ("lvm reserved volumes", _joined(known["reserved_lvs"]) or "(none)"),
        ("drbd usermode helper", known["drbd_usermode_helper"]),
        ("file storage path", known["file_storage_dir"]),
        ("shared file storage path", known["shared_file_storage_dir"]),
        ("gluster storage path", known["gluster_storage_dir"]),
        ("maintenance of node health", known["maintain_node_health"]),
        ("uid pool", _ranges(known["uid_pool"])),
        ("default instance allocator", known["default_iallocator"]),
        ("default instance allocator parameters", dict(known["default_iallocator_params"] or {})),
        ("primary ip version", roman(known["primary_ip_version"])),
        ("preallocation wipe disks", known["prealloc_wipe_disks"]),
        ("OS search path", _joined(pathutils.OS_SEARCH_PATH)),
        ("ExtStorage Providers search path", _joined(pathutils.ES_SEARCH_PATH)),
        ("enabled disk templates", _joined(known["enabled_disk_templates"])),
        ("install image", known["install_image"]),
        ("instance communication network", known["instance_communication_network"]),
        ("zeroing image", known["zeroing_image"]),
        ("compression tools", list(known["compression_tools"])),
        ("enabled user shutdown", known["enabled_user_shutdown"]),
        ("modify ssh setup", known["modify_ssh_setup"]),
        ("ssh_key_type", known["ssh_key_type"]), ("ssh_key_bits", roman(known["ssh_key_bits"])),
    ]


def show_ispecs_cmd(values: Values, args: list[str]) -> int:
    """Print a command that makes a cluster with the same instance policy."""
    known = jobs.client().query_cluster_info()
    to_stdout(" ".join(["gnt-cluster", "init", *policy.as_options(known["ipolicy"]),
                        known["name"]]))
    return 0


INFO = Command(show, options=[ROMAN], help="Show the settings of the cluster",
               example="gnt-cluster info")
SHOW_ISPECS_CMD = Command(
    show_ispecs_cmd, help="Print a command that makes a cluster with the same instance policy",
    example="gnt-cluster show-ispecs-cmd")
