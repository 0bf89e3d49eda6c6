"""What LVM on this node reports: physical volumes, volume groups, logical volumes.

Only reading and the two repairs that ``gnt-node`` offers; devices are in the storage types.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from ganeti import errors
from ganeti.utils import process

SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class PhysicalVolume:
    """A physical volume; sizes in MiB."""

    name: str
    vg_name: str
    size: float
    free: float
    attributes: str

    @property
    def allocatable(self) -> bool:
        return self.attributes.startswith("a")


@dataclass(frozen=True, slots=True)
class VolumeGroup:
    """A volume group; sizes in MiB."""

    name: str
    size: float
    free: float
    attributes: str


@dataclass(frozen=True, slots=True)
class LogicalVolume:
    """A logical volume, or the part of one that lies on one physical volume; size in MiB."""

    vg_name: str
    name: str
    size: float
    attributes: str
    devices: str

    @property
    def inactive(self) -> bool:
        return self.attributes[4:5] == "-"

    @property
    def online(self) -> bool:
        return self.attributes[5:6] == "o"

    @property
    def virtual(self) -> bool:
        """A volume of LVM's own that holds no data (``lvcreate --virtualsize`` and the like)."""
        return self.attributes[:1] == "v"


def available() -> bool:
    """Does this node have the LVM tools."""
    return shutil.which("vgs") is not None


def _report(program: str, fields: Sequence[str], *selection: str) -> list[list[str]]:
    """Rows of pvs, vgs or lvs."""
    if shutil.which(program) is None:
        raise errors.StorageError(
            f"This node has no LVM: program '{program}' is missing (Debian: package lvm2)")
    result = process.run([program, "--noheadings", "--nosuffix", "--units", "m", "--unbuffered",
                          "--separator", SEPARATOR, "-o", ",".join(fields), *selection])
    if result.failed:
        raise errors.StorageError(f"{program} failed ({result.fail_reason}): "
                                  f"{result.stderr.strip()}")
    return parse_report(result.stdout, len(fields), program)


def parse_report(text: str, width: int, program: str) -> list[list[str]]:
    """Split the lines of a report of `width` columns."""
    rows = []
    for line in text.splitlines():
        if not line.strip():
            continue
        row = [cell.strip() for cell in line.split(SEPARATOR)]
        if len(row) != width:
            raise errors.StorageError(f"Can not read this line of {program}: '{line.strip()}'")
        rows.append(row)
    return rows


def _mib(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise errors.StorageError(f"LVM reports the size '{text}', which is no number") from None


def physical_volumes(vg_names: Sequence[str] = ()) -> list[PhysicalVolume]:
    """All physical volumes, or those of some volume groups."""
    rows = _report("pvs", ["pv_name", "vg_name", "pv_size", "pv_free", "pv_attr"])
    volumes = [PhysicalVolume(name, vg, _mib(size), _mib(free), attributes)
               for name, vg, size, free, attributes in rows]
    return [volume for volume in volumes if not vg_names or volume.vg_name in vg_names]


def volume_groups() -> list[VolumeGroup]:
    rows = _report("vgs", ["vg_name", "vg_size", "vg_free", "vg_attr"])
    return [VolumeGroup(name, _mib(size), _mib(free), attributes)
            for name, size, free, attributes in rows]


def logical_volumes(vg_name: str | None = None) -> list[LogicalVolume]:
    """Logical volumes, one entry a segment; LVM's own virtual ones left out."""
    rows = _report("lvs", ["vg_name", "lv_name", "lv_size", "lv_attr", "devices"],
                   *([vg_name] if vg_name else []))
    volumes = [LogicalVolume(vg, name, _mib(size), attributes, devices)
               for vg, name, size, attributes, devices in rows]
    return [volume for volume in volumes if not volume.virtual]


def _change(argv: Sequence[str]) -> None:
    if shutil.which(argv[0]) is None:
        raise errors.StorageError(
            f"This node has no LVM: program '{argv[0]}' is missing (Debian: package lvm2)")
    result = process.run(list(argv))
    if result.failed:
        raise errors.StorageError(f"{argv[0]} failed ({result.fail_reason}): "
                                  f"{result.output.strip()}")


def set_allocatable(pv_name: str, allocatable: bool) -> None:
    """Allow or forbid new volumes on a physical volume."""
    _change(["pvchange", "--allocatable", "y" if allocatable else "n", pv_name])


def remove_missing(vg_name: str) -> None:
    """Make a volume group consistent again after a physical volume was lost."""
    _change(["vgreduce", "--removemissing", vg_name])
