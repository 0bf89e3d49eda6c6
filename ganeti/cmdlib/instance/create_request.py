"""What a creation asks for: the opcode's parameters checked for form and brought together.

Nothing here holds locks or asks nodes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import constants, errors, objects, serializer
from ganeti.cmdlib.checks import instance_parameters as parameters
from ganeti.cmdlib.checks import names, nics
from ganeti.cmdlib.instance import adopt, disk_specs
from ganeti.storage import registry as storage


@dataclasses.dataclass(frozen=True)
class Request:
    """A new instance as asked for, without nodes."""

    name: str
    hypervisor: str
    template: str
    os_type: str
    hvparams: Mapping[str, Any]
    beparams: Mapping[str, Any]
    osparams: Mapping[str, Any]
    osparams_private: Mapping[str, Any]
    osparams_secret: Mapping[str, Any]
    disks: Sequence[disk_specs.Spec]
    nics: Sequence[nics.Wish]
    tags: Sequence[str]
    install: bool
    start: bool
    needs_secondary: bool


def read(config: objects.ConfigData, op: Any) -> Request:
    """Check an opcode, for an import after its completion; refusals name the parameter."""
    require_supported(op)
    name = names.normalised(op.instance_name)
    cluster = config.cluster
    hypervisor = op.hypervisor or cluster.default_hypervisor
    template = _template(cluster, op)
    install, start = _what_to_do(op)
    os_type = op.os_type or ""
    if not os_type and install and not any(disk.get("adopt") for disk in op.disks):
        raise errors.OpPrereqError(
            "No guest OS was given; name one with --os-type, or use --no-install",
            errors.ECODE_INVAL)
    private = serializer.reveal(op.osparams_private or {})
    secret = serializer.reveal(op.osparams_secret or {})
    parameters.public_os(op.osparams, private, secret)
    specs = _disks(op, template)
    hvparams = _without_default(parameters.hypervisor(hypervisor, op.hvparams))
    for spec in specs:
        disk_specs.require_file_driver(op.file_driver, storage.template(spec.template), hypervisor)
    beparams = _without_default(parameters.backend(op.beparams))
    osparams = dict(op.osparams)
    wishes = _nics(cluster, op, name)
    if op.identify_defaults:
        hvparams = _differing(hvparams, config.filled_hvparams(hypervisor, os_type))
        beparams = _differing(beparams, config.filled_beparams())
        osparams = _differing(osparams, config.os_defaults(os_type))
    return Request(
        name=name, hypervisor=hypervisor, template=template, os_type=os_type, hvparams=hvparams,
        beparams=beparams, osparams=osparams, osparams_private=private, osparams_secret=secret,
        disks=specs, nics=wishes, tags=list(op.tags), start=start,
        install=install and bool(specs) and not adopt.wanted(specs),
        needs_secondary=any(storage.template(spec.template).needs_secondary for spec in specs))


def require_supported(op: Any) -> None:
    """Refuse what does not go together, whatever way it is created."""
    for key in ("helper_startup_timeout", "helper_shutdown_timeout"):
        if getattr(op, key) is not None:
            raise errors.OpPrereqError(
                f"'{key}' is for untrusted OS scripts in a helper instance, which this release"
                " does not run", errors.ECODE_INVAL)
    if op.ip_check and not op.name_check:
        raise errors.OpPrereqError(
            "The IP check needs the name check, which finds the address", errors.ECODE_INVAL)
    if op.forthcoming and op.commit:
        raise errors.OpPrereqError(
            "An instance can not be forthcoming and be committed at once", errors.ECODE_INVAL)


def complete(config: objects.ConfigData, op: Any, planned: objects.Instance) -> None:
    """Take what the creation of a planned instance does not tell from the plan."""
    held = config.instance_disks(planned)
    if not op.disks:
        op.disks = [{"size": disk.size, "mode": disk.mode, "dev_type": disk.dev_type,
                     **({"name": disk.name} if disk.name else {})} for disk in held]
        op.disk_template = op.disk_template or config.disk_template(planned)
        op.file_driver = op.file_driver or _planned_driver(held)
    if not op.nics:
        op.nics = [_planned_nic(nic) for nic in planned.nics]
    if not (op.pnode or op.pnode_uuid or op.iallocator):
        op.pnode_uuid = planned.primary_node
    op.hypervisor = op.hypervisor or planned.hypervisor
    if op.hypervisor == planned.hypervisor:
        op.hvparams = {**planned.hvparams, **op.hvparams}
    op.beparams = {**planned.beparams, **parameters.backend(op.beparams)}
    if op.os_type in (None, planned.os):
        op.os_type = planned.os or None
        op.osparams = {**planned.osparams, **op.osparams}
        if op.osparams_private is None:
            op.osparams_private = dict(planned.osparams_private)
    op.tags = sorted({*planned.tags, *op.tags})


def _planned_driver(held: Sequence[objects.Disk]) -> str | None:
    """Driver of the planned disks, if they are files."""
    drivers = (str(disk.logical_id[0]) for disk in held
               if storage.template(disk.dev_type).file_based)
    return next(drivers, None)


def _planned_nic(nic: objects.Nic) -> dict[str, Any]:
    own = {} if nic.network else dict(nic.nicparams)
    return {"mac": nic.mac, "ip": nic.ip, "network": nic.network, "name": nic.name, **own}


def _template(cluster: objects.Cluster, op: Any) -> str:
    """The disk template: given, that of the first disk, or the cluster's first."""
    chosen = op.disk_template
    if chosen is None:
        chosen = next((disk["dev_type"] for disk in op.disks if disk.get("dev_type")),
                      cluster.enabled_disk_templates[0])
    for name in {chosen, *(disk["dev_type"] for disk in op.disks if disk.get("dev_type"))}:
        if name not in cluster.enabled_disk_templates:
            raise errors.OpPrereqError(
                f"Disk template '{name}' is not enabled in this cluster; enabled are"
                f" {', '.join(cluster.enabled_disk_templates)}", errors.ECODE_INVAL)
        storage.require_usable(name)
    return str(chosen)


def _what_to_do(op: Any) -> tuple[bool, bool]:
    """(run the OS scripts, start it afterwards)."""
    install = not op.no_install
    start = bool(op.start) and install and not op.forthcoming
    return install, start


def _disks(op: Any, template: str) -> list[disk_specs.Spec]:
    if len(op.disks) > constants.MAX_DISKS:
        raise errors.OpPrereqError(
            f"An instance can have {constants.MAX_DISKS} disks at most, not {len(op.disks)}",
            errors.ECODE_INVAL)
    specs = [disk_specs.parse(disk, template, f"disk {index}")
             for index, disk in enumerate(op.disks)]
    if not specs and storage.template(template).has_disks:
        raise errors.OpPrereqError(
            f"The disk template '{template}' needs at least one disk; the template"
            f" '{constants.DT_DISKLESS}' is for instances without", errors.ECODE_INVAL)
    adopt.require_consistent(op, specs)
    disk_specs.require_unique_names(spec.name for spec in specs)
    files = [spec for spec in specs if storage.template(spec.template).file_based]
    for key in ("file_driver", "file_storage_dir"):
        if getattr(op, key) and not files:
            raise errors.OpPrereqError(
                f"'{key}' means nothing for the disk template '{template}', whose disks are no"
                " files", errors.ECODE_INVAL)
    return specs


def _nics(cluster: objects.Cluster, op: Any, name: str) -> list[nics.Wish]:
    wanted = [dict(nic) for nic in op.nics]
    if op.instance_communication:
        wanted.append(communication_nic(cluster, name))
    if len(wanted) > constants.MAX_NICS:
        raise errors.OpPrereqError(
            f"An instance can have {constants.MAX_NICS} interfaces at most, not {len(wanted)}",
            errors.ECODE_INVAL)
    return [nics.wish(nic, f"nic {index}") for index, nic in enumerate(wanted)]


def communication_nic(cluster: objects.Cluster, instance_name: str) -> dict[str, Any]:
    """The interface through which a guest talks to its node."""
    if not cluster.instance_communication_network:
        raise errors.OpPrereqError(
            "The cluster has no network for instance communication; 'gnt-cluster modify"
            " --instance-communication-network' sets one", errors.ECODE_STATE)
    return {
        constants.INIC_NAME: communication_nic_name(instance_name),
        constants.INIC_NETWORK: cluster.instance_communication_network,
        constants.INIC_IP: constants.NIC_IP_POOL,
        constants.INIC_MAC: constants.VALUE_AUTO,
    }


def communication_nic_name(instance_name: str) -> str:
    """Name by which the communication interface is known."""
    return f"{constants.INSTANCE_COMMUNICATION_NIC_PREFIX}{instance_name}"


def _without_default(params: Mapping[str, Any]) -> dict[str, Any]:
    """The word `default` gives a new instance what it has anyway."""
    return {key: value for key, value in params.items() if value != constants.VALUE_DEFAULT}


def _differing(params: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in params.items()
            if key not in defaults or defaults[key] != value}
