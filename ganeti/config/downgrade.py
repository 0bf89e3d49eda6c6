"""Brings a configuration back to the form of the minor release before (plain JSON in and out).

What the older release does not know is left out where that changes nothing, and refused by name
where it is in use.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from ganeti import constants, errors
from ganeti.storage import registry as storage

_SINCE_3_1_CONTROLLER = "dc390"
#: disk template -> parameters that only 3.1 knows
_SINCE_3_1_DISKS = {constants.DT_RBD: ("user-id",)}
_FILE_DRIVERS_3_0 = (constants.FD_LOOP, constants.FD_BLKTAP, constants.FD_BLKTAP2)
#: hypervisor -> parameters that only 3.0 knows
_UNTIL_3_0 = {constants.HT_XEN_PVM: {"xen_cmd": "xl"}, constants.HT_XEN_HVM: {"xen_cmd": "xl"}}


def downgrade(tree: dict[str, Any]) -> dict[str, Any]:
    """The configuration as 3.0 reads it."""
    version = tree.get("version")
    if version == constants.CONFIG_VERSION_3_0:
        raise errors.ConfigurationError(
            "This configuration is one of 3.0 already; only the step from 3.1 to 3.0 is possible")
    if version != constants.CONFIG_VERSION:
        raise errors.ConfigurationError(
            f"Only configurations of version {constants.CONFIG_VERSION} can be brought back, this"
            f" one has version {version}")
    problems = [*_nic_modes(tree), *_controllers(tree), *_file_drivers(tree)]
    if problems:
        raise errors.ConfigurationError(
            "3.0 can not have " + "; ".join(problems) + "; change that first")
    result = copy.deepcopy(tree)
    for template, params in _disk_params(result):
        for name in _SINCE_3_1_DISKS.get(template, ()):
            params.pop(name, None)
    for hypervisor, values in result["cluster"].get("hvparams", {}).items():
        values.update(_UNTIL_3_0.get(hypervisor, {}))
    result["version"] = constants.CONFIG_VERSION_3_0
    return result


def _nic_modes(tree: dict[str, Any]) -> Iterator[str]:
    for owner, params in _nic_params(tree):
        if params.get("mode") == constants.NIC_MODE_EXT:
            yield f"the interface mode 'ext' ({owner})"


def _nic_params(tree: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(whose, parameters) of everything that sets how interfaces are connected."""
    for params in tree["cluster"].get("nicparams", {}).values():
        yield "cluster", params
    for group in tree.get("nodegroups", {}).values():
        for params in group.get("networks", {}).values():
            yield f"node group {group.get('name')}", params
    for instance in tree.get("instances", {}).values():
        for nic in instance.get("nics", []):
            yield f"instance {instance.get('name')}", nic.get("nicparams", {})


def _controllers(tree: dict[str, Any]) -> Iterator[str]:
    for owner, params in _hypervisor_params(tree):
        if params.get("scsi_controller_type") == _SINCE_3_1_CONTROLLER:
            yield f"the SCSI controller {_SINCE_3_1_CONTROLLER} ({owner})"


def _file_drivers(tree: dict[str, Any]) -> Iterator[str]:
    owners = {uuid: instance.get("name") for instance in tree.get("instances", {}).values()
              for uuid in instance.get("disks", [])}
    for uuid, disk in tree.get("disks", {}).items():
        if storage.template(disk["dev_type"]).file_based \
                and disk["logical_id"][0] not in _FILE_DRIVERS_3_0:
            owner = f"instance {owners[uuid]}" if uuid in owners else f"disk {uuid}"
            yield f"the file driver {disk['logical_id'][0]} ({owner})"


def _hypervisor_params(tree: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    cluster = tree["cluster"]
    for params in cluster.get("hvparams", {}).values():
        yield "cluster", params
    for name, by_hypervisor in cluster.get("os_hvp", {}).items():
        for params in by_hypervisor.values():
            yield f"OS {name}", params
    for instance in tree.get("instances", {}).values():
        yield f"instance {instance.get('name')}", instance.get("hvparams", {})


def _disk_params(tree: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(disk template, parameters) of everything that has parameters of disks."""
    for owner in (tree["cluster"], *tree.get("nodegroups", {}).values()):
        yield from owner.get("diskparams", {}).items()
    for disk in tree.get("disks", {}).values():
        yield disk.get("dev_type", ""), disk.get("params", {})
