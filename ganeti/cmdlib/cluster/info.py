"""What is told about the cluster as a whole: OP_CLUSTER_QUERY and OP_CLUSTER_CONFIG_QUERY."""

from __future__ import annotations

import platform
import struct
from typing import Any

from ganeti import constants, objects, opcodes
from ganeti.cmdlib import base
from ganeti.masterd import livedata
from ganeti.objects import filled
from ganeti.query import engine

_COPIED = (
    "enabled_hypervisors", "os_hvp", "osparams", "candidate_pool_size", "max_running_jobs",
    "max_tracked_jobs", "mac_prefix", "master_netdev", "master_netmask",
    "use_external_mip_script", "volume_group_name", "drbd_usermode_helper", "file_storage_dir",
    "shared_file_storage_dir", "gluster_storage_dir", "maintain_node_health", "ctime", "mtime",
    "uuid", "uid_pool", "default_iallocator", "default_iallocator_params", "reserved_lvs",
    "prealloc_wipe_disks", "hidden_os", "blacklisted_os", "enabled_disk_templates",
    "install_image", "instance_communication_network", "zeroing_image", "compression_tools",
    "enabled_user_shutdown", "modify_ssh_setup", "ssh_key_type", "ssh_key_bits",
)


def cluster_info(config: objects.ConfigData) -> dict[str, Any]:
    """The dictionary that `gnt-cluster info`, LUXI and RAPI show."""
    cluster = config.cluster
    info: dict[str, Any] = {name: getattr(cluster, name) for name in _COPIED}
    info.update({
        "software_version": constants.RELEASE_VERSION,
        "protocol_version": constants.PROTOCOL_VERSION,
        "config_version": constants.CONFIG_VERSION,
        "os_api_version": max(constants.OS_API_VERSIONS),
        "export_version": constants.EXPORT_VERSION,
        "vcs_version": constants.VCS_VERSION,
        "architecture": [f"{struct.calcsize('P') * 8}bits", platform.machine()],
        "name": cluster.cluster_name,
        "master": config.master_node_name,
        "default_hypervisor": cluster.default_hypervisor,
        "hvparams": {name: config.filled_hvparams(name) for name in sorted(
            {*constants.HV_TABLES, *cluster.enabled_hypervisors})},
        "beparams": {filled.PP_DEFAULT: config.filled_beparams()},
        "ipolicy": config.filled_ipolicy(),
        "nicparams": {filled.PP_DEFAULT: config.filled_nicparams({})},
        "ndparams": config.group_ndparams(None),
        "diskparams": {name: config.filled_diskparams(name, None)
                       for name in sorted(constants.DISK_TABLES)},
        "tags": sorted(cluster.tags),
        "primary_ip_version": (constants.IP6_VERSION if cluster.primary_ip_family == 10
                               else constants.IP4_VERSION),
        "enabled_data_collectors": {
            name: values.get("active", True)
            for name, values in cluster.data_collectors.items()},
        "data_collector_interval": {
            name: values.get("interval", constants.MOND_TIME_INTERVAL * 1_000_000)
            for name, values in cluster.data_collectors.items()},
    })
    return info


class LUClusterQuery(base.LogicalUnit):
    """Tell everything about the cluster."""

    OP = opcodes.OpClusterQuery

    def exec(self) -> dict[str, Any]:
        return cluster_info(self.config)


class LUClusterConfigQuery(base.LogicalUnit):
    """Tell single values of the cluster, in the order asked for."""

    OP = opcodes.OpClusterConfigQuery

    def exec(self) -> list[Any]:
        source = livedata.source(self.ctx)
        return engine.old_style(constants.QR_CLUSTER, source, None, self.op.output_fields)[0]
