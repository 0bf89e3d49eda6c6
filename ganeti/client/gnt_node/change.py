"""gnt-node modify and remove."""

from __future__ import annotations

from ganeti.cli import jobs, opcode_options, params
from ganeti.cli.command import NODE, Command, one
from ganeti.cli.option import Values
from ganeti.cli.report import Refused, to_stdout
from ganeti.opcodes.node import OpNodeRemove, OpNodeSetParams

_CHANGES = ("master_candidate", "drained", "offline", "master_capable", "vm_capable",
            "secondary_ip", "ndparams", "powered", "hv_state", "disk_state")


def modify(values: Values, args: list[str]) -> int:
    """Change role and settings of a node."""
    given = {name: getattr(values, name) for name in _CHANGES}
    given["ndparams"] = params.node(values.ndparams)
    given["hv_state"] = params.hv_state(values.hv_state)
    given["disk_state"] = params.disk_state(values.disk_state)
    if all(value is None for value in given.values()):
        raise Refused("Please give at least one of the parameters.")
    op = OpNodeSetParams(node_name=args[0], force=values.force,
                         auto_promote=values.auto_promote, **given)
    changed = jobs.submit_or_send(op, values)
    if changed:
        to_stdout(f"Modified node {args[0]}")
        for name, value in changed:
            to_stdout(f" - {name:<5} -> {value}")
    return 0


def remove(values: Values, args: list[str]) -> int:
    """Take a node out of the cluster."""
    jobs.submit_or_send(OpNodeRemove(node_name=args[0]), values)
    return 0


MODIFY = Command(modify, args=[one(NODE)], options=opcode_options.options_of(OpNodeSetParams),
                 help="Change the role and the settings of a node",
                 example="gnt-node modify --drained=yes node2.example.org")
REMOVE = Command(remove, args=[one(NODE)],
                 options=opcode_options.options_of(OpNodeRemove, submit=False),
                 help="Remove a node from the cluster",
                 example="gnt-node remove node2.example.org")
