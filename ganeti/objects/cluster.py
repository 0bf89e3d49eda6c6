"""The cluster as one thing: names, defaults of all parameters, limits and policies."""

from __future__ import annotations

from typing import Any

from ganeti.objects.base import TaggedObject, field


class Cluster(TaggedObject):
    """The cluster-wide settings."""

    KIND = "cluster"

    cluster_name: str = field(str)
    rsahostkeypub: str = field(str, "")
    dsahostkeypub: str | None = field(str, optional=True)
    highest_used_port: int = field(int, 10999)
    tcpudp_port_pool: list[int] = field(list, [])
    mac_prefix: str = field(str)
    volume_group_name: str | None = field(str, optional=True)
    reserved_lvs: list[str] = field(list, [])
    drbd_usermode_helper: str | None = field(str, optional=True)
    master_node: str = field(str)
    master_ip: str = field(str)
    master_netdev: str = field(str)
    master_netmask: int = field(int)
    use_external_mip_script: bool = field(bool, False)
    file_storage_dir: str = field(str, "")
    shared_file_storage_dir: str = field(str, "")
    gluster_storage_dir: str = field(str, "")
    enabled_hypervisors: list[str] = field(list)
    hvparams: dict[str, dict[str, Any]] = field(dict, {})
    os_hvp: dict[str, dict[str, dict[str, Any]]] = field(dict, {})
    beparams: dict[str, dict[str, Any]] = field(dict, {})
    osparams: dict[str, dict[str, Any]] = field(dict, {})
    osparams_private_cluster: dict[str, dict[str, Any]] = field(dict, {}, private=True)
    nicparams: dict[str, dict[str, Any]] = field(dict, {})
    ndparams: dict[str, Any] = field(dict, {})
    diskparams: dict[str, dict[str, Any]] = field(dict, {})
    candidate_pool_size: int = field(int, 10)
    modify_etc_hosts: bool = field(bool, True)
    modify_ssh_setup: bool = field(bool, True)
    maintain_node_health: bool = field(bool, False)
    uid_pool: list[list[int]] = field(list, [])
    default_iallocator: str = field(str, "")
    default_iallocator_params: dict[str, Any] = field(dict, {})
    hidden_os: list[str] = field(list, [])
    blacklisted_os: list[str] = field(list, [])
    primary_ip_family: int = field(int, 2)
    prealloc_wipe_disks: bool = field(bool, False)
    ipolicy: dict[str, Any] = field(dict, {})
    hv_state_static: dict[str, dict[str, Any]] = field(dict, {})
    disk_state_static: dict[str, dict[str, Any]] = field(dict, {})
    enabled_disk_templates: list[str] = field(list)
    #: node uuid -> digest of that node's client certificate
    candidate_certs: dict[str, str] = field(dict, {})
    max_running_jobs: int = field(int, 20)
    max_tracked_jobs: int = field(int, 25)
    install_image: str = field(str, "")
    instance_communication_network: str = field(str, "")
    zeroing_image: str = field(str, "")
    compression_tools: list[str] = field(list, [])
    enabled_user_shutdown: bool = field(bool, False)
    #: collector -> {"active": bool, "interval": microseconds}
    data_collectors: dict[str, dict[str, Any]] = field(dict, {})
    ssh_key_type: str = field(str, "rsa")
    ssh_key_bits: int = field(int, 2048)

    @property
    def default_hypervisor(self) -> str:
        """The first of the enabled hypervisors."""
        return self.enabled_hypervisors[0]
