"""Volumes of external storage providers.

The provider's scripts do everything; here is what they are told and how their answers are read.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganeti import constants, errors, objects
from ganeti.storage import ownernote, provider, userspace
from ganeti.storage.base import BlockDev, DiskRequest, DiskTemplate, Mirroring

#: A parameter of the disk, not of the provider
_OWN_PARAMETERS = frozenset([constants.IDISK_ACCESS])


def parse_attach(text: str) -> tuple[str | None, dict[str, str]]:
    """Output of an attach script: the device's path (or None), and hypervisor -> address."""
    first, *rest = text.splitlines() or [""]
    addresses: dict[str, str] = {}
    for line in rest:
        if not line.strip():
            continue
        hypervisor, colon, address = line.strip().partition(":")
        if not colon or not address:
            raise errors.BlockDeviceError(
                f"attach printed '{line.strip()}' where a line HYPERVISOR:ADDRESS was expected")
        addresses[hypervisor.lower()] = address
    return first.strip() or None, addresses


class ExtDevice(BlockDev):
    """A volume of a provider; its logical id is [provider, volume]."""

    def __init__(self, disk: objects.Disk, children: Sequence[BlockDev] = ()) -> None:
        super().__init__(disk, children)
        if len(disk.logical_id) != 2:
            raise errors.BlockDeviceError(f"Wrong id of an external volume: {disk.logical_id!r}")
        self.provider_name, self.volume = disk.logical_id
        self._path: str | None = None
        self._addresses: Mapping[str, str] = {}

    @property
    def path(self) -> str:
        return self._path or userspace.path_of(self.disk.uuid)

    @contextlib.contextmanager
    def data(self) -> Iterator[str]:
        self.require_attached()
        if self._path is not None:
            yield self._path
            return
        address = next(iter(self._addresses.values()), None)
        if address is None:
            raise errors.BlockDeviceError(
                f"Storage provider '{self.provider_name}' gave neither a device nor an address"
                f" for volume {self.volume}")
        with userspace.contents(address, self.disk.uuid) as path:
            yield path

    # Scripts.

    def _environment(self) -> dict[str, str]:
        env = {f"EXTP_{name.upper().replace('-', '_')}": str(value)
               for name, value in self.params.items() if value is not None}
        if self.disk.name:
            env["VOL_CNAME"] = self.disk.name
        if self.disk.uuid:
            env["VOL_UUID"] = self.disk.uuid
        return env

    def _run(self, action: str, arguments: Sequence[str] = (), **further: str) -> None:
        provider.run(provider.require(self.provider_name), action, self.volume,
                     {**self._environment(), **further}, arguments)

    # Life.

    def create(self, size: int, *, spindles: int | None = None, exclusive: bool = False) -> None:
        if exclusive:
            raise errors.BlockDeviceError(
                "Volumes of storage providers can not be made on nodes with exclusive storage")
        found = provider.require(self.provider_name)
        found.require_known([name for name in self.params if name not in _OWN_PARAMETERS])
        self._run(constants.ES_ACTION_VERIFY, [constants.OS_VALIDATE_PARAMETERS])
        self._run(constants.ES_ACTION_CREATE, VOL_SIZE=str(size))

    def attach(self) -> bool:
        found = provider.require(self.provider_name)
        try:
            answer = provider.ask(found, constants.ES_ACTION_ATTACH, self.volume,
                                  self._environment())
        except errors.BlockDeviceError as err:
            self.attached, self.why_not = False, str(err)
            return False
        self._path, self._addresses = parse_attach(answer)
        self.major = self.minor = None
        if self._path is not None:
            self._look_at(self._path)
        self.attached = True
        return True

    def _look_at(self, path: str) -> None:
        try:
            info = os.stat(path)
        except OSError as err:
            raise errors.BlockDeviceError(
                f"Storage provider '{self.provider_name}' attached volume {self.volume} as"
                f" '{path}', which can not be opened: {err.strerror}") from err
        if stat.S_ISBLK(info.st_mode):
            self.major, self.minor = os.major(info.st_rdev), os.minor(info.st_rdev)
        elif not stat.S_ISREG(info.st_mode):
            raise errors.BlockDeviceError(
                f"Storage provider '{self.provider_name}' attached volume {self.volume} as"
                f" '{path}', which is neither a block device nor a file")

    def assemble(self) -> None:
        self.require_attached()
        if self._path is None and not self._userspace:
            raise errors.BlockDeviceError(
                f"Storage provider '{self.provider_name}' gave no block device for volume"
                f" {self.volume}; disks of it need the parameter access=userspace")

    def shutdown(self) -> None:
        userspace.forget(self.disk.uuid)
        self._run(constants.ES_ACTION_DETACH)
        self.attached = False

    def remove(self) -> None:
        """Remove the volume; a provider's script has to accept one that is not there."""
        userspace.forget(self.disk.uuid)
        if self.attached or self.attach():
            self._run(constants.ES_ACTION_DETACH)
        else:
            logging.warning("Volume %s of storage provider %s is removed though it could not be"
                            " attached: %s", self.volume, self.provider_name, self.why_not)
        self._run(constants.ES_ACTION_REMOVE)
        self.attached = False

    def open(self, *, force: bool = False, exclusive: bool = True) -> None:
        self._run(constants.ES_ACTION_OPEN, VOL_OPEN_EXCLUSIVE=str(exclusive))

    def close(self) -> None:
        self._run(constants.ES_ACTION_CLOSE)

    def grow(self, amount: int, *, dry_run: bool = False, backing_store: bool = True,
             exclusive: bool = False) -> None:
        self.require_attached()
        if amount < 0:
            raise errors.BlockDeviceError("Disks can not shrink")
        if not backing_store or dry_run:
            return
        self._run(constants.ES_ACTION_GROW, VOL_SIZE=str(self.disk.size),
                  VOL_NEW_SIZE=str(self.disk.size + amount))

    def snapshot(self, name: str | None, size: int | None) -> list[Any]:
        name = name or f"{self.volume}.snap"
        if constants.ES_ACTION_SNAPSHOT not in provider.require(self.provider_name).scripts:
            raise errors.BlockDeviceError(
                f"Storage provider '{self.provider_name}' has no script"
                f" {constants.ES_ACTION_SNAPSHOT}, so its volumes can not be snapshotted")
        self._run(constants.ES_ACTION_SNAPSHOT, VOL_SNAPSHOT_NAME=name,
                  VOL_SNAPSHOT_SIZE=str(size or self.disk.size))
        return [self.provider_name, name]

    def set_info(self, text: str) -> None:
        self._run(constants.ES_ACTION_SETINFO, VOL_METADATA=ownernote.clean(text))

    # Looking.

    @property
    def _userspace(self) -> bool:
        return self.params.get(constants.IDISK_ACCESS) == constants.DISK_USERSPACE

    def uri(self, hypervisor: str) -> str | None:
        if not self._userspace:
            return None
        self.require_attached()
        address = self._addresses.get(hypervisor)
        if address is None:
            raise errors.BlockDeviceError(
                f"Storage provider '{self.provider_name}' gave no address of volume {self.volume}"
                f" for the hypervisor {hypervisor}; it gave some for"
                f" {', '.join(sorted(self._addresses)) or 'none'}")
        return address

    def actual_size(self) -> int:
        self.require_attached()
        if self._path is None:
            with self.data() as path:
                return os.stat(path).st_size
        with open(self._path, "rb") as fobj:
            return fobj.seek(0, os.SEEK_END)


class ExtTemplate(DiskTemplate):
    """A volume managed by a provider's scripts."""

    name = constants.DT_EXT
    storage_type = constants.ST_EXT
    mirroring = Mirroring.EXTERNAL
    shared = True
    growable = True
    can_snapshot = True
    needs_provider = True
    userspace_uri = True
    counts_free_space = False
    device_class = ExtDevice

    def logical_id(self, request: DiskRequest) -> list[Any]:
        if not request.provider:
            raise errors.OpPrereqError(
                f"Disk template '{self.name}' needs a provider; give provider=NAME"
                " ('gnt-storage diagnose' lists them)", errors.ECODE_INVAL)
        return [request.provider, f"{request.unique_id}.{self.name}.disk{request.index}"]

    def describe(self, disk: objects.Disk) -> dict[str, Any]:
        return {"PROVIDER": disk.logical_id[0], "ID": disk.logical_id[1]}
