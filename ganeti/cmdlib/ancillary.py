"""The files beside the configuration that the cluster keeps equal on its nodes: the one list.

Distribution (redist-conf, node add) and verification read it. How files travel is the business
of `rpc` (call `upload_file`) and of `config.distribute` for config.data and ssconf.
"""

from __future__ import annotations

import dataclasses
import enum
import os
from collections.abc import Iterable

from ganeti import constants, objects, pathutils
from ganeti.hypervisor import registry as hypervisors


class Place(enum.Enum):
    """Which nodes hold a file."""

    ALL = "all nodes"
    CANDIDATES = "master candidates"
    VM_CAPABLE = "nodes that can run instances"

    def includes(self, node: objects.Node) -> bool:
        """Whether the file belongs on this node."""
        if self is Place.CANDIDATES:
            return node.master_candidate
        if self is Place.VM_CAPABLE:
            return node.vm_capable
        return True


@dataclasses.dataclass(frozen=True, slots=True)
class AncillaryFile:
    """One file, by its logical path.

    `optional` files may be missing on all nodes together. `copied` ones are sent by
    redist-conf; the others have writers of their own (the configuration store, node add).
    """

    path: str
    place: Place = Place.ALL
    optional: bool = False
    copied: bool = True


def files(config: objects.ConfigData) -> list[AncillaryFile]:
    """Every file that has to be equal on several nodes of this cluster."""
    cluster = config.cluster
    result = [
        AncillaryFile(pathutils.SSH_KNOWN_HOSTS_FILE),
        AncillaryFile(pathutils.CONFD_HMAC_KEY),
        AncillaryFile(pathutils.CLUSTER_DOMAIN_SECRET_FILE),
        AncillaryFile(pathutils.SPICE_CERT_FILE, optional=True),
        AncillaryFile(pathutils.SPICE_CACERT_FILE, optional=True),
        AncillaryFile(pathutils.RAPI_CERT_FILE),
        AncillaryFile(pathutils.RAPI_USERS_FILE, optional=True),
        AncillaryFile(pathutils.NODED_CERT_FILE, copied=False),
        AncillaryFile(pathutils.CLUSTER_CONF_FILE, Place.CANDIDATES, copied=False),
    ]
    if cluster.modify_etc_hosts:
        result.append(AncillaryFile(pathutils.ETC_HOSTS))
    if cluster.use_external_mip_script:
        result.append(AncillaryFile(pathutils.EXTERNAL_MASTER_SETUP_SCRIPT,
                                    Place.CANDIDATES, optional=True, copied=False))
    result += [AncillaryFile(pathutils.ssconf_file(key), copied=False)
               for key in sorted(constants.ss_keys())]
    result += _hypervisor_files(cluster.enabled_hypervisors)
    by_path: dict[str, AncillaryFile] = {}
    for item in result:
        path = pathutils.logical(item.path)
        by_path.setdefault(path, dataclasses.replace(item, path=path))
    return list(by_path.values())


def _hypervisor_files(names: Iterable[str]) -> list[AncillaryFile]:
    result = []
    for name in sorted(frozenset(names) & frozenset(hypervisors.names())):
        driver = hypervisors.get_class(name)
        result += [AncillaryFile(path, Place.VM_CAPABLE) for path in driver.ancillary_files]
        result += [AncillaryFile(path, Place.VM_CAPABLE, optional=True)
                   for path in driver.optional_ancillary_files]
    return result


def copied(config: objects.ConfigData) -> list[AncillaryFile]:
    """The files that redist-conf sends: those of the list that the master itself holds."""
    return [item for item in files(config)
            if item.copied and os.path.exists(pathutils.local(item.path))]


def receivers(item: AncillaryFile, config: objects.ConfigData) -> list[objects.Node]:
    """The online nodes to which a file is sent; the master has it already."""
    return [node for node in config.nodes.values()
            if not node.offline and node.uuid != config.cluster.master_node
            and item.place.includes(node)]
