"""gnt-node restricted-command."""

from __future__ import annotations

from ganeti import errors
from ganeti.cli import jobs, opcode_options
from ganeti.cli.command import NODE, UNKNOWN, Command, many, one
from ganeti.cli.option import Values
from ganeti.cli.report import show_output
from ganeti.cli.standard import NODE_GROUP, SHOW_MACHINE_NAMES
from ganeti.opcodes.node import OpRestrictedCommand


def restricted_command(values: Values, args: list[str]) -> int:
    """Run a command that the administrators of the nodes allow."""
    command, nodes = args[0], args[1:]
    luxi = jobs.client()
    if values.nodegroup:
        if nodes:
            raise errors.OpPrereqError("Give either nodes or a group", errors.ECODE_INVAL)
        rows = luxi.query("node", ["name"], ["=", "group", values.nodegroup])["data"]
        nodes = [row[0][1] for row in rows]
    if not nodes:
        raise errors.OpPrereqError("Give at least one node", errors.ECODE_INVAL)
    op = OpRestrictedCommand(command=command, nodes=nodes, use_locking=values.use_locking)
    result = jobs.submit_or_send(op, values, luxi)
    failed = 0
    for name, (ok, output) in zip(nodes, result, strict=True):
        failed += not ok
        with_names = values.show_machine_names
        show_output(name, output if ok or with_names else f"Error: {output}", "", with_names)
    return 1 if failed else 0


RESTRICTED_COMMAND = Command(
    restricted_command, args=[one(UNKNOWN, "command"), many(NODE)],
    options=[*opcode_options.options_of(OpRestrictedCommand, leave_out=["nodes"], dry_run=False),
             SHOW_MACHINE_NAMES, NODE_GROUP],
    help="Run a command that the nodes' administrators allow",
    example="gnt-node restricted-command uptime node2.example.org")
