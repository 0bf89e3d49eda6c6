"""Keys of the flat files that every node has."""

import re

from ganeti.constants.drivers import NAME
from ganeti.constants.hypervisors import HYPER_TYPES

SS_CLUSTER_NAME = "cluster_name"
SS_CLUSTER_TAGS = "cluster_tags"
SS_ENABLED_USER_SHUTDOWN = "enabled_user_shutdown"
SS_FILE_STORAGE_DIR = "file_storage_dir"
SS_GLUSTER_STORAGE_DIR = "gluster_storage_dir"
SS_HVPARAMS_PREF = "hvparams_"
SS_HYPERVISOR_LIST = "hypervisor_list"
SS_INSTANCE_LIST = "instance_list"
SS_MAINTAIN_NODE_HEALTH = "maintain_node_health"
SS_MASTER_CANDIDATES = "master_candidates"
SS_MASTER_CANDIDATES_CERTS = "master_candidates_certs"
SS_MASTER_CANDIDATES_IPS = "master_candidates_ips"
SS_MASTER_IP = "master_ip"
SS_MASTER_NETDEV = "master_netdev"
SS_MASTER_NETMASK = "master_netmask"
SS_MASTER_NODE = "master_node"
SS_NETWORKS = "networks"
SS_NODE_LIST = "node_list"
SS_NODE_PRIMARY_IPS = "node_primary_ips"
SS_NODE_SECONDARY_IPS = "node_secondary_ips"
SS_NODE_VM_CAPABLE = "node_vm_capable"
SS_NODEGROUPS = "nodegroups"
SS_OFFLINE_NODES = "offline_nodes"
SS_ONLINE_NODES = "online_nodes"
SS_PRIMARY_IP_FAMILY = "primary_ip_family"
SS_RELEASE_VERSION = "release_version"
SS_SHARED_FILE_STORAGE_DIR = "shared_file_storage_dir"
SS_SSH_PORTS = "ssh_ports"
SS_UID_POOL = "uid_pool"
SS_HVPARAMS_KEYS = frozenset(SS_HVPARAMS_PREF + hv for hv in HYPER_TYPES.own)
VALID_SS_KEYS = SS_HVPARAMS_KEYS | {
    SS_CLUSTER_NAME, SS_CLUSTER_TAGS, SS_ENABLED_USER_SHUTDOWN, SS_FILE_STORAGE_DIR,
    SS_GLUSTER_STORAGE_DIR, SS_HYPERVISOR_LIST, SS_INSTANCE_LIST, SS_MAINTAIN_NODE_HEALTH,
    SS_MASTER_CANDIDATES, SS_MASTER_CANDIDATES_CERTS, SS_MASTER_CANDIDATES_IPS, SS_MASTER_IP,
    SS_MASTER_NETDEV, SS_MASTER_NETMASK, SS_MASTER_NODE, SS_NETWORKS, SS_NODE_LIST,
    SS_NODE_PRIMARY_IPS, SS_NODE_SECONDARY_IPS, SS_NODE_VM_CAPABLE, SS_NODEGROUPS,
    SS_OFFLINE_NODES, SS_ONLINE_NODES, SS_PRIMARY_IP_FAMILY, SS_RELEASE_VERSION,
    SS_SHARED_FILE_STORAGE_DIR, SS_SSH_PORTS, SS_UID_POOL}
SSCONF_MAX_SIZE = 131072
SSCONF_FILE_MODE = 0o444


def is_ss_key(key: str) -> bool:
    """Whether there may be such a file; hypervisors of a package need not be installed here."""
    return key in VALID_SS_KEYS or (
        re.fullmatch(SS_HVPARAMS_PREF + NAME, key) is not None)


def ss_keys() -> frozenset[str]:
    """All keys, with those of the hypervisors that packages bring."""
    return VALID_SS_KEYS | {SS_HVPARAMS_PREF + name for name in HYPER_TYPES}
