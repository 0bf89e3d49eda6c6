"""The driver on one node of its own: JSON calls in on stdin, answers out on stdout.

Run with the node's GANETI_ROOTDIR, as the driver reads its paths when it is imported.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ganeti import errors, objects
from ganeti.hypervisor.base import BlockDevice
from ganeti.hypervisor.kvm.driver import KvmHypervisor

DRIVER = KvmHypervisor()


def instance(data: dict[str, Any]) -> objects.Instance:
    return objects.Instance.from_dict(data)


def block_devices(inst: objects.Instance, links: list[str]) -> list[BlockDevice]:
    return [BlockDevice(disk, link) for disk, link in zip(inst.disks_info or [], links,
                                                          strict=True)]


def start(inst: dict[str, Any], links: list[str], paused: bool = False) -> None:
    DRIVER.start(instance(inst), block_devices(instance(inst), links), paused)


def info(name: str, hvparams: dict[str, Any] | None = None) -> Any:
    found = DRIVER.instance_info(name, hvparams)
    return found and found.to_wire()


def hotplug(inst: dict[str, Any], action: str, dev_type: str, device: dict[str, Any], extra: Any,
            seq: int) -> Any:
    kind = objects.Disk if dev_type == "disk" else objects.Nic
    plugged = DRIVER.hotplug(instance(inst), action, dev_type, kind.from_dict(device), extra, seq)
    return plugged and plugged.to_dict(wire=True)


def resize_disk(inst: dict[str, Any], disk: dict[str, Any], size: int) -> None:
    DRIVER.resize_disk(instance(inst), objects.Disk.from_dict(disk), size)


def status(inst: dict[str, Any]) -> Any:
    return DRIVER.migration_status(instance(inst)).to_wire()


def migrate(inst: dict[str, Any], target: str, live: bool) -> None:
    DRIVER.migrate("cluster", instance(inst), target, live)


def plain(method: str) -> Any:
    """A method of the driver whose first argument is an instance."""
    def call(inst: dict[str, Any], *args: Any, **more: Any) -> Any:
        return getattr(DRIVER, method)(instance(inst), *args, **more)
    return call


CALLS: dict[str, Any] = {
    "start": start, "info": info, "hotplug": hotplug, "resize_disk": resize_disk,
    "migrate": migrate, "migration_status": status,
    "list": DRIVER.list_instances, "cleanup": DRIVER.cleanup, "node_info": DRIVER.node_info,
    "validate": DRIVER.validate, "verify": DRIVER.verify,
    **{name: plain(name) for name in (
        "stop", "reboot", "balloon", "migration_info", "accept_instance",
        "finalize_migration_dst", "finalize_migration_src", "get_state", "put_state")},
}


def main() -> None:
    for line in sys.stdin:
        name, args, more = json.loads(line)
        try:
            answer = [True, CALLS[name](*args, **more)]
        except errors.GenericError as err:
            answer = [False, f"{type(err).__name__}: {errors.text(err)}"]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
