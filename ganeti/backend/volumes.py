"""Storage of this node as the administrator sees it: volume groups, volumes, directories."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ganeti import constants, errors, pathutils
from ganeti.storage import filepaths, lvm, registry

Row = dict[str, Any]


# Volumes -------------------------------------------------------------------------------------

def lv_list(vg_name: str | None) -> dict[str, list[Any]]:
    """'vg/lv' -> [size in MiB as text, inactive, in use] of one volume group or all."""
    return {f"{lv.vg_name}/{lv.name}": [f"{lv.size:.2f}", lv.inactive, lv.online]
            for lv in lvm.logical_volumes(vg_name)}


def vg_list() -> dict[str, int]:
    """Volume groups and their sizes in MiB; none on a node without LVM."""
    if not lvm.available():
        return {}
    return {vg.name: int(vg.size) for vg in lvm.volume_groups()}


def node_volumes() -> list[Row]:
    """Every volume, once for each device that it lies on."""
    rows: list[Row] = []
    for lv in lvm.logical_volumes():
        devices = [device.split("(")[0] for device in lv.devices.split(",")]
        rows.extend({"name": lv.name, "size": f"{lv.size:.2f}", "dev": device, "vg": lv.vg_name}
                    for device in devices)
    return rows


# Storage units -------------------------------------------------------------------------------

def _file_rows(directories: Sequence[str]) -> list[Row]:
    rows = []
    for directory in directories:
        try:
            info = os.statvfs(pathutils.local(directory))
        except OSError as err:
            raise errors.StorageError(
                f"Can not look at the storage directory {directory}: {err.strerror}") from err
        size = info.f_blocks * info.f_frsize // (1024 * 1024)
        free = info.f_bavail * info.f_frsize // (1024 * 1024)
        rows.append({constants.SF_NAME: directory, constants.SF_SIZE: size,
                     constants.SF_FREE: free, constants.SF_USED: size - free,
                     constants.SF_ALLOCATABLE: True})
    return rows


def _gluster_rows(directories: Sequence[str]) -> list[Row]:
    """The volume, while a disk on it is in use; else there is only the node's own directory."""
    return _file_rows([directory for directory in directories
                       if os.path.ismount(pathutils.local(directory))])


def _pv_rows(_directories: Sequence[str]) -> list[Row]:
    return [{constants.SF_NAME: pv.name, constants.SF_SIZE: int(pv.size),
             constants.SF_FREE: int(pv.free), constants.SF_USED: int(pv.size - pv.free),
             constants.SF_ALLOCATABLE: pv.allocatable} for pv in lvm.physical_volumes()]


def _vg_rows(_directories: Sequence[str]) -> list[Row]:
    return [{constants.SF_NAME: vg.name, constants.SF_SIZE: int(vg.size),
             constants.SF_FREE: int(vg.free), constants.SF_USED: int(vg.size - vg.free),
             constants.SF_ALLOCATABLE: True} for vg in lvm.volume_groups()]


#: Storage type -> its units on this node, given the directories that the master names
UNITS: dict[str, Callable[[Sequence[str]], list[Row]]] = {
    constants.ST_FILE: _file_rows,
    constants.ST_SHARED_FILE: _file_rows,
    constants.ST_GLUSTER: _gluster_rows,
    constants.ST_LVM_PV: _pv_rows,
    constants.ST_LVM_VG: _vg_rows,
}


def _flat_directories(su_args: Sequence[Any]) -> list[str]:
    """The directories in the arguments of file storage: [dir, ...] or [[dir, ...]]."""
    directories: list[str] = []
    for item in su_args:
        directories.extend(item if isinstance(item, list | tuple) else [item])
    return [directory for directory in directories if directory]


def storage_list(su_name: str, su_args: Sequence[Any], name: str | None, fields: Sequence[str]
                 ) -> list[list[Any]]:
    """Units of a storage type, or the one of that name; values in the order of `fields`."""
    if su_name not in UNITS:
        raise errors.StorageError(
            f"Storage of type '{su_name}' can not be listed; {', '.join(sorted(UNITS))} can")
    rows = [row for row in UNITS[su_name](_flat_directories(su_args))
            if name is None or row[constants.SF_NAME] == name]
    unknown = sorted(set(fields) - constants.VALID_STORAGE_FIELDS)
    if unknown:
        raise errors.StorageError(f"Storage has no field {', '.join(unknown)}")
    return [[row.get(field) for field in fields] for row in rows]


def storage_modify(su_name: str, su_args: Sequence[Any], name: str,
                   changes: Mapping[str, Any]) -> None:
    """Change a unit; only whether a physical volume takes new volumes can be changed."""
    allowed = constants.MODIFIABLE_STORAGE_FIELDS.get(su_name, frozenset())
    wrong = sorted(set(changes) - allowed)
    if wrong or not allowed:
        raise errors.StorageError(
            f"Storage of type '{su_name}' can not change {', '.join(wrong) or 'anything'}")
    if constants.SF_ALLOCATABLE in changes:
        lvm.set_allocatable(name, bool(changes[constants.SF_ALLOCATABLE]))


def storage_execute(su_name: str, su_args: Sequence[Any], name: str, op: str) -> None:
    """Repair a unit."""
    if op not in constants.VALID_STORAGE_OPERATIONS.get(su_name, frozenset()):
        raise errors.StorageError(f"Storage of type '{su_name}' has no operation '{op}'")
    lvm.remove_missing(name)


# Space, for node_info ------------------------------------------------------------------------

def _space_vg(key: str, params: Sequence[Any]) -> tuple[int, int] | None:
    if not lvm.available():
        return None
    for vg in lvm.volume_groups():
        if vg.name == key:
            return int(vg.free), int(vg.size)
    return None


def _space_pvs(key: str, params: Sequence[Any]) -> tuple[int, int] | None:
    """Spindles: physical volumes of a group that are free, and all of them."""
    if not lvm.available():
        return None
    volumes = lvm.physical_volumes([key])
    return sum(1 for pv in volumes if pv.free >= pv.size), len(volumes)


def _space_template(storage_type: str) -> Callable[[str, Sequence[Any]], tuple[int, int] | None]:
    def ask(key: str, params: Sequence[Any]) -> tuple[int, int] | None:
        for template in registry.templates():
            if template.storage_type == storage_type:
                info = template.space(key, params)
                return None if info is None else (info.free, info.size)
        raise errors.StorageError(f"There is no storage of type '{storage_type}' on this node")
    return ask


def space(storage_type: str, key: str, params: Sequence[Any]) -> tuple[int, int] | None:
    """(free, whole) of a storage unit in MiB (physical volumes: spindles); None if unknown."""
    special = {constants.ST_LVM_VG: _space_vg, constants.ST_LVM_PV: _space_pvs}
    return special.get(storage_type, _space_template(storage_type))(key, params)


# Directories of file storage -----------------------------------------------------------------

def file_storage_dir_create(file_storage_dir: str) -> None:
    """Make the directory of an instance's disks."""
    path = filepaths.local(file_storage_dir)
    try:
        os.makedirs(path, mode=0o750, exist_ok=True)
    except OSError as err:
        raise errors.FileStoragePathError(
            f"Can not create directory {path}: {err.strerror}") from err


def file_storage_dir_remove(file_storage_dir: str) -> None:
    """Remove the directory of an instance's disks, which has to be empty."""
    path = filepaths.local(file_storage_dir)
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return
    except OSError as err:
        raise errors.FileStoragePathError(
            f"Can not remove directory {path}: {err.strerror}") from err


def file_storage_dir_rename(old_file_storage_dir: str, new_file_storage_dir: str) -> None:
    """Rename the directory of an instance's disks; done already counts as success."""
    old, new = filepaths.local(old_file_storage_dir), filepaths.local(new_file_storage_dir)
    if old == new or (not os.path.exists(old) and os.path.isdir(new)):
        return
    if os.path.exists(new):
        raise errors.FileStoragePathError(f"Can not rename {old}: {new} exists already")
    try:
        os.rename(old, new)
    except OSError as err:
        raise errors.FileStoragePathError(
            f"Can not rename {old} to {new}: {err.strerror}") from err
