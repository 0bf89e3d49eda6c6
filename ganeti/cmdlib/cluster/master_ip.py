"""OP_CLUSTER_ACTIVATE_MASTER_IP, OP_CLUSTER_DEACTIVATE_MASTER_IP, and the steps for others."""

from __future__ import annotations

from typing import Any

from ganeti import objects, opcodes
from ganeti.cmdlib import base


def master_params(config: objects.ConfigData) -> dict[str, Any]:
    """What a node is told to take or give up the cluster's address."""
    cluster = config.cluster
    return {"uuid": cluster.master_node, "ip": cluster.master_ip,
            "netmask": cluster.master_netmask, "netdev": cluster.master_netdev,
            "ip_family": cluster.primary_ip_family}


def activate(lu: base.LogicalUnit) -> Any:
    """Have the master take the cluster's address; gives the node's answer."""
    cluster = lu.config.cluster
    return lu.rpc.node_activate_master_ip(cluster.master_node, master_params(lu.config),
                                          cluster.use_external_mip_script)


def deactivate(lu: base.LogicalUnit) -> Any:
    """Have the master give the cluster's address up; gives the node's answer."""
    cluster = lu.config.cluster
    return lu.rpc.node_deactivate_master_ip(cluster.master_node, master_params(lu.config),
                                            cluster.use_external_mip_script)


class LUClusterActivateMasterIp(base.LogicalUnit):
    """Take the cluster's address on the master node."""

    OP = opcodes.OpClusterActivateMasterIp
    EXCLUSIVE = True

    def exec(self) -> None:
        activate(self).raise_if_failed("Could not activate the master IP")


class LUClusterDeactivateMasterIp(base.LogicalUnit):
    """Give up the cluster's address on the master node."""

    OP = opcodes.OpClusterDeactivateMasterIp
    EXCLUSIVE = True

    def exec(self) -> None:
        deactivate(self).raise_if_failed("Could not deactivate the master IP")
