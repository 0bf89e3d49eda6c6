"""Changing devices of a running guest; what can not be done takes effect at its next start."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, objects
from ganeti.cmdlib.instance.base import InstanceUnit


class Hotplug:
    """The running guest of a unit, if it runs and if its devices can be changed."""

    def __init__(self, unit: InstanceUnit, wanted: bool) -> None:
        self._unit = unit
        self.running = not unit.primary.offline and bool(unit.runtime_info())
        self.possible = False
        if wanted and self.running:
            self.possible = self._ask()

    def _ask(self) -> bool:
        unit = self._unit
        if not unit.hypervisor.can_hotplug:
            reason = f"hypervisor {unit.instance.hypervisor} can not do it"
        else:
            result = unit.rpc.hotplug_supported(unit.instance.primary_node, unit.instance)
            reason = str(result.fail_msg or "")
        if reason:
            unit.feedback.warning(f"Devices of the running guest can not be changed: {reason}")
        return not reason

    def say_later(self, what: str) -> None:
        """Tell that a running guest sees a change only after its next start."""
        if self.running:
            self._unit.feedback.info(f"{what}: the running guest sees this after its next start")

    def nic(self, action: str, nic: objects.Nic, seq: int) -> None:
        """Plug, change or unplug an interface."""
        self._do(action, constants.HOTPLUG_TARGET_NIC, nic, nic, None, seq)

    def disk(self, action: str, disk: objects.Disk, extra: tuple[Any, Any] | None,
             seq: int) -> None:
        """Plug or unplug a disk; `extra` is its (link, uri) pair on the node."""
        self._do(action, constants.HOTPLUG_TARGET_DISK, disk, (disk, self._unit.instance),
                 list(extra) if extra else None, seq)

    def _do(self, action: str, kind: str, device: objects.Disk | objects.Nic, sent: Any,
            extra: list[Any] | None, seq: int) -> None:
        unit = self._unit
        result = unit.rpc.hotplug_device(
            unit.instance.primary_node, unit.instance, action, kind, sent, extra, seq)
        if result.fail_msg:
            raise errors.OpExecError(
                f"Could not {_VERBS[action]} the {kind} {device.name or device.uuid} of the"
                f" running guest: {result.fail_msg}")
        unit.feedback.info(f"{kind} {device.name or device.uuid}: {_VERBS[action]} done in the"
                           " running guest")


_VERBS = {
    constants.HOTPLUG_ACTION_ADD: "hotplug",
    constants.HOTPLUG_ACTION_REMOVE: "unplug",
    constants.HOTPLUG_ACTION_MODIFY: "change",
}
