"""The contract of a hypervisor driver.

The class attributes are capabilities and may be asked on the master, as may
:meth:`BaseHypervisor.check_syntax` and :meth:`BaseHypervisor.console`; everything else runs on
the node. What particular drivers do is in their own modules.
"""

from __future__ import annotations

import dataclasses
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from ganeti import constants, errors, objects

#: States of a guest as reported to the master
RUNNING = 0
USER_SHUTDOWN = 1

HvParams = Mapping[str, Any]


class BlockDevice(NamedTuple):
    """A disk as handed to a driver."""

    disk: objects.Disk
    #: Real path of the symlink under the instance-disks directory
    link: str
    #: Address for drivers that reach the storage directly, None to use the link
    uri: str | None = None


@dataclass(frozen=True, slots=True)
class InstanceInfo:
    """A guest as seen by its hypervisor."""

    name: str
    #: Process or domain number
    id: int
    #: MiB, -1 when unknown
    memory: int
    vcpus: int
    state: int = RUNNING
    #: CPU time in seconds
    time: float = 0.0

    def to_wire(self) -> dict[str, Any]:
        return {"memory": self.memory, "vcpus": self.vcpus, "state": self.state,
                "time": self.time}


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """Progress of a migration; RAM in MiB, times in ms (None when the driver can not tell)."""

    #: One of constants.HV_MIGRATION_VALID_STATUSES
    status: str
    transferred_ram: float | None = None
    total_ram: float | None = None
    postcopy_status: str | None = None
    #: How long the guest stood still, and the whole transfer; known when it has completed
    downtime: int | None = None
    total_time: int | None = None
    #: Why it failed, where the driver knows
    reason: str | None = None

    def to_wire(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


class BaseHypervisor(ABC):
    """One hypervisor on this node.

    Methods raise :class:`errors.HypervisorError` with a text for the administrator. Instances
    arrive with filled hypervisor and backend parameters. Starting a guest that runs and stopping
    one that does not are left to the caller (:mod:`ganeti.backend.instance`) to recognise.
    """

    #: Name on the wire and in the configuration
    name: ClassVar[str]
    can_migrate: ClassVar[bool] = False
    can_hotplug: ClassVar[bool] = False
    can_balloon: ClassVar[bool] = False
    #: Opens disks by address (access=userspace), with no device on the node
    opens_addresses: ClassVar[bool] = False
    #: Formats of files that it opens as disks
    image_formats: ClassVar[frozenset[str]] = frozenset([constants.IMAGE_RAW])
    #: Instances need a TCP port for their graphical console
    needs_network_port: ClassVar[bool] = False
    #: The driver can tell that a guest was shut down from inside
    detects_user_shutdown: ClassVar[bool] = False
    #: The daemon that has to run for that, if one has to
    shutdown_daemon: ClassVar[str] = ""
    #: Logical paths of files that every node needs, and of those that it may lack
    ancillary_files: ClassVar[Sequence[str]] = ()
    optional_ancillary_files: ClassVar[Sequence[str]] = ()

    @property
    def parameters(self) -> Any:
        """Parameter table of the driver.

        A driver whose table is not in constants.HV_TABLES declares it here: as a class
        attribute ``parameters = ParamTable(name, [Param(...), ...])``.
        """
        return constants.HV_TABLES[self.name]

    @classmethod
    def check_declaration(cls) -> None:
        """Refuse what a driver of another package can not be; ProgrammerError."""
        for path in (*cls.ancillary_files, *cls.optional_ancillary_files):
            if not os.path.isabs(path):
                raise errors.ProgrammerError(f"its file {path!r} is no absolute path")

    # Life ------------------------------------------------------------------------------------

    @abstractmethod
    def start(self, instance: objects.Instance, block_devices: Sequence[BlockDevice],
              paused: bool = False) -> None:
        """Start a guest."""

    @abstractmethod
    def stop(self, instance: objects.Instance, *, force: bool = False, retry: bool = False,
             name: str | None = None, timeout: float | None = None) -> None:
        """Ask a guest to shut down, or with `force` end it at once.

        Called repeatedly until the guest is gone; `retry` tells that it was asked before.
        `name` is given when the guest runs under another name than the instance's.
        """

    def cleanup(self, name: str) -> None:
        """Remove what a guest that does not run any more has left."""

    @abstractmethod
    def reboot(self, instance: objects.Instance) -> None:
        """Restart the guest's operating system without losing its virtual machine."""

    # Looking ---------------------------------------------------------------------------------

    @abstractmethod
    def list_instances(self, hvparams: HvParams | None = None) -> list[str]:
        """Names of the guests that this node's hypervisor knows, shut down by users or not."""

    @abstractmethod
    def instance_info(self, name: str, hvparams: HvParams | None = None) -> InstanceInfo | None:
        """State of one guest; None when it does not run."""

    def all_instances_info(self, hvparams: HvParams | None = None) -> list[InstanceInfo]:
        infos = [self.instance_info(name, hvparams) for name in self.list_instances(hvparams)]
        return [info for info in infos if info is not None]

    @abstractmethod
    def node_info(self, hvparams: HvParams | None = None) -> dict[str, Any]:
        """Memory (MiB) and processors of the node: the catalogue's hv dict."""

    @classmethod
    @abstractmethod
    def console(cls, instance: objects.Instance, node: objects.Node, group: objects.NodeGroup,
                hvparams: HvParams, beparams: Mapping[str, Any]) -> dict[str, Any]:
        """How to reach the guest's console, as a console dict; touches nothing on the node."""

    # What guests keep beside their disks -----------------------------------------------------

    @classmethod
    def keeps_state(cls, hvparams: HvParams) -> bool:
        """Whether a guest has something on its node that has to follow it, beside its disks."""
        return False

    def get_state(self, instance: objects.Instance) -> dict[str, Any] | None:
        """That state, as it was when the guest last changed it: ``{"saved": time, "files": ...}``.

        None when this node has none.
        """
        return None

    def put_state(self, instance: objects.Instance, state: Mapping[str, Any] | None) -> None:
        """Keep the state of a guest that does not run here; None removes it. May be repeated."""
        raise self._can_not("keep anything of guests beside their disks")

    # Parameters ------------------------------------------------------------------------------

    @classmethod
    def check_syntax(cls, hvparams: HvParams) -> None:
        """Check filled parameters by themselves; raises OpPrereqError. Runs anywhere."""
        constants.HV_TABLES[cls.name].check(hvparams, f"hypervisor {cls.name}")

    @classmethod
    def check_size(cls, hvparams: HvParams, vcpus: int) -> None:
        """Check what depends on the number of virtual CPUs, once `check_syntax` has passed."""

    def validate(self, hvparams: HvParams) -> None:
        """Check filled parameters against this node (files that must exist and the like)."""
        trouble = constants.HV_TABLES[self.name].missing_paths(hvparams)
        if trouble:
            raise errors.HypervisorError(
                f"Parameters of hypervisor {self.name} do not fit this node: "
                + "; ".join(trouble))

    @abstractmethod
    def verify(self, hvparams: HvParams | None = None) -> str | None:
        """What is wrong with the hypervisor on this node; None when it is fine."""

    # Migration -------------------------------------------------------------------------------

    def migration_info(self, instance: objects.Instance) -> Any:
        """Data that the target needs in order to accept the guest."""
        raise self._can_not("migrate")

    def accept_instance(self, instance: objects.Instance, info: Any, target: str) -> None:
        """Get ready to receive the guest on this node, at address `target`."""
        raise self._can_not("migrate")

    def migrate(self, cluster_name: str, instance: objects.Instance, target: str,
                live: bool) -> None:
        """Begin to send a guest to the node at address `target`; does not wait for the end."""
        raise self._can_not("migrate")

    def migration_status(self, instance: objects.Instance) -> MigrationStatus:
        """How far the migration that this node sends has come."""
        raise self._can_not("migrate")

    def finalize_migration_dst(self, instance: objects.Instance, info: Any,
                               success: bool) -> None:
        """Take over the received guest, or clean up after a failure.

        The clean-up of a migration that nobody watched to its end has no `info` (None).
        """
        raise self._can_not("migrate")

    def finalize_migration_src(self, instance: objects.Instance, success: bool,
                               live: bool) -> None:
        """Let go of the sent guest, or make it go on here after a failure."""
        raise self._can_not("migrate")

    # Changes while running -------------------------------------------------------------------

    def balloon(self, instance: objects.Instance, memory: int) -> None:
        """Change the memory of a running guest to `memory` MiB."""
        raise self._can_not("change the memory of running guests")

    def hotplug_supported(self, instance: objects.Instance) -> None:
        """Raise HotplugError unless devices of the running guest can be changed."""
        raise errors.HotplugError(f"Hypervisor {self.name} can not hotplug devices")

    def hotplug(self, instance: objects.Instance, action: str, dev_type: str,
                device: objects.Disk | objects.Nic, extra: Any, seq: int) -> Any:
        """Add, remove or modify a device of a running guest; the device with its hvinfo.

        `action` is one of constants.HOTPLUG_ALL_ACTIONS, `dev_type` one of
        constants.HOTPLUG_TARGET_*; `extra` is the (link, uri) pair of a disk.
        """
        raise errors.HotplugError(f"Hypervisor {self.name} can not hotplug devices")

    def resize_disk(self, instance: objects.Instance, disk: objects.Disk, size: int) -> None:
        """Tell a running guest that its disk has `size` MiB now."""
        raise self._can_not("resize disks of running guests")

    def powercycle(self, hvparams: HvParams | None = None) -> None:
        """Restart the whole node at once."""
        from ganeti.hypervisor import linux
        linux.powercycle()

    def _can_not(self, what: str) -> errors.HypervisorError:
        return errors.HypervisorError(f"Hypervisor {self.name} can not {what}")
