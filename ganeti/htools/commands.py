"""Moves as an administrator would type them, and as opcodes; sets of them as a shell script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti.htools import balance, model
from ganeti.htools.moves import (
    FAILOVER,
    FAILOVER_REPLACE,
    FAILOVER_REPLACE_FAILOVER,
    FAILOVER_TO,
    REPLACE,
    REPLACE_FAILOVER,
)
from ganeti.htools.state import NONE, State

STOP_FILE = "/tmp/stop-htools"
_FAIL_OVER, _REPLACE = "f", "r"
#: Elementary actions of each kind of move.
_ACTIONS = {REPLACE: (_REPLACE,), REPLACE_FAILOVER: (_REPLACE, _FAIL_OVER),
            FAILOVER_REPLACE_FAILOVER: (_FAIL_OVER, _REPLACE, _FAIL_OVER),
            FAILOVER_REPLACE: (_FAIL_OVER, _REPLACE), FAILOVER: (_FAIL_OVER,)}

SCRIPT_HEAD = f"""#!/bin/sh

# Written by hbal: the moves that balance the cluster.
# It ends before the next job once {STOP_FILE} exists.

set -e

check() {{
  if [ -f {STOP_FILE} ]; then
    echo 'Asked to stop, ending'
    exit 1
  fi
}}

"""


def _new_node(step: balance.Step) -> int:
    """The node that the instance comes to, or NONE for a plain fail-over."""
    return next((node for node in step.new if node != NONE and node not in step.old), NONE)


def short(state: State, step: balance.Step) -> str:
    """The move as in the solution table: f, r:NODE, fa:NODE."""
    node = state.cluster.nodes[_new_node(step)].alias
    if step.kind == FAILOVER_TO:
        return f"fa:{node}"
    return " ".join(f"r:{node}" if action == _REPLACE else "f"
                    for action in _ACTIONS[step.kind])


def shell(state: State, step: balance.Step) -> list[str]:
    """The commands of a move."""
    inst = state.instances[step.inst]
    verb = "migrate" if inst.running else "failover"
    node = state.cluster.nodes[_new_node(step)].alias
    if step.kind == FAILOVER_TO:
        return [f"gnt-instance {verb} -f -n {node} {inst.alias}"]
    return [f"gnt-instance replace-disks -n {node} {inst.alias}" if action == _REPLACE
            else f"gnt-instance {verb} -f {inst.alias}" for action in _ACTIONS[step.kind]]


def script(state: State, sets: Sequence[Sequence[balance.Step]], *, stoppable: bool) -> list[str]:
    """The lines that run all sets; `stoppable` ones look for the stop file before each job."""
    lines = []
    for number, steps in enumerate(sets, 1):
        lines += ["", f"echo jobset {number}, {len(steps)} jobs"]
        for job, step in enumerate(steps, 1):
            lines.append(f"  echo job {number}/{job}")
            if stoppable:
                lines.append("  check")
            lines += [f"  {line}" for line in shell(state, step)]
    return lines


def script_file(state: State, sets: Sequence[Sequence[balance.Step]]) -> str:
    """A whole shell script."""
    return SCRIPT_HEAD + "\n".join(script(state, sets, stoppable=True)) + "\n"


def migrate(inst: model.Instance, target: str | None = None) -> dict[str, Any]:
    """The opcode that brings an instance to its other node, or to a named one."""
    if inst.forthcoming:
        opcode: dict[str, Any] = {"OP_ID": "OP_INSTANCE_FAILOVER"}
    else:
        opcode = {"OP_ID": "OP_INSTANCE_MIGRATE", "cleanup": False, "allow_failover": True,
                  "ignore_hvversions": True, "allow_runtime_changes": False}
    opcode |= {"instance_name": inst.name, "ignore_ipolicy": False}
    if target is not None:
        opcode["target_node"] = target
    return opcode


def replace(inst: model.Instance, node: str) -> dict[str, Any]:
    """The opcode that gives an instance another secondary node."""
    return {"OP_ID": "OP_INSTANCE_REPLACE_DISKS", "instance_name": inst.name,
            "mode": "replace_new_secondary", "remote_node": node, "disks": [],
            "early_release": False, "ignore_ipolicy": False}


def opcodes(state: State, step: balance.Step) -> list[dict[str, Any]]:
    """A move as the opcodes of one job."""
    inst, node = state.instances[step.inst], state.cluster.nodes[_new_node(step)].name
    if step.kind == FAILOVER_TO:
        return [migrate(inst, node)]
    return [replace(inst, node) if action == _REPLACE else migrate(inst)
            for action in _ACTIONS[step.kind]]
