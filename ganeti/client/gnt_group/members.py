"""gnt-group assign-nodes and evacuate."""

from __future__ import annotations

from ganeti.cli import jobs, opcode_options
from ganeti.cli.command import GROUP, NODE, Command, many, one
from ganeti.cli.option import Values
from ganeti.cli.report import Refused
from ganeti.opcodes.group import OpGroupAssignNodes, OpGroupEvacuate


def assign_nodes(values: Values, args: list[str]) -> int:
    """Move nodes into a group."""
    if len(args) < 2:
        raise Refused("Give the group and at least one node")
    op = OpGroupAssignNodes(group_name=args[0], nodes=args[1:], force=values.force)
    jobs.submit_or_send(op, values)
    return 0


def evacuate(values: Values, args: list[str]) -> int:
    """Move all instances out of a group."""
    luxi = jobs.client()
    op = opcode_options.build(OpGroupEvacuate, values, group_name=args[0],
                              target_groups=values.target_groups or None)
    result = jobs.submit_or_send(op, values, luxi)
    results = jobs.follow_submitted(result, values, luxi, f"group {args[0]}")
    return 0 if all(ok for ok, _result in results) else 1


ASSIGN_NODES = Command(
    assign_nodes, args=[one(GROUP), many(NODE)],
    options=opcode_options.options_of(OpGroupAssignNodes),
    help="Move nodes into a group",
    example="gnt-group assign-nodes rack2 node3.example.org")
EVACUATE = Command(
    evacuate, args=[one(GROUP)],
    options=opcode_options.options_of(OpGroupEvacuate, dry_run=False, priority=False),
    help="Move all instances out of a group", example="gnt-group evacuate --to rack3 rack2")
