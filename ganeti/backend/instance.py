"""Running and stopping instances on this node, and telling what runs.

How a hypervisor does it is in :mod:`ganeti.hypervisor`; migration is in
:mod:`ganeti.backend.migrate`.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import constants, errors, objects, pathutils, serializer
from ganeti.backend import blockdev
from ganeti.hypervisor import base, registry
from ganeti.utils import io

#: Pauses between looks at a guest that shuts down, in seconds: quick ones first
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0
#: After this many seconds a guest is asked again
ASK_AGAIN = 5.0
#: How long a destroyed guest may take to disappear
FORCED_TIMEOUT = 15.0

Reason = Sequence[Any]


def note_reason(instance_name: str, reason: Reason | None) -> None:
    """Keep the reason trail of the last change of an instance's state, for monitoring."""
    if not reason:
        return
    os.makedirs(pathutils.INSTANCE_REASON_DIR, mode=0o755, exist_ok=True)
    io.write_file(os.path.join(pathutils.INSTANCE_REASON_DIR, instance_name),
                  serializer.dump(list(reason)), mode=0o644, sync=False)


def running_info(instance: objects.Instance) -> base.InstanceInfo | None:
    """What the hypervisor says of an instance that runs; None when it does not."""
    info = registry.get(instance.hypervisor).instance_info(instance.name, instance.hvparams)
    return info if info is not None and info.state == base.RUNNING else None


def require_running(instance: objects.Instance) -> None:
    if running_info(instance) is None:
        raise errors.HypervisorError(f"Instance {instance.name} does not run on this node")


def instance_start(instance_hvp_bep: objects.Instance, startup_paused: bool,
                   reason: Reason | None) -> None:
    """Start a guest; a guest that runs already is left alone (safe to repeat)."""
    instance = instance_hvp_bep
    hypervisor = registry.get(instance.hypervisor)
    info = hypervisor.instance_info(instance.name, instance.hvparams)
    if info is not None and info.state == base.RUNNING:
        logging.info("Instance %s runs already, not starting it", instance.name)
        return
    if info is not None:
        hypervisor.cleanup(instance.name)
    devices = blockdev.link_disks(instance)
    try:
        hypervisor.start(instance, devices, startup_paused)
    except errors.GenericError:
        blockdev.unlink_disks(instance.name)
        raise
    note_reason(instance.name, reason)
    logging.info("Started instance %s", instance.name)


def instance_shutdown(instance: objects.Instance, timeout: float, reason: Reason | None,
                      store_reason: bool = True) -> None:
    """Shut a guest down; after `timeout` seconds it is ended by force (0: at once)."""
    hypervisor = registry.get(instance.hypervisor)
    if running_info(instance) is not None:
        if not _ask_to_stop(hypervisor, instance, timeout):
            _force_stop(hypervisor, instance)
        logging.info("Stopped instance %s", instance.name)
        if store_reason:
            note_reason(instance.name, reason)
    else:
        logging.info("Instance %s does not run, nothing to stop", instance.name)
    hypervisor.cleanup(instance.name)
    blockdev.unlink_disks(instance.name)


def _ask_to_stop(hypervisor: base.BaseHypervisor, instance: objects.Instance,
                 timeout: float) -> bool:
    """Ask a guest to shut down, again and again; whether it was gone in time."""
    deadline = time.monotonic() + timeout
    next_asking = 0.0
    asked = False
    pause = FIRST_PAUSE
    while (now := time.monotonic()) < deadline:
        if now >= next_asking:
            hypervisor.stop(instance, force=False, retry=asked, timeout=deadline - now)
            asked, next_asking = True, now + ASK_AGAIN
        if running_info(instance) is None:
            return True
        time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
        pause = min(pause * 2, LONGEST_PAUSE)
    return running_info(instance) is None


def _force_stop(hypervisor: base.BaseHypervisor, instance: objects.Instance) -> None:
    logging.warning("Instance %s did not shut down in time, ending it", instance.name)
    hypervisor.stop(instance, force=True)
    deadline = time.monotonic() + FORCED_TIMEOUT
    while running_info(instance) is not None:
        if time.monotonic() > deadline:
            raise errors.HypervisorError(
                f"Instance {instance.name} still runs after it was ended by force")
        time.sleep(FIRST_PAUSE)


def instance_reboot(inst: objects.Instance, reboot_type: str, shutdown_timeout: float,
                    reason: Reason | None) -> None:
    """Restart a running guest, inside its virtual machine (soft) or with a new one (hard)."""
    require_running(inst)
    if reboot_type == constants.INSTANCE_REBOOT_SOFT:
        registry.get(inst.hypervisor).reboot(inst)
    elif reboot_type == constants.INSTANCE_REBOOT_HARD:
        instance_shutdown(inst, shutdown_timeout, reason, store_reason=False)
        instance_start(inst, False, None)
    else:
        raise errors.HypervisorError(
            f"Reboot type '{reboot_type}' is nothing that a node can do;"
            f" '{constants.INSTANCE_REBOOT_SOFT}' and '{constants.INSTANCE_REBOOT_HARD}' are")
    note_reason(inst.name, reason)


def instance_info(instance: str, hname: str, hvparams: Mapping[str, Any] | None
                  ) -> dict[str, Any]:
    """State of one guest, empty when it does not run."""
    info = registry.get(hname).instance_info(instance, hvparams)
    return {} if info is None else info.to_wire()


def instance_list(hypervisor_list: Sequence[str],
                  hvparams: Mapping[str, Mapping[str, Any]] | None) -> list[str]:
    """Names of all guests of the given hypervisors."""
    found: list[str] = []
    for name in hypervisor_list:
        found.extend(registry.get(name).list_instances((hvparams or {}).get(name)))
    return sorted(found)


def all_instances_info(hypervisor_list: Sequence[str],
                       all_hvparams: Mapping[str, Mapping[str, Any]] | None
                       ) -> dict[str, dict[str, Any]]:
    """State of all guests of the given hypervisors by name."""
    infos: dict[str, dict[str, Any]] = {}
    for name in hypervisor_list:
        for info in registry.get(name).all_instances_info((all_hvparams or {}).get(name)):
            if info.name in infos:
                raise errors.HypervisorError(
                    f"Instance {info.name} runs twice on this node, once under {name}")
            infos[info.name] = info.to_wire()
    return infos


def instance_balloon_memory(instance: objects.Instance, memory: int) -> None:
    """Change the memory of a running guest to `memory` MiB."""
    require_running(instance)
    registry.get(instance.hypervisor).balloon(instance, memory)


def instance_console_info(instances: Mapping[str, Mapping[str, Any]]
                          ) -> dict[str, dict[str, Any]]:
    """How to reach the consoles of the given instances."""
    consoles = {}
    for name, request in instances.items():
        instance = request["instance"]
        driver = registry.get_class(instance.hypervisor)
        consoles[name] = driver.console(instance, request["node"], request["group"],
                                        request["hvParams"], request["beParams"])
    return consoles


def hotplug_supported(instance: objects.Instance) -> None:
    """Fail unless devices of this running guest can be changed."""
    registry.get(instance.hypervisor).hotplug_supported(instance)


def hotplug_device(instance: objects.Instance, action: str, dev_type: str,
                   device: objects.Disk | objects.Nic, extra: Sequence[Any] | None, seq: int
                   ) -> dict[str, Any] | None:
    """Add, remove or modify a device of a running guest; the device as it is plugged now."""
    if action not in constants.HOTPLUG_ALL_ACTIONS:
        raise errors.HotplugError(f"Unknown hotplug action '{action}'")
    hypervisor = registry.get(instance.hypervisor)
    hypervisor.hotplug_supported(instance)
    where = None
    if extra is not None:
        link, uri = extra
        where = (None if link is None else pathutils.local(link), uri)
    plugged = hypervisor.hotplug(instance, action, dev_type, device, where, seq)
    return None if plugged is None else plugged.to_dict(wire=True)


def resize_disk(instance: objects.Instance, disk: Mapping[str, Any], new_size: int) -> None:
    """Tell a running guest that a disk has `new_size` MiB now."""
    registry.get(instance.hypervisor).resize_disk(
        instance, objects.Disk.from_dict(dict(disk)), new_size)


def hypervisor_validate_params(hvname: str, hvfull: Mapping[str, Any]) -> None:
    """Check hypervisor parameters against what is on this node."""
    registry.get(hvname).validate(hvfull)


def instance_state_get(instance: objects.Instance) -> dict[str, Any] | None:
    """What a guest keeps on this node beside its disks; None when there is nothing."""
    return registry.get(instance.hypervisor).get_state(instance)


def instance_state_put(instance: objects.Instance, state: Mapping[str, Any] | None) -> None:
    """Keep it here (safe to repeat); None removes it."""
    registry.get(instance.hypervisor).put_state(instance, state)
