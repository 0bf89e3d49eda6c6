"""OP_RESTRICTED_COMMAND: run a command that the nodes' administrators have allowed."""

from __future__ import annotations

from typing import Any

from ganeti import opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.node.base import Level, wanted_nodes


class LURestrictedCommand(base.LogicalUnit):
    """Run a restricted command on nodes; the nodes decide whether it is allowed."""

    OP = opcodes.OpRestrictedCommand

    def expand(self) -> None:
        self.nodes = wanted_nodes(self.config, self.op.nodes, self.op.node_uuids)

    def locks(self, level: Level) -> base.LockRequest | None:
        if level != Level.NODE:
            return None
        return base.LockRequest([node.uuid for node in self.nodes],
                                shared=not self.op.use_locking)

    def exec(self) -> list[tuple[bool, str]]:
        results = self.rpc.restricted_command([node.uuid for node in self.nodes],
                                              self.op.command)
        return [_row(results[node.uuid]) for node in self.nodes]


def _row(result: Any) -> tuple[bool, str]:
    if result.fail_msg:
        return False, f"Running the command on node {result.node_name} failed: {result.fail_msg}"
    return True, str(result.payload)
