"""LVM's programs on this node: what they report, and the changes that are made with them.

What a disk of an instance needs of them, and in which order, is in the storage types.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from ganeti import errors
from ganeti.utils import process

SEPARATOR = "|"
#: A daemon has more files open than LVM likes to see.
_ENVIRONMENT = {"LVM_SUPPRESS_FD_WARNINGS": "1"}


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


@dataclass(frozen=True, slots=True)
class VolumeDetails:
    """One logical volume as the device of a disk needs it; sizes in bytes."""

    attributes: str
    size: int
    #: Number of the device; -1 while the volume is not active
    major: int
    minor: int
    extent_size: int
    stripes: int
    #: Name of the volume that this one is a snapshot of, or nothing
    origin: str
    tags: tuple[str, ...]
    #: Physical volumes
    devices: tuple[str, ...]

    @property
    def active(self) -> bool:
        return self.attributes[4:5] == "a"

    @property
    def virtual(self) -> bool:
        """No volume for data: LVM's own, or one whose table is lost."""
        return self.attributes[:1] == "v"

    @property
    def damaged(self) -> bool:
        """Parts of it lie on a physical volume that is missing, or the device fails."""
        return self.attributes[8:9] in ("p", "X", "F")


def available() -> bool:
    """Does this node have the LVM tools."""
    return shutil.which("vgs") is not None


def _report(program: str, fields: Sequence[str], *selection: str, unit: str = "m"
            ) -> list[list[str]]:
    """Rows of pvs, vgs or lvs, sizes in MiB or in bytes (unit b)."""
    if shutil.which(program) is None:
        raise errors.StorageError(
            f"This node has no LVM: program '{program}' is missing (Debian: package lvm2)")
    result = process.run([program, "--noheadings", "--nosuffix", "--units", unit, "--unbuffered",
                          "--separator", SEPARATOR, "-o", ",".join(fields), *selection],
                         env=_ENVIRONMENT)
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


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise errors.StorageError(f"LVM reports '{text}' where a number belongs") from None


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


def logical_volume(vg_name: str, name: str) -> VolumeDetails | None:
    """All about one volume by one report; None when its volume group has no such volume."""
    fields = ["lv_attr", "lv_size", "lv_kernel_major", "lv_kernel_minor", "vg_extent_size",
              "stripes", "origin", "lv_tags", "devices"]
    try:
        rows = _report("lvs", fields, f"{vg_name}/{name}", unit="b")
    except errors.StorageError:
        if any(lv.name == name for lv in logical_volumes(vg_name)):
            raise
        return None
    if not rows:
        return None
    attributes, size, major, minor, extent, _, origin, tags, _ = rows[0]
    return VolumeDetails(
        attributes=attributes, size=_number(size), major=_number(major), minor=_number(minor),
        extent_size=_number(extent), stripes=max(_number(row[5]) for row in rows), origin=origin,
        tags=tuple(tag for tag in tags.split(",") if tag),
        devices=tuple(dict.fromkeys(device.split("(")[0] for row in rows
                                    for device in row[8].split(",") if device)))


# Changes -------------------------------------------------------------------------------------

def _change(argv: Sequence[str]) -> None:
    if shutil.which(argv[0]) is None:
        raise errors.StorageError(
            f"This node has no LVM: program '{argv[0]}' is missing (Debian: package lvm2)")
    result = process.run(list(argv), env=_ENVIRONMENT)
    if result.failed:
        raise errors.StorageError(f"{argv[0]} failed ({result.fail_reason}): "
                                  f"{result.output.strip()}")


def set_allocatable(pv_name: str, allocatable: bool) -> None:
    """Allow or forbid new volumes on a physical volume."""
    _change(["pvchange", "--allocatable", "y" if allocatable else "n", pv_name])


def remove_missing(vg_name: str) -> None:
    """Make a volume group consistent again after a physical volume was lost."""
    _change(["vgreduce", "--removemissing", vg_name])


def create(vg_name: str, name: str, size: int, stripes: int, devices: Sequence[str]) -> None:
    """Make a volume of `size` MiB over physical volumes; its first 4 KiB read as zeroes."""
    _change(["lvcreate", "-Wn", f"-L{size}m", f"-n{name}", f"-i{stripes}", vg_name, *devices])


def snapshot(vg_name: str, name: str, frozen: str, size: int) -> None:
    """Freeze the contents of volume `name` as volume `frozen`, which may take `size` MiB."""
    _change(["lvcreate", f"-L{size}m", "-s", f"-n{frozen}", f"{vg_name}/{name}"])


def extend(vg_name: str, name: str, kib: int, allocation: str, devices: Sequence[str],
           dry_run: bool) -> None:
    """Add KiB to a volume, on the given physical volumes or on any; `dry_run` only tries."""
    _change(["lvextend", "-L", f"+{kib}k", "--alloc", allocation, *(["--test"] if dry_run else []),
             f"{vg_name}/{name}", *devices])


def remove(vg_name: str, name: str) -> None:
    _change(["lvremove", "-f", f"{vg_name}/{name}"])


def rename(vg_name: str, name: str, new_name: str) -> None:
    _change(["lvrename", vg_name, name, new_name])


def activate(vg_name: str, name: str) -> None:
    """Make a volume's device appear."""
    _change(["lvchange", "-ay", f"{vg_name}/{name}"])


def change_tags(vg_name: str, name: str, gone: Sequence[str], new: Sequence[str]) -> None:
    """Take tags off a volume and put others on."""
    options = [word for tag in gone for word in ("--deltag", tag)]
    options += [word for tag in new for word in ("--addtag", tag)]
    if options:
        _change(["lvchange", *options, f"{vg_name}/{name}"])
