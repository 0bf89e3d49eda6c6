"""Fields of the cluster; there is exactly one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti import constants, errors
from ganeti.query.fields import (
    BOOL,
    COMPARE_HOST,
    NUMBER,
    OTHER,
    TEXT,
    TIMESTAMP,
    Context,
    FieldRow,
    Getter,
    Resource,
    attribute,
    optional_attribute,
    or_unavailable,
)


def _items(context: Context, names: Sequence[Any] | None) -> list[Any]:
    cluster = context.config.cluster
    for name in names or []:
        if name not in (cluster.cluster_name, cluster.uuid):
            raise errors.OpPrereqError(f"This cluster is {cluster.cluster_name}, not {name}",
                                       errors.ECODE_NOENT)
    return [cluster]


def _constant(value: Any) -> Getter:
    return lambda cluster, context: value


def _architecture(_cluster: Any, _context: Context) -> list[str]:
    """Word length and machine of the master, as the old interface tells it."""
    import platform
    return [f"{platform.architecture()[0]}s", platform.machine()]


ROWS = [
    FieldRow("name", "Name", TEXT, "Name of the cluster", attribute("cluster_name"),
             compare=COMPARE_HOST),
    FieldRow("cluster_name", "Name", TEXT, "Name of the cluster", attribute("cluster_name"),
             compare=COMPARE_HOST),
    FieldRow("master_node", "Master", TEXT, "Name of the master",
             lambda cluster, context: context.config.master_node_name, compare=COMPARE_HOST),
    FieldRow("volume_group_name", "VgName", TEXT, "LVM volume group",
             optional_attribute("volume_group_name")),
    FieldRow("architecture", "ArchInfo", OTHER, "Word length and machine of the master",
             _architecture),
    FieldRow("software_version", "SoftwareVersion", TEXT, "Version of the software",
             _constant(constants.RELEASE_VERSION)),
    FieldRow("vcs_version", "VCSVersion", TEXT, "Version of the sources",
             _constant(constants.VCS_VERSION)),
    FieldRow("protocol_version", "ProtocolVersion", NUMBER, "Version of the calls to nodes",
             _constant(constants.PROTOCOL_VERSION)),
    FieldRow("config_version", "ConfigVersion", NUMBER, "Version of the configuration format",
             _constant(constants.CONFIG_VERSION)),
    FieldRow("os_api_version", "OsApiVersion", NUMBER, "Newest version of the OS interface",
             _constant(max(constants.OS_API_VERSIONS))),
    FieldRow("export_version", "ExportVersion", NUMBER, "Version of the export format",
             _constant(constants.EXPORT_VERSION)),
    FieldRow("drain_flag", "QueueDrained", BOOL, "Does the queue refuse new jobs?",
             lambda cluster, context: context.source.drain_flag()),
    FieldRow("watcher_pause", "WatcherPause", TIMESTAMP, "Until when the watcher pauses",
             lambda cluster, context: or_unavailable(context.source.watcher_pause())),
    FieldRow("ctime", "CTime", TIMESTAMP, "When the cluster was created", attribute("ctime")),
    FieldRow("mtime", "MTime", TIMESTAMP, "When the cluster was changed last",
             attribute("mtime")),
    FieldRow("tags", "Tags", OTHER, "Tags of the cluster", attribute("tags")),
]

RESOURCE = Resource(constants.QR_CLUSTER, "name", ROWS, _items)
