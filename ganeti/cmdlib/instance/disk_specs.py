"""Disks as asked for: the form of a specification, and the disk objects laid out from it.

Nothing here touches a node; creating what was laid out is in `disks`.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ganeti import constants, errors, objects
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import device_names
from ganeti.hypervisor import registry as hypervisors
from ganeti.storage import registry as storage
from ganeti.storage.base import DiskRequest, Link, Mirroring
from ganeti.utils import text
from ganeti.utils import uuid as uuids

_KNOWN = frozenset(constants.IDISK_PARAMS_TYPES)
_SIZE = "size"


@dataclasses.dataclass(frozen=True)
class Spec:
    """One disk that is wanted; size in MiB."""

    template: str
    size: int
    mode: str = constants.DISK_RDWR
    name: str | None = None
    vg: str | None = None
    metavg: str | None = None
    provider: str | None = None
    adopt: str | None = None
    access: str | None = None
    spindles: int | None = None
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def env(self) -> dict[str, Any]:
        """What hooks are told of it."""
        return {"name": self.name, "size": self.size, "mode": self.mode}


def parse(wanted: Mapping[str, Any], template_name: str, where: str) -> Spec:
    """Check a specification; `dev_type` in it beats the instance's template."""
    name = wanted.get("dev_type") or template_name
    template = storage.require_usable(name)
    if not template.has_disks:
        raise errors.OpPrereqError(
            f"{where}: instances of the disk template '{name}' have no disks",
            errors.ECODE_INVAL)
    mode = wanted.get("mode") or constants.DISK_RDWR
    if mode not in constants.DISK_ACCESS_SET:
        raise errors.OpPrereqError(
            f"{where}: unknown access mode '{mode}'; known are"
            f" {', '.join(sorted(constants.DISK_ACCESS_SET))}", errors.ECODE_INVAL)
    further = {key: value for key, value in wanted.items() if key not in _KNOWN}
    if further and not wanted.get("provider"):
        raise errors.OpPrereqError(
            f"{where}: unknown parameter {', '.join(sorted(further))}; known are"
            f" {', '.join(sorted(_KNOWN))}", errors.ECODE_INVAL)
    _require_fitting(template, wanted, where)
    return Spec(
        template=name, size=_size(wanted, where), mode=mode,
        name=check_name(wanted.get("name"), where), vg=wanted.get("vg"),
        metavg=wanted.get("metavg"), provider=wanted.get("provider"),
        adopt=wanted.get("adopt"), access=wanted.get("access"),
        spindles=_spindles(wanted.get("spindles"), where), params=further)


def _require_fitting(template: Any, wanted: Mapping[str, Any], where: str) -> None:
    """Refuse keys that mean nothing for the storage type."""
    checks = [
        ("adopt", template.adoptable), ("access", template.userspace_uri),
        ("vg", template.uses_lvm), ("metavg", template.uses_lvm and template.needs_secondary),
        ("provider", template.needs_provider), ("spindles", template.exclusive_storage),
    ]
    for key, fits in checks:
        if wanted.get(key) and not fits:
            raise errors.OpPrereqError(
                f"{where}: '{key}' means nothing for the disk template '{template.name}'",
                errors.ECODE_INVAL)
    if template.must_adopt and not wanted.get("adopt"):
        raise errors.OpPrereqError(
            f"{where}: the disk template '{template.name}' only takes over existing volumes:"
            " give adopt=VOLUME", errors.ECODE_INVAL)
    if template.needs_provider and not wanted.get("provider"):
        raise errors.OpPrereqError(
            f"{where}: the disk template '{template.name}' needs provider=NAME",
            errors.ECODE_INVAL)


def _size(wanted: Mapping[str, Any], where: str) -> int:
    value = wanted.get(_SIZE)
    if wanted.get("adopt"):
        if value:
            raise errors.OpPrereqError(
                f"{where}: a volume that is adopted has a size, none can be given",
                errors.ECODE_INVAL)
        return 0
    if value is None:
        raise errors.OpPrereqError(f"{where}: the size is missing", errors.ECODE_INVAL)
    size = parse_size(value, where)
    if size <= 0:
        raise errors.OpPrereqError(
            f"{where}: the size has to be at least 1 MiB, not {value}", errors.ECODE_INVAL)
    return size


def parse_size(value: Any, where: str) -> int:
    """A size in MiB from a number or a text with unit."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return int(text.parse_unit(str(value)))
    except errors.UnitParseError as err:
        raise errors.OpPrereqError(f"{where}: {err}", errors.ECODE_INVAL) from err


def _spindles(value: Any, where: str) -> int | None:
    if value is None:
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        raise errors.OpPrereqError(
            f"{where}: '{value}' is not a number of spindles", errors.ECODE_INVAL) from None


def check_name(value: Any, where: str) -> str | None:
    """A disk's name; the word `none` means that it has none."""
    if value is None or str(value).lower() == constants.VALUE_NONE:
        return None
    return device_names.check(str(value), where)


def require_unique_names(names: Iterable[str | None]) -> None:
    """Refuse two disks of one instance with the same name."""
    device_names.require_unique(names, "disk")


# Laying out.


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the disks of an instance go."""

    instance_name: str
    instance_uuid: str
    primary_node: str
    secondary_nodes: Sequence[str] = ()
    file_driver: str | None = None
    #: Below the cluster's storage directory, as given with --file-storage-dir
    file_storage_dir: str | None = None


def storage_directory(cluster: objects.Cluster, template: Any, place: Place) -> str | None:
    """Directory (logical path) of the instance's file based disks of one type."""
    if not template.path_follows_instance:
        return None
    top = cluster.shared_file_storage_dir if template.shared else cluster.file_storage_dir
    if not top:
        raise errors.OpPrereqError(
            f"The cluster has no storage directory for the disk template '{template.name}';"
            " 'gnt-cluster modify' sets one", errors.ECODE_STATE)
    parts = [top]
    if place.file_storage_dir:
        below = os.path.normpath(place.file_storage_dir)
        if os.path.isabs(below) or below.split(os.sep)[0] == os.pardir:
            raise errors.OpPrereqError(
                f"The file storage directory '{place.file_storage_dir}' has to be a path below"
                f" {top}", errors.ECODE_INVAL)
        parts.append(below)
    return os.path.join(*parts, place.instance_name)


def require_file_driver(driver: str | None, template: Any, hypervisor: str) -> None:
    """Refuse drivers of files that the storage type does not have or the hypervisor not open."""
    if not driver or not template.file_based:
        return
    if driver not in template.file_drivers:
        raise errors.OpPrereqError(
            f"The disk template '{template.name}' does not have the file driver '{driver}'; it has"
            f" {', '.join(sorted(template.file_drivers))}", errors.ECODE_INVAL)
    _require_openable(constants.FILE_FORMATS[driver], f"The file driver '{driver}'", hypervisor)


def require_openable(disk: objects.Disk, hypervisor: str) -> None:
    """Refuse disks that a hypervisor can not open."""
    image = storage.template(disk.dev_type).image(disk)
    _require_openable(image.name, f"Disk {disk.name or disk.uuid}", hypervisor)


def _require_openable(image: str, what: str, hypervisor: str) -> None:
    known = hypervisors.get_class(hypervisor).image_formats
    if image not in known:
        raise errors.OpPrereqError(
            f"{what} means files of the format {image}, which the hypervisor '{hypervisor}' does"
            f" not open as disks; it opens {', '.join(sorted(known))}", errors.ECODE_INVAL)


def lay_out(
    lu: base.LogicalUnit, specs: Iterable[Spec], place: Place, first_index: int = 0
) -> list[objects.Disk]:
    """Disk objects for specifications; nothing is created, names are unique by their UUIDs."""
    cluster = lu.config.cluster
    owner = lu.config.instances.get(place.instance_uuid)
    held = [disk.logical_id for disk in (lu.config.instance_disks(owner) if owner else ())]
    result: list[objects.Disk] = []
    for index, spec in enumerate(specs, first_index):
        template = storage.require_usable(spec.template)
        request = DiskRequest(
            uuid=uuids.new(), unique_id=uuids.new(), instance_name=place.instance_name,
            instance_uuid=place.instance_uuid, index=index, size=spec.size,
            primary_node=place.primary_node, secondary_nodes=tuple(place.secondary_nodes),
            mode=spec.mode, name=spec.name, spindles=spec.spindles,
            directory=storage_directory(cluster, template, place),
            file_driver=place.file_driver, vg=spec.vg or cluster.volume_group_name,
            metavg=spec.metavg or meta_group(lu.config, template, place.primary_node),
            link=reserve_link(lu, template, place), provider=spec.provider, adopt=spec.adopt,
            access=spec.access, params=dict(spec.params),
            held_ids=[*held, *(disk.logical_id for disk in result)])
        result.append(template.layout(request))
    return result


def meta_group(config: objects.ConfigData, template: Any, node_uuid: str) -> str | None:
    """Volume group for a mirror's own data that the node's group or the cluster asks for."""
    group = config.group_of(config.nodes[node_uuid])
    for params in (group.diskparams, config.cluster.diskparams):
        wanted = params.get(template.name, {}).get(constants.IDISK_METAVG)
        if wanted:
            return str(wanted)
    return None


def reserve_link(lu: base.LogicalUnit, template: Any, place: Place) -> Link | None:
    """Port, minors and secret of a disk that is mirrored between nodes, held for this job."""
    if template.mirroring is not Mirroring.INTERNAL:
        return None
    first, second = lu.cfg.reserve.minors.generate(
        lu.job_id, [place.primary_node, *place.secondary_nodes])
    return Link(lu.cfg.reserve.ports.generate(lu.job_id), (first, second),
                lu.cfg.reserve.secrets.generate(lu.job_id))


def require_space(
    lu: base.LogicalUnit, node_uuids: Iterable[str], specs: Sequence[Spec], *,
    growing: bool = False
) -> None:
    """Refuse nodes whose volume groups have not the free space that new disks take.

    Disks that only grow need no more room for what lies beside their data.
    """
    nodes = list(node_uuids)
    if not growing:
        _require_spindles(lu, nodes, specs)
    wanted: dict[tuple[str, str], int] = {}
    for spec in specs:
        template = storage.template(spec.template)
        if nodes and template.counts_free_space and template.uses_lvm and not spec.adopt:
            data = spec.vg or lu.config.cluster.volume_group_name or ""
            meta = spec.metavg or meta_group(lu.config, template, nodes[0]) or data
            groups = {constants.IDISK_VG: data, constants.IDISK_METAVG: meta}
            for where, size in template.volumes(spec.size)[:1 if growing else None]:
                unit = (template.storage_type, groups[where])
                wanted[unit] = wanted.get(unit, 0) + size
    if not wanted:
        return
    units = [[kind, key, [False]] for kind, key in wanted]
    answers = lu.rpc.node_info(nodes, units, [])
    for node_uuid, result in answers.items():
        name = lu.config.nodes[node_uuid].name
        result.raise_if_failed(f"Can not get the free space of node {name}", prereq=True,
                               ecode=errors.ECODE_ENVIRON)
        _boot_id, spaces, _hv = result.payload
        for (unit, needed), space in zip(wanted.items(), spaces, strict=True):
            available = space["storage_free"] if space else 0
            if needed > available:
                raise errors.OpPrereqError(
                    f"Not enough space in {unit[1]} on node {name}: needed {needed} MiB,"
                    f" available {available} MiB", errors.ECODE_NORES)


def _require_spindles(
    lu: base.LogicalUnit, node_uuids: Iterable[str], specs: Sequence[Spec]
) -> None:
    """Where physical volumes belong to one disk each, a disk says how many it takes."""
    for node in (lu.config.nodes[uuid] for uuid in node_uuids):
        if not lu.config.filled_ndparams(node)[constants.ND_EXCLUSIVE_STORAGE]:
            continue
        for index, spec in enumerate(specs):
            template = storage.template(spec.template)
            if template.uses_lvm and not template.exclusive_storage:
                raise errors.OpPrereqError(
                    f"The disk template '{template.name}' can not be used on node {node.name},"
                    " whose storage is exclusive", errors.ECODE_INVAL)
            if template.uses_lvm and not spec.adopt and spec.spindles is None:
                raise errors.OpPrereqError(
                    f"disk {index}: the storage of node {node.name} is exclusive; give the"
                    " number of physical volumes that the disk takes with spindles=N",
                    errors.ECODE_INVAL)


def volume_group(disk: objects.Disk) -> str | None:
    """The volume group that holds a configured disk, where it is in one."""
    if not storage.template(disk.dev_type).uses_lvm:
        return None
    lowest = disk.children[0] if disk.children else disk
    return str(lowest.logical_id[0])


def file_settings(
    held: Iterable[objects.Disk], cluster: objects.Cluster, wanted: Any
) -> dict[str, str | None]:
    """Driver and directory of an instance's file based disks, for further ones of a template."""
    for disk in held:
        template = storage.template(disk.dev_type)
        if not template.path_follows_instance:
            continue
        driver, path = disk.logical_id
        if driver not in wanted.file_drivers:
            driver = None
        top = cluster.shared_file_storage_dir if template.shared else cluster.file_storage_dir
        directory = os.path.dirname(os.path.dirname(path))
        below = os.path.relpath(directory, top) if top else "."
        if below == "." or below.startswith(os.pardir):
            return {"file_driver": driver, "file_storage_dir": None}
        return {"file_driver": driver, "file_storage_dir": below}
    return {"file_driver": None, "file_storage_dir": None}
