"""The first configuration of a cluster: what was asked for, checked, as objects.

Nothing is written or started here; that is `masterd.bootstrap`.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ganeti import constants, errors, objects, opcodes, pathutils
from ganeti.cmdlib.cluster import settings, usage
from ganeti.config import verify
from ganeti.objects import filled
from ganeti.storage import registry as storage
from ganeti.utils import net, sshkeys, uuid

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_DEFAULT_NETMASK = {4: 32, 6: 128}


def _directory_defaults() -> dict[str, str]:
    return {
        "file_storage_dir": pathutils.DEFAULT_FILE_STORAGE_DIR,
        "shared_file_storage_dir": pathutils.DEFAULT_SHARED_FILE_STORAGE_DIR,
        "gluster_storage_dir": pathutils.DEFAULT_GLUSTER_STORAGE_DIR,
    }


@dataclass(frozen=True)
class Wishes:
    """What 'gnt-cluster init' was told.

    :ivar settings: parameters of OP_CLUSTER_SET_PARAMS, as far as given
    """

    cluster_name: str
    secondary_ip: str | None = None
    primary_ip_version: int = 4
    modify_etc_hosts: bool = True
    modify_ssh_setup: bool = True
    ssh_key_type: str = constants.SSH_DEFAULT_KEY_TYPE
    ssh_key_bits: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Addresses:
    """Names and addresses of the cluster and its first node."""

    cluster_name: str
    cluster_ip: str
    node_name: str
    primary_ip: str
    secondary_ip: str


def _refuse(text: str, code: str = errors.ECODE_INVAL) -> errors.OpPrereqError:
    return errors.OpPrereqError(text, code)


def _lookup(name: str, family: int, what: str) -> tuple[str, str]:
    try:
        return net.lookup(name, family)
    except errors.ResolverError as err:
        raise _refuse(f"The name of {what} does not resolve: {errors.text(err)}; enter it in DNS "
                      "or /etc/hosts", errors.ECODE_RESOLVER) from err


def find_addresses(wishes: Wishes) -> Addresses:
    """Resolve the names, and check that the addresses may be used."""
    if wishes.primary_ip_version not in _FAMILIES:
        raise _refuse(f"There is no IP version {wishes.primary_ip_version}; 4 and 6 are known")
    family = _FAMILIES[wishes.primary_ip_version]
    node_name = net.normalize_name(net.hostname())
    _canonical, primary_ip = _lookup(node_name, family, "this machine")
    if ipaddress.ip_address(primary_ip).is_loopback and not pathutils.ROOT:
        raise _refuse(f"This machine's name {node_name} resolves to {primary_ip}, where other "
                      "nodes cannot reach it; correct /etc/hosts or DNS", errors.ECODE_ENVIRON)
    if not net.is_own_address(primary_ip):
        raise _refuse(f"This machine's name {node_name} resolves to {primary_ip}, which is none "
                      "of its addresses", errors.ECODE_ENVIRON)
    cluster_name, cluster_ip = _lookup(net.normalize_name(wishes.cluster_name), family,
                                       "the cluster")
    if cluster_ip == primary_ip:
        raise _refuse(f"The cluster's name {cluster_name} must not resolve to this machine's own "
                      f"address {primary_ip}: the cluster's address moves with its master",
                      errors.ECODE_NOTUNIQUE)
    if not net.is_own_address(cluster_ip) and net.tcp_ping(
            cluster_ip, net.daemon_port(constants.NODED), timeout=3.0):
        raise _refuse(f"The cluster's address {cluster_ip} is in use by another machine",
                      errors.ECODE_NOTUNIQUE)
    return Addresses(cluster_name, cluster_ip, node_name, primary_ip,
                     _secondary(wishes, primary_ip))


def _secondary(wishes: Wishes, primary_ip: str) -> str:
    ip = wishes.secondary_ip
    if not ip:
        if wishes.primary_ip_version == 6:
            raise _refuse("With IPv6 a secondary IPv4 address is needed (-s)")
        return primary_ip
    if not net.is_ip(ip) or net.ip_version(ip) != 4:
        raise _refuse(f"The secondary address '{ip}' is no IPv4 address")
    if not net.is_own_address(ip):
        raise _refuse(f"This machine does not have the secondary address {ip}",
                      errors.ECODE_ENVIRON)
    return ip


def _with_defaults(wishes: Wishes) -> dict[str, Any]:
    """The settings with what an administrator need not say."""
    chosen = {name: value for name, value in wishes.settings.items() if value is not None}
    chosen.setdefault("enabled_hypervisors", [constants.HT_XEN_PVM])
    chosen.setdefault("enabled_disk_templates", list(constants.DEFAULT_ENABLED_DISK_TEMPLATES))
    chosen.setdefault("mac_prefix", constants.DEFAULT_MAC_PREFIX)
    nic = chosen.get("nicparams") or {}
    link = nic.get(constants.NIC_LINK, constants.DEFAULT_BRIDGE)
    chosen.setdefault("master_netdev", link)
    chosen.setdefault("master_netmask", _DEFAULT_NETMASK[wishes.primary_ip_version])
    chosen.setdefault("candidate_pool_size", constants.MASTER_POOL_SIZE_DEFAULT)
    chosen.setdefault("default_iallocator", constants.DEFAULT_IALLOCATOR)
    templates = [storage.require_known(name) for name in chosen["enabled_disk_templates"]]
    if any(template.uses_lvm for template in templates):
        chosen.setdefault("vg_name", constants.DEFAULT_VG)
    if any(template.assemble_on_secondary for template in templates):
        chosen.setdefault("drbd_helper", constants.DEFAULT_DRBD_HELPER)
    for name, path in _directory_defaults().items():
        chosen.setdefault(name, pathutils.logical(path))
    return chosen


def _check_netdev(name: str) -> None:
    if "/" in name or not name or not os.path.isdir(f"/sys/class/net/{name}"):
        present = ", ".join(sorted(os.listdir("/sys/class/net")))
        raise _refuse(f"The master's network interface '{name}' does not exist here; choose one "
                      f"of {present} (--master-netdev)", errors.ECODE_ENVIRON)


def _blank_cluster(addresses: Addresses, wishes: Wishes, host_key: str, node_uuid: str,
                   now: float) -> objects.Cluster:
    interval = constants.MOND_TIME_INTERVAL * 1_000_000
    return objects.Cluster(
        uuid=uuid.new(), ctime=now, mtime=now, serial_no=1,
        cluster_name=addresses.cluster_name, rsahostkeypub=host_key,
        mac_prefix=constants.DEFAULT_MAC_PREFIX, master_node=node_uuid,
        master_ip=addresses.cluster_ip, master_netdev="", master_netmask=32,
        enabled_hypervisors=[], enabled_disk_templates=[],
        beparams={filled.PP_DEFAULT: constants.BE_TABLE.defaults()},
        nicparams={filled.PP_DEFAULT: constants.NIC_TABLE.defaults()},
        modify_etc_hosts=wishes.modify_etc_hosts, modify_ssh_setup=wishes.modify_ssh_setup,
        primary_ip_family=int(_FAMILIES[wishes.primary_ip_version]),
        compression_tools=list(constants.IEC_DEFAULT_TOOLS),
        data_collectors={name: {constants.DATA_COLLECTOR_STATE_ACTIVE: True,
                                constants.DATA_COLLECTOR_PARAMETER_INTERVAL: interval}
                         for name in sorted(constants.DATA_COLLECTOR_NAMES)},
        ssh_key_type=wishes.ssh_key_type,
        ssh_key_bits=sshkeys.check_type(wishes.ssh_key_type, wishes.ssh_key_bits))


def make_config(wishes: Wishes, addresses: Addresses, host_key: str) -> objects.ConfigData:
    """The first version of the configuration; all settings go through the checks that
    'gnt-cluster modify' has."""
    now = time.time()
    node_uuid, group_uuid = uuid.new(), uuid.new()
    node = objects.Node(
        uuid=node_uuid, ctime=now, mtime=now, name=addresses.node_name,
        primary_ip=addresses.primary_ip, secondary_ip=addresses.secondary_ip, group=group_uuid,
        master_candidate=True)
    group = objects.NodeGroup(uuid=group_uuid, ctime=now, mtime=now,
                              name=constants.INITIAL_NODE_GROUP_NAME)
    cluster = _blank_cluster(addresses, wishes, host_key, node_uuid, now)
    config = objects.ConfigData(
        version=constants.CONFIG_VERSION, serial_no=1, ctime=now, mtime=now, cluster=cluster,
        nodes={node_uuid: node}, nodegroups={group_uuid: group})
    chosen = _with_defaults(wishes)
    policy = {constants.IPOLICY_DTS: list(chosen["enabled_disk_templates"]),
              **(chosen.get("ipolicy") or {})}
    op = opcodes.OpClusterSetParams(**{**chosen, "ipolicy": policy})
    changes = settings.changes(op, config)
    _check_netdev(changes["master_netdev"])
    usage.check_storage_needs(config, changes)
    config = config.with_changes([cluster.replace(**changes)])
    problems = verify.verify(config)
    if problems:
        raise _refuse(f"The cluster would not be consistent: {'; '.join(problems)}")
    return config
