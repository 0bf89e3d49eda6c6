"""A hypervisor without guests: a file a guest under ``RUN_DIR/ganeti-fake-hypervisor``.

For tests and for trying the system out. It can do all that a hypervisor can, quickly, and it
fails where it is asked to. A file ``fail/OPERATION`` (every guest) or ``fail/OPERATION-NAME``
(one guest) in its directory, or the instance tag ``fake:fail-OPERATION``, makes OPERATION fail;
the file's contents are the text of the failure. Operations are the names of the driver's
methods (``start``, ``reboot``, ``cleanup``, ``balloon``, ``accept_instance``, ``migrate``,
``finalize_migration_dst``, ``hotplug``, ``list_instances``, ``instance_info``, ``node_info``,
``validate`` ...; those that are given no instance heed files only) and

* ``stop``: stopping fails;
* ``shutdown``: the guest does not react to being asked, it has to be destroyed;
* ``migration``: migrations start, but then end in the status "failed";
* ``verify``: the node's hypervisor is reported as broken.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import constants, errors, ht, objects, pathutils, serializer
from ganeti.hypervisor import base, console, linux
from ganeti.utils import io

TAG_PREFIX = "fake:fail-"
MEMORY_OF_UNKNOWN = 1
_GUEST = ht.Object({"id": ht.Int, "memory": ht.Number, "vcpus": ht.Number, "state": ht.Any,
                    "started": ht.Number, "boots": ht.Int}, exact=False)


def root_dir() -> str:
    """Where the guests' files are."""
    return pathutils.FAKE_DIR


def _guest_file(name: str) -> str:
    if "/" in name or name.startswith("."):
        raise errors.HypervisorError(f"Wrong instance name '{name}'")
    return os.path.join(root_dir(), name)


def fail_file(operation: str, name: str | None = None) -> str:
    """The file whose presence makes an operation fail."""
    return os.path.join(root_dir(), "fail", operation if name is None else f"{operation}-{name}")


def _failure(operation: str, guest: objects.Instance | str | None = None) -> str | None:
    """The text of the failure asked for, or None."""
    candidates = [fail_file(operation)]
    if isinstance(guest, objects.Instance):
        candidates.append(fail_file(operation, guest.name))
        if f"{TAG_PREFIX}{operation}" in guest.tags:
            return f"{operation} fails as the instance's tag asks"
    elif guest is not None:
        candidates.append(fail_file(operation, guest))
    for path in candidates:
        try:
            with open(path, encoding="utf-8") as fobj:
                return fobj.read().strip() or f"{operation} fails as {path} asks"
        except FileNotFoundError:
            continue
    return None


def _fail_if_asked(operation: str, guest: objects.Instance | str | None = None) -> None:
    text = _failure(operation, guest)
    if text is not None:
        raise errors.HypervisorError(text)


class FakeHypervisor(base.BaseHypervisor):
    """Guests that are only files."""

    name = constants.HT_FAKE
    can_migrate = True
    opens_addresses = True
    can_hotplug = True
    can_balloon = True
    detects_user_shutdown = True

    # The guests' files ------------------------------------------------------------------------

    def read_guest(self, name: str) -> dict[str, Any] | None:
        """What is known of a guest, None if it does not exist."""
        try:
            guest = serializer.load(io.read_file(_guest_file(name)))
        except FileNotFoundError:
            return None
        except errors.ParseError as err:
            raise errors.HypervisorError(f"State file of fake guest {name} is damaged: {err}"
                                         ) from err
        try:
            _GUEST.check(guest)
        except ht.Mismatch as err:
            raise errors.HypervisorError(f"State file of fake guest {name} is damaged: {err}"
                                         ) from None
        return dict(guest)

    def _write_guest(self, name: str, guest: Mapping[str, Any]) -> None:
        os.makedirs(root_dir(), mode=0o750, exist_ok=True)
        io.write_file(_guest_file(name), serializer.dump(dict(guest)), mode=0o640,
                      sync=False)

    def _remove_guest(self, name: str) -> None:
        io.remove_file(_guest_file(name))

    def _require_guest(self, name: str) -> dict[str, Any]:
        guest = self.read_guest(name)
        if guest is None or guest["state"] != base.RUNNING:
            raise errors.HypervisorError(f"Instance {name} does not run")
        return guest

    def user_shutdown(self, name: str) -> None:
        """Play a user who shuts the guest down from inside."""
        self._write_guest(name, {**self._require_guest(name), "state": base.USER_SHUTDOWN})

    # Life -------------------------------------------------------------------------------------

    def start(self, instance: objects.Instance, block_devices: Sequence[base.BlockDevice],
              paused: bool = False) -> None:
        _fail_if_asked("start", instance)
        for device in block_devices:
            if device.uri is None and not os.path.exists(device.link):
                raise errors.HypervisorError(
                    f"Disk {device.disk.iv_name} of {instance.name} is not there: {device.link}")
        self._write_guest(instance.name, self._new_guest(instance, block_devices, paused))

    def _new_guest(self, instance: objects.Instance,
                   block_devices: Sequence[base.BlockDevice], paused: bool) -> dict[str, Any]:
        return {
            "id": int.from_bytes(os.urandom(3), "big") + 1,
            "memory": instance.beparams.get(constants.BE_MAXMEM, MEMORY_OF_UNKNOWN),
            "vcpus": instance.beparams.get(constants.BE_VCPUS, 1),
            "state": base.RUNNING,
            "paused": paused,
            "started": time.time(),
            "boots": 1,
            "disks": [device.uri or device.link for device in block_devices],
            "nics": [nic.mac for nic in instance.nics],
        }

    def stop(self, instance: objects.Instance, *, force: bool = False, retry: bool = False,
             name: str | None = None, timeout: float | None = None) -> None:
        _fail_if_asked("stop", instance)
        if not force and _failure("shutdown", instance) is not None:
            return
        self._remove_guest(name or instance.name)

    def cleanup(self, name: str) -> None:
        _fail_if_asked("cleanup", name)
        guest = self.read_guest(name)
        if guest is not None and guest["state"] != base.RUNNING:
            self._remove_guest(name)

    def reboot(self, instance: objects.Instance) -> None:
        _fail_if_asked("reboot", instance)
        guest = self._require_guest(instance.name)
        self._write_guest(instance.name, {**guest, "boots": guest["boots"] + 1})

    # Looking ----------------------------------------------------------------------------------

    def list_instances(self, hvparams: base.HvParams | None = None) -> list[str]:
        _fail_if_asked("list_instances")
        return [name for name in io.list_visible(root_dir())
                if os.path.isfile(os.path.join(root_dir(), name))]

    def instance_info(self, name: str, hvparams: base.HvParams | None = None
                      ) -> base.InstanceInfo | None:
        _fail_if_asked("instance_info", name)
        guest = self.read_guest(name)
        if guest is None:
            return None
        return base.InstanceInfo(
            name=name, id=guest["id"], memory=guest["memory"], vcpus=guest["vcpus"],
            state=guest["state"], time=time.time() - guest["started"])

    def node_info(self, hvparams: base.HvParams | None = None) -> dict[str, Any]:
        """As on any Linux node, but the memory of the guests counts as used."""
        _fail_if_asked("node_info")
        info = linux.node_info()
        used = sum(guest.memory for guest in self.all_instances_info()
                   if guest.state == base.RUNNING)
        info["memory_free"] = max(0, info["memory_free"] - used)
        return info

    @classmethod
    def console(cls, instance: objects.Instance, node: objects.Node, group: objects.NodeGroup,
                hvparams: base.HvParams, beparams: Mapping[str, Any]) -> dict[str, Any]:
        return console.message(
            instance.name, f"Instance {instance.name} is a fake guest and has no console")

    def validate(self, hvparams: base.HvParams) -> None:
        _fail_if_asked("validate")
        super().validate(hvparams)

    def verify(self, hvparams: base.HvParams | None = None) -> str | None:
        problem = _failure("verify")
        if problem is not None:
            return problem
        parent = os.path.dirname(root_dir())
        if not os.access(parent, os.W_OK):
            return f"Directory {parent} for the guests' files is missing or not writable"
        return None

    # Migration --------------------------------------------------------------------------------

    def migration_info(self, instance: objects.Instance) -> Any:
        _fail_if_asked("migration_info", instance)
        return serializer.dumps(self._require_guest(instance.name))

    def accept_instance(self, instance: objects.Instance, info: Any, target: str) -> None:
        _fail_if_asked("accept_instance", instance)
        if self.read_guest(instance.name) is not None:
            raise errors.HypervisorError(f"Instance {instance.name} runs here already")
        self._received(info)

    def migrate(self, cluster_name: str, instance: objects.Instance, target: str,
                live: bool) -> None:
        _fail_if_asked("migrate", instance)
        self._require_guest(instance.name)

    def migration_status(self, instance: objects.Instance) -> base.MigrationStatus:
        _fail_if_asked("migration_status", instance)
        guest = self._require_guest(instance.name)
        if _failure("migration", instance) is not None:
            return base.MigrationStatus(constants.HV_MIGRATION_FAILED)
        return base.MigrationStatus(constants.HV_MIGRATION_COMPLETED,
                                    transferred_ram=guest["memory"], total_ram=guest["memory"])

    def finalize_migration_dst(self, instance: objects.Instance, info: Any,
                               success: bool) -> None:
        _fail_if_asked("finalize_migration_dst", instance)
        if success and info is None:
            self._require_guest(instance.name)
        elif success:
            self._write_guest(instance.name, self._received(info))
        else:
            self._remove_guest(instance.name)

    def finalize_migration_src(self, instance: objects.Instance, success: bool,
                               live: bool) -> None:
        _fail_if_asked("finalize_migration_src", instance)
        if success:
            self._remove_guest(instance.name)

    def _received(self, info: Any) -> dict[str, Any]:
        try:
            guest = serializer.load(info)
        except (errors.ParseError, TypeError) as err:
            raise errors.HypervisorError(f"The sent state of the guest is unusable: {err}"
                                         ) from err
        if not isinstance(guest, dict) or "started" not in guest:
            raise errors.HypervisorError("The sent state of the guest is unusable")
        return guest

    # Changes while running --------------------------------------------------------------------

    def balloon(self, instance: objects.Instance, memory: int) -> None:
        _fail_if_asked("balloon", instance)
        guest = self._require_guest(instance.name)
        self._write_guest(instance.name, {**guest, "memory": memory})

    def hotplug_supported(self, instance: objects.Instance) -> None:
        text = _failure("hotplug_supported", instance)
        if text is not None:
            raise errors.HotplugError(text)
        if self.read_guest(instance.name) is None:
            raise errors.HotplugError(
                f"Instance {instance.name} does not run, so nothing can be hotplugged")

    def hotplug(self, instance: objects.Instance, action: str, dev_type: str,
                device: objects.Disk | objects.Nic, extra: Any, seq: int) -> Any:
        _fail_if_asked("hotplug", instance)
        guest = self._require_guest(instance.name)
        kind = "disks" if isinstance(device, objects.Disk) else "nics"
        mark = None if action == constants.HOTPLUG_ACTION_REMOVE else (
            device.mac if isinstance(device, objects.Nic) else extra[1] or extra[0])
        plugged = list(guest[kind])
        if action == constants.HOTPLUG_ACTION_ADD:
            plugged.insert(seq, mark)
        elif seq >= len(plugged):
            raise errors.HotplugError(
                f"Instance {instance.name} runs without a {dev_type} of index {seq}")
        elif action == constants.HOTPLUG_ACTION_REMOVE:
            del plugged[seq]
        else:
            plugged[seq] = mark
        self._write_guest(instance.name, {**guest, kind: plugged})
        if action == constants.HOTPLUG_ACTION_REMOVE:
            return None
        return device.replace(hvinfo={"id": f"{dev_type}-{device.uuid[:18]}"})

    def resize_disk(self, instance: objects.Instance, disk: objects.Disk, size: int) -> None:
        _fail_if_asked("resize_disk", instance)
        self._require_guest(instance.name)
