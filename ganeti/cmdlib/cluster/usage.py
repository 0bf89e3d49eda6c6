"""Which instances stand in the way of a change of the cluster's settings: pure functions."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable
from typing import Any

from ganeti import constants, errors, objects
from ganeti.cmdlib.checks import ipolicy
from ganeti.objects import filled
from ganeti.storage import registry as storage
from ganeti.storage.base import DiskTemplate


def _real(config: objects.ConfigData) -> Iterable[objects.Instance]:
    return sorted((inst for inst in config.instances.values() if not inst.forthcoming),
                  key=lambda inst: inst.name)


def using(config: objects.ConfigData,
          predicate: Callable[[DiskTemplate], bool]) -> list[str]:
    """Names of instances with a disk whose template satisfies the predicate."""
    return [inst.name for inst in _real(config)
            if any(predicate(storage.template(disk.dev_type))
                   for disk in config.instance_disks(inst))]


def _refuse(names: list[str], text: str) -> None:
    if names:
        shown = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
        raise errors.OpPrereqError(f"{text}: {shown}", errors.ECODE_STATE)


def check_hypervisors(config: objects.ConfigData, enabled: Iterable[str]) -> None:
    """A hypervisor that runs instances stays enabled."""
    kept = set(enabled)
    for name in sorted({inst.hypervisor for inst in _real(config)} - kept):
        _refuse([inst.name for inst in _real(config) if inst.hypervisor == name],
                f"Hypervisor {name} can not be disabled, instances use it")


def check_templates(config: objects.ConfigData, enabled: Iterable[str]) -> None:
    """A template that instances use stays enabled."""
    gone = set(config.cluster.enabled_disk_templates) - set(enabled)
    for name in sorted(gone):
        if storage.template(name).has_disks:
            names = using(config, functools.partial(operator.is_, storage.template(name)))
        else:
            names = [inst.name for inst in _real(config) if not inst.disks]
        _refuse(names, f"Disk template {name} can not be disabled, instances use it")


def check_storage_needs(config: objects.ConfigData, changed: dict[str, Any]) -> None:
    """Volume group, helper and directories that enabled templates need are set."""
    cluster = config.cluster.replace(**changed)
    enabled = [storage.template(name) for name in cluster.enabled_disk_templates]
    if not cluster.volume_group_name:
        if "volume_group_name" in changed:
            _refuse(using(config, lambda template: template.uses_lvm),
                    "LVM can not be given up, instances have their disks there")
        lvm = [template.name for template in enabled if template.uses_lvm]
        if lvm and ({"volume_group_name", "enabled_disk_templates"} & changed.keys()):
            raise errors.OpPrereqError(
                f"Disk template(s) {', '.join(lvm)} need a volume group (--vg-name)",
                errors.ECODE_INVAL)
    if not cluster.drbd_usermode_helper and "drbd_usermode_helper" in changed:
        _refuse(using(config, lambda template: template.assemble_on_secondary),
                "The DRBD helper can not be given up, instances have mirrored disks")
    for template in enabled:
        setting = template.setting
        if setting and not template.uses_lvm and not getattr(cluster, setting) and (
                {setting, "enabled_disk_templates"} & changed.keys()):
            raise errors.OpPrereqError(
                f"Disk template {template.name} needs a directory"
                f" (--{setting.replace('_', '-')})", errors.ECODE_INVAL)


def check_nics(config: objects.ConfigData, nicparams: dict[str, Any]) -> None:
    """Inherited interface parameters still fit every interface."""
    defaults = nicparams[filled.PP_DEFAULT]
    problems = []
    for inst in _real(config):
        for index, nic in enumerate(inst.nics):
            params = {**constants.NIC_TABLE.defaults(), **defaults, **nic.nicparams}
            if params[constants.NIC_MODE] == constants.NIC_MODE_ROUTED and not nic.ip:
                problems.append(f"{inst.name}/nic{index}")
    _refuse(problems, "Interfaces in routed mode need an IP address; these have none")


def new_violations(config: objects.ConfigData, policy: dict[str, Any]) -> list[str]:
    """Instances that keep to the present policy of their group but not to the changed one."""
    found = []
    after = config.with_changes([config.cluster.replace(ipolicy=policy)])
    for inst in _real(config):
        group = config.group_of(inst.primary_node)
        sizes = ipolicy.of_instance(config, inst)
        if ipolicy.violations(after.filled_ipolicy(group), sizes) and not ipolicy.violations(
                config.filled_ipolicy(group), sizes):
            found.append(inst.name)
    return found
