"""Adding, changing and removing interfaces of an instance."""

from __future__ import annotations

import dataclasses
from typing import Any

from ganeti import constants, errors, objects
from ganeti.cmdlib.checks import nics
from ganeti.cmdlib.instance import create_request, modifications
from ganeti.cmdlib.instance.base import InstanceUnit
from ganeti.cmdlib.instance.hotplug import Hotplug
from ganeti.utils import uuid as uuids

_ACTIONS = frozenset([constants.DDM_ADD, constants.DDM_MODIFY, constants.DDM_REMOVE])


@dataclasses.dataclass(frozen=True)
class Step:
    """One interface before and after."""

    action: str
    index: int
    before: objects.Nic | None
    after: objects.Nic | None


class NicPlan:
    """All changes of interfaces of one operation: checked first, then made."""

    def __init__(self, unit: InstanceUnit) -> None:
        self._unit = unit
        self.changes = modifications.read(unit.op.nics, "Interfaces", _ACTIONS)
        self.steps: list[Step] = []
        self.result = list(unit.instance.nics)

    def add_communication(self, wanted: bool | None) -> None:
        """Turn the switch for instance communication into a change of interfaces."""
        if wanted is None:
            return
        unit = self._unit
        name = create_request.communication_nic_name(unit.instance.name)
        present = any(nic.name == name for nic in unit.instance.nics)
        if wanted and not present:
            self.changes.append(modifications.Change(
                constants.DDM_ADD, -1,
                create_request.communication_nic(unit.config.cluster, unit.instance.name)))
        elif not wanted and present:
            self.changes.append(modifications.Change(constants.DDM_REMOVE, name, {}))

    def check(self) -> None:
        """Work out what every interface will be; addresses are reserved for the job."""
        unit = self._unit
        group = unit.config.group_of(unit.primary)
        self.result = list(unit.instance.nics)
        for number, change in enumerate(self.changes):
            self.steps.append(self._plan(change, group, f"nic change {number}"))
        if not self.steps:
            return
        nics.require_unique_names(self.result)
        if unit.primary.offline:
            return
        nics.require_bridges(unit, [step.after for step in self.steps if step.after],
                             unit.instance.primary_node)

    def _plan(self, change: modifications.Change, group: objects.NodeGroup, where: str) -> Step:
        if change.action == constants.DDM_ADD:
            index = modifications.place(
                change, len(self.result), constants.MAX_NICS, "interface")
            fresh = objects.Nic(uuid=uuids.new(), mac="", nicparams={})
            after = self._changed(fresh, change, group, where)
            self.result.insert(index, after)
            return Step(change.action, index, None, after)
        index = modifications.find(change, self.result, "interface")
        before = self.result[index]
        if change.action == constants.DDM_REMOVE:
            del self.result[index]
            return Step(change.action, index, before, None)
        after = self._changed(before, change, group, where)
        self.result[index] = after
        return Step(change.action, index, before, after)

    def _changed(self, nic: objects.Nic, change: modifications.Change,
                 group: objects.NodeGroup, where: str) -> objects.Nic:
        wish = nics.wish(change.params, where)
        if wish.get("ip") == constants.VALUE_AUTO:
            raise errors.OpPrereqError(
                f"{where}: the address 'auto' is only for new instances", errors.ECODE_INVAL)
        return nics.change(self._unit, nic, wish, group, where,
                           conflicts_check=self._unit.op.conflicts_check)

    def apply(self, hotplug: Hotplug) -> list[tuple[str, Any]]:
        """Record the new interfaces, and change those of the running guest one by one."""
        if not self.steps:
            return []
        unit = self._unit
        unit.commit(nics=self.result)
        for step in self.steps:
            if not hotplug.possible:
                hotplug.say_later(f"interface {step.index}")
                continue
            self._plug(step, hotplug)
        return [change for step in self.steps for change in _told(step)]

    def _plug(self, step: Step, hotplug: Hotplug) -> None:
        action = {constants.DDM_ADD: constants.HOTPLUG_ACTION_ADD,
                  constants.DDM_REMOVE: constants.HOTPLUG_ACTION_REMOVE,
                  constants.DDM_MODIFY: constants.HOTPLUG_ACTION_MODIFY}[step.action]
        device = step.after or step.before
        assert device is not None
        try:
            hotplug.nic(action, device, step.index)
        except errors.OpExecError as err:
            self._unit.feedback.warning(errors.text(err),
                                        hint="it takes effect at the guest's next start")


def _told(step: Step) -> list[tuple[str, Any]]:
    """The changes of one interface as the opcode's result tells them."""
    if step.action == constants.DDM_REMOVE:
        return [(f"nic/{step.index}", "remove")]
    after = step.after
    assert after is not None
    if step.action == constants.DDM_ADD:
        params = ",".join(f"{key}={value}" for key, value in sorted(after.nicparams.items()))
        text = f"add:mac={after.mac},ip={after.ip or constants.VALUE_NONE}"
        network = f",network={after.network}" if after.network else ""
        return [(f"nic.{step.index}", text + (f",{params}" if params else "") + network)]
    before = step.before
    assert before is not None
    told: list[tuple[str, Any]] = [
        (f"nic.{key}/{step.index}", getattr(after, key))
        for key in ("mac", "ip", "network", "name") if getattr(after, key) != getattr(before, key)]
    told += [(f"nic.{key}/{step.index}", value) for key, value in sorted(after.nicparams.items())
             if before.nicparams.get(key) != value]
    return told
