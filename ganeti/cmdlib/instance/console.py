"""OP_INSTANCE_CONSOLE."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, opcodes
from ganeti.cmdlib.checks import nodes
from ganeti.cmdlib.instance.base import InstanceUnit


class LUInstanceConsole(InstanceUnit):
    """Tell how to reach the console of a running instance; nothing is connected here."""

    OP = opcodes.OpInstanceConsole
    INSTANCE_SHARED = True

    def check_prereq(self) -> None:
        super().check_prereq()
        nodes.require_online(self.primary)

    def exec(self) -> dict[str, Any]:
        if not self.is_running():
            wanted = self.instance.admin_state == constants.ADMINST_UP
            raise errors.OpExecError(
                f"Instance {self.instance.name} is not running"
                + (", although it should" if wanted else "")
                + f" ('gnt-instance startup {self.instance.name}' starts it)")
        return dict(self.hypervisor.console(
            self.instance, self.primary, self.config.group_of(self.primary),
            self.config.filled_hvparams(self.instance),
            self.config.filled_beparams(self.instance)))
