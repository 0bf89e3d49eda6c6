"""The contract of a storage type: its descriptor and its device.

A *descriptor* (:class:`DiskTemplate`) is pure data and may be asked on the master; a *device*
(:class:`BlockDev`) does things to one disk on the node it runs on. What particular types do is
in their own modules; which types there are is in :mod:`ganeti.storage.registry`.
"""

from __future__ import annotations

import contextlib
import enum
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ganeti import constants, errors, objects
from ganeti.storage import images


class Mirroring(enum.Enum):
    """Who keeps a second copy of the data."""

    #: Nobody: the data is on one node only
    NONE = "none"
    #: Ganeti does, between a primary and a secondary node
    INTERNAL = "internal"
    #: The storage itself does, or every node of the group reaches the same copy
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class Link:
    """What two nodes need to mirror a disk: reserved in the configuration."""

    port: int
    #: Device numbers on the primary and on the secondary node
    minors: tuple[int, int]
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskRequest:
    """What the master knows about a disk that is to be laid out."""

    #: UUID of the new disk object
    uuid: str
    #: A cluster-wide unique id, from which the name of the volume or file is made
    unique_id: str
    instance_name: str
    instance_uuid: str
    #: Place of the disk in its instance, from 0
    index: int
    #: Size in MiB
    size: int
    primary_node: str
    secondary_nodes: Sequence[str] = ()
    mode: str = constants.DISK_RDWR
    name: str | None = None
    spindles: int | None = None
    #: Directory (logical path) in which file based disks of the instance live
    directory: str | None = None
    #: Driver of file based disks
    file_driver: str | None = None
    #: Volume group of the cluster or of the disk
    vg: str | None = None
    metavg: str | None = None
    #: Storage provider of external storage
    provider: str | None = None
    #: Existing volume that is taken over
    adopt: str | None = None
    #: Kernel or user space access, if given for this disk
    access: str | None = None
    #: Logical ids of the disks that the instance has already
    held_ids: Sequence[Sequence[Any]] = ()
    #: For disks that are mirrored between nodes
    link: Link | None = None
    #: Further disk parameters given for this disk
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SpaceInfo:
    """Free and whole space of a place where disks are kept, in MiB."""

    free: int
    size: int


class BlockDev(ABC):
    """One disk on this node.

    Every method may be called again after a lost answer: what is already so is left alone.
    Failures raise :class:`errors.BlockDeviceError` with a text for the administrator. Apart from
    :meth:`create`, :meth:`remove` and :meth:`rename`, methods other than :meth:`attach` expect
    an attached device.
    """

    def __init__(self, disk: objects.Disk, children: Sequence[BlockDev] = ()) -> None:
        self.disk = disk
        self.params: Mapping[str, Any] = disk.params or {}
        self.children = list(children)
        self.attached = False
        #: Why attaching found nothing, where the storage has told
        self.why_not: str | None = None
        self.major: int | None = None
        self.minor: int | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.disk.dev_type} {self.disk.uuid}>"

    @property
    @abstractmethod
    def path(self) -> str:
        """Real path through which programs of this node read and write the disk."""

    @contextlib.contextmanager
    def data(self) -> Iterator[str]:
        """The path of the contents, usable for as long as the block lasts.

        For storage that only guests reach (user space) this is what brings a path about.
        """
        yield self.path

    @property
    def data_path(self) -> str:
        """The path that `data` gives, known before."""
        return self.path

    @abstractmethod
    def create(self, size: int, *, spindles: int | None = None, exclusive: bool = False) -> None:
        """Make the storage, `size` MiB, reading as zeroes or as undefined; fail if it exists."""

    @abstractmethod
    def attach(self) -> bool:
        """Look whether the storage is here; sets and returns :attr:`attached`."""

    def present(self) -> bool:
        """Whether what :meth:`assemble` needs is on this node."""
        return self.attach()

    @abstractmethod
    def remove(self) -> None:
        """Remove the storage; what is not there is not an error."""

    def assemble(self) -> None:
        """Make the device usable on this node."""
        self.require_attached()

    def shutdown(self) -> None:
        """Undo :meth:`assemble`; the data stays."""

    def open(self, *, force: bool = False, exclusive: bool = True) -> None:
        """Make the device writable from this node."""

    def close(self) -> None:
        """Undo :meth:`open`."""

    def rename(self, new_logical_id: Sequence[Any]) -> None:
        """Give the storage another name; refused where the type can not."""
        raise errors.BlockDeviceError(f"Disks of type {self.disk.dev_type} can not be renamed")

    @abstractmethod
    def grow(self, amount: int, *, dry_run: bool = False, backing_store: bool = True,
             exclusive: bool = False) -> None:
        """Add `amount` MiB; `dry_run` only checks that it would be possible."""

    def snapshot(self, name: str | None, size: int | None) -> list[Any]:
        """Make a frozen copy and return its logical id; refused where the type can not."""
        raise errors.BlockDeviceError(
            f"Disks of type {self.disk.dev_type} can not be snapshotted")

    def set_info(self, text: str) -> None:
        """Note the owner in the storage's own metadata, for types that have such."""

    def pause_sync(self, pause: bool) -> None:
        """Hold or continue mirroring; refused by types that do not mirror themselves."""
        raise errors.BlockDeviceError(
            f"Disks of type {self.disk.dev_type} have no synchronisation to pause or resume")

    def uri(self, hypervisor: str) -> str | None:
        """Address for hypervisors that reach the storage without a device on the node."""
        return None

    @abstractmethod
    def actual_size(self) -> int:
        """Size in bytes as the node sees it now."""

    def spindles(self) -> int | None:
        """Number of physical disks used, for types that count them."""
        return None

    def sync_status(self) -> dict[str, Any]:
        """The catalogue's block device status; types without mirroring are always healthy."""
        self.require_attached()
        return {
            "dev_path": self.path,
            "major": self.major,
            "minor": self.minor,
            "sync_percent": None,
            "estimated_time": None,
            "is_degraded": False,
            "ldisk_status": constants.LDS_OKAY,
        }

    def require_attached(self) -> None:
        if not self.attached and not self.attach():
            raise errors.BlockDeviceError(
                f"Disk {self.disk.iv_name or self.disk.uuid} ({self.disk.dev_type}"
                f" {self.disk.uuid}) is not present on this node"
                + (f": {self.why_not}" if self.why_not else ""))


#: Setting of the cluster that says where a kind of storage is on the nodes
_SETTING_OF = {
    constants.ST_LVM_VG: "volume_group_name",
    constants.ST_FILE: "file_storage_dir",
    constants.ST_SHARED_FILE: "shared_file_storage_dir",
    constants.ST_GLUSTER: "gluster_storage_dir",
}


class DiskTemplate(ABC):
    """What a storage type can do. Ask these attributes, never the name."""

    #: Name on the wire and in the configuration
    name: str
    #: Kind of the node storage that holds it (constants.ST_*)
    storage_type: str
    mirroring: Mirroring = Mirroring.NONE
    #: An instance of this type names a second node
    needs_secondary: bool = False
    #: Every node of the group sees the same data
    shared: bool = False
    growable: bool = False
    can_snapshot: bool = False
    #: An existing volume can (or has to) be taken over
    adoptable: bool = False
    must_adopt: bool = False
    #: The disk is a file below a storage directory
    file_based: bool = False
    #: Drivers that the files can have
    file_drivers: frozenset[str] = frozenset()
    #: The path holds the instance's name, so that renaming the instance renames the file
    path_follows_instance: bool = False
    #: Raw contents can be read and written by dd for conversion
    copyable: bool = False
    convertible_from: bool = True
    convertible_to: bool = True
    #: A hypervisor may reach it by URI; there is an `access` parameter
    userspace_uri: bool = False
    #: The free space of the node limits what can be created, and is checked before
    counts_free_space: bool = True
    #: Works on nodes with exclusive storage
    exclusive_storage: bool = False
    #: Disks name the provider that keeps them
    needs_provider: bool = False
    #: Lives in LVM volume groups
    uses_lvm: bool = False
    #: The type whose disks are the copies that this one mirrors between nodes
    mirrors_template: str | None = None
    #: Can an instance of this type have disks at all
    has_disks: bool = True
    #: The device is assembled on secondary nodes too
    assemble_on_secondary: bool = False
    #: Class of the device; None while only the descriptor is known
    device_class: type[BlockDev] | None = None

    @property
    def mirrored(self) -> bool:
        return self.mirroring is not Mirroring.NONE

    @property
    def usable(self) -> bool:
        """Can instances of this type be made."""
        return not self.has_disks or self.device_class is not None

    @property
    def parameters(self) -> Any:
        """Parameter table of the type (cluster and group level).

        A type whose table is not in constants.DISK_TABLES declares it here: as a class
        attribute ``parameters = ParamTable(name, [Param(...), ...])``.
        """
        return constants.DISK_TABLES[self.name]

    @classmethod
    def check_declaration(cls) -> None:
        """Refuse what a type of another package can not be; ProgrammerError."""
        if not isinstance(getattr(cls, "storage_type", None), str):
            raise errors.ProgrammerError("it does not say its storage_type")
        if not isinstance(cls.mirroring, Mirroring):
            raise errors.ProgrammerError(f"its mirroring is {cls.mirroring!r}")
        if not cls().usable:
            raise errors.ProgrammerError("it has no device_class")

    @property
    def setting(self) -> str | None:
        """Setting of the cluster that says where the type keeps its disks, if one does."""
        return _SETTING_OF.get(self.storage_type)

    def unit(self, cluster: objects.Cluster) -> str | None:
        """What `space` is asked for on each node; None when the type can not tell."""
        return getattr(cluster, self.setting) if self.setting else None

    def layout(self, request: DiskRequest) -> objects.Disk:
        """The disk object for a request; nothing is created."""
        return objects.Disk(
            uuid=request.uuid, dev_type=self.name, logical_id=self.logical_id(request),
            nodes=self.disk_nodes(request), iv_name=f"disk/{request.index}", size=request.size,
            mode=request.mode, name=request.name, spindles=request.spindles,
            params=self.own_params(request))

    def own_params(self, request: DiskRequest) -> dict[str, Any]:
        """Parameters that this disk has by itself; cluster and group give the others."""
        own = dict(request.params)
        if request.access is not None:
            own[constants.IDISK_ACCESS] = request.access
        return own

    def logical_id(self, request: DiskRequest) -> list[Any]:
        """Where the disk of a request will live."""
        raise errors.OpPrereqError(
            f"Disk template '{self.name}' can not lay out new disks in this release",
            errors.ECODE_INVAL)

    def check_adopted(self, name: str) -> None:
        """Refuse names of existing storage that can never be adopted, before it is looked at."""

    def disk_nodes(self, request: DiskRequest) -> list[str]:
        """UUIDs of the nodes that hold the data; none when all nodes reach it."""
        return [] if self.shared else [request.primary_node, *request.secondary_nodes]

    def volumes(self, size: int) -> list[tuple[str, int]]:
        """MiB that a disk of a size takes, by the parameter that names the volume group."""
        return [(constants.IDISK_VG, size)]

    def resized(self, disk: objects.Disk, size: int) -> objects.Disk:
        """The disk, and what of it grows along, with another size."""
        return disk.replace(size=size)

    def moved(self, disk: objects.Disk, leaving: str, node_uuid: str, minor: int) -> objects.Disk:
        """A disk mirrored between nodes, after one took another's place."""
        raise errors.ProgrammerError(f"Disks of type {self.name} are not mirrored between nodes")

    def relinked(self, disk: objects.Disk, nodes: Sequence[str], link: Link) -> objects.Disk:
        """A disk mirrored between nodes as it would be on two other ones."""
        raise errors.ProgrammerError(f"Disks of type {self.name} are not mirrored between nodes")

    def alone(self, disk: objects.Disk) -> objects.Disk:
        """A disk mirrored between nodes as one makes it that does not look for its peer yet."""
        raise errors.ProgrammerError(f"Disks of type {self.name} are not mirrored between nodes")

    def child_params(self, params: Mapping[str, Any], index: int) -> dict[str, Any]:
        """Parameters that a part of a disk gets from those of the whole."""
        return {}

    def snapshot_disk(self, disk: objects.Disk, logical_id: Sequence[Any]) -> objects.Disk:
        """The disk object of a snapshot, from what `snapshot` has returned."""
        return disk.replace(logical_id=list(logical_id), children=[])

    def minors(self, disk: objects.Disk) -> list[tuple[str, int]]:
        """Device numbers that the disk occupies: (node uuid, minor)."""
        return []

    def ports(self, disk: objects.Disk) -> list[int]:
        """TCP ports of the cluster's pool that the disk occupies."""
        return []

    def shown_id(self, disk: objects.Disk) -> list[Any]:
        """The logical id as people may see it."""
        return list(disk.logical_id)

    def present_id(self, disk: objects.Disk, adopt: str) -> list[Any] | None:
        """The logical id that the volume `adopt` has before it is renamed to be `disk`; None
        for volumes that keep their own name."""
        return None

    def renamed_id(self, disk: objects.Disk, new_directory: str) -> list[Any]:
        """The logical id after the instance has another name (`path_follows_instance` only)."""
        raise errors.ProgrammerError(f"Disks of type {self.name} do not follow instance names")

    def image(self, disk: objects.Disk) -> images.ImageFormat:
        """Format of what lies at the path of a disk."""
        return images.RAW

    def describe(self, disk: objects.Disk) -> dict[str, Any]:
        """Where the disk lives, by the names that hooks know it (VG, ID, DRIVER, PROVIDER)."""
        if len(disk.logical_id) != 2:
            return {}
        return {"DRIVER": disk.logical_id[0], "ID": disk.logical_id[1]}

    def space(self, key: str, params: Sequence[Any]) -> SpaceInfo | None:
        """Space of the storage unit `key` on this node; None when the type can not tell."""
        return None
