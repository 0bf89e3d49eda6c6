"""Disks as logical volumes of LVM on one node, also the halves of mirrored ones."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from ganeti import constants, errors, objects
from ganeti.storage import lvm
from ganeti.storage.base import BlockDev, DiskRequest, DiskTemplate

MIB = 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9_+.][A-Za-z0-9_+.-]{0,126}")
#: What LVM keeps for itself
_RESERVED = re.compile(
    r"\.{1,2}|(snapshot|pvmove).*|.*_(mlog|mimage|rimage|rmeta|tdata|tmeta|pmspare|corig|cdata"
    r"|cmeta|cvol|vorigin|vdata|wcorig)(_?\d+)?")
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_+.-]")
_MAX_TAG = 128
#: The owner's note begins so; other tags are the administrator's and stay.
_OWNER_TAG = "originstname+"
_SNAPSHOT_SUFFIX = ".snap"
#: How lvextend may look for room, best first
_ALLOCATION = ("contiguous", "cling", "normal")


def check_name(what: str, name: Any) -> str:
    """Refuse what LVM takes for no name, or for an option."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or _RESERVED.fullmatch(name):
        raise errors.BlockDeviceError(f"'{name}' can not be the name of a {what}")
    return name


class LvmDevice(BlockDev):
    """A logical volume; its logical id is [volume group, volume]."""

    def __init__(self, disk: objects.Disk, children: Sequence[BlockDev] = ()) -> None:
        super().__init__(disk, children)
        if children:
            raise errors.BlockDeviceError("A logical volume can not have children")
        self._vg, self._name = self._checked(disk.logical_id)
        self._details: lvm.VolumeDetails | None = None

    def _checked(self, logical_id: Sequence[Any]) -> tuple[str, str]:
        if len(logical_id) != 2:
            raise errors.BlockDeviceError(f"Wrong id of a logical volume: {list(logical_id)!r}")
        return (check_name("volume group", logical_id[0]),
                check_name("logical volume", logical_id[1]))

    @property
    def path(self) -> str:
        return f"/dev/{self._vg}/{self._name}"

    @property
    def details(self) -> lvm.VolumeDetails:
        """What LVM told when the volume was attached."""
        self.require_attached()
        assert self._details is not None
        return self._details

    def attach(self) -> bool:
        self.attached, self._details, self.why_not = False, None, None
        try:
            found = lvm.logical_volume(self._vg, self._name)
        except errors.StorageError as err:
            self.why_not = str(err)
            return False
        if found is None:
            self.why_not = f"volume group {self._vg} has no volume {self._name}"
        elif found.virtual:
            self.why_not = f"{self.path} is no volume that holds data"
        else:
            self._details = found
            self.major, self.minor = found.major, found.minor
            self.attached = True
        return self.attached

    def create(self, size: int, *, spindles: int | None = None, exclusive: bool = False) -> None:
        if self.attach():
            raise errors.BlockDeviceError(f"Logical volume {self.path} exists already")
        if exclusive:
            volumes = self._empty_volumes(size, spindles)
        else:
            volumes = self._roomy_volumes(size)
        names = [volume.name for volume in volumes]
        failures = []
        for stripes in range(min(int(self.params.get("stripes", 1)), len(names)), 0, -1):
            try:
                lvm.create(self._vg, self._name, size, stripes, names)
            except errors.StorageError as err:
                failures.append(f"{stripes} stripes: {err}")
                continue
            self.require_attached()
            return
        raise errors.BlockDeviceError(
            f"Can not create logical volume {self.path} of {size} MiB: {'; '.join(failures)}")

    def _volumes(self) -> list[lvm.PhysicalVolume]:
        """Physical volumes that take new volumes, those with most room first."""
        try:
            volumes = [pv for pv in lvm.physical_volumes([self._vg]) if pv.allocatable]
        except errors.StorageError as err:
            raise errors.BlockDeviceError(f"Can not create {self.path}: {err}") from err
        if not volumes:
            raise errors.BlockDeviceError(
                f"Can not create {self.path}: no physical volume of volume group {self._vg} on"
                " this node takes new volumes; 'gnt-node list-storage -t lvm-pv' shows them")
        return sorted(volumes, key=lambda pv: (-pv.free, pv.name))

    def _roomy_volumes(self, size: int) -> list[lvm.PhysicalVolume]:
        volumes = self._volumes()
        free = sum(pv.free for pv in volumes)
        if free < size:
            raise errors.BlockDeviceError(
                f"Not enough free space in volume group {self._vg}: {size} MiB are needed,"
                f" {free:.0f} MiB are free")
        return [pv for pv in volumes if pv.free]

    def _empty_volumes(self, size: int, spindles: int | None) -> list[lvm.PhysicalVolume]:
        """As many unused physical volumes as the disk has spindles."""
        if spindles is None:
            raise errors.BlockDeviceError(
                f"On nodes with exclusive storage a disk names its number of spindles, and"
                f" {self.disk.iv_name or self.path} does not; give it with spindles=N")
        empty = [pv for pv in self._volumes() if pv.free >= pv.size]
        if len(empty) < spindles:
            raise errors.BlockDeviceError(
                f"Not enough unused physical volumes in volume group {self._vg}: {spindles} are"
                f" needed, {len(empty)} are unused")
        chosen = empty[:spindles]
        room = sum(pv.free for pv in chosen)
        if room < size:
            raise errors.BlockDeviceError(
                f"{size} MiB do not fit on {spindles} physical volumes of volume group"
                f" {self._vg}, which have {room:.0f} MiB; give more spindles")
        return chosen

    def remove(self) -> None:
        if not self.attach():
            self._require_group()
            return
        self._do("remove", lvm.remove, self._vg, self._name)
        self.attached = False

    def _require_group(self) -> None:
        """A volume group that is not here may come back with its volumes: that is not gone."""
        if self._vg not in [vg.name for vg in lvm.volume_groups()]:
            raise errors.BlockDeviceError(
                f"Can not tell whether {self.path} is gone: this node has no volume group"
                f" {self._vg}; 'vgs' and 'pvs' there show what LVM sees")

    def assemble(self) -> None:
        if not self.details.active:
            self._do("activate", lvm.activate, self._vg, self._name)
            self.attach()
            self.require_attached()

    def rename(self, new_logical_id: Sequence[Any]) -> None:
        """Rename the volume inside its volume group; done already counts as success."""
        vg, name = self._checked(new_logical_id)
        if vg != self._vg:
            raise errors.BlockDeviceError(
                f"A logical volume can not be renamed from volume group {self._vg} to {vg}")
        if name == self._name:
            return
        taken = lvm.logical_volume(vg, name) is not None
        if not self.attach() and taken:
            self._name = name
            return
        self.require_attached()
        if taken:
            raise errors.BlockDeviceError(f"Can not rename {self.path}: {vg}/{name} exists")
        self._do(f"rename to {name}", lvm.rename, vg, self._name, name)
        self._name = name
        self.attach()

    def grow(self, amount: int, *, dry_run: bool = False, backing_store: bool = True,
             exclusive: bool = False) -> None:
        if amount < 0:
            raise errors.BlockDeviceError("Disks can not shrink")
        details = self.details
        if not backing_store:
            return
        row = details.extent_size * details.stripes
        kib = math.ceil(amount * MIB / row) * row // 1024
        if not kib:
            return
        devices = details.devices if exclusive else ()
        failure = None
        for allocation in _ALLOCATION:
            try:
                lvm.extend(self._vg, self._name, kib, allocation, devices, dry_run)
            except errors.StorageError as err:
                failure = err
                continue
            self.attach()
            return
        raise errors.BlockDeviceError(f"Can not grow {self.path} by {amount} MiB: {failure}")

    def snapshot(self, name: str | None, size: int | None) -> list[Any]:
        """Freeze the contents; what an earlier, interrupted try left under the name is replaced."""
        self.require_attached()
        frozen = check_name("logical volume", name or self._name + _SNAPSHOT_SUFFIX)
        old = lvm.logical_volume(self._vg, frozen)
        if old is not None:
            if old.origin != self._name:
                raise errors.BlockDeviceError(
                    f"Can not snapshot {self.path}: {self._vg}/{frozen} exists and is no"
                    " snapshot of it")
            self._do("remove the old snapshot of", lvm.remove, self._vg, frozen)
        wanted = size or self.disk.size
        free = sum(vg.free for vg in lvm.volume_groups() if vg.name == self._vg)
        if free < wanted:
            raise errors.BlockDeviceError(
                f"Not enough free space in volume group {self._vg} for a snapshot of"
                f" {self._name}: {wanted} MiB are needed, {free:.0f} MiB are free")
        self._do("snapshot", lvm.snapshot, self._vg, self._name, frozen, wanted)
        return [self._vg, frozen]

    def set_info(self, text: str) -> None:
        """Note the owner as a tag, in place of an earlier such tag."""
        wanted = _NOT_IN_TAGS.sub("_", text)[:_MAX_TAG]
        present = self.details.tags
        gone = [tag for tag in present if tag.startswith(_OWNER_TAG) and tag != wanted]
        new = [wanted] if wanted and wanted not in present else []
        self._do("tag", lvm.change_tags, self._vg, self._name, gone, new)
        self.attach()

    def actual_size(self) -> int:
        return self.details.size

    def spindles(self) -> int | None:
        return len(self.details.devices)

    def sync_status(self) -> dict[str, Any]:
        status = super().sync_status()
        if self.details.damaged:
            status |= {"is_degraded": True, "ldisk_status": constants.LDS_FAULTY}
        return status

    def _do(self, what: str, action: Any, *args: Any) -> None:
        """Run a change of LVM's, and say of which disk it was when it fails."""
        try:
            action(*args)
        except errors.StorageError as err:
            raise errors.BlockDeviceError(f"Can not {what} {self.path}: {err}") from err


class PlainTemplate(DiskTemplate):
    """A logical volume on the primary node."""

    name = constants.DT_PLAIN
    storage_type = constants.ST_LVM_VG
    growable = True
    can_snapshot = True
    adoptable = True
    copyable = True
    exclusive_storage = True
    uses_lvm = True
    device_class = LvmDevice

    def logical_id(self, request: DiskRequest) -> list[Any]:
        return [request.vg or constants.DEFAULT_VG, f"{request.unique_id}.disk{request.index}"]

    def present_id(self, disk: objects.Disk, adopt: str) -> list[Any] | None:
        return [disk.logical_id[0], check_name("logical volume", adopt)]

    def describe(self, disk: objects.Disk) -> dict[str, Any]:
        return {"VG": disk.logical_id[0], "ID": disk.logical_id[1]}
