"""OP_GROUP_SET_PARAMS."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, objects, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.group.base import GroupUnit, Level, changed_fields, newly_violating

_CHANGES = ("alloc_policy", "ndparams", "diskparams", "hv_state", "disk_state", "ipolicy")
_FIELD_OF = {"hv_state": "hv_state_static", "disk_state": "disk_state_static"}


class LUGroupSetParams(GroupUnit):
    """Change a group's parameters."""

    OP = opcodes.OpGroupSetParams
    HOOKS = base.Hooks("group-modify", constants.HTYPE_GROUP)

    def expand(self) -> None:
        if all(getattr(self.op, name) is None for name in _CHANGES):
            raise errors.OpPrereqError("Nothing to change was given", errors.ECODE_INVAL)
        super().expand()

    def _instances(self) -> list[objects.Instance]:
        return self.config.group_instances(self.group.uuid)

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.INSTANCE:
            return base.LockRequest([inst.name for inst in self._instances()], shared=True)
        return super().locks(level)

    def hooks_env(self) -> dict[str, Any]:
        return {"GROUP_NAME": self.group.name, "NEW_ALLOC_POLICY": self.op.alloc_policy}

    def check_prereq(self) -> None:
        super().check_prereq()
        self.changes = changed_fields(self.op, self.group)
        if "ipolicy" in self.changes:
            config = self.config
            names = newly_violating(
                config, self._instances(), config.filled_ipolicy(self.group),
                config.filled_ipolicy(self.group.replace(ipolicy=self.changes["ipolicy"])))
            if names:
                self.feedback.warning("After the change these instances violate the instance"
                                      f" policy: {', '.join(names)}")

    def exec(self) -> list[tuple[str, Any]]:
        with self.cfg.edit(job=self.job_id) as draft:
            draft.update(self.group, **self.changes)
        return [(name, str(self.changes[_FIELD_OF.get(name, name)]))
                for name in _CHANGES if getattr(self.op, name) is not None]
