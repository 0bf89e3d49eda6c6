"""A change of devices while the guest runs: QEMU, the tap device, and the runtime together."""

from __future__ import annotations

import abc
from typing import Any

from ganeti import constants, errors, objects
from ganeti.hypervisor.base import BlockDevice
from ganeti.hypervisor.kvm import hotplug, pci, runtime, tap
from ganeti.hypervisor.kvm.blockdev import DiskDevice
from ganeti.hypervisor.kvm.netdev import NicDevice
from ganeti.hypervisor.kvm.paths import Files
from ganeti.hypervisor.kvm.qmp import Session
from ganeti.hypervisor.kvm.runtime import Runtime
from ganeti.undo import Undo

Device = objects.Disk | objects.Nic


def change(instance: objects.Instance, action: str, device: Device, extra: Any,
           seq: int) -> Device | None:
    """Carry out one hotplug call; the device with its place, or None when it is gone."""
    files = Files(instance.name)
    run = runtime.load(files)
    with Session(files.qmp, files.name) as session:
        kind: type[_Change] = _Disks if isinstance(device, objects.Disk) else _Nics
        changer = kind(instance, files, run, session)
        if action == constants.HOTPLUG_ACTION_ADD:
            return changer.add(device, extra, seq, None)
        if action == constants.HOTPLUG_ACTION_REMOVE:
            changer.remove(device)
            return None
        old = changer.find(device)
        place = dict(changer.devices[old].hvinfo)
        changer.remove(device)
        return changer.add(device, extra, old, place)


class _Change(abc.ABC):
    """What changes of disks and of interfaces have in common."""

    kind: str

    def __init__(self, instance: objects.Instance, files: Files, run: Runtime,
                 session: Session) -> None:
        self.instance = instance
        self.files = files
        self.run = run
        self.session = session

    @property
    @abc.abstractmethod
    def devices(self) -> list[Any]:
        """The devices of this kind that the running guest has."""

    @abc.abstractmethod
    def add(self, device: Any, extra: Any, seq: int, place: dict[str, Any] | None) -> Device:
        """Give the guest a device, at a place of before or at a free one."""

    @abc.abstractmethod
    def remove(self, device: Any) -> None:
        """Take a device from the guest."""

    def find(self, device: Any) -> int:
        """The number of a device of the running guest."""
        for number, known in enumerate(self.devices):
            if getattr(known, self.kind).uuid == device.uuid:
                return number
        raise errors.HotplugError(
            f"The running instance {self.instance.name} does not have {self.kind} {device.uuid}")

    def slots(self) -> pci.Places:
        infos = [disk.hvinfo for disk in self.run.disks]
        infos += [nic.hvinfo for nic in self.run.nics]
        return pci.running(self.run.command, self.run.hvp["kvm_pci_reservations"],
                           self.session.execute("query-pci"), infos)

    def save(self, run: Runtime) -> None:
        run.save(self.files)
        self.run = run

    def require_new(self, device: Any) -> None:
        if any(getattr(known, self.kind).uuid == device.uuid for known in self.devices):
            raise errors.HotplugError(
                f"The running instance {self.instance.name} has {self.kind} {device.uuid} already")


class _Disks(_Change):
    kind = "disk"

    @property
    def devices(self) -> list[Any]:
        return self.run.disks

    def add(self, device: objects.Disk, extra: Any, seq: int,
            place: dict[str, Any] | None) -> Device:
        self.require_new(device)
        link, uri = extra[0] or "", extra[1]
        if place is None:
            disk = DiskDevice.place(BlockDevice(device, link, uri), self._free_number(), 2,
                                    self.run.hvp, self.slots())
        else:
            disk = DiskDevice(device.replace(hvinfo=place), link, uri)
        hotplug.add_disk(self.session, disk, self.run.hvp)
        disks = list(self.run.disks)
        disks.insert(seq if seq >= 0 else len(disks), disk)
        self.save(self.run.replace(disks=disks))
        return disk.disk

    def _free_number(self) -> int:
        """A SCSI target that no disk has."""
        used = {disk.hvinfo.get("scsi-id") for disk in self.run.disks}
        return next(number for number in range(len(used) + 1) if number not in used)

    def remove(self, device: objects.Disk) -> None:
        number = self.find(device)
        hotplug.remove_disk(self.session, self.run.disks[number], self.run.hvp)
        disks = list(self.run.disks)
        del disks[number]
        self.save(self.run.replace(disks=disks))


class _Nics(_Change):
    kind = "nic"

    @property
    def devices(self) -> list[Any]:
        return self.run.nics

    def add(self, device: objects.Nic, extra: Any, seq: int,
            place: dict[str, Any] | None) -> Device:
        self.require_new(device)
        hvp = self.run.hvp
        nic = (NicDevice.place(device, hvp, self.slots()) if place is None
               else NicDevice(device.replace(hvinfo=place)))
        hotplug.require_pluggable(nic, hvp)
        nics, names = list(self.run.nics), tap.records(self.files)
        number = seq if seq >= 0 else len(nics)
        name, fds = tap.create(nic.nic, nic.queues(hvp), nic.wants_header(hvp))
        try:
            with Undo() as undo:
                tap.connect(self.instance, number, nic.nic, name)
                undo.push("disconnect the interface", tap.disconnect, self.instance.name, number,
                          nic.nic, name)
                hotplug.add_nic(self.session, nic, hvp, fds)
                undo.forget()
        finally:
            tap.close(fds)
        nics.insert(number, nic)
        names.insert(number, name)
        tap.write_records(self.files, names)
        self.save(self.run.replace(nics=nics))
        return nic.nic

    def remove(self, device: objects.Nic) -> None:
        number = self.find(device)
        nic = self.run.nics[number]
        hotplug.remove_nic(self.session, nic, self.run.hvp)
        nics, names = list(self.run.nics), tap.records(self.files)
        del nics[number]
        name = names.pop(number)
        tap.disconnect(self.instance.name, number, nic.nic, name)
        tap.write_records(self.files, names)
        self.save(self.run.replace(nics=nics))
