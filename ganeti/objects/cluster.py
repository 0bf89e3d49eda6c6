"""The cluster as one thing: names, defaults of all parameters, limits and policies."""

from __future__ import annotations

from typing import Any

from ganeti.objects.base import TaggedObject, field


class Cluster(TaggedObject):
    """The cluster-wide settings."""

    KIND = "cluster"

    cluster_name: str = field(str)
    rsahostkeypub: str = field(str, default="")
    dsahostkeypub: str | None = field(str, default=None)
    highest_used_port: int = field(int, default=10999)
    tcpudp_port_pool: list[int] = field(list, default=[])
    mac_prefix: str = field(str)
    volume_group_name: str | None = field(str, default=None)
    reserved_lvs: list[str] = field(list, default=[])
    drbd_usermode_helper: str | None = field(str, default=None)
    master_node: str = field(str)
    master_ip: str = field(str)
    master_netdev: str = field(str)
    master_netmask: int = field(int)
    use_external_mip_script: bool = field(bool, default=False)
    file_storage_dir: str = field(str, default="")
    shared_file_storage_dir: str = field(str, default="")
    gluster_storage_dir: str = field(str, default="")
    enabled_hypervisors: list[str] = field(list)
    hvparams: dict[str, dict[str, Any]] = field(dict, default={})
    os_hvp: dict[str, dict[str, dict[str, Any]]] = field(dict, default={})
    beparams: dict[str, dict[str, Any]] = field(dict, default={})
    osparams: dict[str, dict[str, Any]] = field(dict, default={})
    osparams_private_cluster: dict[str, dict[str, Any]] = field(dict, default={}, private=True)
    nicparams: dict[str, dict[str, Any]] = field(dict, default={})
    ndparams: dict[str, Any] = field(dict, default={})
    diskparams: dict[str, dict[str, Any]] = field(dict, default={})
    candidate_pool_size: int = field(int, default=10)
    modify_etc_hosts: bool = field(bool, default=True)
    modify_ssh_setup: bool = field(bool, default=True)
    maintain_node_health: bool = field(bool, default=False)
    uid_pool: list[list[int]] = field(list, default=[])
    default_iallocator: str = field(str, default="")
    default_iallocator_params: dict[str, Any] = field(dict, default={})
    hidden_os: list[str] = field(list, default=[])
    blacklisted_os: list[str] = field(list, default=[])
    primary_ip_family: int = field(int, default=2)
    prealloc_wipe_disks: bool = field(bool, default=False)
    ipolicy: dict[str, Any] = field(dict, default={})
    hv_state_static: dict[str, dict[str, Any]] = field(dict, default={})
    disk_state_static: dict[str, dict[str, Any]] = field(dict, default={})
    enabled_disk_templates: list[str] = field(list)
    #: node uuid -> digest of that node's client certificate
    candidate_certs: dict[str, str] = field(dict, default={})
    max_running_jobs: int = field(int, default=20)
    max_tracked_jobs: int = field(int, default=25)
    install_image: str = field(str, default="")
    instance_communication_network: str = field(str, default="")
    zeroing_image: str = field(str, default="")
    compression_tools: list[str] = field(list, default=[])
    enabled_user_shutdown: bool = field(bool, default=False)
    #: collector -> {"active": bool, "interval": microseconds}
    data_collectors: dict[str, dict[str, Any]] = field(dict, default={})
    ssh_key_type: str = field(str, default="rsa")
    ssh_key_bits: int = field(int, default=2048)

    @property
    def default_hypervisor(self) -> str:
        """The first of the enabled hypervisors."""
        return self.enabled_hypervisors[0]
