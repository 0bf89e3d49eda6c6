"""Live migration, as far as it happens on one node; the master calls both sides in turn."""

from __future__ import annotations

import logging
import os
from typing import Any

from ganeti import errors, objects
from ganeti.backend import blockdev
from ganeti.backend.instance import require_running
from ganeti.hypervisor import registry
from ganeti.hypervisor.base import BaseHypervisor
from ganeti.storage import links


def _driver(instance: objects.Instance) -> BaseHypervisor:
    driver = registry.get(instance.hypervisor)
    if not driver.can_migrate:
        raise errors.HypervisorError(
            f"Hypervisor {instance.hypervisor} can not migrate instances; use fail-over")
    return driver


def instance_migratable(instance: objects.Instance) -> None:
    """Fail unless the instance runs here in a state that can be migrated."""
    _driver(instance)
    require_running(instance)
    for index in range(len(instance.disks)):
        link = links.link_path(instance.name, index)
        if not os.path.islink(link):
            logging.warning("Symlink %s of instance %s is missing", link, instance.name)


def migration_info(instance: objects.Instance) -> Any:
    """What the target has to know of the running guest."""
    return _driver(instance).migration_info(instance)


def accept_instance(instance: objects.Instance, info: Any, target: str) -> None:
    """Get ready to receive the guest at address `target` of this node."""
    driver = _driver(instance)
    blockdev.link_disks(instance)
    try:
        driver.accept_instance(instance, info, target)
    except errors.GenericError:
        blockdev.unlink_disks(instance.name)
        raise
    logging.info("Ready to receive instance %s", instance.name)


def instance_migrate(cluster_name: str, instance: objects.Instance, target: str,
                     live: bool) -> None:
    """Begin to send the guest; the master asks for the status until it has ended."""
    _driver(instance).migrate(cluster_name, instance, target, live)


def instance_get_migration_status(instance: objects.Instance) -> dict[str, Any]:
    """How far sending the guest has come."""
    return _driver(instance).migration_status(instance).to_wire()


def instance_finalize_migration_dst(instance: objects.Instance, info: Any,
                                    success: bool) -> None:
    """Take over the received guest, or remove what a failed migration left."""
    try:
        _driver(instance).finalize_migration_dst(instance, info, success)
    finally:
        if not success:
            blockdev.unlink_disks(instance.name)
    logging.info("Migration of instance %s to this node %s", instance.name,
                 "is complete" if success else "failed")


def instance_finalize_migration_src(instance: objects.Instance, success: bool,
                                    live: bool) -> None:
    """Let go of the sent guest, or make it go on here."""
    _driver(instance).finalize_migration_src(instance, success, live)
    if success:
        blockdev.unlink_disks(instance.name)
    logging.info("Migration of instance %s away from this node %s", instance.name,
                 "is complete" if success else "failed")
