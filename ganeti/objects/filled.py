"""Parameters with the defaults of the levels above filled in.

Which level beats which is told here; what parameters there are is told in `ganeti.constants`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti import constants
from ganeti.objects.cluster import Cluster
from ganeti.objects.disk import Disk
from ganeti.objects.group import NodeGroup
from ganeti.objects.instance import Instance
from ganeti.objects.nic import Nic
from ganeti.objects.node import Node

PP_DEFAULT = "default"


class FilledParameters:
    """The part of `ConfigData` that answers what parameters apply."""

    __slots__ = ()

    cluster: Cluster
    nodegroups: Mapping[str, NodeGroup]

    def hypervisor_defaults(self, hypervisor: str, os: str | None = None) -> dict[str, Any]:
        """What an instance gets that sets nothing itself."""
        table = constants.HV_TABLES.get(hypervisor)
        result = dict(table.defaults()) if table is not None else {}
        result.update(self.cluster.hvparams.get(hypervisor, {}))
        if os:
            result.update(self.cluster.os_hvp.get(os, {}).get(hypervisor, {}))
        return result

    def filled_hvparams(self, of: Instance | str, os: str | None = None) -> dict[str, Any]:
        """Hypervisor parameters of an instance, or the defaults of a hypervisor and an OS."""
        if isinstance(of, str):
            return self.hypervisor_defaults(of, os)
        return {**self.hypervisor_defaults(of.hypervisor, of.os), **of.hvparams}

    def filled_beparams(self, instance: Instance | None = None) -> dict[str, Any]:
        """Back-end parameters (memory, processors) of an instance, or the cluster's defaults."""
        own = instance.beparams if instance is not None else {}
        return {**constants.BE_TABLE.defaults(),
                **self.cluster.beparams.get(PP_DEFAULT, {}), **own}

    def filled_osparams(self, instance: Instance) -> dict[str, Any]:
        """Public OS parameters: of the OS, then of its variant, then of the instance."""
        return {**self.os_defaults(instance.os), **instance.osparams}

    def filled_osparams_private(self, instance: Instance) -> dict[str, Any]:
        """Private OS parameters, as plain values."""
        private = self.cluster.osparams_private_cluster
        return {**private.get(os_name(instance.os), {}), **private.get(instance.os, {}),
                **instance.osparams_private}

    def os_defaults(self, os: str) -> dict[str, Any]:
        """The cluster's parameters for an OS (with its variant, if any)."""
        public = self.cluster.osparams
        return {**public.get(os_name(os), {}), **public.get(os, {})}

    def filled_nicparams(self, nic: Nic | Mapping[str, Any]) -> dict[str, Any]:
        """Mode, link and vlan of an interface."""
        own = nic.nicparams if isinstance(nic, Nic) else nic
        return {**constants.NIC_TABLE.defaults(),
                **self.cluster.nicparams.get(PP_DEFAULT, {}), **own}

    def filled_ndparams(self, node: Node) -> dict[str, Any]:
        """Parameters of a node."""
        group = self.nodegroups.get(node.group)
        return {**self.group_ndparams(group), **node.ndparams}

    def group_ndparams(self, group: NodeGroup | None) -> dict[str, Any]:
        """What the nodes of a group get that set nothing themselves."""
        own = group.ndparams if group is not None else {}
        return {**constants.ND_TABLE.defaults(), **self.cluster.ndparams, **own}

    def filled_diskparams(self, disk: Disk | str, group: NodeGroup | None) -> dict[str, Any]:
        """Parameters of a disk (or of a template) in a node group."""
        template = disk if isinstance(disk, str) else disk.dev_type
        table = constants.DISK_TABLES.get(template)
        own = {} if isinstance(disk, str) else disk.params or {}
        return {**(table.defaults() if table is not None else {}),
                **self.cluster.diskparams.get(template, {}),
                **(group.diskparams.get(template, {}) if group is not None else {}), **own}

    def filled_ipolicy(self, group: NodeGroup | None = None) -> dict[str, Any]:
        """The instance policy of a group, or of the cluster."""
        return {**constants.IPOLICY_DEFAULTS, **self.cluster.ipolicy,
                **(group.ipolicy if group is not None else {})}


def os_name(os: str) -> str:
    """The name of an OS without its variant."""
    return os.partition("+")[0]
